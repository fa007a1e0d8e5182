// SPDX-License-Identifier: Apache-2.0
// Occlusion by rays, discs and ellipses by their equations. The lists are ControlNet's (annotator/openpose/util.py).
#include "lucid/avatar/openpose.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "lucid/base/error.h"
#include "lucid/mesh/screen_vertex.h"

namespace lucid::avatar {
namespace {

using Double3 = Vec3<double>;

constexpr std::array<std::array<size_t, 2>, 17> kLimbs = {{{kNeck, kRightShoulder},
                                                           {kNeck, kLeftShoulder},
                                                           {kRightShoulder, kRightElbow},
                                                           {kRightElbow, kRightWrist},
                                                           {kLeftShoulder, kLeftElbow},
                                                           {kLeftElbow, kLeftWrist},
                                                           {kNeck, kRightHip},
                                                           {kRightHip, kRightKnee},
                                                           {kRightKnee, kRightAnkle},
                                                           {kNeck, kLeftHip},
                                                           {kLeftHip, kLeftKnee},
                                                           {kLeftKnee, kLeftAnkle},
                                                           {kNeck, kNose},
                                                           {kNose, kRightEye},
                                                           {kRightEye, kRightEar},
                                                           {kNose, kLeftEye},
                                                           {kLeftEye, kLeftEar}}};
constexpr std::array<uint32_t, kKeyPoints> kColours = {0xff0000, 0xff5500, 0xffaa00, 0xffff00, 0xaaff00, 0x55ff00,
                                                       0x00ff00, 0x00ff55, 0x00ffaa, 0x00ffff, 0x00aaff, 0x0055ff,
                                                       0x0000ff, 0x5500ff, 0xaa00ff, 0xff00ff, 0xff00aa, 0xff0055};
constexpr std::array kFace = {kNose, kRightEye, kLeftEye, kRightEar, kLeftEar};
constexpr double kStick = 4, kStickSize = 512;  // pixels, in pictures of this height
constexpr double kOutline = 0.5;                // pixels: OpenCV fills what the outline of a polygon touches, too
constexpr float kPainted = 0.6F;                // share of a limb's colour in a blend

std::array<float, 3> colour_of(size_t index) {
  const uint32_t rgb = kColours[index];
  return {static_cast<float>(rgb >> 16) / 255, static_cast<float>(rgb >> 8 & 255) / 255,
          static_cast<float>(rgb & 255) / 255};
}

Double3 in_doubles(const mesh::Point& p) { return {p.x, p.y, p.z}; }

/// The camera's centre, -R^T t.
Double3 centre_of(const Camera& camera) {
  const auto& m = camera.camera_from_world;
  const auto part = [&m](size_t j) { return -(m[j] * m[3] + m[4 + j] * m[7] + m[8 + j] * m[11]); };
  return {part(0), part(1), part(2)};
}

/// Where a ray meets a triangle, as a distance in units of `along`; infinity if nowhere (Moeller and Trumbore 1997).
double distance_to(const Double3& from, const Double3& along, const std::array<Double3, 3>& triangle) {
  constexpr double kNowhere = std::numeric_limits<double>::infinity();
  const Double3 a = triangle[1] - triangle[0], b = triangle[2] - triangle[0], p = cross(along, b);
  const double determinant = dot(a, p);
  if (determinant == 0) return kNowhere;
  const Double3 t = from - triangle[0], q = cross(t, a);
  const double u = dot(t, p) / determinant, v = dot(along, q) / determinant;
  if (!(u >= 0 && v >= 0 && u + v <= 1)) return kNowhere;
  const double distance = dot(b, q) / determinant;
  return distance > 0 ? distance : kNowhere;
}

double height_of(const mesh::TriangleMesh& mesh) {
  const auto [low, high] = std::ranges::minmax(mesh.positions, {}, &mesh::Point::z);
  return double{high.z} - low.z;
}

bool is_hidden(const PosedBody& body, const Double3& point, const Double3& eye, double tolerance) {
  double distance = 0;
  const Double3 along = normalized(point - eye, &distance);
  return std::ranges::any_of(body.mesh.triangles, [&](const mesh::Triangle& t) {
    const auto& p = body.mesh.positions;
    return distance_to(eye, along, {in_doubles(p[t[0]]), in_doubles(p[t[1]]), in_doubles(p[t[2]])}) <
           distance - tolerance;
  });
}

/// A picture that shapes are painted on, pixel by pixel, at the pixels' centres.
class Canvas {
 public:
  Canvas(int width, int height)
      : width_(width), height_(height), rgb_(size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height)) {}

