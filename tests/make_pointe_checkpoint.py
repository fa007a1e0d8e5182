#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Point-E's three networks at their published sizes with random weights, for measurements of time and memory.

    tests/make_pointe_checkpoint.py OUT

OUT gets base_40m_textvec.safetensors, upsample_40m.safetensors (160 MB each) and ViT-L-14.safetensors (OpenAI's names,
half precision, 250 MB). Needs Python's standard library only.
"""
import argparse
import json
import pathlib
import random
import struct

WIDTH, LAYERS, CHANNELS = 512, 12, 6
CLIP_WIDTH, CLIP_LAYERS, CLIP_GRID = 768, 12, 1024
TOKENS, POSITIONS = 49408, 77
COLOUR_SCALE = 0.007843137255


def layer(name, out, into):
    return [(name + ".weight", (out, into)), (name + ".bias", (out,))]


def norm(name, width):
    return [(name + ".weight", (width,)), (name + ".bias", (width,))]


def transformer(condition):
    """Names and shapes of one of Point-E's networks; `condition` are those of its condition."""
    tensors = layer("time_embed.c_fc", 4 * WIDTH, WIDTH) + layer("time_embed.c_proj", WIDTH, 4 * WIDTH)
    tensors += norm("ln_pre", WIDTH)
    for i in range(LAYERS):
        block = f"backbone.resblocks.{i}."
        tensors += norm(block + "ln_1", WIDTH) + norm(block + "ln_2", WIDTH)
        tensors += layer(block + "attn.c_qkv", 3 * WIDTH, WIDTH) + layer(block + "attn.c_proj", WIDTH, WIDTH)
        tensors += layer(block + "mlp.c_fc", 4 * WIDTH, WIDTH) + layer(block + "mlp.c_proj", WIDTH, 4 * WIDTH)
    tensors += norm("ln_post", WIDTH)
    tensors += layer("input_proj", WIDTH, CHANNELS) + layer("output_proj", 2 * CHANNELS, WIDTH)
    return tensors + condition


def base():
    return transformer(layer("clip_embed", WIDTH, CLIP_WIDTH))


def upsample():
    return transformer(norm("clip_embed.0", CLIP_GRID) + layer("clip_embed.1", WIDTH, CLIP_GRID) +
                       layer("cond_point_proj", WIDTH, CHANNELS) +
                       [("channel_scales", (CHANNELS,)), ("channel_biases", (CHANNELS,))])


def clip():
    tensors = [("token_embedding.weight", (TOKENS, CLIP_WIDTH)), ("positional_embedding", (POSITIONS, CLIP_WIDTH))]
    for i in range(CLIP_LAYERS):
        block = f"transformer.resblocks.{i}."
        tensors += norm(block + "ln_1", CLIP_WIDTH) + norm(block + "ln_2", CLIP_WIDTH)
        tensors += [(block + "attn.in_proj_weight", (3 * CLIP_WIDTH, CLIP_WIDTH)),
                    (block + "attn.in_proj_bias", (3 * CLIP_WIDTH,))]
        tensors += layer(block + "attn.out_proj", CLIP_WIDTH, CLIP_WIDTH)
        tensors += layer(block + "mlp.c_fc", 4 * CLIP_WIDTH, CLIP_WIDTH)
        tensors += layer(block + "mlp.c_proj", CLIP_WIDTH, 4 * CLIP_WIDTH)
    return tensors + norm("ln_final", CLIP_WIDTH) + [("text_projection", (CLIP_WIDTH, CLIP_WIDTH))]


def size(shape):
    count = 1
    for n in shape:
        count *= n
    return count


class Numbers:
    """Pseudo-random weights, a function of the tensor's name: normals of the size that keeps signals; norms near 1."""

    def __init__(self):
        generator = random.Random(0)
        self.block = [generator.gauss(0, 1) for _ in range(1 << 16)]

    def of(self, name, shape, kind):
        if name in ("channel_scales", "channel_biases"):
            xyz, rgb = (2, COLOUR_SCALE) if name == "channel_scales" else (0, -1)
            return struct.pack(f"<6{kind}", *[xyz] * 3, *[rgb] * 3)
        scale = shape[1] ** -0.5 if len(shape) == 2 else 0.05
        mean = 1 if name.endswith("weight") and len(shape) == 1 else 0
        block = struct.pack(f"<{len(self.block)}{kind}", *[mean + scale * x for x in self.block])
        count = size(shape) * struct.calcsize(kind)
        at = sum(name.encode()) * 4 % len(block)
        return ((block[at:] + block) * (count // len(block) + 1))[:count]


def write(path, tensors, numbers, kind):
    dtype, width = {"f": ("F32", 4), "e": ("F16", 2)}[kind]
    header, at = {}, 0
    for name, shape in tensors:
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + width * size(shape)]}
        at += width * size(shape)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors:
            out.write(numbers.of(name, shape, kind))
    print(path, at >> 20, "MB", sum(size(shape) for _, shape in tensors), "parameters")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    numbers = Numbers()
    write(out / "base_40m_textvec.safetensors", base(), numbers, "f")
    write(out / "upsample_40m.safetensors", upsample(), numbers, "f")
    write(out / "ViT-L-14.safetensors", clip(), numbers, "e")


if __name__ == "__main__":
    main()
