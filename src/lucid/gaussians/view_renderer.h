// SPDX-License-Identifier: Apache-2.0
// ViewRenderer: the rasteriser with tensors as inputs and outputs, one view at a time, on the cloud's device.
#pragma once

#include <torch/torch.h>

#include <array>
#include <variant>

#include "lucid/gaussians/cloud.h"
#include "lucid/render/rasterize.h"

namespace lucid::gaussians {

struct RenderedView {
  torch::Tensor rgb;    // [3,H,W] over the background
  torch::Tensor depth;  // [1,H,W] sum of weight * z, world units
  torch::Tensor alpha;  // [1,H,W]
  torch::Tensor radii;  // [N] int32, pixels; 0 = not visible
  RenderedView cpu() const { return {rgb.cpu(), depth.cpu(), alpha.cpu(), radii.cpu()}; }
};

/// Owns the rasteriser for a device. On a GPU it uses the default stream, as libtorch does.
class ViewRenderer {
 public:
  /// Throws UserError if the device cannot be used.
  explicit ViewRenderer(torch::Device device = torch::kCPU);
  /// Renders one view. The caller numbers the frames from 0; a frame keeps the state for backward() until its next
  /// forward().
  RenderedView forward(int frame, const Activated& cloud, const Camera& camera, const std::array<float, 3>& background);
  /// dL/d(activated cloud) from dL/d(images), whose pointers are on the cloud's device.
  ActivatedGradient backward(int frame, const Activated& cloud, const render::ImageGradients<float>& d_images);

 private:
  std::variant<render::CpuRasterizer, render::CudaRasterizer> rasterizer_;
};

}  // namespace lucid::gaussians
