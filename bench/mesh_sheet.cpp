// SPDX-License-Identifier: Apache-2.0
// Rows of a picture sheet: Gaussians and mesh from the front and from behind, wireframe, wireframe enlarged.
#include "mesh_sheet.h"

#include <array>
#include <cmath>
#include <filesystem>

#include "lucid/asset/pictures/image.h"
#include "lucid/camera/sampler.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "outside_mesh.h"

namespace lucid::bench {
namespace {

constexpr int kCell = 150;                          // pixels
constexpr int kWireSamples = 4;                     // along each axis of a pixel: thin lines
constexpr double kFovy = 0.5, kEnlarged = 0.5 / 4;  // radians
constexpr double kNear = 0.85;                      // of the distance where the box surely fits
constexpr double kPolar = 72;                       // degrees
constexpr double kAzimuths[] = {30, 210};           // degrees

/// The cloud's half diagonal just fits.
Camera view_of(const mesh::NormalisedCloud& normal, double azimuth) {
  const double half = std::sqrt(double(dot(normal.half_sides, normal.half_sides)));
  return orbit_camera(kPolar, azimuth, kNear * half / std::sin(kFovy / 2), kFovy, kCell, kCell);
}

torch::Tensor image_of(const std::vector<float>& rgb) {  // [3,H,W]
  return torch::tensor(rgb).view({3, kCell, kCell});
}

torch::Tensor picture_of(const render::CloudView<float>& cloud, const Camera& camera) {
  const mesh::CloudPicture picture = mesh::render_pictures(cloud, {camera})[0];
  return image_of(picture.rgb) + 1 - torch::tensor(picture.alpha).view({1, kCell, kCell});
}

/// From the same place, a narrow view of the visible surface that is nearest to the middle of the picture.
Camera enlarged(const mesh::TriangleMesh& m, const Camera& camera) {
  const mesh::MeshPicture seen = mesh::rasterize_mesh(m.positions, m.triangles, camera);
  int best_x = kCell / 2, best_y = kCell / 2, best = kCell * kCell;
  for (int y = 0; y < kCell; ++y) {
    for (int x = 0; x < kCell; ++x) {
      const int dx = x - kCell / 2, dy = y - kCell / 2;
      if (seen.triangle[size_t(y * kCell + x)] < 0 || dx * dx + dy * dy >= best) continue;
      best = dx * dx + dy * dy, best_x = x, best_y = y;
    }
  }
  const auto& t = camera.camera_from_world;
  const double ray[3] = {(2.0 * best_x / kCell - 1) * camera.tan_half_fov_x,
                         (2.0 * best_y / kCell - 1) * camera.tan_half_fov_y, 1};
  std::array<double, 3> centre{}, target{};
  for (size_t k = 0; k < 3; ++k) {
    for (size_t row = 0; row < 3; ++row) centre[k] -= t[4 * row + k] * t[4 * row + 3];
    target[k] = centre[k];
    for (size_t row = 0; row < 3; ++row) target[k] += t[4 * row + k] * ray[row];
  }
  return look_at(centre, target, {0, 0, 1}, kEnlarged, kCell, kCell);
}

}  // namespace

void write_sheet_row(const std::string& file, const render::CloudView<float>& cloud,
                     const mesh::NormalisedCloud& normal, const mesh::TriangleMesh& m) {
  std::vector<torch::Tensor> row;
  const auto cameras = in_original(normal, {view_of(normal, kAzimuths[0]), view_of(normal, kAzimuths[1])});
  for (const Camera& camera : cameras) {
    row.push_back(picture_of(cloud, camera));
    row.push_back(image_of(mesh::shade(m, camera, {1, 1, 1}).rgb));
  }
  row.push_back(image_of(mesh::wireframe(m, cameras[0], kWireSamples)));
  row.push_back(image_of(mesh::wireframe(m, enlarged(m, cameras[0]), kWireSamples)));
  asset::write_png(file, asset::contact_sheet({row}));
}

void join_sheet(const std::string& file, const std::vector<std::string>& rows) {
  std::vector<std::vector<torch::Tensor>> images;
  for (const std::string& row : rows) images.push_back({asset::read_png(row)});
  asset::write_png(file, asset::contact_sheet(images));
  for (const std::string& row : rows) std::filesystem::remove(row);
}

}  // namespace lucid::bench
