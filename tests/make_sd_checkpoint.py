#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a test checkpoint: Stable Diffusion 1.5, 2.1 or SDXL with random weights, in one of the layouts in use.

    tests/make_sd_checkpoint.py OUT [--version 1|2|xl] [--layout folder|safetensors|ckpt] [--type float16|bfloat16]

All layouts of one version and type hold the same weights: 2.1 to 2.6 GB, 6.9 GB for SDXL. They are written as they are
made, so that little memory is needed. Needs Python's standard library only.
"""
import argparse
import collections
import gzip
import json
import pathlib
import pickle
import random
import struct
import sys
import types
import typing
import zipfile

WIDTHS = (320, 640, 1280, 1280)
VAE_WIDTHS = (128, 256, 512, 512)
TIME = 1280
VECTOR = 1280 + 6 * 256  # SDXL's pooled text and sizes


class Tower(typing.NamedTuple):
    """Sizes of a text encoder."""
    width: int
    inner: int
    layers: int
    heads: int
    open_clip: bool


CLIP, OPEN_CLIP = Tower(768, 3072, 12, 12, False), Tower(1024, 4096, 23, 16, True)
BIG_CLIP = Tower(1280, 5120, 32, 20, True)
MERGES = pathlib.Path(__file__).resolve().parent.parent / "models" / "clip" / "merges.txt.gz"


class Model:
    """entries: (part, name in diffusers, name in latent-diffusion, shape in each) of every tensor."""

    def __init__(self, version):
        self.version = version
        self.xl = version == "xl"
        self.context = {"1": 768, "2": 1024, "xl": 2048}[version]
        self.widths = WIDTHS[:3] if self.xl else WIDTHS
        self.depths = (0, 2, 10) if self.xl else (1, 1, 1, 0)  # transformer blocks of each level
        self.entries = []
        self.unet()
        self.vae()
        self.text()

    def add(self, part, diffusers, original, shape, original_shape=None):
        self.entries.append((part, diffusers, original, tuple(shape), tuple(original_shape or shape)))

    def layer(self, part, diffusers, original, shape, bias=True, original_shape=None):
        self.add(part, diffusers + ".weight", original + ".weight", shape, original_shape)
        if bias:
            self.add(part, diffusers + ".bias", original + ".bias", shape[:1])

    # The U-Net.

    def resnet(self, diffusers, original, into, out):
        d, o = "unet", "model.diffusion_model." + original
        self.layer(d, diffusers + ".norm1", o + ".in_layers.0", (into,))
        self.layer(d, diffusers + ".conv1", o + ".in_layers.2", (out, into, 3, 3))
        self.layer(d, diffusers + ".time_emb_proj", o + ".emb_layers.1", (out, TIME))
        self.layer(d, diffusers + ".norm2", o + ".out_layers.0", (out,))
        self.layer(d, diffusers + ".conv2", o + ".out_layers.3", (out, out, 3, 3))
        if into != out:
            self.layer(d, diffusers + ".conv_shortcut", o + ".skip_connection", (out, into, 1, 1))

    def transformer(self, diffusers, original, width, depth):
        def layer(name, shape, bias=True):
            self.layer("unet", f"{diffusers}.{name}", f"model.diffusion_model.{original}.{name}", shape, bias)

        square = (width, width, 1, 1) if self.version == "1" else (width, width)
        layer("norm", (width,))
        layer("proj_in", square)
        for block in (f"transformer_blocks.{i}." for i in range(depth)):
            for attention, context in (("attn1", width), ("attn2", self.context)):
                layer(f"{block}{attention}.to_q", (width, width), bias=False)
                layer(f"{block}{attention}.to_k", (width, context), bias=False)
                layer(f"{block}{attention}.to_v", (width, context), bias=False)
                layer(f"{block}{attention}.to_out.0", (width, width))
            for norm in ("norm1", "norm2", "norm3"):
                layer(block + norm, (width,))
            layer(block + "ff.net.0.proj", (8 * width, width))
            layer(block + "ff.net.2", (width, 4 * width))
        layer("proj_out", square)

    def unet(self):
        def layer(diffusers, original, shape):
            self.layer("unet", diffusers, "model.diffusion_model." + original, shape)

        layer("time_embedding.linear_1", "time_embed.0", (TIME, WIDTHS[0]))
        layer("time_embedding.linear_2", "time_embed.2", (TIME, TIME))
        if self.xl:
            layer("add_embedding.linear_1", "label_emb.0.0", (TIME, VECTOR))
            layer("add_embedding.linear_2", "label_emb.0.2", (TIME, TIME))
        last = len(self.widths) - 1
        layer("conv_in", "input_blocks.0.0", (WIDTHS[0], 4, 3, 3))
        skips, at, width = [WIDTHS[0]], 1, WIDTHS[0]
        for level, out in enumerate(self.widths):
            for j in range(2):
                self.resnet(f"down_blocks.{level}.resnets.{j}", f"input_blocks.{at}.0", width, out)
                if self.depths[level] > 0:
                    self.transformer(f"down_blocks.{level}.attentions.{j}", f"input_blocks.{at}.1", out, self.depths[level])
                width = out
                skips.append(width)
                at += 1
            if level < last:
                layer(f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{at}.0.op", (out, out, 3, 3))
                skips.append(width)
                at += 1
        self.resnet("mid_block.resnets.0", "middle_block.0", width, width)
        self.transformer("mid_block.attentions.0", "middle_block.1", width, max(self.depths))
        self.resnet("mid_block.resnets.1", "middle_block.2", width, width)
        for level, out in enumerate(reversed(self.widths)):
            depth = self.depths[last - level]
            for j in range(3):
                at = 3 * level + j
                self.resnet(f"up_blocks.{level}.resnets.{j}", f"output_blocks.{at}.0", width + skips.pop(), out)
                if depth > 0:
                    self.transformer(f"up_blocks.{level}.attentions.{j}", f"output_blocks.{at}.1", out, depth)
                width = out
            if level < last:
                layer(f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks.{at}.{2 if depth > 0 else 1}.conv",
                      (out, out, 3, 3))
        layer("conv_norm_out", "out.0", (width,))
        layer("conv_out", "out.2", (4, width, 3, 3))

    # The VAE.

    def vae_layer(self, diffusers, original, shape, original_shape=None):
        self.layer("vae", diffusers, "first_stage_model." + original, shape, original_shape=original_shape)

    def vae_resnet(self, diffusers, original, into, out):
        self.vae_layer(diffusers + ".norm1", original + ".norm1", (into,))
        self.vae_layer(diffusers + ".conv1", original + ".conv1", (out, into, 3, 3))
        self.vae_layer(diffusers + ".norm2", original + ".norm2", (out,))
        self.vae_layer(diffusers + ".conv2", original + ".conv2", (out, out, 3, 3))
        if into != out:
            self.vae_layer(diffusers + ".conv_shortcut", original + ".nin_shortcut", (out, into, 1, 1))

    def vae_middle(self, side, width):
        self.vae_resnet(f"{side}.mid_block.resnets.0", f"{side}.mid.block_1", width, width)
        attention, original = f"{side}.mid_block.attentions.0", f"{side}.mid.attn_1"
        self.vae_layer(attention + ".group_norm", original + ".norm", (width,))
        for diffusers, theirs in (("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
            self.vae_layer(f"{attention}.{diffusers}", f"{original}.{theirs}", (width, width),
                           original_shape=(width, width, 1, 1))
        self.vae_resnet(f"{side}.mid_block.resnets.1", f"{side}.mid.block_2", width, width)

    def vae(self):
        top = VAE_WIDTHS[-1]
        self.vae_layer("encoder.conv_in", "encoder.conv_in", (VAE_WIDTHS[0], 3, 3, 3))
        width = VAE_WIDTHS[0]
        for level, out in enumerate(VAE_WIDTHS):
            for j in range(2):
                self.vae_resnet(f"encoder.down_blocks.{level}.resnets.{j}", f"encoder.down.{level}.block.{j}", width, out)
                width = out
            if level < 3:
                self.vae_layer(f"encoder.down_blocks.{level}.downsamplers.0.conv",
                               f"encoder.down.{level}.downsample.conv", (out, out, 3, 3))
        self.vae_middle("encoder", top)
        self.vae_layer("encoder.conv_norm_out", "encoder.norm_out", (top,))
        self.vae_layer("encoder.conv_out", "encoder.conv_out", (8, top, 3, 3))
        self.vae_layer("quant_conv", "quant_conv", (8, 8, 1, 1))
        self.vae_layer("post_quant_conv", "post_quant_conv", (4, 4, 1, 1))
        self.vae_layer("decoder.conv_in", "decoder.conv_in", (top, 4, 3, 3))
        self.vae_middle("decoder", top)
        width = top
        for level, out in enumerate(reversed(VAE_WIDTHS)):
            theirs = 3 - level
            for j in range(3):
                self.vae_resnet(f"decoder.up_blocks.{level}.resnets.{j}", f"decoder.up.{theirs}.block.{j}", width, out)
                width = out
            if level < 3:
                self.vae_layer(f"decoder.up_blocks.{level}.upsamplers.0.conv", f"decoder.up.{theirs}.upsample.conv",
                               (out, out, 3, 3))
        self.vae_layer("decoder.conv_norm_out", "decoder.norm_out", (width,))
        self.vae_layer("decoder.conv_out", "decoder.conv_out", (3, width, 3, 3))

    # The text encoders.

    def text(self):
        if self.version == "1":
            self.tower("text_encoder", "cond_stage_model.transformer.", CLIP)
        elif self.version == "2":
            self.tower("text_encoder", "cond_stage_model.model.", OPEN_CLIP)
        else:
            self.tower("text_encoder", "conditioner.embedders.0.transformer.", CLIP)
            self.tower("text_encoder_2", "conditioner.embedders.1.model.", BIG_CLIP)
            self.add("text_encoder_2", "text_projection.weight", "conditioner.embedders.1.model.text_projection",
                     (TIME, TIME))

    def tower(self, part, prefix, sizes):
        width, inner, layers = sizes.width, sizes.inner, sizes.layers

        def both(diffusers, original, shape):
            self.add(part, f"{part}:text_model." + diffusers,
                     prefix + (original if sizes.open_clip else "text_model." + diffusers), shape)

        both("embeddings.token_embedding.weight", "token_embedding.weight", (49408, width))
        both("embeddings.position_embedding.weight", "positional_embedding", (77, width))
        for i in range(layers):
            mine, theirs = f"encoder.layers.{i}.", f"transformer.resblocks.{i}."
            for number in (1, 2):
                for kind in ("weight", "bias"):
                    both(f"{mine}layer_norm{number}.{kind}", f"{theirs}ln_{number}.{kind}", (width,))
            for kind, shape in (("weight", (width, width)), ("bias", (width,))):
                for q in "qkv":
                    both(f"{mine}self_attn.{q}_proj.{kind}", f"{theirs}attn.in_proj_{kind}", shape)
                both(f"{mine}self_attn.out_proj.{kind}", f"{theirs}attn.out_proj.{kind}", shape)
            both(f"{mine}mlp.fc1.weight", f"{theirs}mlp.c_fc.weight", (inner, width))
            both(f"{mine}mlp.fc1.bias", f"{theirs}mlp.c_fc.bias", (inner,))
            both(f"{mine}mlp.fc2.weight", f"{theirs}mlp.c_proj.weight", (width, inner))
            both(f"{mine}mlp.fc2.bias", f"{theirs}mlp.c_proj.bias", (width,))
        both("final_layer_norm.weight", "ln_final.weight", (width,))
        both("final_layer_norm.bias", "ln_final.bias", (width,))

    def original(self):
        """The tensors in the latent-diffusion layout: (name, shape, [(diffusers name, shape), ...]).

        A tensor's numbers are those of its diffusers tensors, one after the other."""
        merged = collections.OrderedDict()
        for _, diffusers, name, _, shape in self.entries:
            if name in merged:  # OpenCLIP fuses q, k and v in one tensor
                before, parts = merged[name]
                merged[name] = ((before[0] + shape[0], *shape[1:]), parts + [(diffusers, shape)])
            else:
                merged[name] = (shape, [(diffusers, shape)])
        for name, (shape, parts) in merged.items():
            yield name, shape, parts
        if self.version == "2":  # OpenCLIP's last layer: unused, but present in the files
            width, inner, theirs = 1024, 4096, "cond_stage_model.model.transformer.resblocks.23."
            for name, shape in (("ln_1.weight", (width,)), ("ln_1.bias", (width,)), ("ln_2.weight", (width,)),
                                ("ln_2.bias", (width,)), ("attn.in_proj_weight", (3 * width, width)),
                                ("attn.in_proj_bias", (3 * width,)), ("attn.out_proj.weight", (width, width)),
                                ("attn.out_proj.bias", (width,)), ("mlp.c_fc.weight", (inner, width)),
                                ("mlp.c_fc.bias", (inner,)), ("mlp.c_proj.weight", (width, inner)),
                                ("mlp.c_proj.bias", (width,))):
                yield theirs + name, shape, [(theirs + name, shape)]
            yield "cond_stage_model.model.text_projection", (width, width), [("text_projection", (width, width))]


