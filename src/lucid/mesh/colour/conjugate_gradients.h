// SPDX-License-Identifier: Apache-2.0
// Conjugate gradients with a diagonal preconditioner, for sparse symmetric positive semidefinite systems.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lucid/base/parallel.h"

namespace lucid::mesh {

/// Sum of a_i b_i. Blocks of fixed size are summed in order, so that the result does not depend on the threads.
inline double inner_product(const std::vector<float>& a, const std::vector<float>& b) {
  constexpr int64_t kBlock = 1 << 14;
  const int64_t count = int64_t(a.size()), blocks = (count + kBlock - 1) / kBlock;
  std::vector<double> sums(size_t(blocks), 0.0);
  parallel_for(blocks, 1, [&](int64_t block) {
    double sum = 0;
    for (int64_t i = block * kBlock; i < std::min(count, (block + 1) * kBlock); ++i) {
      sum += double(a[size_t(i)] * b[size_t(i)]);
    }
    sums[size_t(block)] = sum;
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

/// Improves x as a solution of A x = b. multiply(v, &product) stores A v. `diagonal` is A's; unknowns without equations
/// have 0 there and keep their value. Stops early if the residual has become tiny against b.
template <class Multiply>
void conjugate_gradients(const Multiply& multiply, const std::vector<float>& diagonal, const std::vector<float>& b,
                         int iterations, std::vector<float>* x) {
  constexpr int64_t kGrain = 1 << 14;
  constexpr double kTiny = 1e-12;  // of the squared residual: single precision ends there
  const size_t n = b.size();
  const auto each = [n](const auto& body) { parallel_for(int64_t(n), kGrain, [&](int64_t i) { body(size_t(i)); }); };
  std::vector<float> residual(n), scaled(n), direction(n), product(n);
  multiply(*x, &product);
  const auto precondition = [&] {
    each([&](size_t i) { scaled[i] = diagonal[i] > 0 ? residual[i] / diagonal[i] : 0; });
  };
  each([&](size_t i) { residual[i] = diagonal[i] > 0 ? b[i] - product[i] : 0; });
  precondition();
  direction = scaled;
  double squared = inner_product(residual, scaled);
  const double enough = kTiny * squared;
  for (int k = 0; k < iterations && squared > enough; ++k) {
    multiply(direction, &product);
    const double curvature = inner_product(direction, product);
    if (!(curvature > 0)) return;
    const float step = float(squared / curvature);
    each([&](size_t i) {
      (*x)[i] += step * direction[i];
      residual[i] -= step * product[i];
    });
    precondition();
    const double before = squared;
    squared = inner_product(residual, scaled);
    const float keep = float(squared / before);
    each([&](size_t i) { direction[i] = scaled[i] + keep * direction[i]; });
  }
}

}  // namespace lucid::mesh
