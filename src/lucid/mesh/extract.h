// SPDX-License-Identifier: Apache-2.0
// A coloured triangle mesh of a Gaussian cloud: the stages in order, and how long each took.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lucid/mesh/atlas/atlas.h"
#include "lucid/mesh/colour/bake.h"
#include "lucid/mesh/normalise.h"
#include "lucid/mesh/surface/surface.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

enum class Colouring { kTexture, kVertexColours, kNone };

struct MeshOptions {
  int64_t faces = 30000;    // at most
  int texture_size = 1024;  // pixels
  Colouring colouring = Colouring::kTexture;
  bool watertight = false;             // closed and manifold
  std::optional<Box> box = {};         // Gaussians with centres outside are left out
  int resolution = 0;                  // grid cells along the longest side; 0 = SurfaceOptions' default
  int views = 64;                      // pictures that the mesh is fitted to
  int picture_size = 512;              // pixels
  double density = 0, hull_alpha = 0;  // levels of the surface, as in SurfaceOptions; 0 searches
  int sweeps = BakeOptions{}.sweeps;   // of the texture's solver
};

struct MeshReport {
  std::vector<std::pair<std::string, double>> seconds;  // of each stage, in order
  SurfaceReport surface;
  AtlasReport atlas;
};

/// Cameras around a normalised cloud at the distance where its box just fits. Fitting uses phase 0; judging another.
std::vector<Camera> fitting_cameras(const NormalisedCloud& cloud, int count, int size, double phase);

/// The mesh in the cloud's own coordinates, with normals and with a texture or vertex colours. `stage` is called with
/// each stage's name as it begins. Throws UserError if the cloud has no surface, or is a scene and no object.
TriangleMesh extract_mesh(const render::CloudView<float>& cloud, const MeshOptions& options,
                          const std::function<void(const std::string&)>& stage, MeshReport* report = nullptr);

}  // namespace lucid::mesh
