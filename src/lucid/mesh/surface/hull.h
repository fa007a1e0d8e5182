// SPDX-License-Identifier: Apache-2.0
// The soft visual hull of pictures: A(x) = the smallest alpha over the pictures in which x is seen. A surface at A = a
// has no outline beyond alpha = a in any of them (Laurentini 1994, with alpha in place of a mask).
#pragma once

#include <array>
#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/surface/lattice.h"

namespace lucid::mesh {

/// The alphas of pictures as functions of points. Refers to the pictures.
class Hull {
 public:
  explicit Hull(const std::vector<CloudPicture>& pictures);

  /// A at a point, bilinear in each picture; 1 where no picture sees it. Once A is known to be below `enough`, some
  /// upper bound of A below `enough` is returned.
  float alpha(const Point& at, float enough = 0) const;

 private:
  struct View {
    std::array<float, 12> pixel_from_world{};  // [3,4]; pixel (0, 0) has its centre at (0, 0)
    int width = 0, height = 0;
    const float* alpha = nullptr;  // [H,W]
  };
  std::vector<View> views_;
};

/// A on the samples whose density exceeds `above`; 1 elsewhere.
Field hull_field(const Hull& hull, const Lattice& lattice, const Field& density, float above);

}  // namespace lucid::mesh
