// SPDX-License-Identifier: Apache-2.0
// How well a mesh stands for a Gaussian cloud: its pictures beside the cloud's, at views that fitting did not see.
#pragma once

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

/// Pictures are compared over white with values clamped to [0, 1]. A mask is where alpha > 0.5. A PSNR without any
/// error or any pixel is infinite; a ratio of empty masks is 1.
struct MeshScore {
  double psnr = 0;         // dB, whole pictures, mean squared error over all views
  double psnr_inside = 0;  // dB, where both masks are set
  double iou = 0;          // of the masks, summed over all views
  double outline = 0;      // F-score of the masks' outlines: shares of outline pixels within 2 pixels of the other's
  double ceiling = 0;      // dB: the cloud's own pictures with white outside its mask, an opaque object of that outline
                           // with perfect colours; a mesh's smoothed edges can pass it slightly
};

/// `mesh` in the pictures' coordinates.
MeshScore score(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures);

}  // namespace lucid::mesh
