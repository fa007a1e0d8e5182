// SPDX-License-Identifier: Apache-2.0
// Directions to a tensor of cameras.
#include "lucid/pretrain/multi_view/cameras.h"

#include "lucid/camera/multi_view.h"
#include "lucid/tensor/device.h"

namespace lucid::pretrain {

torch::Tensor cameras_at(const std::vector<text_to_image::Direction>& directions, torch::Device device) {
  std::vector<float> numbers;
  for (const text_to_image::Direction& direction : directions) {
    const auto camera = multi_view_camera_at(direction.azimuth, direction.elevation);
    numbers.insert(numbers.end(), camera.begin(), camera.end());
  }
  return tensor::to_device(numbers, device).view({static_cast<int64_t>(directions.size()), -1});
}

}  // namespace lucid::pretrain
