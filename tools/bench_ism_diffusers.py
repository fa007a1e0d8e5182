#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks an Interval Score Matching step in PyTorch with diffusers, with the settings of tools/bench_ism.yaml.

    python3 tools/bench_ism_diffusers.py [--steps N] [--batch 4] [--device cuda]

The step encodes images to latents, inverts, predicts twice, and goes back through the encoder to the images: the stages
encode, score and encode_backward of bench_step. Stable Diffusion 2.1's shapes with random weights, bfloat16,
channels-last, diffusers' default attention. Rendering is not included; tools/bench_gsplat.py times it. Needs torch and
diffusers, which lucid itself does not use.
"""
import argparse
import json
import random
import sys
import time

SIZE, STRIDE, INTERVAL, LOW, HIGH, GUIDANCE = 512, 200, 50, 20, 500, 7.5


def networks(device):
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

    with torch.device(device):  # on a CPU, drawing the random weights takes half a minute
        unet = UNet2DConditionModel(sample_size=SIZE // 8, cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20],
                                    use_linear_projection=True)
        vae = AutoencoderKL(block_out_channels=[128, 256, 512, 512], layers_per_block=2,
                            down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4)
    for network in (unet, vae):
        network.requires_grad_(False).eval().to(device, torch.bfloat16, memory_format=torch.channels_last)
    schedule = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)
    return unet, vae, [float(a) for a in schedule.alphas_cumprod]


def ism_step(unet, vae, alphas, pictures, contexts, t):
    """dL/d(pictures) [B,3,H,W], and the number of U-Net samples. contexts: inverse, negative, prompt; [B,L,D] each."""
    import torch

    pictures = pictures.requires_grad_()
    posterior = vae.encode(pictures.to(torch.bfloat16, memory_format=torch.channels_last) * 2 - 1).latent_dist
    latents = posterior.sample().float() * vae.config.scaling_factor
    inverse, negative, prompt = contexts
    batch = latents.shape[0]

    def move(x, eps, a, b):
        x_0 = (x - (1 - a) ** 0.5 * eps) / a ** 0.5
        return b ** 0.5 * x_0 + (1 - b) ** 0.5 * eps

    def predict(x, timestep, context):
        return unet(x.to(torch.bfloat16), timestep, context, return_dict=False)[0].float()

    with torch.no_grad():
        s = max(t - INTERVAL, 0)
        visited = list(range(0, s, STRIDE)) + [s]
        noise = torch.randn_like(latents) + 0.1 * torch.randn(1, latents.shape[1], 1, 1, device=latents.device)
        first = alphas[visited[0] + 1]
        x = first ** 0.5 * latents + (1 - first) ** 0.5 * noise
        for a, b in zip(visited, visited[1:]):
            x = move(x, predict(x, a + 1, inverse), alphas[a + 1], alphas[b + 1])
        eps_s = predict(x, s + 1, inverse)
        x_t = move(x, eps_s, alphas[s + 1], alphas[t + 1])
        both = predict(torch.cat([x_t, x_t]), t + 1, torch.cat([negative, prompt]))
        guided = both[:batch] + GUIDANCE * (both[batch:] - both[:batch])
        gradient = 0.1 * ((1 - alphas[t + 1]) / alphas[t + 1]) ** 0.5 * (guided - eps_s)
    (latents * gradient).sum().backward()
    return pictures.grad, batch * (len(visited) + 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    try:
        import diffusers
        import torch
    except ImportError as error:
        sys.exit(f"bench_ism_diffusers: {error}: install torch and diffusers")
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("bench_ism_diffusers: torch sees no CUDA device")
    torch.manual_seed(0)
    draw = random.Random(0)
    unet, vae, alphas = networks(options.device)
    contexts = [torch.randn(options.batch, 77, 1024, device=options.device, dtype=torch.bfloat16) for _ in range(3)]
    seconds, samples = [], []
    for step in range(-3, options.steps):
        pictures = torch.rand(options.batch, 3, SIZE, SIZE, device=options.device)
        begin = time.perf_counter()
        gradient, count = ism_step(unet, vae, alphas, pictures, contexts, draw.randrange(LOW, HIGH))
        if not bool(gradient.isfinite().all()):  # synchronises
            sys.exit("bench_ism_diffusers: the gradient is not finite")
        if step >= 0:
            seconds.append(time.perf_counter() - begin)
            samples.append(count)
    print(json.dumps({"name": "ism step, diffusers", "batch": options.batch, "seconds": sum(seconds) / len(seconds),
                      "unet_samples": sum(samples) / len(samples), "torch": torch.__version__,
                      "diffusers": diffusers.__version__,
                      "device": torch.cuda.get_device_name() if options.device == "cuda" else options.device}))


if __name__ == "__main__":
    main()
