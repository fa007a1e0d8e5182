#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the Python package gsplat (https://docs.gsplat.studio) on bench_raster's scenes; prints JSON lines like it.

    python3 tools/bench_gsplat.py --bench build/release/bin/bench_raster

The Gaussians (written by bench_raster --scene), the camera and the outputs (colour over white, accumulated depth, alpha;
gradients of all parameters) are the same as bench_raster's. Each time is the median of CUDA event times after a warm-up.
Needs torch with CUDA and gsplat, which lucid itself does not use.
"""
import argparse
import json
import math
import subprocess
import sys

DISTANCE, FOV_Y, ELEVATION, AZIMUTH = 3.5, 0.5, 15.0, 30.0  # bench_raster.cpp
FLOATS = 14  # mean, scale, quaternion, opacity, SH of degree 0


def orbit_camera(size):
    """World-to-camera matrix and intrinsics of bench_raster's camera; gsplat's pixel centres are at half integers."""
    phi, e = math.radians(AZIMUTH), math.radians(ELEVATION)
    eye = (math.sin(phi) * math.cos(e), math.cos(phi) * math.cos(e), math.sin(e))
    right = (-math.cos(phi), math.sin(phi), 0.0)
    down = (right[1] * eye[2], -right[0] * eye[2], right[0] * eye[1] - right[1] * eye[0])
    view = [[*right, 0.0], [*down, 0.0], [-eye[0], -eye[1], -eye[2], DISTANCE], [0.0, 0.0, 0.0, 1.0]]
    focal = size / (2 * math.tan(FOV_Y / 2))
    return view, [[focal, 0.0, size / 2], [0.0, focal, size / 2], [0.0, 0.0, 1.0]]


def median_ms(torch, body, budget_ms):
    """Median milliseconds of repeated runs; body returns the pair of CUDA events around the measured part."""
    def once():
        begin, end = body()
        end.synchronize()
        return begin.elapsed_time(end)

    once()
    first = once()
    times = sorted(once() for _ in range(max(5, min(200, int(budget_ms / max(first, 0.01))))))
    return times[len(times) // 2]


def measure(torch, gsplat, scene, size, packed):
    columns = torch.frombuffer(bytearray(scene), dtype=torch.float32).reshape(-1, FLOATS).cuda()
    leaves = [columns[:, a:b].clone().requires_grad_() for a, b in ((0, 3), (3, 6), (6, 10), (10, 11), (11, 14))]
    means, scales, quats, opacities, sh = leaves
    view, intrinsics = (torch.tensor([m], device="cuda") for m in orbit_camera(size))
    white = torch.ones(1, 3, device="cuda")
    generator = torch.Generator("cuda").manual_seed(0)
    d_colours = torch.randn(1, size, size, 4, device="cuda", generator=generator)
    d_alphas = torch.randn(1, size, size, 1, device="cuda", generator=generator)

    def render():
        colours, alphas, _ = gsplat.rasterization(
            means, quats, scales, opacities[:, 0], sh[:, None, :], view, intrinsics, size, size, near_plane=0.2,
            eps2d=0.3, sh_degree=0, packed=packed, tile_size=16, backgrounds=white, render_mode="RGB+D")
        return colours, alphas

    def events():
        return torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def forward():
        begin, end = events()
        begin.record()
        render()
        end.record()
        return begin, end

    def backward():
        images = render()
        begin, end = events()
        begin.record()
        torch.autograd.grad(images, leaves, (d_colours, d_alphas))
        end.record()
        return begin, end

    return median_ms(torch, forward, 400), median_ms(torch, backward, 600)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="build/release/bin/bench_raster", help="the program that writes the scenes")
    parser.add_argument("--packed", action="store_true", help="gsplat's packed mode (less memory)")
    options = parser.parse_args()
    try:
        import gsplat
        import torch
    except ImportError as error:
        sys.exit(f"bench_gsplat: {error}: install torch with CUDA, and gsplat")
    if not torch.cuda.is_available():
        sys.exit("bench_gsplat: torch sees no CUDA device")
    for opacity in ("trained", "early"):
        for count in (100_000, 500_000):
            scene = subprocess.run([options.bench, "--scene", str(count), opacity], check=True,
                                   stdout=subprocess.PIPE).stdout
            for size in (512, 1024):
                forward_ms, backward_ms = measure(torch, gsplat, scene, size, options.packed)
                print(json.dumps({"n": count, "width": size, "height": size, "opacity": opacity,
                                  "forward_ms": round(forward_ms, 4), "backward_ms": round(backward_ms, 4),
                                  "device": torch.cuda.get_device_name(),
                                  "program": f"gsplat {gsplat.__version__}" + (" packed" if options.packed else "")}),
                      flush=True)


if __name__ == "__main__":
    main()
