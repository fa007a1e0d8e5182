// SPDX-License-Identifier: Apache-2.0
// Tensors in, tensors out of the rasteriser: one view of a cloud, on the device where the cloud lies.
#pragma once

#include <torch/torch.h>

#include <array>
#include <variant>

#include "lucid/gaussians/cloud.h"
#include "lucid/render/rasterize.h"

namespace lucid::gaussians {

struct RenderedView {
  torch::Tensor rgb;    // [3,H,W] over the background
  torch::Tensor depth;  // [1,H,W]
  torch::Tensor alpha;  // [1,H,W]
  torch::Tensor radii;  // [N] int32
  RenderedView cpu() const { return {rgb.cpu(), depth.cpu(), alpha.cpu(), radii.cpu()}; }
};

/// A rasteriser of the device's kind, and its scratch memory. On a GPU it works in the default stream, as libtorch
/// does.
class ViewRenderer {
 public:
  /// Throws UserError where the device cannot be used.
  explicit ViewRenderer(torch::Device device = torch::kCPU);
  /// Frames are numbered by the caller; what backward needs of a frame is kept until its next forward.
  RenderedView forward(int frame, const Activated& cloud, const Camera& camera, const std::array<float, 3>& background);
  /// d_images: on the cloud's device. -> dL/d cloud.
  ActivatedGradient backward(int frame, const Activated& cloud, const render::ImageGradients<float>& d_images);

 private:
  std::variant<render::CpuRasterizer, render::CudaRasterizer> rasterizer_;
};

}  // namespace lucid::gaussians
