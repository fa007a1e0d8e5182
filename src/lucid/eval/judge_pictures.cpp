// SPDX-License-Identifier: Apache-2.0
// Loads labelled pictures from a corpus, and augments batches.
#include "lucid/eval/judge_pictures.h"

#include <algorithm>

#include "lucid/tensor/device.h"

namespace lucid::eval {
namespace {

constexpr int64_t kHeldOutEvery = 10, kReadAtOnce = 256;

/// Augments pictures [B,3,S,S] in 0..1: each is zoomed, shifted, tinted; some are hazed or blurred.
torch::Tensor augmented(const torch::Tensor& pictures, Rng& rng) {
  const int64_t count = pictures.size(0);
  torch::Tensor affine = torch::zeros({count, 2, 3});
  torch::Tensor gain = torch::ones({count, 3, 1, 1}), haze = torch::zeros({count, 1, 1, 1});
  for (int64_t i = 0; i < count; ++i) {
    const double zoom = rng.uniform(0.9, 1.2);  // > 1: the object becomes smaller
    affine[i][0][0] = zoom;
    affine[i][1][1] = zoom;
    affine[i][0][2] = rng.uniform(-0.1, 0.1);
    affine[i][1][2] = rng.uniform(-0.1, 0.1);
    const double light = rng.uniform(0.85, 1.1);
    for (int64_t c = 0; c < 3; ++c) gain[i][c] = light * rng.uniform(0.93, 1.07);
    if (rng.chance(0.3)) haze[i] = rng.uniform(0, 0.35);
  }
  for (torch::Tensor* numbers : {&affine, &gain, &haze}) *numbers = tensor::to_device(*numbers, pictures.device());
  const torch::Tensor grid = torch::affine_grid_generator(affine, pictures.sizes(), /*align_corners=*/false);
  // Sample 1 - picture, which is 0 on the white background: the zero padding outside then becomes white.
  torch::Tensor dark = torch::grid_sampler(1 - pictures, grid, 0, 0, false) * (1 - haze);
  const double sigma = rng.uniform(0, 1.2);  // one blur per batch, applied to its first half
  if (sigma > 0.3) {
    const torch::Tensor x = torch::arange(-3, 4).to(torch::kFloat);
    torch::Tensor kernel = torch::exp(-x * x / (2 * sigma * sigma));
    kernel = tensor::to_device((kernel / kernel.sum()).view({1, 1, 1, 7}).repeat({3, 1, 1, 1}), pictures.device());
    const auto filter = [&](const torch::Tensor& k, at::IntArrayRef padding) {
      auto half = dark.slice(0, 0, count / 2);
      half.copy_(torch::conv2d(half, k, {}, 1, padding, 1, /*groups=*/3));
    };
    filter(kernel, {0, 3});
    filter(kernel.transpose(2, 3).contiguous(), {3, 0});
  }
  return ((1 - dark) * gain).clamp(0, 1);
}

}  // namespace

bool is_held_out(int64_t view_of_item) { return view_of_item % kHeldOutEvery == kHeldOutEvery / 2; }

bool every_view(int64_t /*view_of_item*/) { return true; }

JudgePictures load_pictures(const corpus::Corpus& corpus, const JudgeConfig& config, const ViewFilter& keep) {
  const auto index_in = [](const std::vector<std::string>& list, const std::string& word) {
    const auto it = std::ranges::find(list, word);
    return it == list.end() ? kIgnoreIndex : static_cast<int64_t>(it - list.begin());
  };
  std::vector<int64_t> views, words, colours, sectors, mirrors;
  for (const corpus::Item& item : corpus.items()) {
    for (int64_t i = 0; i < item.view_count; ++i) {
      if (!keep(i)) continue;
      views.push_back(item.first_view + i);
      words.push_back(index_in(config.words, item.word));
      colours.push_back(index_in(config.colours, item.colour));
      mirrors.push_back(item.mirrors);
    }
  }
  JudgePictures result;
  const auto count = static_cast<int64_t>(views.size());
  result.rgb = torch::empty({count, 3, kJudgeSize, kJudgeSize}, torch::kUInt8);
  for (int64_t begin = 0; begin < count; begin += kReadAtOnce) {
    const int64_t end = std::min(count, begin + kReadAtOnce);
    const corpus::Views some = corpus.views({views.begin() + begin, views.begin() + end});
    result.rgb.slice(0, begin, end) =
        (torch::adaptive_avg_pool2d(some.rgb, {kJudgeSize, kJudgeSize}) * 255).round().to(torch::kUInt8);
    for (int64_t i = 0; i < end - begin; ++i) sectors.push_back(sector_of(some.azimuth[i].item<double>()));
  }
  result.word = torch::tensor(words, torch::kLong);
  result.colour = torch::tensor(colours, torch::kLong);
  result.sector = torch::tensor(sectors, torch::kLong);
  result.mirrors = torch::tensor(mirrors, torch::kLong).to(torch::kBool);
  return result;
}

JudgeBatch draw_batch(const JudgePictures& pictures, const torch::Tensor& rows, Rng& rng) {
  const torch::Device device = pictures.rgb.device();
  JudgeBatch batch{.rgb = pictures.rgb.index_select(0, tensor::to_device(rows, device)).to(torch::kFloat) / 255,
                   .word = pictures.word.index_select(0, rows),
                   .colour = pictures.colour.index_select(0, rows),
                   .sector = pictures.sector.index_select(0, rows)};
  std::vector<int64_t> coins;
  for (int64_t i = 0; i < rows.size(0); ++i) coins.push_back(rng.chance(0.5));
  const torch::Tensor flipped =
      torch::tensor(coins, torch::kLong).to(torch::kBool) & pictures.mirrors.index_select(0, rows);
  batch.rgb = torch::where(tensor::to_device(flipped, device).view({-1, 1, 1, 1}), batch.rgb.flip({3}), batch.rgb);
  batch.sector = torch::where(flipped, (kSectors - batch.sector) % kSectors, batch.sector);
  batch.rgb = augmented(batch.rgb, rng);
  return batch;
}

}  // namespace lucid::eval
