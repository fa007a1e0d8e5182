// SPDX-License-Identifier: Apache-2.0
// Placing a body, and checking that it stands upright with its front where the view prompts expect it.
#include "lucid/avatar/avatar.h"

#include <algorithm>
#include <cmath>

#include "lucid/avatar/openpose.h"
#include "lucid/base/error.h"
#include "lucid/start/file_start.h"
#include "lucid/start/placement.h"
#include "lucid/start/point_gaussians.h"

namespace lucid::avatar {
namespace {

using mesh::Point;

template <class Function>
void move_points(PosedBody& body, const Function& function) {
  for (Point& p : body.mesh.positions) p = function(p);
  if (body.key_points) {
    for (Point& p : *body.key_points) p = function(p);
  }
}

void turn(PosedBody& body, const std::string& angles) {
  const start::Turn turn = start::parse_turn(angles);
  if (turn.axes) {
    throw UserError({.what_happened = "a body is turned by angles only",
                     .key = "init_rotate",
                     .hint = "0,0,180 turns its back to the front"});
  }
  move_points(body, [&](const Point& p) {
    const Vec3<double> to = turn.rotation * Vec3<double>{p.x, p.y, p.z};
    return Point{float(to.x), float(to.y), float(to.z)};
  });
}

Point middle(const Point& a, const Point& b) { return 0.5F * (a + b); }

std::string axis_of(const Point& direction) {
  const float x = std::abs(direction.x), y = std::abs(direction.y), z = std::abs(direction.z);
  const char name = x >= y && x >= z ? 'x' : y >= z ? 'y' : 'z';
  const float value = name == 'x' ? direction.x : name == 'y' ? direction.y : direction.z;
  return fmt::format("{}{}", value < 0 ? '-' : '+', name);
}

void check_axes(const KeyPoints& p, const std::filesystem::path& file) {
  const Point up = p[kNeck] - middle(p[kRightHip], p[kLeftHip]);
  const Point left = p[kLeftShoulder] - p[kRightShoulder];
  const Point front = p[kNose] - middle(p[kRightEar], p[kLeftEar]);
  const auto refuse = [&](const std::string& what, const std::string& hint) {
    throw UserError({.what_happened = what, .file = file.string(), .hint = hint});
  };
  if (!(up.z > std::abs(up.x) && up.z > std::abs(up.y))) {
    refuse(fmt::format("the body stands along {}; its head must be at +z (in a .glb +y)", axis_of(up)),
           "--init-rotate X,Y,Z turns it, in degrees");
  }
  if (!(front.y > std::abs(front.x))) {
    refuse(fmt::format("the body's front is {}; it must be +y (in a .glb +z)", axis_of(front)),
           front.y < 0 ? "--init-rotate 0,0,180 turns it" : "--init-rotate 0,0,90 or 0,0,-90 turns it");
  }
  if (!(left.x < 0)) refuse("its left shoulder is at its right: the key points or the mesh are mirrored", "");
}

/// Feet reach forward: the lowest part of a figure lies further in front than the legs above it.
bool feet_point_backwards(const mesh::TriangleMesh& mesh) {
  const auto [low, high] = std::ranges::minmax(mesh.positions, {}, &Point::z);
  const double height = double{high.z} - low.z;
  const auto mean_y = [&](double from, double to) {
    double sum = 0, count = 0;
    for (const Point& p : mesh.positions) {
      const double at = (double{p.z} - low.z) / height;
      if (at >= from && at < to) sum += p.y, count += 1;
    }
    return count > 0 ? sum / count : 0;
  };
  constexpr double kFoot = 0.04, kAnkle = 0.08, kShin = 0.25;  // shares of the height
  constexpr double kClearly = 0.01;
  return height > 0 && mean_y(0, kFoot) - mean_y(kAnkle, kShin) < -kClearly * height;
}

}  // namespace

PlacedBody place_body(const std::filesystem::path& file, const std::string& pose,
                      const gaussians::StartOptions& start) {
  const Body body = read_body(file);
  PlacedBody placed{.body = posed(body, read_pose(body, pose)), .about = "", .warnings = {}};
  turn(placed.body, start.file_rotate);
  const start::Fit fit = start::fit_of(placed.body.mesh.positions, start, start.file_fit != "off");
  move_points(placed.body, fit);
  if (placed.body.key_points) {
    check_axes(*placed.body.key_points, file);
  } else if (feet_point_backwards(placed.body.mesh)) {
    placed.warnings.push_back("the feet point to -y; the front must be +y (--init-rotate 0,0,180 turns the body)");
  }
  placed.about = fmt::format("body of {} triangles, {} a skeleton, {} key points", body.triangles.size(),
                             body.has_rig() ? "with" : "without", body.key_points ? "with" : "without");
  return placed;
}

mesh::Point head_of(const PosedBody& body) {
  if (body.key_points) return middle((*body.key_points)[kRightEar], (*body.key_points)[kLeftEar]);
  const auto [low, high] = std::ranges::minmax(body.mesh.positions, {}, &Point::z);
  const float from = high.z - (high.z - low.z) / 8;
  Point sum{};
  float count = 0;
  for (const Point& p : body.mesh.positions) {
    if (p.z >= from) sum = sum + p, count += 1;
  }
  return (1 / count) * sum;
}

gaussians::Cloud gaussians_on_body(const PosedBody& body, const gaussians::StartOptions& start) {
  const torch::NoGradGuard no_grad;
  const auto cloud = start::gaussians_on(body.mesh, start);
  if (!cloud) throw UserError(UserMistake{.what_happened = "is a body without area", .key = "body"});
  return start::with_sh_degree(*cloud, start.sh_degree);
}

torch::Tensor openpose_pictures(const PosedBody& body, const std::vector<Camera>& cameras) {
  std::vector<torch::Tensor> pictures;
  for (const Camera& camera : cameras) {
    std::vector<float> rgb = draw_openpose(visible_points(body, camera), camera.width, camera.height);
    pictures.push_back(torch::from_blob(rgb.data(), {3, camera.height, camera.width}, torch::kFloat32).clone());
  }
  return torch::stack(pictures);
}

}  // namespace lucid::avatar
