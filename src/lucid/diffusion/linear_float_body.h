// SPDX-License-Identifier: Apache-2.0
// linear_kernel.h's products, after float_product_body.h.

namespace linear {

// Of a block: its results and rows of x lie in the cache's second level, a panel of weights in the first.
constexpr int64_t kRows = 96, kPanels = 640 / kPanel, kDepth = 256;

/// y [rows, panels of columns] = bias, or 0 where there is none.
void write_bias(const LinearRange& rows, const LinearRange& panels, const LinearNumbers& numbers, int64_t out) {
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    for (int64_t column = panels.begin * kPanel; column < panels.end * kPanel; column += kLanes) {
      store(numbers.y + row * out + column, numbers.bias != nullptr ? load(numbers.bias + column) : Lanes{});
    }
  }
}

void multiply_block(const LinearShape& shape, const LinearRange& rows, const LinearRange& panels,
                    const LinearNumbers& numbers) {
  const int64_t in = shape.in, out = shape.out, count = rows.end - rows.begin;
  const int64_t groups = (count + kMostRows - 1) / kMostRows;  // of nearly equal numbers of rows
  write_bias(rows, panels, numbers, out);
  for (int64_t depth = 0; depth < in; depth += kDepth) {
    const int64_t deep = lesser(kDepth, in - depth);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      const float* weights = numbers.weights + (panel * in + depth) * kPanel;
      for (int64_t group = 0; group < groups; ++group) {
        const int64_t first = rows.begin + count * group / groups, next = rows.begin + count * (group + 1) / groups;
        multiply_rows</*kAdd=*/true>(next - first, {.numbers = numbers.x + first * in + depth, .stride = in}, deep,
                                     weights, numbers.y + first * out + panel * kPanel, out);
      }
    }
  }
}

void multiply(const LinearShape& shape, const LinearRange& rows, const LinearRange& panels,
              const LinearNumbers& numbers) {
  for (int64_t row = rows.begin; row < rows.end; row += kRows) {
    for (int64_t panel = panels.begin; panel < panels.end; panel += kPanels) {
      multiply_block(shape, {.begin = row, .end = lesser(row + kRows, rows.end)},
                     {.begin = panel, .end = lesser(panel + kPanels, panels.end)}, numbers);
    }
  }
}

constexpr LinearKernel kKernel = {.panel = kPanel, .rows = kRows, .multiply = multiply};

}  // namespace linear
