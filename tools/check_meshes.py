# SPDX-License-Identifier: Apache-2.0
"""Opens mesh files with trimesh and prints what it finds: size, volume, colours.

    python3 -m venv /tmp/t && /tmp/t/bin/pip install trimesh numpy pillow
    /tmp/t/bin/python tools/check_meshes.py FILE...

--marked: the files show the box of src/lucid/asset/mesh_files/test_meshes.h. Checks that each side faces where the
format wants it. The test MeshReaders.SidesAreWhereEachFormatWantsThem writes such files:

    LUCID_MESH_SAMPLES=/tmp/m build/release/bin/lucid_asset_test --gtest_filter='*SidesAreWhere*'
    /tmp/t/bin/python tools/check_meshes.py --marked /tmp/m/*ed.glb /tmp/m/*.obj
"""
import sys

import numpy as np
import trimesh

from marked_box import SIDES


def texture_of(mesh):
    """The picture of the mesh's material; None without one."""
    material = getattr(mesh.visual, "material", None)
    picture = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    return None if picture is None else np.asarray(picture.convert("RGB")).astype(int)


def texel(picture, uv):
    """The texel at uv; trimesh's v goes up."""
    height, width = picture.shape[:2]
    x, y = int(uv[0] * width), int((1 - uv[1]) * height)
    return picture[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]


def srgb_from_linear(x):
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def face_colour(mesh, face, picture):
    if picture is not None:
        return texel(picture, mesh.visual.uv[face].mean(axis=0))
    if mesh.visual.kind == "vertex":
        return mesh.visual.vertex_colors[face].mean(axis=0)[:3]
    # Beside a material, trimesh keeps COLOR_0 of glTF as it is stored: linear, 16 bits.
    return 255 * srgb_from_linear(mesh.visual.vertex_attributes["color"][face].mean(axis=0)[:3] / 65535)


def check_marks(name, mesh, picture):
    y_up = name.endswith((".glb", ".obj"))
    marks = 0
    for side, (colour, direction) in SIDES.items():
        x, y, z = direction
        wanted = (-x, z, y) if y_up else direction
        seen = 0
        for face, normal in zip(mesh.faces, mesh.face_normals):
            if np.abs(face_colour(mesh, face, picture) - colour).max() > 1:
                continue
            seen += 1
            assert np.dot(normal, wanted) > 0.999, f"{name}: {side} faces {normal}, not {wanted}"
            if picture is None:
                continue
            for vertex in face:
                marks += (texel(picture, mesh.visual.uv[vertex]) == 255).all()
        assert seen == 2, f"{name}: {seen} triangles of the {side}'s colour"
    # The white mark is at one corner of each side, which one of its two triangles has.
    assert picture is None or marks == len(SIDES), f"{name}: {marks} white corners"
    print(f"  all sides face as they should{'' if picture is None else ', white marks at their corners'}")


def main():
    arguments = sys.argv[1:]
    marked = "--marked" in arguments
    files = [a for a in arguments if a != "--marked"]
    if not files:
        sys.exit(__doc__)
    for name in files:
        (mesh,) = trimesh.load_scene(name, process=False).geometry.values()
        picture = texture_of(mesh)
        welded = mesh.copy()
        welded.merge_vertices(merge_tex=True, merge_norm=True)
        low, high = mesh.bounds.tolist()
        print(f"{name}: {len(mesh.vertices)} vertices, {len(mesh.faces)} triangles"
              f"{'' if picture is None else f', texture {picture.shape[1]} x {picture.shape[0]}'}")
        print(f"  from {[round(x, 4) for x in low]} to {[round(x, 4) for x in high]}, "
              f"{f'closed, volume {welded.volume:.6g}' if welded.is_watertight else 'open'}")
        if marked:
            check_marks(name, mesh, picture)


main()
