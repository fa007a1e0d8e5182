// SPDX-License-Identifier: Apache-2.0
// Renders of an asset before and after an edit, side by side, and their differences.
#include "lucid/edit/compare.h"

#include <algorithm>

#include "lucid/asset/pictures/image.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/train/outputs.h"

namespace lucid::edit {
namespace {

using torch::Tensor;

int side(const train::TrainOptions& options, int training) {
  return options.output_size > 0 ? static_cast<int>(options.output_size) : training;
}

std::vector<Camera> cameras_of_sheet(const train::TrainOptions& options, int most_pixels) {
  return test_views(options.views, std::min(most_pixels, side(options, options.views.width)),
                    std::min(most_pixels, side(options, options.views.height)));
}

}  // namespace

Change change_of(const BeforeAfter& assets, const train::TrainOptions& options, const Covers& covers,
                 gaussians::ViewRenderer& renderer) {
  const torch::NoGradGuard no_grad;
  double object = 0, ground = 0, outside = 0, object_pixels = 0, ground_pixels = 0, outside_pixels = 0, both = 0,
         either = 0;
  const auto sum = [](const Tensor& x) { return x.sum().item<double>(); };
  for (const Camera& camera : test_views(options.views, options.views.width, options.views.height)) {
    const gaussians::RenderedView before = train::plain_view(assets.before, camera, renderer);
    const gaussians::RenderedView after = train::plain_view(assets.after, camera, renderer);
    const Tensor difference = (after.rgb.clamp(0, 1) - before.rgb.clamp(0, 1)).abs().mean(0);  // [H,W]
    const Tensor alpha = before.alpha[0], was = alpha > 0.5, is = after.alpha[0] > 0.5, bare = alpha < 1.0 / 255;
    object += sum(difference * was);
    object_pixels += sum(was);
    ground += sum(difference * bare);
    ground_pixels += sum(bare);
    both += sum(was & is);
    either += sum(was | is);
    const Tensor covered = covers ? covers(camera) : Tensor();
    if (!covered.defined()) continue;
    const Tensor beside = covered.logical_not();
    outside += sum(difference * beside);
    outside_pixels += sum(beside);
  }
  const auto mean = [](double total, double count) { return count > 0 ? total / count : 0; };
  return {.object = mean(object, object_pixels),
          .ground = mean(ground, ground_pixels),
          .outline_iou = mean(both, either),
          .outside = mean(outside, outside_pixels)};
}

void write_comparison_sheet(const std::filesystem::path& file, const BeforeAfter& assets,
                            const train::TrainOptions& options, gaussians::ViewRenderer& renderer) {
  constexpr int kMostPixels = 256;
  std::vector<std::vector<Tensor>> rows(2);
  std::vector<Camera> cameras = cameras_of_sheet(options, kMostPixels);
  cameras.resize(cameras.size() / (options.views.render_45 ? 2 : 1));  // the first ring
  for (const Camera& camera : cameras) {
    rows[0].push_back(train::plain_view(assets.before, camera, renderer).rgb);
    rows[1].push_back(train::plain_view(assets.after, camera, renderer).rgb);
  }
  asset::write_png(file, asset::contact_sheet(rows));
}

void write_comparison_video(const std::filesystem::path& file, const BeforeAfter& assets,
                            const train::TrainOptions& options, gaussians::ViewRenderer& renderer) {
  const int width = side(options, options.views.width), height = side(options, options.views.height);
  asset::VideoWriter film(file, 2 * width, height);
  for (const Camera& camera : turntable(options.views, static_cast<int>(options.turntable_frames),
                                        options.views.default_polar, width, height)) {
    film.add(torch::cat(
        {train::plain_view(assets.before, camera, renderer).rgb, train::plain_view(assets.after, camera, renderer).rgb},
        2));
  }
  film.finish();
}

}  // namespace lucid::edit
