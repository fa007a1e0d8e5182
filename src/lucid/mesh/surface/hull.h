// SPDX-License-Identifier: Apache-2.0
// The soft visual hull of pictures: A(x) = the smallest alpha of x over the pictures. A surface at A = a
// has no outline beyond alpha = a in any of them (Laurentini 1994, with alpha in place of a mask).
#pragma once

#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/surface/lattice.h"
#include "lucid/mesh/surface/projection.h"

namespace lucid::mesh {

/// The alphas of pictures as functions of points. Refers to the pictures.
class Hull {
 public:
  explicit Hull(const std::vector<CloudPicture>& pictures);

  /// A at a point, bilinear in each picture; 0 outside any picture, since each holds the whole object. Once A is known
  /// to be below `enough`, some upper bound of A below `enough` is returned.
  float alpha(const Point& at, float enough = 0) const;

  /// A on the samples whose density exceeds `above`; 1 elsewhere. Values near 0 are upper bounds, those near 1 lower
  /// bounds: no level is so low or so high, and whole blocks of the lattice need not be looked at more closely.
  Field field(const Lattice& lattice, const Field& density, float above) const;

 private:
  struct View {
    explicit View(const CloudPicture& picture);
    Projection projection;
    const float* alpha = nullptr;  // [H,W]
    int tiles_x = 0;
    std::vector<float> lowest, highest;  // of alpha in tiles of kTile^2 pixels and their borders
  };
  static constexpr int kTile = 4;

  /// What is known of A in a ball: an upper bound, and the views that can lower A there.
  struct Bound {
    float highest = 1;
    std::vector<const View*> views;
  };
  Bound bound(const Point& centre, float radius) const;
  static float alpha(const View& view, const Point& at);

  std::vector<View> views_;
};

}  // namespace lucid::mesh
