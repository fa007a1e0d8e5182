// SPDX-License-Identifier: Apache-2.0
// Pictures of a cloud: rendering, channels, supersampling, background.
#include "lucid/asset/pictures/view_picture.h"

#include <algorithm>

#include "lucid/asset/pictures/image.h"
#include "lucid/asset/pictures/normals.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

/// A channel of one view, before the background: colours multiplied with alpha, as averages need them.
struct Layer {
  torch::Tensor rgb;    // [3,H,W]
  torch::Tensor alpha;  // [1,H,W]
};

Layer draw_channel(Channel channel, const gaussians::RenderedView& view, const Camera& camera,
                   const std::optional<DepthRange>& range) {
  switch (channel) {
    case Channel::kRgb:
      return {view.rgb, view.alpha};
    case Channel::kDepth:
      return {depth_colours(view.depth, view.alpha, range) * view.alpha, view.alpha};
    case Channel::kNormals: {
      const torch::Tensor surface = view.alpha.ge(kSurfaceAlpha).to(torch::kFloat32);
      return {(normals_of_depth(view.depth, view.alpha, camera) * 0.5 + 0.5) * surface, surface};
    }
    case Channel::kAlpha:
      return {view.alpha.expand({3, -1, -1}), torch::ones_like(view.alpha)};
  }
  LUCID_CHECK(false, "channel {}", static_cast<int>(channel));
}

/// [3,H,W] over the background, or [4,H,W].
torch::Tensor composed(const Layer& layer, const Background& background) {
  if (background.transparent) {
    constexpr float kLeast = 1e-6F;  // colours of pixels below it are arbitrary: nobody sees them
    return torch::cat({(layer.rgb / layer.alpha.clamp_min(kLeast)).clamp(0, 1), layer.alpha.clamp(0, 1)});
  }
  const torch::Tensor behind = torch::tensor({background.rgb[0], background.rgb[1], background.rgb[2]});
  return (layer.rgb + (1 - layer.alpha) * behind.view({3, 1, 1})).clamp(0, 1);
}

torch::Tensor box_average(const torch::Tensor& image, int factor) {
  return factor == 1 ? image : torch::avg_pool2d(image.unsqueeze(0), factor).squeeze(0);
}

Camera resized(Camera camera, int width, int height) {
  camera.width = width;
  camera.height = height;
  return camera;
}

}  // namespace

torch::Tensor view_picture(const gaussians::Activated& cloud, const Camera& camera, const PictureStyle& style,
                           gaussians::ViewRenderer& renderer) {
  LUCID_CHECK(!style.channels.empty() && style.supersample >= 1, "{} channels, supersample {}", style.channels.size(),
              style.supersample);
  const torch::NoGradGuard no_grad;
  const int factor = style.supersample;
  const Camera fine = resized(camera, camera.width * factor, camera.height * factor);
  if (int64_t{fine.width} * fine.height > kMostPixels) {
    throw UserError({.what_happened = fmt::format("a picture of {} x {} pixels at {} times the size is too large",
                                                  camera.width, camera.height, factor),
                     .hint = "--size or --supersample smaller"});
  }
  const gaussians::RenderedView view = renderer.forward(0, cloud, fine, {0, 0, 0}).cpu();
  std::vector<torch::Tensor> pictures;
  for (const Channel channel : style.channels) {
    const Layer layer = draw_channel(channel, view, fine, style.depth_range);
    pictures.push_back(composed({box_average(layer.rgb, factor), box_average(layer.alpha, factor)}, style.background));
  }
  return torch::cat(pictures, 2);
}

std::optional<DepthRange> shared_depth_range(const gaussians::Activated& cloud, const std::vector<Camera>& cameras,
                                             gaussians::ViewRenderer& renderer) {
  constexpr size_t kViews = 8;
  constexpr int kSide = 128;  // pixels, the longer side
  const torch::NoGradGuard no_grad;
  std::optional<DepthRange> shared;
  const size_t views = std::min(kViews, cameras.size());
  for (size_t k = 0; k < views; ++k) {
    const Camera& camera = cameras[k * cameras.size() / views];
    const int longer = std::max(camera.width, camera.height);
    const Camera small =
        resized(camera, std::max(1, camera.width * kSide / longer), std::max(1, camera.height * kSide / longer));
    const gaussians::RenderedView view = renderer.forward(0, cloud, small, {0, 0, 0}).cpu();
    const std::optional<DepthRange> range = visible_range(view.depth, view.alpha);
    if (!range) continue;
    if (!shared) shared = range;
    shared->near = std::min(shared->near, range->near);
    shared->far = std::max(shared->far, range->far);
  }
  return shared;
}

}  // namespace lucid::asset
