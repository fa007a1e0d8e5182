// SPDX-License-Identifier: Apache-2.0
// Test fixture: a corpus of coloured discs and squares of 16 x 16 pixels, whose position depends on the azimuth.
#pragma once

#include <cmath>
#include <numbers>

#include "lucid/base/rng.h"
#include "lucid/corpus/shards.h"
#include "lucid/pretrain/train.h"

namespace lucid::pretrain::test {

inline constexpr int64_t kSize = 16, kViews = 24;

/// Writes discs and squares in red, green and blue; blue squares are held out. Each has kViews views all around, then
/// `groups` groups.
inline void write_toy_corpus(const std::filesystem::path& folder, int64_t groups = 0) {
  const std::pair<const char*, std::array<int, 3>> colours[] = {
      {"red", {220, 30, 30}}, {"green", {30, 200, 40}}, {"blue", {30, 40, 220}}};
  corpus::CorpusWriter writer(folder, kSize);
  for (const std::string word : {"disc", "square"}) {
    for (const auto& [colour, rgb] : colours) {
      const int64_t views = kViews + corpus::kGroupViews * groups;
      torch::Tensor pictures = torch::full({views, 3, kSize, kSize}, 255, torch::kUInt8);
      torch::Tensor alpha = torch::zeros({views, 1, kSize, kSize}, torch::kUInt8);
      torch::Tensor azimuth = torch::empty({views}), elevation = torch::empty({views});
      for (int64_t view = 0; view < views; ++view) {
        double degrees = -180 + 360.0 * static_cast<double>(view) / static_cast<double>(kViews);
        int64_t step = view % 4;
        if (view >= kViews) {
          const int64_t group = (view - kViews) / corpus::kGroupViews, turn = (view - kViews) % corpus::kGroupViews;
          degrees = -180 + 90 * (static_cast<double>(turn) + static_cast<double>(group) / static_cast<double>(groups));
          step = group % 4;
        }
        azimuth[view] = degrees;
        elevation[view] = 10.0 * static_cast<double>(step);
        const double shift = 3 * std::sin(degrees * std::numbers::pi / 180);
        for (int64_t y = 0; y < kSize; ++y) {
          for (int64_t x = 0; x < kSize; ++x) {
            const double dx = static_cast<double>(x) - 7.5 - shift, dy = static_cast<double>(y) - 7.5;
            const bool inside = word == "disc" ? dx * dx + dy * dy < 20 : std::max(std::abs(dx), std::abs(dy)) < 4;
            if (!inside) continue;
            alpha[view][0][y][x] = 255;
            for (int64_t c = 0; c < 3; ++c) pictures[view][c][y][x] = rgb[static_cast<size_t>(c)];
          }
        }
      }
      const std::string name = std::string(colour) + " " + word;
      writer.add({.object = name,
                  .word = word,
                  .colour = colour,
                  .captions = {"a " + word, "a " + name},
                  .held_out = name == "blue square",
                  .mirrors = word == "disc",
                  .groups = groups},
                 pictures, alpha, azimuth, elevation);
    }
  }
  writer.finish();
}

inline TrainOptions tiny_options(const std::filesystem::path& corpus, const std::filesystem::path& out) {
  TrainOptions options{.corpus = corpus, .preset = "tiny"};
  options.run.folder = out;
  options.run.threads = 2;
  options.run.seed = 7;
  return options;
}

}  // namespace lucid::pretrain::test
