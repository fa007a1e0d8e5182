#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the golden tensors of an embedded prior (tests/data/prior/golden.safetensors) with diffusers and transformers.

    python3 tools/prior_golden.py models/mini PICTURE.png tests/data/prior/golden.safetensors

PICTURE is an image of the prior's size. Needs torch, diffusers, transformers and pillow. diffusers loads the prior's
folder unchanged; lucid's tests compare its results with these.
"""
import json
import sys

import numpy
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

PROMPTS = ["a hamburger, front view", "a red car, right side view from above", "a teddy bear"]
TIMESTEP = 400


@torch.no_grad()
def main(folder, picture_file, out):
    tokenizer = CLIPTokenizer.from_pretrained(f"{folder}/tokenizer")
    text = CLIPTextModel.from_pretrained(f"{folder}/text_encoder", torch_dtype=torch.float32).eval()
    vae = AutoencoderKL.from_pretrained(f"{folder}/vae", torch_dtype=torch.float32).eval()
    unet = UNet2DConditionModel.from_pretrained(f"{folder}/unet", torch_dtype=torch.float32).eval()
    scheduler = DDIMScheduler.from_pretrained(f"{folder}/scheduler")

    def ids_of(prompts):
        return tokenizer(prompts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids

    u8 = numpy.asarray(Image.open(picture_file).convert("RGB"))
    picture = torch.from_numpy(u8.copy()).permute(2, 0, 1).unsqueeze(0).float() / 127.5 - 1
    posterior = vae.encode(picture).latent_dist
    factor = vae.config.scaling_factor
    ids, empty_ids = ids_of(PROMPTS), ids_of([""])
    embeddings, empty = text(ids).last_hidden_state, text(empty_ids).last_hidden_state
    latent = torch.randn(posterior.mean.shape, generator=torch.Generator().manual_seed(7))
    t = torch.tensor([TIMESTEP])
    tensors = {
        "picture": picture,
        "vae_mean": posterior.mean,
        "vae_std": posterior.std,
        "vae_decoded_mean": vae.decode(posterior.mean).sample,
        "prompt_ids": ids,
        "prompt_embeddings": embeddings,
        "empty_ids": empty_ids,
        "empty_embedding": empty,
        "latent": latent,
        "t": t,
        "eps_hamburger_front": unet(latent, t, embeddings[:1]).sample,
        "eps_empty": unet(latent, t, empty).sample,
        "alphas_cumprod": scheduler.alphas_cumprod,
    }
    save_file({k: v.contiguous() for k, v in tensors.items()}, out,
              {"prompts": json.dumps(PROMPTS), "scaling_factor": str(factor), "note": "float32, from the fp16 weights"})
    for name, tensor in tensors.items():
        print(name, tuple(tensor.shape), float(tensor.float().abs().max()))


if __name__ == "__main__":
    main(*sys.argv[1:4])
