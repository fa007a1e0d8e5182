// SPDX-License-Identifier: Apache-2.0
// The symmetric Dirichlet energy of a chart, and its descent vertex by vertex.
#include "lucid/mesh/atlas/relax.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lucid::mesh {
namespace {

constexpr double kThinnest = 1e-3;     // smallest height of a triangle, per length of its longest edge
constexpr double kFirstEpsilon = 0.5;  // regularisation of flipped triangles ...
constexpr double kEpsilonDecay = 0.8;  // ... and its factor a sweep
constexpr double kSmallestEpsilon = 1e-3;
constexpr double kConverged = 1e-3;  // relative fall of the energy in a sweep

/// A triangle flattened on its own: gradients of its barycentric coordinates.
struct Element {
  std::array<Uv, 3> gradients;
  double area = 0;  // 0 = all corners at one point
};

/// Triangles thinner than kThinnest are taken as that thick. Their corners then keep their order in the plane.
Element element_of(const std::array<Point, 3>& points) {
  int longest = 0;  // the corner at which the longest edge begins
  std::array<double, 3> lengths;
  for (int c = 0; c < 3; ++c) {
    const Vec3<double> edge = to_double(points[(c + 1) % 3]) - to_double(points[c]);
    lengths[c] = std::sqrt(dot(edge, edge));
    if (lengths[c] > lengths[longest]) longest = c;
  }
  Element element;
  const double length = lengths[longest];
  if (!(length > 0)) return element;
  const Vec3<double> origin = to_double(points[longest]);
  const Vec3<double> a = to_double(points[(longest + 1) % 3]) - origin,
                     b = to_double(points[(longest + 2) % 3]) - origin;
  const Vec3<double> normal = cross(a, b);
  const double height = std::max(std::sqrt(dot(normal, normal)) / length, kThinnest * length);
  const std::array<Uv, 3> flat{Uv{0, 0}, Uv{length, 0}, Uv{dot(a, b) / length, height}};
  for (int c = 0; c < 3; ++c) {
    const Uv opposite = flat[(c + 2) % 3] - flat[(c + 1) % 3];
    element.gradients[(longest + c) % 3] = (1 / (length * height)) * Uv{-opposite.y, opposite.x};
  }
  element.area = length * height / 2;
  return element;
}

struct Jacobian {
  Uv x, y;  // its rows
  double norm() const { return dot(x, x) + dot(y, y); }
  double det() const { return cross(x, y); }
};

Jacobian jacobian(const Element& element, const std::array<Uv, 3>& uvs) {
  Jacobian j;
  for (int c = 0; c < 3; ++c) {
    j.x = j.x + uvs[c].x * element.gradients[c];
    j.y = j.y + uvs[c].y * element.gradients[c];
  }
  return j;
}

/// 1 + 1 / chi(det)^2 and its first two derivatives.
struct Barrier {
  double value, first, second;
};

double chi(double det, double epsilon) {
  if (epsilon == 0) return det;
  const double root = std::sqrt(det * det + epsilon * epsilon);
  // The second form has no cancellation for negative det.
  return det >= 0 ? (det + root) / 2 : epsilon * epsilon / (2 * (root - det));
}

Barrier barrier(double det, double epsilon) {
  const double x = chi(det, epsilon);
  double dx = 1, ddx = 0;
  if (epsilon > 0) {
    const double root = std::sqrt(det * det + epsilon * epsilon);
    dx = x / root;
    ddx = epsilon * epsilon / (2 * root * root * root);
  }
  const double i = 1 / x, i2 = i * i;
  return {1 + i2, -2 * i2 * i * dx, 6 * i2 * i2 * dx * dx - 2 * i2 * i * ddx};
}

/// One triangle's energy as a function of the move `m` of one of its vertices:
/// area * (norm + norm_1 . m + norm_2 |m|^2) * (1 + 1 / chi(det + det_1 . m)^2).
struct Term {
  double area, norm, norm_2, det;
  Uv norm_1, det_1;
};

class Relaxation {
 public:
  Relaxation(const TriangleMesh& mesh, Chart& chart) : chart_(chart) {
    elements_.reserve(chart.corners.size());
    first_.assign(chart.source.size() + 1, 0);
    for (const Triangle& t : chart.corners) {
      elements_.push_back(element_of({mesh.positions[chart.source[t[0]]], mesh.positions[chart.source[t[1]]],
                                      mesh.positions[chart.source[t[2]]]}));
      if (elements_.back().area == 0) continue;
      for (const uint32_t v : t) ++first_[v + 1];
    }
    for (size_t v = 0; v + 1 < first_.size(); ++v) first_[v + 1] += first_[v];
    incident_.resize(first_.back());
    std::vector<uint32_t> next(first_.begin(), first_.end() - 1);
    for (uint32_t f = 0; f < elements_.size(); ++f) {
      if (elements_[f].area == 0) continue;
      for (uint32_t c = 0; c < 3; ++c) incident_[next[chart.corners[f][c]]++] = 3 * f + c;
    }
  }

