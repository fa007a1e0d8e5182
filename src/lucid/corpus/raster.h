// SPDX-License-Identifier: Apache-2.0
// A small software renderer for training pictures: perspective-correct mip-mapped textures, supersampling, two-sided
// surfaces, one layer of glass, a light on the camera's side, a white ground.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

/// A surface of unit normal n (turned to the viewer) shows colour * (ambient + diffuse max(0, n . direction) + sky
/// n_z).
struct Light {
  Float3 direction{0, 1, 0};                            // unit, world
  float ambient = 0.48f, diffuse = 0.46f, sky = 0.06f;  // at most 1 together: white on white keeps its shape
};
/// Colours as they are stored.
inline constexpr Light kFlatLight{.ambient = 1, .diffuse = 0, .sky = 0};

/// Where a picture goes: rgb [3,S,S] over white, alpha [S,S].
struct PictureView {
  uint8_t* rgb = nullptr;
  uint8_t* alpha = nullptr;
};

/// Holds the buffers of one thread. The camera's whole view must lie in front of it: triangles that reach behind the
/// near plane are left out, none is cut.
class Renderer {
 public:
  /// Every pixel is the mean of `supersampling`^2 samples on a grid.
  explicit Renderer(int size, int supersampling = 3);
  void draw(const Mesh& mesh, const Camera& camera, const Light& light, const PictureView& out);
  /// Along the camera's axis, of what stands in front at each sample; 0 where nothing does. depth [S,S], S the size
  /// times the supersampling.
  void draw_depth(const Mesh& mesh, const Camera& camera, float* depth);

 private:
  struct Corner {
    float x = 0, y = 0;  // samples, from the upper left
    float inv_z = 0;     // 1 / z; 0 = behind the near plane
  };
  struct Sample {  // what stands in front at one sample
    float inv_z = 0;
    int32_t triangle = -1;
  };
  struct Region {  // samples, whole pixels
    int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  };
  struct Shader;

  void project(const Mesh& mesh, const Camera& camera);
  Region covered_region() const;
  void rasterize(const Mesh& mesh, int32_t triangle);
  bool rasterize_all(const Mesh& mesh, const Camera& camera);  // whether there is glass
  void shade(const Shader& shader, bool glass);
  void resolve(const PictureView& out) const;

  int size_, per_side_, grid_;  // pixels, samples a pixel's side, samples a side
  Region region_;               // outside it nothing is covered, and the buffers are stale
  std::vector<Corner> corners_;
  std::vector<Sample> solid_, glass_;  // [grid, grid]; `glass` counts only in front of `solid`
  std::vector<float> colour_;          // [grid, grid, 4], premultiplied
};

}  // namespace lucid::corpus
