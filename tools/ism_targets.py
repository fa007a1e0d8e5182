#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the targets of SDS and ISM for an image with the embedded prior: agreement over noises, correction of flaws.

    python3 tools/ism_targets.py EVAL [--prior models/mini] [--guidance 7.5] [--apg-eta 0]

EVAL is a folder of `lucid eval --compare ism,sds`; the images are the first views of its SDS assets. For t = 200, 400 and
600 it prints two numbers per score. First, the sharpness (mean absolute Laplacian) of the average of 16 one-step
predictions, divided by that of a single one. Second, the share of an added flaw (twelve random blotches of 8 x 8 pixels)
that the average target removes: 1 = all, more = overshoot.
Needs torch, diffusers, transformers and Pillow; nothing of lucid depends on them.
"""
import argparse
import pathlib

import numpy
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer

TIMES, STRIDE, INTERVAL, NOISES = (200, 400, 600), 200, 50, 16


class Prior:
    def __init__(self, folder, guidance, apg_eta):
        self.unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=torch.float32).eval()
        self.vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32).eval()
        self.text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", torch_dtype=torch.float32).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
        self.guidance, self.apg_eta, self.nothing = guidance, apg_eta, self.embed("")
        betas = torch.linspace(0.00085**0.5, 0.02**0.5, 1000, dtype=torch.float64) ** 2
        self.alphas = torch.cumprod(1 - betas, 0).float()

    def embed(self, words):
        length = self.text.config.max_position_embeddings
        return self.text(self.tokenizer(words, padding="max_length", max_length=length, return_tensors="pt").input_ids)[0]

    def encode(self, picture):
        return self.vae.encode(picture * 2 - 1).latent_dist.mean * self.vae.config.scaling_factor

    def decode(self, latents):
        return (self.vae.decode(latents / self.vae.config.scaling_factor).sample / 2 + 0.5).clamp(0, 1)

    def step(self, x, t, context=None):
        """One-step predictions of x_0 and of the noise in x; with guidance if there is a prompt."""
        times = torch.full((len(x),), t)
        noise = self.unet(x, times, self.nothing.expand(len(x), -1, -1)).sample
        if context is not None:
            prompted = self.unet(x, times, context.expand(len(x), -1, -1)).sample
            added, picture = (self.guidance - 1) * (prompted - noise), self.picture_in(x, prompted, t)
            along = (added * picture).sum((1, 2, 3), True) / picture.square().sum((1, 2, 3), True) * picture
            noise = prompted + added - (1 - self.apg_eta) * along  # adaptive projected guidance
        return self.picture_in(x, noise, t), noise

    def picture_in(self, x, noise, t):
        return (x - (1 - self.alphas[t]) ** 0.5 * noise) / self.alphas[t] ** 0.5

    def noisy(self, latents, noise, t):
        return self.alphas[t] ** 0.5 * latents + (1 - self.alphas[t]) ** 0.5 * noise

    def targets(self, latents, noise, context, t):
        sds, _ = self.step(self.noisy(latents, noise, t), t, context)
        visited = [*range(1, t - INTERVAL, STRIDE), t - INTERVAL, t]
        x = self.noisy(latents, noise, visited[0])
        for a, b in zip(visited, visited[1:]):
            x = self.noisy(*self.step(x, a), b)
        ism, _ = self.step(x, t, context)
        return {"sds": sds, "ism": ism}


def sharpness(x):
    edges = 4 * x[:, :, 1:-1, 1:-1] - x[:, :, 2:, 1:-1] - x[:, :, :-2, 1:-1] - x[:, :, 1:-1, 2:] - x[:, :, 1:-1, :-2]
    return edges.abs().mean()


def with_blotches(picture, generator, count=12, size=8):
    spoilt, inside = picture.clone(), (picture.mean(1)[0] < 0.9).nonzero()
    for _ in range(count):
        y, x = inside[int(torch.randint(0, len(inside), (1,), generator=generator))].clamp_max(picture.shape[2] - size).tolist()
        spoilt[:, :, y:y + size, x:x + size] = torch.rand(1, 3, 1, 1, generator=generator)
    return spoilt


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("eval", type=pathlib.Path)
    parser.add_argument("--prior", default="models/mini")
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--apg-eta", type=float, default=0, help="1: classifier-free guidance")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    prior = Prior(options.prior, options.guidance, options.apg_eta)
    kept, taken = {}, {}
    for file in sorted((options.eval / "runs" / "sds").glob("*/eval.png")):
        strip = torch.from_numpy(numpy.asarray(Image.open(file).convert("RGB")) / numpy.float32(255)).permute(2, 0, 1)[None]
        picture = strip[..., :strip.shape[2]]
        context = prior.embed(file.parent.name.rsplit("_s", 1)[0].replace("_", " ") + ", front view")
        generator = torch.Generator().manual_seed(0)
        clean, spoilt = prior.encode(picture), prior.encode(with_blotches(picture, generator))
        flaw = spoilt - clean
        for t in TIMES:
            noise = torch.randn(NOISES, *clean.shape[1:], generator=generator)
            of_clean, of_spoilt = (prior.targets(z, noise, context, t) for z in (clean, spoilt))
            for score, latents in of_clean.items():
                pictures = prior.decode(latents)
                kept.setdefault((t, score), []).append(float(sharpness(pictures.mean(0, True)) / sharpness(pictures)))
                left = (of_spoilt[score].mean(0) - latents.mean(0)) * flaw[0]
                taken.setdefault((t, score), []).append(1 - float(left.sum() / flaw.square().sum()))
    for t in TIMES:
        for score in ("sds", "ism"):
            print(f"t {t} {score}: the average of {NOISES} keeps {numpy.mean(kept[t, score]):.3f} of the sharpness, removes "
                  f"{numpy.mean(taken[t, score]):.2f} of a flaw ({len(kept[t, score])} images)")
        both = zip(kept[t, "sds"], kept[t, "ism"])
        print(f"t {t}: ISM's average is sharper than SDS's in {sum(b > a for a, b in both)} images")


if __name__ == "__main__":
    main()
