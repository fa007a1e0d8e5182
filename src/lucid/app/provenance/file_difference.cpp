// SPDX-License-Identifier: Apache-2.0
// Compares Gaussians and pictures by their values.
#include "lucid/app/provenance/file_difference.h"

#include <fmt/format.h>

#include "lucid/asset/pictures/image.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/base/error.h"

namespace lucid::app {
namespace {

std::string difference_of_clouds(const gaussians::Cloud& a, const gaussians::Cloud& b) {
  if (a.count() != b.count()) return fmt::format("{} Gaussians, and {} before", b.count(), a.count());
  const auto largest = [](const torch::Tensor& x, const torch::Tensor& y) {
    return x.numel() == 0 ? 0.0 : (x - y).abs().max().item<double>();
  };
  return fmt::format("positions differ by {:.2g} at most, opacities by {:.2g}", largest(a.means, b.means),
                     largest(a.opacity_logits.sigmoid(), b.opacity_logits.sigmoid()));
}

std::string difference_of_pictures(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes()) return "another size";
  const double error = (a - b).square().mean().item<double>();
  return error > 0 ? fmt::format("{:.1f} dB", -10 * std::log10(error)) : "the same picture, in other bytes";
}

}  // namespace

std::string difference_of(const std::filesystem::path& one, const std::filesystem::path& other) {
  const std::string extension = one.extension().string(), name = one.filename().string();
  try {
    if (extension == ".png") return difference_of_pictures(asset::read_png(one), asset::read_png(other));
    if (extension == ".ply" && name != "init_points3d.ply")
      return difference_of_clouds(asset::read_ply(one), asset::read_ply(other));
  } catch (const UserError& error) {
    return error.what();
  }
  return "differs";
}

}  // namespace lucid::app
