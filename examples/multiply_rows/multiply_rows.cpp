// SPDX-License-Identifier: Apache-2.0
// multiply_rows: multiplies rows by a float16 weight with lucid::kernels alone, and checks the result against a plain
// loop. Usage: multiply_rows (prints the kernel's instruction set and the largest error; exit code 1 if the error is
// too large).
#include <lucid/nn/kernels/kernels.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>
#include <vector>

namespace kernels = lucid::nn::kernels;

int main() {
  // The list begins with the fastest kernels. Those for bfloat16 have no linear kernel.
  const auto available = kernels::available_kernels();
  const auto fastest = std::ranges::find_if(available, [](const kernels::Kernels& k) { return k.linear != nullptr; });
  const kernels::LinearKernel& kernel = *fastest->linear;

  // y = x weightᵀ + bias. The number of columns of y must be a multiple of the kernel's panel.
  const kernels::LinearShape shape{.rows = 100, .in = 300, .out = 4 * kernel.panel};
  std::vector<float> x(size_t(shape.rows * shape.in)), bias(size_t(shape.out)), y(size_t(shape.rows * shape.out));
  std::vector<_Float16> weight(size_t(shape.out * shape.in));
  std::mt19937 random(0);
  std::normal_distribution<float> normal;
  for (float& value : x) value = normal(random);
  for (float& value : bias) value = normal(random);
  for (_Float16& value : weight) value = _Float16(normal(random));

  // One call computes all rows and all columns. To use several threads, give each its own ranges and its own scratch.
  std::vector<float> scratch(size_t(kernel.scratch));
  kernel.multiply(shape, /*rows=*/{.begin = 0, .end = shape.rows}, /*panels=*/{.begin = 0, .end = 4},
                  {.x = x.data(),
                   .weights = {.data = weight.data(), .type = kernels::StoredType::kHalf},
                   .bias = bias.data(),
                   .y = y.data()},
                  scratch.data());

  // The same in double precision. The largest error is relative to the largest value.
  double error = 0, largest = 0;
  for (int64_t row = 0; row < shape.rows; ++row) {
    for (int64_t column = 0; column < shape.out; ++column) {
      double sum = bias[size_t(column)];
      for (int64_t i = 0; i < shape.in; ++i) {
        sum += double(x[size_t(row * shape.in + i)]) * double(weight[size_t(column * shape.in + i)]);
      }
      error = std::max(error, std::abs(y[size_t(row * shape.out + column)] - sum));
      largest = std::max(largest, std::abs(sum));
    }
  }
  std::cout << "kernel " << fastest->attention->name << ": largest error " << error / largest << "\n";
  return error / largest < 1e-5 ? 0 : 1;  // false for NaN as well
}
