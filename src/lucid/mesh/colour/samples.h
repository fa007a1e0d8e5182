// SPDX-License-Identifier: Apache-2.0
// Colour samples: the pixels of a picture of the Gaussians at which the mesh is seen, where on the mesh each lies, and
// how much its colour is worth.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct ColourSample {
  uint32_t triangle = 0;
  Vec2<float> barycentric;  // weights of the second and third vertex
  Vec2<float> uv;           // with texture coordinates only
  float level = 0;          // log2 of the pixel's footprint as a share of the texture's side; with uvs only
  float weight = 0;
  Vec3<float> colour;  // over white
};

/// The samples of several pictures: one vector for each picture. The weight falls with the angle between the normal and
/// the viewer, because a fuzzy surface moves most against the mesh where it is seen from the side. It is low where the
/// cloud is transparent and at outlines, so that neither the background nor other parts colour the surface.
std::vector<std::vector<ColourSample>> colour_samples(const TriangleMesh& mesh, std::span<const CloudPicture> pictures);

/// Calls use(samples) with the samples of a few pictures at a time, in order: the samples of all pictures would need
/// more memory than the pictures themselves.
template <class Use>
void for_batches_of_samples(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures, const Use& use) {
  constexpr size_t kAtOnce = 8;
  for (size_t begin = 0; begin < pictures.size(); begin += kAtOnce) {
    const size_t count = std::min(kAtOnce, pictures.size() - begin);
    use(colour_samples(mesh, std::span(pictures).subspan(begin, count)));
  }
}

}  // namespace lucid::mesh
