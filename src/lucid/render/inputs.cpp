// SPDX-License-Identifier: Apache-2.0
// Input checks of the rasteriser, and the values derived from a camera.
#include "lucid/render/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "lucid/base/error.h"

namespace lucid::render {
namespace {

constexpr int64_t kBlock = 1 << 14;

/// x - x is 0 for every finite x and NaN otherwise; the compiler vectorises this test, unlike std::isfinite.
template <class Real>
bool all_finite(const Real* values, int64_t count) {
  bool finite = true;
  for (int64_t i = 0; i < count; ++i) finite &= (values[i] - values[i]) == 0;
  return finite;
}

template <class Real>
void check_tensor(const char* name, const Real* values, int64_t rows, int64_t columns) {
  const int64_t count = rows * columns;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t length = std::min(kBlock, count - begin);
    if (all_finite(values + begin, length)) continue;
    for (int64_t i = begin; i < begin + length; ++i) {
      if (std::isfinite(values[i])) continue;
      throw_not_finite_element(name, double(values[i]), i, rows, columns);
    }
  }
}

}  // namespace

void throw_not_finite_element(const char* name, double value, int64_t at, int64_t rows, int64_t columns) {
  throw std::invalid_argument(fmt::format("rasterizer: {}[{}, {}] is {} ({} rows of {})", name, at / columns,
                                          at % columns, value, rows, columns));
}

template <class Real>
void check_shapes(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background) {
  if (camera.width <= 0 || camera.height <= 0) {
    throw std::invalid_argument(fmt::format("rasterizer: image of {} x {} pixels", camera.width, camera.height));
  }
  if (!(camera.tan_half_fov_x > 0 && camera.tan_half_fov_y > 0) || !std::isfinite(camera.tan_half_fov_x) ||
      !std::isfinite(camera.tan_half_fov_y)) {
    throw std::invalid_argument(
        fmt::format("rasterizer: tan_half_fov is {}, {}", camera.tan_half_fov_x, camera.tan_half_fov_y));
  }
  if (cloud.count < 0) throw std::invalid_argument(fmt::format("rasterizer: {} Gaussians", cloud.count));
  if (cloud.sh_degree < 0 || cloud.sh_degree > kMaxShDegree) {
    throw std::invalid_argument(fmt::format("rasterizer: sh_degree {} is not in 0..{}", cloud.sh_degree, kMaxShDegree));
  }
  check_tensor("camera_from_world", camera.camera_from_world.data(), 4, 4);
  check_tensor("background", background.data(), 1, 3);
  for (const auto& tensor : tensors_of(cloud)) {
    if (cloud.count > 0 && tensor.values == nullptr) {
      throw std::invalid_argument(fmt::format("rasterizer: {} is missing", tensor.name));
    }
  }
}

template <class Real>
void check_elements(const CloudView<Real>& cloud) {
  for (const auto& tensor : tensors_of(cloud)) check_tensor(tensor.name, tensor.values, cloud.count, tensor.columns);
}

template <class Real>
void check_inputs(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background) {
  check_shapes(cloud, camera, background);
  check_elements(cloud);
}

void check_jobs(const CloudView<float>& cloud, std::span<const ViewJob> jobs, const std::array<float, 3>& background) {
  for (const ViewJob& job : jobs) {
    const auto same_frame = [&](const ViewJob& other) { return other.frame == job.frame; };
    LUCID_CHECK(job.frame >= 0 && std::ranges::count_if(jobs, same_frame) == 1,
                "frame {} is negative or asked for twice", job.frame);
    check_shapes(cloud, job.camera, background);
  }
}

void check_frame(bool has_forward, int number, size_t frames) {
  LUCID_CHECK(has_forward, "frame {} of {} has no forward pass", number, frames);
}

void check_same_cloud(const CloudView<float>& cloud, int64_t forward_count, int forward_sh_degree) {
  LUCID_CHECK(cloud.count == forward_count && cloud.sh_degree == forward_sh_degree,
              "{} Gaussians of degree {} against {} of degree {} in forward", cloud.count, cloud.sh_degree,
              forward_count, forward_sh_degree);
}

void throw_too_many_pairs() { throw std::length_error("rasterizer: more than 2^32 pairs of Gaussian and tile"); }

template <class Real>
View<Real> make_view(const Camera& camera) {
  const auto& m = camera.camera_from_world;
  const auto at = [&](int row, int column) { return Real(m[static_cast<size_t>(4 * row + column)]); };
  View<Real> view;
  view.rotation = {{at(0, 0), at(1, 0), at(2, 0)}, {at(0, 1), at(1, 1), at(2, 1)}, {at(0, 2), at(1, 2), at(2, 2)}};
  view.offset = {at(0, 3), at(1, 3), at(2, 3)};
  view.position = Real(-1) * transposed_times(view.rotation, view.offset);
  view.width = Real(camera.width);
  view.height = Real(camera.height);
  view.focal_x = Real(camera.width / (2 * camera.tan_half_fov_x));
  view.focal_y = Real(camera.height / (2 * camera.tan_half_fov_y));
  view.limit_x = Real(kTanClamp * camera.tan_half_fov_x);
  view.limit_y = Real(kTanClamp * camera.tan_half_fov_y);
  view.tiles_x = (camera.width + kTile - 1) / kTile;
  view.tiles_y = (camera.height + kTile - 1) / kTile;
  return view;
}

template void check_shapes(const CloudView<float>&, const Camera&, const std::array<float, 3>&);
template void check_shapes(const CloudView<double>&, const Camera&, const std::array<double, 3>&);
template void check_elements(const CloudView<float>&);
template void check_elements(const CloudView<double>&);
template void check_inputs(const CloudView<float>&, const Camera&, const std::array<float, 3>&);
template void check_inputs(const CloudView<double>&, const Camera&, const std::array<double, 3>&);
template View<float> make_view(const Camera&);
template View<double> make_view(const Camera&);

}  // namespace lucid::render
