// SPDX-License-Identifier: Apache-2.0
// Counts the maps that the U-Net and the VAE's encoder hold, and adds the weights and the process itself.
#include "lucid/app/memory/prior_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "lucid/diffusion/image_encoder.h"
#include "lucid/nn/layer.h"

namespace lucid::app {
namespace {

using diffusion::UNetConfig;
using diffusion::VaeConfig;

// The process before it computes: code, libtorch, oneDNN's kernels.
constexpr double kProcess = 300e6;
// Test views at the end of a run, for each pixel of one, where they are larger than the training views. Smaller ones
// take the memory that the steps have left.
constexpr double kResultBytes = 1150;
// A CUDA context, and the libraries' workspaces.
constexpr double kCudaContext = 600e6;
// Of memory held over memory used: holes in the heap; unused parts of the GPU's blocks and of captured graphs.
constexpr double kHeap = 1.1, kCudaBlocks = 1.3;
// Each further worker thread has a heap of its own, which other threads do not use: a share of one picture's memory.
constexpr double kWorkerHeap = 0.75;

double as_double(int64_t value) { return static_cast<double>(value); }

struct Weights {
  double bytes = 0, numbers = 0;
};

Weights weights_of(const torch::nn::Module& network) {
  Weights weights;
  for (const torch::Tensor& parameter : network.parameters()) {
    weights.bytes += as_double(static_cast<int64_t>(parameter.nbytes()));
    weights.numbers += as_double(parameter.numel());
  }
  return weights;
}

/// Numbers that the VAE's encoder holds for one picture.
struct EncoderMaps {
  double kept = 0;    // for its gradient: inputs of convolutions behind a norm, maps of the middle block's attention
  double middle = 0;  // the middle block's share of these
  double scores = 0;  // of that attention: a matrix of all pairs of latents
  double largest = 0;
  double between = 0;       // of what lies between the parts that are recomputed one at a time
  double largest_part = 0;  // that such a part keeps for its gradient, without the middle block's scores
};

EncoderMaps encoder_maps(const VaeConfig& vae, int64_t side) {
  EncoderMaps maps;
  int64_t in = vae.block_out_channels.front();
  double pixels = as_double(side) * as_double(side);
  maps.largest = pixels * as_double(in);
  for (size_t level = 0; level < vae.block_out_channels.size(); ++level) {
    const int64_t out = vae.block_out_channels[level];
    const bool shrinks = level + 1 < vae.block_out_channels.size();
    for (int64_t layer = 0; layer < vae.layers_per_block; ++layer) {
      maps.kept += pixels * as_double(in + out);
      maps.largest_part = std::max(maps.largest_part, pixels * as_double(in + out));
      const bool last = layer + 1 == vae.layers_per_block;
      maps.between += pixels * as_double(out) / (last && shrinks ? 4 : 1);
      in = out;
    }
    if (shrinks) pixels /= 4;
  }
  constexpr double kMiddleMaps = 4 + 6;  // of two resnets; q, k, v, their input, output and sum
  maps.middle = pixels * as_double(in) * kMiddleMaps;
  maps.kept += maps.middle;
  maps.scores = pixels * pixels;
  return maps;
}

/// Numbers that the U-Net holds for one row of its batch: all maps that skip to the up path, and the widest layer.
double unet_maps(const UNetConfig& unet, int64_t side) {
  const auto& widths = unet.block_out_channels;
  double skips = 0, widest = 0, pixels = as_double(side) * as_double(side);
  for (size_t level = 0; level < widths.size(); ++level) {
    skips += pixels * as_double(widths[level]) * as_double(unet.layers_per_block + 1);
    const int64_t below = widths[std::min(level + 1, widths.size() - 1)];
    constexpr double kResnet = 3;        // sum, normed copy and output
    constexpr double kFeedForward = 14;  // tokens, their norm, the gated layer of 8 and its product of 4
    const bool attention = unet.down_block_types[level].starts_with("CrossAttn");
    const double layer = std::max(2 * as_double(widths[level] + below) + kResnet * as_double(widths[level]),
                                  attention ? kFeedForward * as_double(widths[level]) : 0);
    widest = std::max(widest, pixels * layer);
    pixels /= 4;
  }
  return skips + widest;
}

}  // namespace

PriorMemory estimate_memory(const diffusion::UNetImpl& unet, const diffusion::VaeImpl& vae, const RunShape& run) {
  const Weights unet_weights = weights_of(unet), vae_weights = weights_of(vae);
  const double weights = unet_weights.bytes + vae_weights.bytes;
  const double numbers = unet_weights.numbers + vae_weights.numbers;
  const EncoderMaps maps = encoder_maps(vae.config(), run.side);
  const double views = as_double(run.views), workers = as_double(run.views < run.workers ? 1 : run.workers);
  const double unet_rows =
      unet_maps(unet.config(), run.side / vae.config().downscale()) * views * as_double(run.prompts);

  constexpr double kFloat = 4, kHalf = 2;
  constexpr double kWork = 4;    // largest maps of the backward pass: gradients of output and input, the normed input
  constexpr double kScores = 3;  // kept, their gradient, the gradient before the softmax
  const double forward = maps.kept + maps.scores, both = maps.kept + kScores * maps.scores + kWork * maps.largest;
  const double results =
      run.result_side > run.side ? kResultBytes * as_double(run.result_side) * as_double(run.result_side) : 0;
  // oneDNN's packed copies of bfloat16 weights, and transformed filters; --low-memory keeps those of small weights
  // only.
  const double packed = nn::compute_dtype(unet) == torch::kBFloat16 ? unet_weights.bytes : 0;
  // The U-Net and the encoder's gradient do not run at the same time; the maps kept for the gradient lie beside both.
  const auto cpu = [&](double pictures_kept, double pictures_at_once) {
    const double score = pictures_kept * forward + unet_rows;
    const double backward = (pictures_at_once + (workers - 1) * kWorkerHeap) * both;
    return kProcess + weights + kHeap * kFloat * std::max(score, backward) + results;
  };
  // libtorch's convolutions keep their normed input as well, and its attention no scores.
  const auto gpu = [&](double encoder) {
    return kCudaContext + kCudaBlocks * kHalf * (numbers + std::max(unet_rows, encoder));
  };
  PriorMemory memory{.cpu = packed + cpu(views, views),
                     .cpu_low = cpu(0, workers),
                     .gpu = gpu(2 * views * maps.kept + std::max(unet_rows, kWork * views * maps.largest)),
                     .gpu_low = gpu(2 * maps.kept + kWork * maps.largest)};
  if (run.side * run.side > diffusion::ImageEncoder::kLarge) {  // one picture at a time, and part by part
    const double part = std::max(maps.largest_part + kWork * maps.largest, maps.middle + kScores * maps.scores);
    memory.cpu_low = kProcess + weights + kHeap * kFloat * std::max(unet_rows, maps.between + part) + results;
    memory.gpu_low = gpu(maps.between + 2 * maps.largest_part + kWork * maps.largest);
  }
  return memory;
}

std::optional<std::string> flags_to_fit(double bytes, bool on_gpu, const RunShape& run,
                                        const std::function<PriorMemory(const RunShape&)>& estimate) {
  constexpr double kUsable = 0.92;  // the rest is for the Gaussians, their renders, and other programs
  const auto fits = [&](const RunShape& shape, bool low) {
    const PriorMemory memory = estimate(shape);
    const double needed = on_gpu ? (low ? memory.gpu_low : memory.gpu) : (low ? memory.cpu_low : memory.cpu);
    return needed <= kUsable * bytes;
  };
  if (fits(run, false)) return "";
  std::string flags = "--low-memory";
  if (fits(run, true)) return flags;
  RunShape shape = run;
  for (const int64_t views : {2, 1}) {
    if (views >= run.views) continue;
    shape.views = views;
    if (fits(shape, true)) return fmt::format("{} --batch-size {}", flags, views);
  }
  if (run.views > 1) flags += " --batch-size 1";
  for (const int64_t side : {768, 512}) {
    if (side >= run.side) continue;
    shape.side = side;
    if (fits(shape, true)) return fmt::format("{0} --image-w {1} --image-h {1}", flags, side);
  }
  return std::nullopt;
}

}  // namespace lucid::app
