// SPDX-License-Identifier: Apache-2.0
// Reads painted views, and gathers their white per Gaussian by the rasteriser's backward pass: with a picture as the
// gradient of the colours, the gradient of a Gaussian's colour is the sum over the pixels of picture times weight.
#include "lucid/edit/mask_pictures.h"

#include <cmath>

#include "lucid/asset/pictures/image.h"
#include "lucid/base/error.h"
#include "lucid/train/outputs.h"

namespace lucid::edit {
namespace fs = std::filesystem;
namespace {

using torch::Tensor;

bool same_view(const Camera& a, const Camera& b) {
  return std::abs(a.theta - b.theta) < 0.5 && std::abs(std::remainder(a.phi - b.phi, 360.0)) < 0.5;
}

}  // namespace

std::vector<MaskPicture> read_mask_pictures(const fs::path& folder, const ViewOptions& views) {
  std::error_code none;
  if (!fs::is_directory(folder, none)) throw UserError({.what_happened = "is not a folder", .file = folder.string()});
  std::vector<MaskPicture> pictures;
  for (const Camera& view : test_views(views, views.width, views.height)) {
    const fs::path file = folder / (train::view_name(view) + ".png");
    if (!fs::exists(file, none)) continue;
    const Tensor image = asset::read_png(file);  // [3,H,W]
    MaskPicture picture{.camera = view, .white = image.slice(0, 0, 3).mean(0).contiguous()};
    picture.camera.height = static_cast<int>(image.size(1));
    picture.camera.width = static_cast<int>(image.size(2));
    if (static_cast<int64_t>(picture.camera.width) * views.height !=
        static_cast<int64_t>(picture.camera.height) * views.width) {
      throw UserError({.what_happened = fmt::format("is {} x {} pixels; the views are {} x {}", picture.camera.width,
                                                    picture.camera.height, views.width, views.height),
                       .file = file.string(),
                       .hint = "paint over a test view of the run"});
    }
    pictures.push_back(picture);
  }
  if (pictures.empty()) {
    throw UserError({.what_happened = "holds no picture that is named as a test view",
                     .file = folder.string(),
                     .hint = fmt::format("{}.png is the first", train::view_name(test_views(views, 1, 1).front()))});
  }
  return pictures;
}

Tensor marked(const gaussians::Cloud& cloud, const std::vector<MaskPicture>& pictures,
              gaussians::ViewRenderer& renderer) {
  const torch::NoGradGuard no_grad;
  gaussians::Activated grey = gaussians::activate(cloud, {.active_degree = 0});
  grey.sh = torch::zeros_like(grey.sh);  // colours that are clamped would have no gradient
  Tensor white, all;                     // [N]
  for (const MaskPicture& picture : pictures) {
    const gaussians::RenderedView view = renderer.forward(0, grey, picture.camera, {0, 0, 0});
    const auto gathered = [&](const Tensor& weights) {  // [H,W] -> [N]
      const Tensor d_rgb = weights.to(view.rgb.device()).unsqueeze(0).repeat({3, 1, 1}).contiguous();
      return renderer.backward(0, grey, {.rgb = d_rgb.data_ptr<float>(), .depth = nullptr, .alpha = nullptr})
          .sh.select(1, 0)
          .select(1, 0)
          .clone();
    };
    const Tensor of_white = gathered(picture.white), of_all = gathered(torch::ones_like(picture.white));
    white = white.defined() ? white + of_white : of_white;
    all = all.defined() ? all + of_all : of_all;
  }
  return (white > 0.5 * all) & (all > 0);
}

Tensor white_pixels(const std::vector<MaskPicture>& pictures, const Camera& camera) {
  for (const MaskPicture& picture : pictures) {
    if (!same_view(picture.camera, camera)) continue;
    return asset::resize_nearest(picture.white.unsqueeze(0), camera.height, camera.width)[0] > 0.5;
  }
  return {};
}

}  // namespace lucid::edit
