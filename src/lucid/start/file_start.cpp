// SPDX-License-Identifier: Apache-2.0
// Reads a mesh, points or Gaussians, places them, and makes the initial cloud.
#include "lucid/start/file_start.h"

#include <cmath>

#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/points_files.h"
#include "lucid/asset/splats/rotation_math.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/error.h"
#include "lucid/base/mapped_file.h"
#include "lucid/start/placement.h"
#include "lucid/start/point_gaussians.h"

namespace lucid::start {
namespace {

namespace fs = std::filesystem;
using gaussians::StartOptions;
using mesh::Point;

constexpr double kStrayPoints = 0.5;     // of 1000, that a scan may have far from its object
constexpr double kSpacingToScale = 0.6;  // standard deviation of a sample, in units of the samples' spacing

bool is_on(const StartOptions& options, bool fitted_by_default) {
  return options.file_fit == "auto" ? fitted_by_default : options.file_fit == "on";
}

/// The turn as one matrix, for numbers whose format has no axes of its own or whose axes were left as they are.
Mat3<double> matrix_of(const Turn& turn) {
  return turn.axes ? asset::transposed(asset::from_lucid(*turn.axes)) : turn.rotation;
}

Point rotated(const Mat3<double>& m, const Point& p) {
  const Vec3<double> to = m * Vec3<double>{p.x, p.y, p.z};
  return {float(to.x), float(to.y), float(to.z)};
}

/// The vertices that triangles use: others must not count for the fit.
std::vector<Point> used_vertices(const mesh::TriangleMesh& mesh) {
  std::vector<bool> is_used(mesh.positions.size());
  for (const mesh::Triangle& t : mesh.triangles) {
    for (const uint32_t v : t) is_used[v] = true;
  }
  std::vector<Point> used;
  for (size_t v = 0; v < is_used.size(); ++v) {
    if (is_used[v]) used.push_back(mesh.positions[v]);
  }
  return used;
}

FileStart from_mesh(const StartOptions& options) {
  FileStart start;
  const Turn turn = parse_turn(options.file_rotate);
  mesh::TriangleMesh mesh =
      asset::read_mesh(options.file, {.file_axes = turn.axes.has_value(), .warnings = &start.warnings});
  const Mat3<double> rotation = matrix_of(turn);
  for (Point& p : mesh.positions) p = rotated(rotation, p);
  const Fit fit = fit_of(used_vertices(mesh), options, is_on(options, /*fitted_by_default=*/true));
  for (Point& p : mesh.positions) p = fit(p);

  std::optional<gaussians::Cloud> cloud = gaussians_on(mesh, options);
  if (!cloud) {
    throw UserError({.what_happened = "is a mesh without area: its triangles are lines or points",
                     .file = options.file,
                     .hint = "export it again, with faces"});
  }
  start.cloud = std::move(*cloud);
  start.about = fmt::format("mesh of {} triangles, {}", mesh.triangles.size(),
                            mesh.texture.width > 0 ? "textured"
                            : mesh.colours.empty() ? "without colours"
                                                   : "with vertex colours");
  return start;
}

/// A random part of the points, in their order.
asset::Points thinned(const asset::Points& all, int64_t count, Rng& rng) {
  const auto total = static_cast<double>(all.positions.size());
  asset::Points some{.positions = {}, .normals = {}, .colours = {}, .left_out = all.left_out};
  for (int64_t i = 0; i < count; ++i) {
    const auto from =
        static_cast<size_t>((static_cast<double>(i) + rng.uniform()) / static_cast<double>(count) * total);
    some.positions.push_back(all.positions[from]);
    if (!all.normals.empty()) some.normals.push_back(all.normals[from]);
    if (!all.colours.empty()) some.colours.push_back(all.colours[from]);
  }
  return some;
}

FileStart from_points(const StartOptions& options, std::string_view bytes) {
  FileStart start;
  asset::Points points = asset::read_points_ply(options.file, bytes);
  const size_t total = points.positions.size();
  if (points.left_out > 0)
    start.warnings.push_back(fmt::format("{} points that are not finite are left out", points.left_out));
  const Mat3<double> rotation = matrix_of(parse_turn(options.file_rotate));
  for (Point& p : points.positions) p = rotated(rotation, p);
  for (Point& n : points.normals) n = rotated(rotation, n);
  const Fit fit = fit_of(points.positions, options, is_on(options, /*fitted_by_default=*/true), kStrayPoints);
  for (Point& p : points.positions) p = fit(p);

  Rng rng(options.seed, "cloud points");
  if (static_cast<int64_t>(total) > options.count) points = thinned(points, options.count, rng);
  std::vector<DisplayColour> colours;
  for (const mesh::Colour& c : points.colours) colours.push_back({c[0] / 255.0F, c[1] / 255.0F, c[2] / 255.0F});
  start.cloud = gaussians_at(points.positions, points.normals, colours, scales_of_points(points.positions));
  if (options.file_resample) start.cloud = resampled(start.cloud, options.count, rng);
  start.about = fmt::format("{} points {} normals, {} colours", total, points.normals.empty() ? "without" : "with",
                            points.colours.empty() ? "without" : "with");
  return start;
}

FileStart from_gaussians(const StartOptions& options) {
  FileStart start;
  const Turn turn = parse_turn(options.file_rotate);
  gaussians::Cloud& cloud = start.cloud;
  cloud = asset::read_splats(options.file, turn.axes);
  if (!turn.is_identity) cloud = asset::turned(cloud, turn.rotation);
  start.about = fmt::format("{} Gaussians of SH degree {}", cloud.count(), cloud.sh_degree());
  if (cloud.sh_degree() > options.sh_degree) {
    start.warnings.push_back(fmt::format("SH coefficients beyond degree {} are left out; --sh-degree {} keeps them",
                                         options.sh_degree, cloud.sh_degree()));
  }
  const auto* means = reinterpret_cast<const Point*>(cloud.means.data_ptr<float>());
  const Fit fit =
      fit_of({means, means + cloud.count()}, options, is_on(options, /*fitted_by_default=*/false), kStrayPoints);
  const torch::NoGradGuard no_grad;
  const torch::Tensor centre = torch::tensor({fit.centre.x, fit.centre.y, fit.centre.z});
  cloud.means = (cloud.means - centre) * fit.scale;
  cloud.log_scales = cloud.log_scales + std::log(fit.scale);
  if (options.file_resample) {
    Rng rng(options.seed, "cloud points");
    cloud = resampled(cloud, options.count, rng);
  }
  return start;
}

}  // namespace

std::optional<gaussians::Cloud> gaussians_on(const mesh::TriangleMesh& mesh, const StartOptions& options) {
  Rng rng(options.seed, "surface points");
  const SurfaceSamples samples = sample_surface(mesh, options.count, rng);
  if (samples.positions.empty()) return std::nullopt;
  const double scale = kSpacingToScale * std::sqrt(samples.area / static_cast<double>(options.count));
  return gaussians_at(samples.positions, samples.normals, samples.colours,
                      torch::full({options.count}, scale, torch::kFloat32));
}

FileStart read_start(const StartOptions& options) {
  const torch::NoGradGuard no_grad;
  const fs::path file = options.file;
  FileStart start;
  if (asset::holds_gaussians(file)) {
    start = from_gaussians(options);
  } else if (asset::lower_extension(file) == ".ply") {
    const auto mapped = MappedFile::open(file, "a mesh, points or Gaussians were expected");
    start = asset::ply_has_faces(file, mapped->bytes()) ? from_mesh(options) : from_points(options, mapped->bytes());
  } else {
    start = from_mesh(options);
  }
  start.cloud = with_sh_degree(start.cloud, options.sh_degree);
  return start;
}

}  // namespace lucid::start