  bool run(int sweeps) {
    double epsilon = flipped() ? kFirstEpsilon : 0;
    double before = std::numeric_limits<double>::infinity();
    for (int i = 0; i < sweeps; ++i) {
      if (epsilon > 0 && !flipped()) {
        epsilon = 0;
        before = std::numeric_limits<double>::infinity();
      }
      double energy = 0;
      for (uint32_t v = 0; v + 1 < first_.size(); ++v) energy += move(v, epsilon);
      if (epsilon == 0 && energy >= (1 - kConverged) * before) break;
      before = energy;
      if (epsilon > 0) epsilon = std::max(kSmallestEpsilon, kEpsilonDecay * epsilon);
    }
    return !flipped();
  }

 private:
  std::array<Uv, 3> uvs(uint32_t f) const {
    const Triangle& t = chart_.corners[f];
    return {chart_.uv[t[0]], chart_.uv[t[1]], chart_.uv[t[2]]};
  }

  bool flipped() const {
    for (uint32_t f = 0; f < elements_.size(); ++f) {
      if (elements_[f].area > 0 && !(jacobian(elements_[f], uvs(f)).det() > 0)) return true;
    }
    return false;
  }

  /// A damped Newton step of one vertex. Returns the energy of its triangles after it.
  double move(uint32_t vertex, double epsilon) {
    terms_.clear();
    for (uint32_t i = first_[vertex]; i < first_[vertex + 1]; ++i) {
      const Element& element = elements_[incident_[i] / 3];
      const Uv& g = element.gradients[incident_[i] % 3];
      const Jacobian j = jacobian(element, uvs(incident_[i] / 3));
      terms_.push_back({element.area, j.norm(), dot(g, g), j.det(), 2 * Uv{dot(j.x, g), dot(j.y, g)},
                        Uv{cross(g, j.y), cross(j.x, g)}});
    }
    const double before = energy({0, 0}, epsilon);
    Uv step = newton_step(epsilon);
    for (int halving = 0; halving < 10; ++halving, step = 0.5 * step) {
      const double after = energy(step, epsilon);
      if (after < before) {
        chart_.uv[vertex] = chart_.uv[vertex] + step;
        return after;
      }
    }
    return before;
  }

  /// Energy of the terms after a move. Infinite if it flips a triangle while none is flipped (epsilon 0).
  double energy(const Uv& move, double epsilon) const {
    double sum = 0;
    for (const Term& t : terms_) {
      const double det = t.det + dot(t.det_1, move);
      if (epsilon == 0 && !(det > 0)) return std::numeric_limits<double>::infinity();
      const double x = chi(det, epsilon);
      sum += t.area * (t.norm + dot(t.norm_1, move) + t.norm_2 * dot(move, move)) * (1 + 1 / (x * x));
    }
    return sum;
  }

  Uv newton_step(double epsilon) const {
    Uv gradient;
    double xx = 0, xy = 0, yy = 0, scale = 0;  // the Hessian, and its part that is always positive
    for (const Term& t : terms_) {
      const Barrier b = barrier(t.det, epsilon);
      gradient = gradient + t.area * (b.value * t.norm_1 + t.norm * b.first * t.det_1);
      const double even = 2 * t.norm_2 * b.value, second = t.norm * b.second;
      xx += t.area * (even + 2 * b.first * t.norm_1.x * t.det_1.x + second * t.det_1.x * t.det_1.x);
      yy += t.area * (even + 2 * b.first * t.norm_1.y * t.det_1.y + second * t.det_1.y * t.det_1.y);
      xy += t.area * (b.first * (t.norm_1.x * t.det_1.y + t.norm_1.y * t.det_1.x) + second * t.det_1.x * t.det_1.y);
      scale += t.area * even;
    }
    const double det = xx * yy - xy * xy;
    if (xx > 0 && det > 1e-6 * xx * yy) {
      return Uv{(xy * gradient.y - yy * gradient.x) / det, (xy * gradient.x - xx * gradient.y) / det};
    }
    return scale > 0 ? (-1 / scale) * gradient : Uv{};
  }

  Chart& chart_;
  std::vector<Element> elements_;
  std::vector<uint32_t> first_, incident_;  // corners (3 * triangle + corner) at each vertex, of triangles with area
  std::vector<Term> terms_;
};

}  // namespace

bool relax(const TriangleMesh& mesh, Chart& chart, int sweeps) { return Relaxation(mesh, chart).run(sweeps); }

Stretch stretch_of(const std::array<Point, 3>& points, const std::array<Uv, 3>& uvs) {
  const Element element = element_of(points);
  if (element.area == 0) return {1, 1};
  const Jacobian j = jacobian(element, uvs);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!(j.det() > 0)) return {kInfinity, kInfinity};
  const double to_plane = std::sqrt(j.norm() / 2);
  return {to_plane / j.det(), to_plane};
}

}  // namespace lucid::mesh
