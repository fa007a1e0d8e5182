// SPDX-License-Identifier: Apache-2.0
// Software rasteriser for the corpus's meshes: z-buffer, perspective-correct mip-mapped textures, supersampling,
// two-sided faces, one layer of transparency, directional light, white background.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

/// Lambertian shading: colour * (ambient + diffuse max(0, n . direction) + sky n_z), with the unit normal n flipped to
/// face the camera.
struct Light {
  Float3 direction{0, 1, 0};                            // unit vector to the light, world
  float ambient = 0.48f, diffuse = 0.46f, sky = 0.06f;  // sum <= 1, so that white surfaces are not clipped
};
/// Unshaded: surfaces show their colours as stored.
inline constexpr Light kFlatLight{.ambient = 1, .diffuse = 0, .sky = 0};

/// Output buffers: rgb [3,S,S] over white, alpha [S,S].
struct PictureView {
  uint8_t* rgb = nullptr;
  uint8_t* alpha = nullptr;
};

/// The rasteriser with its buffers; one per thread. There is no clipping: a triangle with a vertex behind the near
/// plane is dropped, so the whole mesh must lie in front of the camera.
class Renderer {
 public:
  /// Pictures of size x size pixels; a pixel is the mean of supersampling x supersampling samples on a grid.
  explicit Renderer(int size, int supersampling = 3);
  void draw(const Mesh& mesh, const Camera& camera, const Light& light, const PictureView& out);
  /// z-depth along the camera's axis of the nearest surface at each sample, 0 where there is none. depth [S,S] with
  /// S = size * supersampling.
  void draw_depth(const Mesh& mesh, const Camera& camera, float* depth);

 private:
  struct Corner {
    float x = 0, y = 0;  // in samples, from the upper left
    float inv_z = 0;     // 1 / z; 0 = behind the near plane
  };
  struct Sample {  // nearest triangle at one sample
    float inv_z = 0;
    int32_t triangle = -1;
  };
  struct Region {  // in samples, multiples of whole pixels
    int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  };
  struct Shader;

  void project(const Mesh& mesh, const Camera& camera);
  Region covered_region() const;
  void rasterize(const Mesh& mesh, int32_t triangle);
  bool rasterize_all(const Mesh& mesh, const Camera& camera);  // returns whether there is a transparent material
  void shade(const Shader& shader, bool glass);
  void resolve(const PictureView& out) const;

  int size_, per_side_, grid_;  // pixels per side, samples per pixel side, samples per side
  Region region_;               // bounds of the mesh; outside the buffers are stale
  std::vector<Corner> corners_;
  std::vector<Sample> solid_, glass_;  // [grid, grid], opaque and transparent; glass counts in front of solid only
  std::vector<float> colour_;          // [grid, grid, 4], premultiplied
};

}  // namespace lucid::corpus
