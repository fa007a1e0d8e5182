# SPDX-License-Identifier: Apache-2.0
"""Plots the scaling curves of the CPU rasteriser; needs matplotlib.

    build/release/bin/bench_raster --json | python3 tools/plot_bench.py OUT.png
"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

rows = [json.loads(line) for line in sys.stdin if line.strip()]
threads = max(r["threads"] for r in rows)
figure, axes = plt.subplots(1, 3, figsize=(15, 4.4))
for opacity, style in (("trained", "o-"), ("early", "s--")):
    for width, colour in ((256, "tab:blue"), (512, "tab:orange"), (1024, "tab:green")):
        some = sorted((r for r in rows if r["opacity"] == opacity and r["width"] == width and r["threads"] == threads),
                      key=lambda r: r["n"])
        n = [r["n"] for r in some]
        label = f"{width}², {opacity}"
        axes[0].loglog(n, [r["forward_ms"] + r["backward_ms"] for r in some], style, color=colour, label=label)
        axes[1].semilogx(n, [100 * r["fraction_of_peak"] for r in some], style, color=colour, label=label)
        one = {r["n"]: r for r in rows if r["opacity"] == opacity and r["width"] == width and r["threads"] == 1}
        pairs = [(r["n"], (one[r["n"]]["forward_ms"] + one[r["n"]]["backward_ms"]) / (r["forward_ms"] + r["backward_ms"]))
                 for r in some if r["n"] in one]
        axes[2].semilogx([p[0] for p in pairs], [p[1] for p in pairs], style, color=colour, label=label)
axes[0].set_ylabel(f"forward + backward, ms, {threads} threads")
axes[1].set_ylabel("blending's operations, % of the FMA peak")
axes[2].set_ylabel(f"speed-up of {threads} threads over one")
for axis in axes:
    axis.set_xlabel("Gaussians")
    axis.grid(True, which="both", alpha=0.3)
axes[0].legend(fontsize=8)
figure.suptitle(f"lucid::render on the CPU, {rows[0]['isa']} ({rows[0]['peak_gflops']:.0f} GFLOP/s peak)")
figure.tight_layout()
figure.savefig(sys.argv[1], dpi=80)
