// SPDX-License-Identifier: Apache-2.0
// The float32 linear layer (linear_kernel.h): packs a panel of weights, then multiplies by it. Part of
// float_kernels_body.h.

namespace linear {

/// Block of the product: rows of x and y, and input channels. A block's x and y stay in the second-level cache.
constexpr int64_t kRows = 192;
constexpr int64_t kDepth = 256;

/// Packs input channels [begin, begin + depth) of kPanel rows of weights [out, in] -> panel [depth, kPanel], float32.
template <class Element>
void pack_panel(const Element* weights, int64_t in, int64_t begin, int64_t depth, float* panel) {
  const int64_t whole = depth / kLanes * kLanes;
  for (int64_t column = 0; column < kPanel; column += kLanes) {
    const Element* from = weights + column * in + begin;
    for (int64_t i = 0; i < whole; i += kLanes) {
      Vec columns[kLanes];
      load_columns<1>(from + i, in, columns);
      for (int64_t c = 0; c < kLanes; ++c) store(panel + (i + c) * kPanel + column, columns[c]);
    }
    for (int64_t i = whole; i < depth; ++i) {
      for (int64_t r = 0; r < kLanes; ++r) panel[i * kPanel + column + r] = to_float(from[r * in + i]);
    }
  }
}

template <class Element>
void multiply_stored(const LinearShape& shape, const KernelRange& rows, const KernelRange& panels,
                     const LinearArguments& arguments, const Element* weights, float* scratch) {
  const int64_t in = shape.in, out = shape.out;
  for (int64_t begin = rows.begin; begin < rows.end; begin += kRows) {
    const int64_t count = min_of(kRows, rows.end - begin);
    for (int64_t from = 0; from < in; from += kDepth) {
      const int64_t depth = min_of(kDepth, in - from);
      for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        const int64_t column = panel * kPanel;
        pack_panel(weights + column * in, in, from, depth, scratch);
        const Vec left = arguments.bias != nullptr ? load(arguments.bias + column) : Vec{};
        const Vec right = arguments.bias != nullptr ? load(arguments.bias + column + kLanes) : Vec{};
        float* y = arguments.y + begin * out + column;
        for (int64_t row = 0; row < count && from == 0; ++row) {
          store(y + row * out, left);
          store(y + row * out + kLanes, right);
        }
        gemm</*kAdd=*/true>(count, {.data = arguments.x + begin * in + from, .stride = in}, depth, scratch, y, out);
      }
    }
  }
}

void multiply(const LinearShape& shape, const KernelRange& rows, const KernelRange& panels,
              const LinearArguments& arguments, float* scratch) {
  dispatch_stored_type(arguments.weights,
                       [&](const auto* weights) { multiply_stored(shape, rows, panels, arguments, weights, scratch); });
}

constexpr LinearKernel kKernel = {
    .panel = kPanel, .row_block = kRows, .scratch = kDepth * kPanel, .multiply = multiply};

}  // namespace linear
