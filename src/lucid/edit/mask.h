// SPDX-License-Identifier: Apache-2.0
// Mask: the part of space that an edit may change.
#pragma once

#include <torch/torch.h>

#include <array>
#include <optional>

#include "lucid/camera/camera.h"
#include "lucid/edit/options.h"
#include "lucid/gaussians/cloud.h"

namespace lucid::edit {

/// A box or a sphere in world units.
class Mask {
 public:
  /// None if the options name no volume. Throws UserError for a malformed one, and for two masks together.
  static std::optional<Mask> of(const EditOptions& options);

  torch::Tensor inside(const torch::Tensor& means) const;  // [N,3] -> [N] bool, by their centres
  /// Moves the centres outside to the nearest point of the volume.
  void confine(gaussians::Cloud& cloud) const;
  /// [H,W] bool: the pixels whose ray meets the volume.
  torch::Tensor covers(const Camera& camera) const;

 private:
  std::array<double, 3> low_{}, high_{};  // of the box; the sphere's centre is low_
  double radius_ = 0;                     // of the sphere; 0: a box
};

/// A cloud in two parts.
struct Parts {
  gaussians::Cloud inside, outside;  // rows in their order
};
/// inside [N] bool. Throws UserError if nothing is.
Parts split(const gaussians::Cloud& cloud, const torch::Tensor& inside);

}  // namespace lucid::edit
