// SPDX-License-Identifier: Apache-2.0
// ViewRenderer: allocates image and gradient tensors and passes their pointers to the rasteriser.
#include "lucid/gaussians/view_renderer.h"

namespace lucid::gaussians {
namespace {

std::variant<render::CpuRasterizer, render::CudaRasterizer> rasterizer_of(torch::Device device) {
  if (device.is_cpu()) return render::CpuRasterizer();
  return render::CudaRasterizer();
}

}  // namespace

ViewRenderer::ViewRenderer(torch::Device device) : rasterizer_(rasterizer_of(device)) {}

RenderedView ViewRenderer::forward(int frame, const Activated& cloud, const Camera& camera,
                                   const std::array<float, 3>& background) {
  const torch::TensorOptions floats = cloud.means.options();
  const RenderedView view{.rgb = torch::empty({3, camera.height, camera.width}, floats),
                          .depth = torch::empty({1, camera.height, camera.width}, floats),
                          .alpha = torch::empty({1, camera.height, camera.width}, floats),
                          .radii = torch::empty({cloud.means.size(0)}, floats.dtype(torch::kInt32))};
  const render::Images<float> images{.rgb = view.rgb.data_ptr<float>(),
                                     .depth = view.depth.data_ptr<float>(),
                                     .alpha = view.alpha.data_ptr<float>(),
                                     .radii = view.radii.data_ptr<int32_t>()};
  std::visit([&](auto& rasterizer) { rasterizer.forward(frame, cloud.view(), camera, background, images); },
             rasterizer_);
  return view;
}

ActivatedGradient ViewRenderer::backward(int frame, const Activated& cloud,
                                         const render::ImageGradients<float>& d_images) {
  ActivatedGradient d_cloud = ActivatedGradient::like(cloud);
  std::visit([&](auto& rasterizer) { rasterizer.backward(frame, cloud.view(), d_images, d_cloud.view()); },
             rasterizer_);
  return d_cloud;
}

}  // namespace lucid::gaussians
