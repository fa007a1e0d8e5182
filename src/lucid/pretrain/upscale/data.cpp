// SPDX-License-Identifier: Apache-2.0
// Small pictures of a corpus, and windows of them.
#include "lucid/pretrain/upscale/data.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/progress.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/tensor/randn.h"

namespace lucid::pretrain {
namespace {

namespace F = torch::nn::functional;

// Shares of the windows, and how far each change goes.
constexpr double kDecoded = 0.75, kBlurred = 0.6, kNoisy = 0.3;
constexpr double kWidestBlur = 1.0;  // standard deviation, pixels
constexpr double kMostNoise = 0.02;  // standard deviation of a colour

torch::Tensor as_bytes(const torch::Tensor& picture) { return (picture.clamp(0, 1) * 255).round().to(torch::kUInt8); }

/// [3,c,c] averaged with a Gaussian of deviation `sigma` pixels.
torch::Tensor blurred(const torch::Tensor& picture, double sigma) {
  constexpr int64_t kReach = 3;
  torch::Tensor line = (-(torch::arange(2 * kReach + 1, torch::kFloat) - kReach).square() / (2 * sigma * sigma)).exp();
  line = line / line.sum();
  const torch::Tensor padded =
      F::pad(picture.unsqueeze(1), F::PadFuncOptions({kReach, kReach, kReach, kReach}).mode(torch::kReplicate));
  return F::conv2d(F::conv2d(padded, line.view({1, 1, 1, -1})), line.view({1, 1, -1, 1})).squeeze(1);
}

/// The first pixel of a window of `side` in `size` pixels, so that `point` lies at a random place in it.
int64_t start_near(int64_t point, int64_t side, int64_t size, Rng& rng) {
  return std::clamp<int64_t>(point - rng.integer(0, side), 0, size - side);
}

}  // namespace

std::optional<SmallPictures> small_pictures(const corpus::Corpus& corpus, diffusion::Vae vae, int64_t factor,
                                            const RunOptions& options) {
  const torch::NoGradGuard no_grad;
  constexpr int64_t kAtOnce = 16;
  const int64_t count = corpus.view_count();
  std::vector<torch::Tensor> plain, decoded;
  Progress progress(options.progress, "small pictures", count);
  for (int64_t first = 0; first < count; first += kAtOnce) {
    if (options.stop != nullptr && options.stop->load()) return std::nullopt;
    std::vector<int64_t> views;
    for (int64_t i = first; i < std::min(count, first + kAtOnce); ++i) views.push_back(i);
    const torch::Tensor small = torch::avg_pool2d(corpus.views(views).rgb, {factor, factor});
    const LowPrecision low(options.low_precision);
    const torch::Tensor latents = diffusion::posterior_mean(vae->encode_moments(small * 2 - 1).to(torch::kFloat));
    const torch::Tensor back = vae->decode(latents * vae->config().scaling_factor).to(torch::kFloat) / 2 + 0.5;
    plain.push_back(as_bytes(small));
    decoded.push_back(as_bytes(back));
    progress.update(views.back() + 1, "views", static_cast<double>(views.back() + 1));
  }
  return SmallPictures{.factor = factor, .plain = torch::cat(plain), .decoded = torch::cat(decoded)};
}

UpscaleBatch draw_windows(const corpus::Corpus& corpus, const SmallPictures& pictures,
                          const std::vector<int64_t>& views, Rng rng, int64_t count) {
  const int64_t size = pictures.plain.size(3), side = std::min(kWindow, size), factor = pictures.factor;
  std::vector<torch::Tensor> small, large;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t view = pick(views, rng);
    const corpus::Views whole = corpus.views({view});
    const torch::Tensor object = torch::nonzero(torch::avg_pool2d(whole.alpha, {factor, factor})[0][0] > 0.5);
    int64_t y = rng.integer(0, size), x = rng.integer(0, size);
    if (object.size(0) > 0) {
      const torch::Tensor point = object[rng.integer(0, object.size(0))];
      y = point[0].item<int64_t>(), x = point[1].item<int64_t>();
    }
    y = start_near(y, side, size, rng), x = start_near(x, side, size, rng);
    const torch::Tensor& source = rng.chance(kDecoded) ? pictures.decoded : pictures.plain;
    torch::Tensor window = source[view].slice(1, y, y + side).slice(2, x, x + side).to(torch::kFloat) / 255;
    torch::Tensor truth =
        whole.rgb[0].slice(1, factor * y, factor * (y + side)).slice(2, factor * x, factor * (x + side));
    if (rng.chance(kBlurred)) window = blurred(window, rng.uniform(0.1, kWidestBlur));
    if (rng.chance(kNoisy))
      window = window + rng.uniform(0, kMostNoise) * tensor::randn(rng, window.sizes().vec(), torch::kCPU);
    if (rng.chance(0.5)) window = window.flip(2), truth = truth.flip(2);
    small.push_back(window.clamp(0, 1));
    large.push_back(truth);
  }
  return {.small = torch::stack(small), .large = torch::stack(large)};
}

}  // namespace lucid::pretrain
