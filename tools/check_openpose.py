#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares lucid's OpenPose pictures of the neutral body with pictures drawn by OpenCV as ControlNet's annotator does.

    pip install numpy opencv-python-headless
    lucid avatar "a man" --preview FOLDER --init-radius 0.8
    tools/check_openpose.py models/body/body.glb FOLDER --radius 0.8

Reads the body from its file, projects and hides key points by itself, and draws with cv2.circle, cv2.ellipse2Poly,
cv2.fillConvexPoly and cv2.addWeighted at whole pixels. Fails if less than 99 % of all pixels agree, or if a picture has
another set of face points.
"""

import argparse
import json
import struct
import sys
from pathlib import Path

import cv2
import numpy as np

NAMES = ["nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
         "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye",
         "right_ear", "left_ear"]
# As in ControlNet's annotator/openpose/util.py, which counts from 1.
LIMBS = [[2, 3], [2, 6], [3, 4], [4, 5], [6, 7], [7, 8], [2, 9], [9, 10], [10, 11], [2, 12], [12, 13], [13, 14],
         [2, 1], [1, 15], [15, 17], [1, 16], [16, 18]]
COLOURS = [[255, 0, 0], [255, 85, 0], [255, 170, 0], [255, 255, 0], [170, 255, 0], [85, 255, 0], [0, 255, 0],
           [0, 255, 85], [0, 255, 170], [0, 255, 255], [0, 170, 255], [0, 85, 255], [0, 0, 255], [85, 0, 255],
           [170, 0, 255], [255, 0, 255], [255, 0, 170], [255, 0, 85]]
FACE = [0, 14, 15, 16, 17]
TOLERANCE = 0.02 / 1.56  # of the body's height


def read_body(file, radius):
    """Vertices, triangles and key points at rest in lucid's axes, in a ball of that radius."""
    data = Path(file).read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    gltf, binary = json.loads(data[20:20 + length]), data[28 + length:]

    def array(number, kind, width):
        accessor = gltf["accessors"][number]
        view = gltf["bufferViews"][accessor["bufferView"]]
        return np.frombuffer(binary, kind, accessor["count"] * width, view["byteOffset"]).reshape(-1, width)

    primitive = gltf["meshes"][0]["primitives"][0]
    vertices = array(primitive["attributes"]["POSITION"], np.float32, 3).astype(float)
    triangles = array(primitive["indices"], np.uint16, 1).reshape(-1, 3)
    place, pending = {}, [(number, np.zeros(3)) for number in gltf["scenes"][0]["nodes"]]
    while pending:
        number, above = pending.pop()
        node = gltf["nodes"][number]
        place[node["name"]] = above + np.array(node.get("translation", [0, 0, 0]))
        pending += [(child, place[node["name"]]) for child in node.get("children", [])]
    points = np.array([place["openpose_" + name] for name in NAMES])

    vertices, points = (np.stack([-p[:, 0], p[:, 2], p[:, 1]], 1) for p in (vertices, points))
    centre = (vertices.min(0) + vertices.max(0)) / 2
    scale = radius / np.linalg.norm(vertices - centre, axis=1).max()
    return (vertices - centre) * scale, triangles, (points - centre) * scale


def is_hidden(point, eye, corners, tolerance):
    """Whether a triangle [F,3,3] meets the segment from the eye to the point well before its end: by the signs of the
    volumes that the segment spans with the sides."""
    a, b, c = corners[:, 0] - eye, corners[:, 1] - eye, corners[:, 2] - eye
    ray = point - eye
    sides = np.stack([np.cross(a, b) @ ray, np.cross(b, c) @ ray, np.cross(c, a) @ ray])
    inside = (sides >= 0).all(0) | (sides <= 0).all(0)
    normal = np.cross(b - a, c - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (normal * a).sum(1) / (normal @ ray)  # of the segment, at the triangle's plane
    distance = np.linalg.norm(ray)
    return bool((inside & (share > 0) & (share * distance < distance - tolerance)).any())


def draw(points, size):
    """ControlNet's draw_bodypose(); points are (x, y) or None."""
    canvas = np.zeros((size, size, 3), np.uint8)
    for point, colour in zip(points, COLOURS):
        if point is not None:
            cv2.circle(canvas, (int(point[0]), int(point[1])), 4, colour, thickness=-1)
    for (first, second), colour in zip(LIMBS, COLOURS):
        a, b = points[first - 1], points[second - 1]
        if a is None or b is None:
            continue
        middle, along = (a + b) / 2, a - b
        angle = np.degrees(np.arctan2(along[1], along[0]))
        polygon = cv2.ellipse2Poly((int(middle[0]), int(middle[1])), (int(np.hypot(*along) / 2), 4), int(angle), 0, 360,
                                   1)
        painted = canvas.copy()
        cv2.fillConvexPoly(painted, polygon, colour)
        canvas = cv2.addWeighted(canvas, 0.4, painted, 0.6, 0)
    return canvas


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("body")
    parser.add_argument("folder")
    parser.add_argument("--radius", type=float, required=True, help="init_radius of the preview")
    arguments = parser.parse_args()
    vertices, triangles, points = read_body(arguments.body, arguments.radius)
    tolerance = TOLERANCE * np.ptp(vertices[:, 2])
    cameras = json.loads((Path(arguments.folder) / "cameras.json").read_text())
    worst, worst_lit = 1, 1
    for number, camera in enumerate(cameras):
        size = camera["width"]
        eye, axes = np.array(camera["position"]), np.array(camera["rotation"])  # columns: right, down, forward
        local = (points - eye) @ axes
        screen = local[:, :2] / local[:, 2:] * [camera["fx"], camera["fy"]] + size / 2
        seen = [None if k in FACE and is_hidden(points[k], eye, vertices[triangles], tolerance) else screen[k]
                for k in range(len(NAMES))]
        expected = draw(seen, size).astype(int)
        drawn = cv2.cvtColor(cv2.imread(str(Path(arguments.folder) / f"openpose_{number:02}.png")),
                             cv2.COLOR_BGR2RGB).astype(int)
        same = (abs(expected - drawn) <= 3).all(2)
        lit = (expected.max(2) > 0) | (drawn.max(2) > 0)
        worst, worst_lit = min(worst, same.mean()), min(worst_lit, same[lit].mean())
        for k in FACE:
            x, y = (int(v) for v in screen[k])
            if seen[k] is not None and drawn[y, x].max() == 0:
                sys.exit(f"view {number}: {NAMES[k]} is seen and not drawn")
            if seen[k] is None and (abs(drawn[y - 2:y + 3, x - 2:x + 3] - COLOURS[k]).max(2) == 0).all():
                sys.exit(f"view {number}: {NAMES[k]} is hidden and drawn")
    print(f"{len(cameras)} views: at least {100 * worst:.2f} % of all pixels agree, "
          f"{100 * worst_lit:.1f} % of those that one of both draws")
    if len(cameras) == 0 or worst < 0.99:
        sys.exit("less than 99 %")


if __name__ == "__main__":
    main()
