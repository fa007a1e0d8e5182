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

/// Writes discs and squares in red, green and blue; blue squares are held out.
inline void write_toy_corpus(const std::filesystem::path& folder) {
  const std::pair<const char*, std::array<int, 3>> colours[] = {
      {"red", {220, 30, 30}}, {"green", {30, 200, 40}}, {"blue", {30, 40, 220}}};
  corpus::CorpusWriter writer(folder, kSize);
  for (const std::string word : {"disc", "square"}) {
    for (const auto& [colour, rgb] : colours) {
      torch::Tensor pictures = torch::full({kViews, 3, kSize, kSize}, 255, torch::kUInt8);
      torch::Tensor alpha = torch::zeros({kViews, 1, kSize, kSize}, torch::kUInt8);
      torch::Tensor azimuth = torch::empty({kViews}), elevation = torch::empty({kViews});
      for (int64_t view = 0; view < kViews; ++view) {
        const double degrees = -180 + 360.0 * static_cast<double>(view) / static_cast<double>(kViews);
        azimuth[view] = degrees;
        elevation[view] = 10.0 * static_cast<double>(view % 4);
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
                  .mirrors = word == "disc"},
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