class Type(typing.NamedTuple):
    """A 16-bit floating-point type."""
    safetensors: str
    torch: str
    fraction: int  # bits of the fraction
    bias: int  # exponent bias


TYPES = {"float16": Type("F16", "HalfStorage", 10, 15), "bfloat16": Type("BF16", "BFloat16Storage", 7, 127)}


class Numbers:
    """Pseudo-random weights, a function of the tensor's name: magnitudes 0.001 to 0.03; weights of norms are 1, those of
    the text projection all alike."""

    def __init__(self, kind):
        self.type = kind
        generator = random.Random(0)
        # sign, exponents 2^-10 to 2^-6, any fraction
        values = [generator.getrandbits(1) << 15 | kind.bias + generator.randint(-10, -6) << kind.fraction
                  | generator.getrandbits(kind.fraction) for _ in range(1 << 20)]
        self.block = struct.pack(f"<{len(values)}H", *values)
        self.one = struct.pack("<H", kind.bias << kind.fraction)
        self.small = struct.pack("<H", kind.bias - 6 << kind.fraction)

    def write(self, out, name, count):
        is_norm = name.endswith("weight") and any(part in name for part in ("norm", "ln_"))
        block = self.block
        if is_norm:
            block = self.one * (len(block) // 2)
        elif name.endswith("text_projection.weight"):  # one layout holds its transpose
            block = self.small * (len(block) // 2)
        at = sum(name.encode()) * 2 % len(block)
        left = 2 * count
        while left > 0:
            piece = block[at:at + left]
            out.write(piece)
            left -= len(piece)
            at = 0


def size(shape):
    count = 1
    for n in shape:
        count *= n
    return count


def write_safetensors(path, tensors, numbers):
    """tensors: (name, shape, parts), parts as in Model.original()."""
    header, at = {}, 0
    tensors = list(tensors)
    for name, shape, _ in tensors:
        header[name] = {"dtype": numbers.type.safetensors, "shape": list(shape), "data_offsets": [at, at + 2 * size(shape)]}
        at += 2 * size(shape)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, _, parts in tensors:
            for name, shape in parts:
                numbers.write(out, name, size(shape))


def write_ckpt(path, tensors, numbers):
    """Writes torch.save's zip format without torch: stand-ins with torch's names are pickled."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    sys.modules["torch"], sys.modules["torch._utils"] = torch, utils

    class OfHalves:
        pass

    def rebuild():
        pass

    OfHalves.__module__, OfHalves.__qualname__ = "torch", numbers.type.torch
    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    setattr(torch, numbers.type.torch, OfHalves)
    utils._rebuild_tensor_v2, torch._utils = rebuild, utils

    class Storage:
        def __init__(self, key, count):
            self.key, self.count = key, count

    class Tensor:
        def __init__(self, key, shape):
            self.key, self.shape = key, shape

        def __reduce__(self):
            strides, step = [], 1
            for n in reversed(self.shape):
                strides.insert(0, step)
                step *= n
            return rebuild, (Storage(self.key, step), 0, self.shape, tuple(strides), False, collections.OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return ("storage", OfHalves, value.key, "cpu", value.count) if isinstance(value, Storage) else None

    tensors = list(tensors)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        with archive.open("archive/data.pkl", "w") as out:
            Pickler(out, protocol=2).dump(
                {"state_dict": {name: Tensor(str(i), shape) for i, (name, shape, _) in enumerate(tensors)}})
        for i, (_, _, parts) in enumerate(tensors):
            entry = zipfile.ZipInfo(f"archive/data/{i}")
            begin = archive.fp.tell() + 30 + len(entry.filename) + 4  # torch.save aligns the data to 64 bytes
            entry.extra = struct.pack("<HH", 0x4246, -begin % 64) + bytes(-begin % 64)
            with archive.open(entry, "w") as out:
                for name, shape in parts:
                    numbers.write(out, name, size(shape))
        archive.writestr("archive/version", "3\n")


def write_tokenizer(folder):
    """Writes CLIP's tokenizer. The vocabulary: bytes, bytes with </w>, merges, two special tokens."""
    merges = gzip.open(MERGES, "rt", encoding="utf-8").read().split("\n")[1:49152 - 256 - 2 + 1]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    words = symbols + [s + "</w>" for s in symbols] + [m.replace(" ", "") for m in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")


def write_folder(path, model, numbers):
    linear, xl, levels = model.version != "1", model.xl, len(model.widths)
    down = ["CrossAttnDownBlock2D" if depth > 0 else "DownBlock2D" for depth in model.depths]
    heads = [width // 64 for width in model.widths]

    def text_config(tower, projecting):
        return {"architectures": ["CLIPTextModelWithProjection" if projecting else "CLIPTextModel"], "vocab_size": 49408,
                "max_position_embeddings": 77, "hidden_size": tower.width, "intermediate_size": tower.inner,
                "num_hidden_layers": tower.layers, "num_attention_heads": tower.heads, "projection_dim": tower.width,
                "hidden_act": "gelu" if tower.open_clip else "quick_gelu"}

    configs = {
        "model_index.json": {"_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": True} if xl
        else {"_class_name": "StableDiffusionPipeline"},
        "scheduler/scheduler_config.json": {
            "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
            "beta_schedule": "scaled_linear", "steps_offset": 1, "set_alpha_to_one": False, "clip_sample": False,
            "prediction_type": "epsilon"},
        "unet/config.json": {
            "_class_name": "UNet2DConditionModel", "sample_size": 128 if xl else 64, "in_channels": 4, "out_channels": 4,
            "block_out_channels": model.widths, "layers_per_block": 2, "cross_attention_dim": model.context,
            "attention_head_dim": heads if linear else 8, "use_linear_projection": linear, "norm_num_groups": 32,
            "down_block_types": down, "up_block_types": [name.replace("Down", "Up") for name in reversed(down)],
            **({"transformer_layers_per_block": [max(depth, 1) for depth in model.depths], "addition_time_embed_dim": 256,
                "addition_embed_type": "text_time", "projection_class_embeddings_input_dim": VECTOR} if xl else {})},
        "vae/config.json": {
            "_class_name": "AutoencoderKL", "block_out_channels": VAE_WIDTHS, "latent_channels": 4,
            "layers_per_block": 2, "norm_num_groups": 32, "scaling_factor": 0.13025 if xl else 0.18215,
            "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4},
        "text_encoder/config.json": text_config(OPEN_CLIP if model.version == "2" else CLIP, False),
    }
    parts = [("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"), ("text_encoder", "model")]
    if xl:
        configs["text_encoder_2/config.json"] = text_config(BIG_CLIP, True)
        configs["tokenizer_2/tokenizer_config.json"] = {"pad_token": "!"}
        parts.append(("text_encoder_2", "model"))
    for name, content in configs.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(json.dumps(content, indent=1) + "\n")
    for folder in ("tokenizer", "tokenizer_2") if xl else ("tokenizer",):
        write_tokenizer(path / folder)
    for part, stem in parts:
        write_safetensors(path / part / f"{stem}.safetensors",
                          [(name.split(":")[-1], shape, [(name, shape)])
                           for p, name, _, shape, _ in model.entries if p == part], numbers)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--version", choices=("1", "2", "xl"), default="2")
    parser.add_argument("--layout", choices=("folder", "safetensors", "ckpt"), default="folder")
    parser.add_argument("--type", choices=TYPES, default="float16")
    options = parser.parse_args()
    model, numbers = Model(options.version), Numbers(TYPES[options.type])
    parameters = collections.Counter()
    for part, _, _, shape, _ in model.entries:
        parameters[part] += size(shape)
    print(", ".join(f"{part} {count / 1e6:.1f} M" for part, count in parameters.items()))
    if options.layout == "folder":
        write_folder(options.out, model, numbers)
    elif options.layout == "safetensors":
        write_safetensors(options.out, model.original(), numbers)
    else:
        write_ckpt(options.out, model.original(), numbers)


if __name__ == "__main__":
    main()
