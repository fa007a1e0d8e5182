// SPDX-License-Identifier: Apache-2.0
// How well a mesh stands for a Gaussian cloud: its pictures beside the cloud's, at views that fitting did not see.
#pragma once

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct MeshScore {
  double psnr = 0;         // dB, whole pictures over white, mean squared error over all views
  double psnr_inside = 0;  // dB, where both alphas are above 0.5
  double iou = 0;          // of the masks alpha > 0.5, summed over all views
  double ceiling = 0;      // dB: the cloud's own pictures with white wherever alpha < 0.5, which no opaque mesh of that
                           // outline beats
};

/// `mesh` in the pictures' coordinates.
MeshScore score(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures);

}  // namespace lucid::mesh
