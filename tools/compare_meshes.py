#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Meshes of Gaussian PLY files by programs of others, and their scores beside lucid's: the tables of
docs/research/mesh.md.

  python3 -m venv venv && venv/bin/pip install open3d numpy trimesh
  npm install @playcanvas/splat-transform@3.7.0        # for --methods voxels only; needs a WebGPU device
  venv/bin/python tools/compare_meshes.py --bench build/release/bin/bench_mesh --out FOLDER asset.ply...

Methods:
  poisson             Open3D's Poisson reconstruction of the Gaussians' centres, depth 8, less the 5 % of lowest density
  poisson_consistent  the same with normals oriented by Open3D, consistently with 15 neighbours
  ball_pivoting       Open3D's ball pivoting of the same points, radii 1, 2 and 4 times their mean distance
  voxels              splat-transform's --collision-mesh smooth, voxel 0.05; --splat-transform names its script.
                      Without a GPU, Chromium's software device serves:
                      VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json
The points are the centres with opacity above 0.1; normals are the shortest axes, turned away from the points' mean.
Meshes keep their geometry as each program makes it, in the PLY's coordinates; bench_mesh --mesh decimates, colours and
scores all of them in one way. Seconds are those of making the mesh, with the import of Open3D in the first asset's.
A method that fails for an asset is reported and left out of its medians.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

OPACITY = 0.1  # of centres that count as surface points


def read_splats(file):
    """The vertex properties of a binary little-endian 3DGS PLY (all float32) as a dictionary of arrays [N]."""
    data = Path(file).read_bytes()
    header, body = data.split(b"end_header\n", 1)
    lines = header.decode().splitlines()
    if "format binary_little_endian 1.0" not in lines:
        sys.exit(f"{file}: not a binary little-endian PLY")
    names = [line.split()[2] for line in lines if line.startswith("property float ")]
    count = next(int(line.split()[2]) for line in lines if line.startswith("element vertex "))
    values = np.frombuffer(body, "<f4", count * len(names)).reshape(count, len(names))
    return {name: values[:, i] for i, name in enumerate(names)}


def oriented_points(file):
    """Centres [M,3] of Gaussians with opacity above OPACITY, and their outward normals [M,3]."""
    splats = read_splats(file)
    kept = 1 / (1 + np.exp(-splats["opacity"])) > OPACITY
    stack = lambda names: np.stack([splats[name][kept] for name in names], 1).astype(np.float64)
    points = stack(["x", "y", "z"])
    w, x, y, z = (lambda q: (q / np.linalg.norm(q, axis=1, keepdims=True)).T)(stack([f"rot_{i}" for i in range(4)]))
    columns = np.stack([
        np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], 1),
        np.stack([2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)], 1),
        np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], 1),
    ], 1)  # [M,axis,3]
    shortest = np.argmin(stack([f"scale_{i}" for i in range(3)]), axis=1)
    normals = columns[np.arange(len(points)), shortest]
    inward = np.einsum("ij,ij->i", normals, points - points.mean(0)) < 0
    normals[inward] *= -1
    return points, normals


def open3d_cloud(file):
    import open3d

    points, normals = oriented_points(file)
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    cloud.normals = open3d.utility.Vector3dVector(normals)
    return open3d, cloud


def write_mesh(file, vertices, triangles):
    """A binary PLY mesh without colours."""
    faces = np.empty(len(triangles), dtype=[("n", "u1"), ("v", "<i4", 3)])
    faces["n"], faces["v"] = 3, triangles
    header = (f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n"
              "property float x\nproperty float y\nproperty float z\n"
              f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n")
    Path(file).write_bytes(header.encode() + np.asarray(vertices, "<f4").tobytes() + faces.tobytes())


def poisson_of(open3d, cloud, out):
    mesh, density = open3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=8)
    density = np.asarray(density)
    mesh.remove_vertices_by_mask(density < np.quantile(density, 0.05))
    write_mesh(out, np.asarray(mesh.vertices), np.asarray(mesh.triangles))


def poisson(file, out, options):
    poisson_of(*open3d_cloud(file), out)


def poisson_consistent(file, out, options):
    open3d, cloud = open3d_cloud(file)
    cloud.orient_normals_consistent_tangent_plane(15)
    poisson_of(open3d, cloud, out)


