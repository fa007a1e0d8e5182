// SPDX-License-Identifier: Apache-2.0
// The transforms G (filters), Bᵀ (inputs) and Aᵀ (outputs) of F(4 x 4, 3 x 3) and F(2 x 2, 3 x 3) in float32
// (winograd_kernel.h), each for kLanes channels. They follow from the interpolation points of Winograd's (Toom-Cook)
// scheme. Part of float_kernels_body.h.

namespace winograd {

/// Rows of G for the points `point` and -point, times a column (g0, g1, g2): scale (g0 ± point g1 + point² g2).
struct PointPair {
  Vec plus, minus;
};
[[gnu::always_inline]] inline PointPair filter_at_points(float scale, float point, Vec g0, Vec g1, Vec g2) {
  const Vec even = scale * g0 + scale * point * point * g2, odd = scale * point * g1;
  return {.plus = even + odd, .minus = even - odd};
}

/// F(4 x 4, 3 x 3) with the interpolation points 0, ±5/8, ±3/2 and infinity. With the usual 0, ±1, ±2 and infinity the
/// rms error in float32 is four times that of a direct convolution; with these it is less than twice (Alam et al.,
/// Winograd Convolution for Deep Neural Networks: Efficient Point Selection, 2022).
struct TransformsF4x4 {
  static constexpr int64_t kTileSize = 4;
  static constexpr float kA = 0.625F, kB = 1.5F, kA2 = kA * kA, kB2 = kB * kB;
  // Scales of the rows of G for ±kA, ±kB and 0.
  static constexpr float kScaleA = 1 / (2 * kA2 * (kA2 - kB2)), kScaleB = 1 / (2 * kB2 * (kB2 - kA2)),
                         kScaleZero = 1 / (kA2 * kB2);

  /// Stores G (g0, g1, g2)ᵀ: six vectors, `stride` elements apart.
  [[gnu::always_inline]] static void store_filter_row(Vec g0, Vec g1, Vec g2, float* to, int64_t stride) {
    const PointPair a = filter_at_points(kScaleA, kA, g0, g1, g2), b = filter_at_points(kScaleB, kB, g0, g1, g2);
    store(to, kScaleZero * g0);
    store(to + stride, a.plus);
    store(to + 2 * stride, a.minus);
    store(to + 3 * stride, b.plus);
    store(to + 4 * stride, b.minus);
    store(to + 5 * stride, g2);
  }
  /// Stores G g Gᵀ of a filter g [3, 3]: [6, 6] vectors, `stride` elements apart.
  [[gnu::always_inline]] static void transform_filter(const Vec (&g)[9], float* to, int64_t stride) {
    const int64_t row = 6 * stride;
    store_filter_row(kScaleZero * g[0], kScaleZero * g[1], kScaleZero * g[2], to, stride);
    const auto rows = [&](float scale, float point, float* plus_row) {
      const PointPair first = filter_at_points(scale, point, g[0], g[3], g[6]),
                      second = filter_at_points(scale, point, g[1], g[4], g[7]),
                      third = filter_at_points(scale, point, g[2], g[5], g[8]);
      store_filter_row(first.plus, second.plus, third.plus, plus_row, stride);
      store_filter_row(first.minus, second.minus, third.minus, plus_row + row, stride);
    };
    rows(kScaleA, kA, to + row);
    rows(kScaleB, kB, to + 3 * row);
    store_filter_row(g[6], g[7], g[8], to + 5 * row, stride);
  }

  /// t = Bᵀ d. The row of a point holds the coefficients of the product of (x - p) over the other points p.
  [[gnu::always_inline]] static void transform_input(const Vec (&d)[6], Vec (&t)[6]) {
    const Vec even_a = d[4] - kB2 * d[2], odd_a = kA * (d[3] - kB2 * d[1]);
    const Vec even_b = d[4] - kA2 * d[2], odd_b = kB * (d[3] - kA2 * d[1]);
    t[0] = kA2 * kB2 * d[0] - (kA2 + kB2) * d[2] + d[4];
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
    t[5] = kA2 * kB2 * d[1] - (kA2 + kB2) * d[3] + d[5];
  }

  /// y = Aᵀ m. Row i of Aᵀ holds the i-th powers of the points.
  [[gnu::always_inline]] static void transform_output(const Vec (&m)[6], Vec (&y)[4]) {
    const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = kA * difference_a + kB * difference_b;
    y[2] = kA2 * sum_a + kB2 * sum_b;
    y[3] = kA * kA2 * difference_a + kB * kB2 * difference_b + m[5];
  }
};

/// F(2 x 2, 3 x 3) with the interpolation points 0, ±1 and infinity.
struct TransformsF2x2 {
  static constexpr int64_t kTileSize = 2;

  [[gnu::always_inline]] static void store_filter_row(Vec g0, Vec g1, Vec g2, float* to, int64_t stride) {
    const PointPair one = filter_at_points(0.5F, 1, g0, g1, g2);
    store(to, g0);
    store(to + stride, one.plus);
    store(to + 2 * stride, one.minus);
    store(to + 3 * stride, g2);
  }
  [[gnu::always_inline]] static void transform_filter(const Vec (&g)[9], float* to, int64_t stride) {
    const int64_t row = 4 * stride;
    const PointPair first = filter_at_points(0.5F, 1, g[0], g[3], g[6]),
                    second = filter_at_points(0.5F, 1, g[1], g[4], g[7]),
                    third = filter_at_points(0.5F, 1, g[2], g[5], g[8]);
    store_filter_row(g[0], g[1], g[2], to, stride);
    store_filter_row(first.plus, second.plus, third.plus, to + row, stride);
    store_filter_row(first.minus, second.minus, third.minus, to + 2 * row, stride);
    store_filter_row(g[6], g[7], g[8], to + 3 * row, stride);
  }

  [[gnu::always_inline]] static void transform_input(const Vec (&d)[4], Vec (&t)[4]) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[1] - d[3];
  }

  [[gnu::always_inline]] static void transform_output(const Vec (&m)[4], Vec (&y)[2]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
};

}  // namespace winograd
