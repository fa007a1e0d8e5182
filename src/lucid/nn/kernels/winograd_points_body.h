// SPDX-License-Identifier: Apache-2.0
// F(4 x 4, 3 x 3) and F(2 x 2, 3 x 3) in numbers: what a filter, a tile and products become (G, Bᵀ and Aᵀ of Lavin and
// Gray), after float_product_body.h.

namespace winograd {

/// Two rows of G, of a point and of its opposite, times three numbers.
struct Both {
  Vec plus, minus;
};
[[gnu::always_inline]] inline Both at_both(float scale, float point, Vec g0, Vec g1, Vec g2) {
  const Vec even = scale * g0 + scale * point * point * g2, odd = scale * point * g1;
  return {.plus = even + odd, .minus = even - odd};
}

/// n = 4. The polynomials meet at 0, +-5/8, +-3/2 and infinity. At the usual 0, +-1, +-2 and infinity a float32 result
/// is off four times as far as a direct convolution's; here it is less than twice (rms, of random numbers; the idea is
/// in Alam et al., Winograd Convolution for Deep Neural Networks: Efficient Point Selection, 2022).
struct FourByFour {
  static constexpr int64_t kSide = 4;
  static constexpr float kA = 0.625F, kB = 1.5F, kA2 = kA * kA, kB2 = kB * kB;
  static constexpr float kOfA = 1 / (2 * kA2 * (kA2 - kB2)), kOfB = 1 / (2 * kB2 * (kB2 - kA2)),
                         kOfZero = 1 / (kA2 * kB2);

  /// G of three numbers: stores six, `place` apart.
  [[gnu::always_inline]] static void store_filter(Vec g0, Vec g1, Vec g2, float* to, int64_t place) {
    const Both a = at_both(kOfA, kA, g0, g1, g2), b = at_both(kOfB, kB, g0, g1, g2);
    store(to, kOfZero * g0);
    store(to + place, a.plus);
    store(to + 2 * place, a.minus);
    store(to + 3 * place, b.plus);
    store(to + 4 * place, b.minus);
    store(to + 5 * place, g2);
  }
  /// G g Gᵀ of a filter g [3, 3].
  [[gnu::always_inline]] static void transform_filter(const Vec (&g)[9], float* to, int64_t place) {
    const int64_t row = 6 * place;
    store_filter(kOfZero * g[0], kOfZero * g[1], kOfZero * g[2], to, place);
    const auto rows = [&](float scale, float point, float* of_plus) {
      const Both first = at_both(scale, point, g[0], g[3], g[6]), second = at_both(scale, point, g[1], g[4], g[7]),
                 third = at_both(scale, point, g[2], g[5], g[8]);
      store_filter(first.plus, second.plus, third.plus, of_plus, place);
      store_filter(first.minus, second.minus, third.minus, of_plus + row, place);
    };
    rows(kOfA, kA, to + row);
    rows(kOfB, kB, to + 3 * row);
    store_filter(g[6], g[7], g[8], to + 5 * row, place);
  }

  /// Bᵀ of six rows: for each point the product of the others' (x - point).
  [[gnu::always_inline]] static void transform(const Vec (&d)[6], Vec (&t)[6]) {
    const Vec even_a = d[4] - kB2 * d[2], odd_a = kA * (d[3] - kB2 * d[1]);
    const Vec even_b = d[4] - kA2 * d[2], odd_b = kB * (d[3] - kA2 * d[1]);
    t[0] = kA2 * kB2 * d[0] - (kA2 + kB2) * d[2] + d[4];
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
    t[5] = kA2 * kB2 * d[1] - (kA2 + kB2) * d[3] + d[5];
  }

  /// Aᵀ of six products, powers of the points: four results.
  [[gnu::always_inline]] static void results_of(const Vec (&m)[6], Vec (&y)[4]) {
    const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = kA * difference_a + kB * difference_b;
    y[2] = kA2 * sum_a + kB2 * sum_b;
    y[3] = kA * kA2 * difference_a + kB * kB2 * difference_b + m[5];
  }
};

/// n = 2. They meet at 0, +-1 and infinity.
struct TwoByTwo {
  static constexpr int64_t kSide = 2;

  [[gnu::always_inline]] static void store_filter(Vec g0, Vec g1, Vec g2, float* to, int64_t place) {
    const Both one = at_both(0.5F, 1, g0, g1, g2);
    store(to, g0);
    store(to + place, one.plus);
    store(to + 2 * place, one.minus);
    store(to + 3 * place, g2);
  }
  [[gnu::always_inline]] static void transform_filter(const Vec (&g)[9], float* to, int64_t place) {
    const int64_t row = 4 * place;
    const Both first = at_both(0.5F, 1, g[0], g[3], g[6]), second = at_both(0.5F, 1, g[1], g[4], g[7]),
               third = at_both(0.5F, 1, g[2], g[5], g[8]);
    store_filter(g[0], g[1], g[2], to, place);
    store_filter(first.plus, second.plus, third.plus, to + row, place);
    store_filter(first.minus, second.minus, third.minus, to + 2 * row, place);
    store_filter(g[6], g[7], g[8], to + 3 * row, place);
  }

  [[gnu::always_inline]] static void transform(const Vec (&d)[4], Vec (&t)[4]) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[1] - d[3];
  }

  [[gnu::always_inline]] static void results_of(const Vec (&m)[4], Vec (&y)[2]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
};

}  // namespace winograd
