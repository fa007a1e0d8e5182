// SPDX-License-Identifier: Apache-2.0
// linear_kernel.h's products, after float_panel_body.h.

namespace linear {

constexpr int64_t kRows = 192;  // of x and y; with so many numbers of each they stay in the cache's second level
constexpr int64_t kDepth = 256;

/// Numbers [begin, begin + depth) of a panel's rows of weights [out, in] -> [depth, kPanel].
template <class Number>
void lay_out(const Number* weights, int64_t in, int64_t begin, int64_t depth, float* panel) {
  const int64_t whole = depth / kLanes * kLanes;
  for (int64_t column = 0; column < kPanel; column += kLanes) {
    const Number* from = weights + column * in + begin;
    for (int64_t i = 0; i < whole; i += kLanes) {
      Vec columns[kLanes];
      load_columns<1>(from + i, in, columns);
      for (int64_t c = 0; c < kLanes; ++c) store(panel + (i + c) * kPanel + column, columns[c]);
    }
    for (int64_t i = whole; i < depth; ++i) {
      for (int64_t r = 0; r < kLanes; ++r) panel[i * kPanel + column + r] = widened(from[r * in + i]);
    }
  }
}

template <class Number>
void multiply_stored(const LinearShape& shape, const KernelRange& rows, const KernelRange& panels,
                     const LinearNumbers& numbers, const Number* weights, float* scratch) {
  const int64_t in = shape.in, out = shape.out;
  for (int64_t begin = rows.begin; begin < rows.end; begin += kRows) {
    const int64_t count = lesser(kRows, rows.end - begin);
    for (int64_t from = 0; from < in; from += kDepth) {
      const int64_t depth = lesser(kDepth, in - from);
      for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        const int64_t column = panel * kPanel;
        lay_out(weights + column * in, in, from, depth, scratch);
        const Vec left = numbers.bias != nullptr ? load(numbers.bias + column) : Vec{};
        const Vec right = numbers.bias != nullptr ? load(numbers.bias + column + kLanes) : Vec{};
        float* y = numbers.y + begin * out + column;
        for (int64_t row = 0; row < count && from == 0; ++row) {
          store(y + row * out, left);
          store(y + row * out + kLanes, right);
        }
        multiply_all_rows</*kAdd=*/true>(count, {.numbers = numbers.x + begin * in + from, .stride = in}, depth,
                                         scratch, y, out);
      }
    }
  }
}

void multiply(const LinearShape& shape, const KernelRange& rows, const KernelRange& panels,
              const LinearNumbers& numbers, float* scratch) {
  with_numbers(numbers.weights,
               [&](const auto* weights) { multiply_stored(shape, rows, panels, numbers, weights, scratch); });
}

constexpr LinearKernel kKernel = {.panel = kPanel, .rows = kRows, .scratch = kDepth * kPanel, .multiply = multiply};

}  // namespace linear
