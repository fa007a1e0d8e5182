// SPDX-License-Identifier: Apache-2.0
// An edit beside the asset that it began with: sheet, film, and what changed in numbers.
#pragma once

#include <filesystem>

#include <functional>

#include "lucid/gaussians/view_renderer.h"
#include "lucid/train/options.h"

namespace lucid::edit {

/// Two states of an asset.
struct BeforeAfter {
  const gaussians::Cloud &before, &after;
};

/// Differences over the test views on white; colours in [0, 1].
struct Change {
  double object = 0;       // mean absolute difference where the asset was (alpha > 1/2)
  double ground = 0;       // mean absolute difference where it was not (alpha < 1/255)
  double outline_iou = 0;  // of the pixels with alpha > 1/2
  double outside = 0;      // mean absolute difference of the pixels that do not look into the mask; 0 without a mask
};
/// The pixels of a view that look into the mask, [H,W] bool; undefined where that is not known.
using Covers = std::function<torch::Tensor(const Camera&)>;
/// `covers` is null without a mask.
Change change_of(const BeforeAfter& assets, const train::TrainOptions& options, const Covers& covers,
                 gaussians::ViewRenderer& renderer);

/// The first ring of test views: before above, after below.
void write_comparison_sheet(const std::filesystem::path& file, const BeforeAfter& assets,
                            const train::TrainOptions& options, gaussians::ViewRenderer& renderer);
/// The turntable, before on the left and after on the right.
void write_comparison_video(const std::filesystem::path& file, const BeforeAfter& assets,
                            const train::TrainOptions& options, gaussians::ViewRenderer& renderer);

}  // namespace lucid::edit
