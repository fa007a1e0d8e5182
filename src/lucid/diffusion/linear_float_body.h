// SPDX-License-Identifier: Apache-2.0
// linear_kernel.h's products, after float_product_body.h.

namespace linear {

constexpr int64_t kRows = 96;  // of x and y: they stay in the cache's second level

void multiply(const LinearShape& shape, const KernelRange& rows, const KernelRange& panels,
              const LinearNumbers& numbers) {
  const int64_t in = shape.in, out = shape.out;
  for (int64_t begin = rows.begin; begin < rows.end; begin += kRows) {
    const int64_t count = lesser(kRows, rows.end - begin);
    const int64_t groups = (count + kMostRows - 1) / kMostRows;  // of nearly equal numbers of rows
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      const int64_t column = panel * kPanel;
      const Lanes left = numbers.bias != nullptr ? load(numbers.bias + column) : Lanes{};
      const Lanes right = numbers.bias != nullptr ? load(numbers.bias + column + kLanes) : Lanes{};
      for (int64_t group = 0; group < groups; ++group) {
        const int64_t first = begin + count * group / groups, next = begin + count * (group + 1) / groups;
        float* y = numbers.y + first * out + column;
        for (int64_t row = 0; row < next - first; ++row) {
          store(y + row * out, left);
          store(y + row * out + kLanes, right);
        }
        multiply_rows</*kAdd=*/true>(next - first, {.numbers = numbers.x + first * in, .stride = in}, in,
                                     numbers.weights + column * in, y, out);
      }
    }
  }
}

constexpr LinearKernel kKernel = {.panel = kPanel, .rows = kRows, .multiply = multiply};

}  // namespace linear