  /// An ellipse about `centre`; `axis` is the unit vector of its first half-axis. `share` of the colour covers.
  void ellipse(Vec2<double> centre, Vec2<double> axis, Vec2<double> half, const std::array<float, 3>& colour,
               float share) {
    const double reach = std::max(half.x, half.y);
    const auto limited = [](double at, int size) { return static_cast<int>(std::clamp(at, 0.0, double(size))); };
    const int x1 = limited(std::ceil(centre.x + reach), width_), y1 = limited(std::ceil(centre.y + reach), height_);
    for (int y = limited(std::floor(centre.y - reach), height_); y < y1; ++y) {
      for (int x = limited(std::floor(centre.x - reach), width_); x < x1; ++x) {
        const double dx = x + 0.5 - centre.x, dy = y + 0.5 - centre.y;
        const double u = (dx * axis.x + dy * axis.y) / half.x, v = (dy * axis.x - dx * axis.y) / half.y;
        if (u * u + v * v <= 1) paint(x, y, colour, share);
      }
    }
  }
  std::vector<float> take() { return std::move(rgb_); }

 private:
  void paint(int x, int y, const std::array<float, 3>& colour, float share) {
    for (size_t c = 0; c < 3; ++c) {
      float& value = rgb_[(c * static_cast<size_t>(height_) + static_cast<size_t>(y)) * static_cast<size_t>(width_) +
                          static_cast<size_t>(x)];
      value = (1 - share) * value + share * colour[c];
    }
  }

  int width_, height_;
  std::vector<float> rgb_;
};

/// The centre of the pixel that a place lies in: OpenCV draws at whole pixels, and ControlNet has seen nothing else.
Vec2<double> pixel_centre(const Vec2<double>& at) { return {std::floor(at.x) + 0.5, std::floor(at.y) + 0.5}; }

}  // namespace

ScreenPoints visible_points(const PosedBody& body, const Camera& camera) {
  LUCID_CHECK(body.key_points, "a body of {} vertices", body.mesh.positions.size());
  const auto screen = mesh::project_vertices({body.key_points->begin(), body.key_points->end()}, camera);
  ScreenPoints points;
  for (size_t k = 0; k < kKeyPoints; ++k) {
    if (screen[k].inverse_z > 0) points[k] = Vec2<double>{screen[k].x, screen[k].y};
  }
  const Double3 eye = centre_of(camera);
  const double tolerance = kFaceTolerance / kFaceToleranceHeight * height_of(body.mesh);
  for (const size_t k : kFace) {
    if (points[k] && is_hidden(body, in_doubles((*body.key_points)[k]), eye, tolerance)) points[k].reset();
  }
  return points;
}

std::vector<float> draw_openpose(const ScreenPoints& points, int width, int height) {
  Canvas canvas(width, height);
  const double stick = kStick / kStickSize * height;
  for (size_t k = 0; k < kKeyPoints; ++k) {
    if (points[k]) canvas.ellipse(pixel_centre(*points[k]), {1, 0}, {stick, stick}, colour_of(k), 1);
  }
  for (size_t limb = 0; limb < kLimbs.size(); ++limb) {
    const auto &from = points[kLimbs[limb][0]], &to = points[kLimbs[limb][1]];
    if (!from || !to) continue;
    const double dx = from->x - to->x, dy = from->y - to->y;
    // Whole degrees and half-lengths.
    const double angle = std::trunc(std::atan2(dy, dx) * 180 / std::numbers::pi) * std::numbers::pi / 180;
    const double half = std::trunc(std::hypot(dx, dy) / 2);
    canvas.ellipse(pixel_centre({(from->x + to->x) / 2, (from->y + to->y) / 2}), {std::cos(angle), std::sin(angle)},
                   {half + kOutline, stick + kOutline}, colour_of(limb), kPainted);
  }
  return canvas.take();
}

}  // namespace lucid::avatar