def ball_pivoting(file, out, options):
    open3d, cloud = open3d_cloud(file)
    spacing = float(np.mean(cloud.compute_nearest_neighbor_distance()))
    radii = open3d.utility.DoubleVector([spacing, 2 * spacing, 4 * spacing])
    mesh = open3d.geometry.TriangleMesh.create_from_point_cloud_ball_pivoting(cloud, radii)
    write_mesh(out, np.asarray(mesh.vertices), np.asarray(mesh.triangles))


def voxels(file, out, options):
    import trimesh

    index = out.with_suffix(".voxel.json")
    command = ["node", options.splat_transform, "-w", file, str(index), "--voxel-size", str(options.voxel),
               "--collision-mesh", "smooth"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=options.limit)
    scene = trimesh.load(out.with_suffix(".collision.glb"), force="mesh", process=False)
    # Its axes are the PLY's, turned by 180 degrees about z.
    write_mesh(out, np.asarray(scene.vertices) * [-1, -1, 1], np.asarray(scene.faces))


METHODS = {each.__name__: each for each in (poisson, poisson_consistent, ball_pivoting, voxels)}


def make_meshes(method, options):
    """Runs a method on each asset whose mesh is not there yet. Seconds, by the asset's name."""
    folder = Path(options.out) / method
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "seconds.json"
    seconds = json.loads(record.read_text()) if record.exists() else {}
    for asset in options.assets:
        name, out = Path(asset).stem, folder / (Path(asset).stem + ".ply")
        if name in seconds and out.exists():
            continue
        begin = time.monotonic()
        try:
            METHODS[method](asset, out, options)
        except (subprocess.SubprocessError, RuntimeError, ValueError) as error:
            print(f"{method}: {name}: {error}", file=sys.stderr)
            continue
        seconds[name] = time.monotonic() - begin
        print(f"{method}: {name}: {seconds[name]:.1f} s", file=sys.stderr)
        record.write_text(json.dumps(seconds))
    return seconds


def scores(options, assets, mesh=None):
    """The rows of bench_mesh --json, by the asset's name."""
    command = [options.bench, "--json"] + (["--mesh", mesh] if mesh else []) + list(assets)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)  # it names the assets that failed
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["asset"]: row for row in rows}


FIGURES = ("psnr", "inside", "iou", "outline", "seconds")


def print_medians(rows):
    """Markdown, a line a method. `rows`: method -> asset's name -> the row of bench_mesh."""
    print("| method | assets | PSNR | inside | IoU | outline | seconds |\n|---|---|---|---|---|---|---|")
    for method, by_asset in rows.items():
        median = [statistics.median(row[key] for row in by_asset.values()) for key in FIGURES]
        print("| {} | {} | {:.1f} | {:.1f} | {:.3f} | {:.2f} | {:.1f} |".format(method, len(by_asset), *median))


def print_assets(rows):
    """Markdown, a line an asset."""
    print("\nPSNR / IoU / seconds\n\n| asset | " + " | ".join(rows) + " |\n|---" + "|---" * len(rows) + "|")
    for asset in next(iter(rows.values())):
        cells = ["{psnr:.1f} / {iou:.3f} / {seconds:.1f}".format(**by_asset[asset]) if asset in by_asset else "failed"
                 for by_asset in rows.values()]
        print("| " + " | ".join([asset] + cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("assets", nargs="+", help="3DGS PLY files")
    parser.add_argument("--out", required=True, help="folder for the meshes; existing ones are kept")
    parser.add_argument("--bench", default="build/release/bin/bench_mesh", help="the program that scores")
    parser.add_argument("--methods", default="poisson,ball_pivoting", help="of " + ", ".join(METHODS))
    parser.add_argument("--splat-transform", default="node_modules/@playcanvas/splat-transform/bin/cli.mjs")
    parser.add_argument("--voxel", type=float, default=0.05, help="edge of a voxel, world units")
    parser.add_argument("--limit", type=float, default=900, help="seconds that a run of splat-transform may take")
    options = parser.parse_args()

    rows = {"lucid": scores(options, options.assets)}
    for method in options.methods.split(","):
        seconds = make_meshes(method, options)
        assets = [asset for asset in options.assets if Path(asset).stem in seconds]
        rows[method] = scores(options, assets, os.path.join(options.out, method, "{}.ply"))
        for name, row in rows[method].items():
            row["seconds"] = seconds[name]
    print_medians(rows)
    print_assets(rows)


if __name__ == "__main__":
    main()
