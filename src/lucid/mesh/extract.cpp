// SPDX-License-Identifier: Apache-2.0
// Cloud to coloured mesh: normalise, pictures, surface, atlas, colours, and back to the cloud's coordinates.
#include "lucid/mesh/extract.h"

#include <chrono>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/mesh/cloud_pictures.h"

namespace lucid::mesh {
namespace {

constexpr double kFovy = 0.7;   // radians
constexpr double kRoom = 1.05;  // space around the box in a picture

/// Tells the caller which stage runs, and notes how long each took.
class StageClock {
 public:
  StageClock(const std::function<void(const std::string&)>& tell, std::vector<std::pair<std::string, double>>& seconds)
      : tell_(tell), seconds_(seconds) {}
  ~StageClock() { stop(); }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

  void begin(const std::string& name) {
    stop();
    tell_(name);
    seconds_.emplace_back(name, 0);
    begin_ = Clock::now();
    running_ = true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  void stop() {
    if (running_) seconds_.back().second = std::chrono::duration<double>(Clock::now() - begin_).count();
    running_ = false;
  }
  const std::function<void(const std::string&)>& tell_;
  std::vector<std::pair<std::string, double>>& seconds_;
  Clock::time_point begin_;
  bool running_ = false;
};

[[noreturn]] void refuse_scene(const Extent& extent) {
  const Point &low = extent.middle.low, &high = extent.middle.high;
  throw UserError(
      {.what_happened = fmt::format(
           "looks like a scene, not an object: it reaches {:.0f} times as far as its middle half", extent.spread()),
       .hint = fmt::format("--box X0 Y0 Z0 X1 Y1 Z1 selects an object; the middle half is "
                           "{:.3g} {:.3g} {:.3g} {:.3g} {:.3g} {:.3g}",
                           low.x, low.y, low.z, high.x, high.y, high.z)});
}

}  // namespace

std::vector<Camera> fitting_cameras(const NormalisedCloud& cloud, int count, int size, double phase) {
  const double half_diagonal = std::sqrt(static_cast<double>(dot(cloud.half_sides, cloud.half_sides)));
  return cameras_around(count, kRoom * half_diagonal / std::sin(kFovy / 2), kFovy, size, phase);
}

TriangleMesh extract_mesh(const render::CloudView<float>& cloud, const MeshOptions& options,
                          const std::function<void(const std::string&)>& stage, MeshReport* report) {
  MeshReport own_report;
  MeshReport& found = report != nullptr ? *report : own_report;
  StageClock clock(stage, found.seconds);

  clock.begin("pictures");
  const NormalisedCloud normal = normalise(cloud, options.box);
  if (!options.box && normal.extent.is_scene()) refuse_scene(normal.extent);
  const std::vector<CloudPicture> pictures =
      render_pictures(normal.view(), fitting_cameras(normal, options.views, options.picture_size, 0));

  TriangleMesh mesh = surface_of(
      normal.view(), pictures,
      {.resolution = options.resolution > 0 ? options.resolution : SurfaceOptions{}.resolution,
       .faces = options.faces,
       .watertight = options.watertight,
       .density = options.density,
       .hull_alpha = options.hull_alpha},
      [&](const std::string& name) { clock.begin(name); }, &found.surface);
  if (mesh.triangles.empty()) {
    throw UserError("has no surface: its Gaussians are too faint everywhere to hide what is behind them");
  }
  mesh.normals = vertex_normals(mesh);

  if (options.colouring == Colouring::kTexture) {
    clock.begin("atlas");
    mesh = unwrap(mesh, {.texture_size = options.texture_size}, &found.atlas);
    clock.begin("texture");
    mesh.texture = bake_texture(mesh, pictures, {.texture_size = options.texture_size, .sweeps = options.sweeps});
  } else if (options.colouring == Colouring::kVertexColours) {
    clock.begin("vertex colours");
    mesh.colours = bake_vertex_colours(mesh, pictures);
  }
  for (Point& p : mesh.positions) p = normal.to_original(p);
  return mesh;
}

}  // namespace lucid::mesh
