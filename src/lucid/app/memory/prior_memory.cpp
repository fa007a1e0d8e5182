// SPDX-License-Identifier: Apache-2.0
// Counts the maps that the U-Net and the VAE's encoder hold, and adds the weights and the process itself.
#include "lucid/app/memory/prior_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "lucid/app/memory/gaussian_memory.h"
#include "lucid/diffusion/image_encoder.h"
#include "lucid/nn/layer.h"

namespace lucid::app {
namespace {

using diffusion::UNetConfig;
using diffusion::VaeConfig;

// The process before it computes: code, libtorch, oneDNN's kernels.
constexpr double kProcess = 283e6;
// The pictures at the end of a run, for each pixel of one: renders, their sheets, compressed files.
constexpr double kResultBytes = 965;
// Each worker thread has a heap of its own, whose holes other threads do not use: a share of what the stages hold.
constexpr double kWorkerHeaps = 0.5;
// A CUDA context, and the libraries' workspaces.
constexpr double kCudaContext = 600e6;
// Of memory held over memory used: unused parts of the GPU's blocks and of captured graphs.
constexpr double kCudaBlocks = 1.3;

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

constexpr double kFloat = 4, kHalf = 2;
constexpr double kForward = 5;   // maps of a resnet's forward pass: input, normed input, outputs, shortcut
constexpr double kBackward = 4;  // and of its backward pass: gradients of output and input, the normed input
constexpr double kScores = 2;  // matrices of the attention's backward pass: the gradients behind and before the softmax

/// Numbers that the VAE's encoder holds for one picture.
struct EncoderMaps {
  double kept = 0;      // for its gradient: inputs of convolutions behind a norm, maps of the middle block's attention
  double middle = 0;    // the middle block's share of these
  double scores = 0;    // of that attention, kept as well: a matrix of all pairs of latents
  double largest = 0;   // of its maps
  double backward = 0;  // held at the worst moment of the backward pass through the levels, what is kept included
  double between = 0;   // of what lies between the parts that are recomputed one at a time
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
    maps.backward = std::max(maps.backward, maps.kept + kBackward * pixels * as_double(out));
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
  const int64_t all_rows = run.views * run.prompts;
  const int64_t rows =
      run.rows_at_once > 0 ? std::min(all_rows, std::max<int64_t>(run.rows_at_once, unet.config().views)) : all_rows;
  const double unet_rows = unet_maps(unet.config(), run.side / vae.config().downscale()) * as_double(rows);
  const bool large = run.side * run.side > diffusion::ImageEncoder::kLarge;

  const RenderShape render{.views = run.views, .pixels = run.side * run.side, .sh_degree = run.sh_degree};
  const double scene = bytes_per_gaussian(render) * as_double(run.gaussians) + picture_bytes(render);
  const double results = kResultBytes * as_double(run.result_side) * as_double(run.result_side);
  const double base = kProcess + weights + scene;
  // The enlarged targets of a round, and what SSIM holds of one picture: 5 maps, their means along both axes, 12 of its
  // formula, and the gradients of all.
  constexpr double kColours = 3, kSsimMaps = 2 * (5 + 2 * 5 + 12);
  const double enlarged = kFloat * kColours * as_double(run.enlarged_side) * as_double(run.enlarged_side) *
                          (as_double(run.enlarged_views) + kSsimMaps);

  // What the stages of a step hold, of a picture; on a CPU, where the middle block's scores have the operands' type.
  const double scores = (nn::compute_dtype(vae) == torch::kBFloat16 ? kHalf : kFloat) * maps.scores;
  const double kept = kFloat * maps.kept + scores;
  const double forward = kFloat * kForward * maps.largest;
  const double backward = std::max(kFloat * maps.backward, kept + kScores * scores);
  const double score = kFloat * unet_rows;
  // oneDNN's packed copies of bfloat16 weights, and transformed filters; --low-memory keeps those of small weights
  // only.
  const double packed = nn::compute_dtype(unet) == torch::kBFloat16 ? unet_weights.bytes : 0;

  PriorMemory memory;
  // A heap that only grows: no stage fills the holes that another one left. With several workers they lie in the
  // workers' own heaps, where the pictures at the end do not fit either.
  const double stages = (1 + kWorkerHeaps * (1 - 1 / workers)) * (views * (forward + backward) + score);
  memory.cpu = packed + base + enlarged + (workers > 1 ? stages + results : std::max(stages, results));
  // Freed blocks return to the system: the largest stage counts.
  memory.cpu_returned =
      packed + base +
      std::max({views * kept + std::max(workers * forward, score), views * backward, results, enlarged});
  memory.cpu_low = base + std::max({workers * std::max(forward, backward), score, results, enlarged});
  if (large) {  // one picture at a time, and part by part
    const double part = std::max(kFloat * (maps.largest_part + kBackward * maps.largest),
                                 kFloat * maps.middle + (1 + kScores) * scores);
    memory.cpu_low = base + std::max({forward, kFloat * maps.between + part, score, results, enlarged});
  }

  // libtorch's convolutions keep their normed input as well, and its attention no scores.
  const auto gpu = [&](double encoder) {
    return kCudaContext + scene + enlarged + kCudaBlocks * kHalf * (numbers + std::max(unet_rows, encoder));
  };
  memory.gpu = gpu(2 * views * maps.kept + std::max(unet_rows, kBackward * views * maps.largest));
  memory.gpu_low = gpu(large ? maps.between + 2 * maps.largest_part + kBackward * maps.largest
                             : 2 * maps.kept + kBackward * maps.largest);
  return memory;
}

std::optional<std::string> flags_to_fit(double bytes, bool on_gpu, const RunShape& run,
                                        const std::function<PriorMemory(const RunShape&)>& estimate) {
  constexpr double kUsable = 0.92;  // the rest is for other programs
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
