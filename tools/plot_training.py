# SPDX-License-Identifier: Apache-2.0
"""Plots the training curves of `lucid prior train`; needs matplotlib.

    python3 tools/plot_training.py PRIOR/progress/log.jsonl OUT.png
"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

rows = [json.loads(line) for line in open(sys.argv[1]) if line.strip()]


def curve(stage, key, mean_of=1):
    """Steps and values of one curve; each value is the mean of the last `mean_of`."""
    some = [(r["step"], r[key]) for r in rows if r["stage"] == stage and key in r]
    values = [v for _, v in some]
    means = [sum(values[max(0, i + 1 - mean_of) : i + 1]) / min(i + 1, mean_of) for i in range(len(values))]
    return [s for s, _ in some], means


panels = [
    ("text", [("loss", 1)], "text encoder: contrastive loss"),
    ("vae", [("loss", 5)], "VAE: loss"),
    ("unet", [("loss", 10), ("unseen_views", 1), ("unseen_items", 1)], "U-Net: error of the noise"),
    ("unet", [("rise_without_prompt", 1), ("rise_turned", 1)], "U-Net: rise of the error, t = 800"),
]
figure, axes = plt.subplots(1, len(panels), figsize=(16, 3.8))
for axis, (stage, keys, title) in zip(axes, panels):
    for key, mean_of in keys:
        steps, values = curve(stage, key, mean_of)
        axis.plot(steps, values, "-" if mean_of > 1 or len(steps) > 50 else "o-", label=key.replace("_", " "))
    if "rise" not in keys[0][0]:
        axis.set_yscale("log")
    axis.set_title(title, fontsize=10)
    axis.set_xlabel("step")
    axis.grid(True, which="both", alpha=0.3)
    axis.legend(fontsize=8)
figure.tight_layout()
figure.savefig(sys.argv[2], dpi=80)
