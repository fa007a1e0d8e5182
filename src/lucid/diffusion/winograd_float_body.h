// SPDX-License-Identifier: Apache-2.0
// F(4 x 4, 3 x 3) in float32, 36 products where a direct convolution takes 144, and F(2 x 2, 3 x 3), 16 where it takes
// 36, for maps of few tiles, where filters take longer to read than to multiply: after float_product_body.h.

namespace winograd {

constexpr int64_t kNearFilters = 1 << 20;  // numbers
constexpr int64_t kGap = 16;               // numbers: rows a power of two long would meet in one set of the cache

int64_t row_of(int64_t channels) { return channels + kGap; }
int64_t place_of(int64_t tiles, int64_t channels) { return tiles * row_of(channels) + kGap; }

// Of n = 4 the polynomials meet at 0, +-5/8, +-3/2 and infinity. At the usual 0, +-1, +-2 and infinity a float32 result
// is off four times as far as a direct convolution's; here it is less than twice (rms, of random numbers; the idea is
// in Alam et al., Winograd Convolution for Deep Neural Networks: Efficient Point Selection, 2022).
constexpr float kA = 0.625F, kB = 1.5F, kA2 = kA * kA, kB2 = kB * kB;
constexpr float kOfA = 1 / (2 * kA2 * (kA2 - kB2)), kOfB = 1 / (2 * kB2 * (kB2 - kA2));
constexpr float kOfFilters4[6][3] = {{1 / (kA2 * kB2), 0, 0},      {kOfA, kOfA* kA, kOfA* kA2},
                                     {kOfA, -kOfA* kA, kOfA* kA2}, {kOfB, kOfB* kB, kOfB* kB2},
                                     {kOfB, -kOfB* kB, kOfB* kB2}, {0, 0, 1}};

/// Bᵀ of six rows: for each point the product of the others' (x - point).
[[gnu::always_inline]] inline void transform(const Lanes (&d)[6], Lanes (&t)[6]) {
  const Lanes even_a = d[4] - kB2 * d[2], odd_a = kA * (d[3] - kB2 * d[1]);
  const Lanes even_b = d[4] - kA2 * d[2], odd_b = kB * (d[3] - kA2 * d[1]);
  t[0] = kA2 * kB2 * d[0] - (kA2 + kB2) * d[2] + d[4];
  t[1] = even_a + odd_a;
  t[2] = even_a - odd_a;
  t[3] = even_b + odd_b;
  t[4] = even_b - odd_b;
  t[5] = kA2 * kB2 * d[1] - (kA2 + kB2) * d[3] + d[5];
}

/// Aᵀ of six products, powers of the points: four results.
[[gnu::always_inline]] inline void results_of(const Lanes (&m)[6], Lanes (&y)[4]) {
  const Lanes sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  y[0] = m[0] + sum_a + sum_b;
  y[1] = kA * difference_a + kB * difference_b;
  y[2] = kA2 * sum_a + kB2 * sum_b;
  y[3] = kA * kA2 * difference_a + kB * kB2 * difference_b + m[5];
}

// Of n = 2 they meet at 0, +-1 and infinity.
constexpr float kOfFilters2[4][3] = {{1, 0, 0}, {0.5F, 0.5F, 0.5F}, {0.5F, -0.5F, 0.5F}, {0, 0, 1}};

[[gnu::always_inline]] inline void transform(const Lanes (&d)[4], Lanes (&t)[4]) {
  t[0] = d[0] - d[2];
  t[1] = d[1] + d[2];
  t[2] = d[2] - d[1];
  t[3] = d[1] - d[3];
}

[[gnu::always_inline]] inline void results_of(const Lanes (&m)[4], Lanes (&y)[2]) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] - m[3];
}

int64_t clamped(int64_t value, int64_t low, int64_t high) { return value < low ? low : value > high ? high : value; }

/// F(kSide x kSide, 3 x 3).
template <int64_t kSide>
struct Tiles {
  static constexpr int64_t kWide = kSide + 2, kPlaces = kWide * kWide;

  static int64_t size_of(int64_t tiles, int64_t channels) { return kPlaces * place_of(tiles, channels); }

  static int64_t tiles_of_block(const WinogradShape& shape) {
    // Tiles and products of a megabyte lie in the cache's second level, those of 16 may in the third: for filters that
    // come from memory, and had better be read for many tiles.
    constexpr int64_t kNear = 1 << 18, kFar = 1 << 22;
    const int64_t of_tile = kPlaces * (shape.in + shape.out);
    if (kPlaces * shape.in * shape.out > kNearFilters) return clamped(kFar / of_tile, 48, 192);
    return clamped(kNear / of_tile, 24, 48) / 6 * 6;
  }

  static void transform_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& part,
                              const float* x, void* transformed) {
    static constexpr float kNothing[kLanes] = {};
    const int64_t in = shape.in, place = place_of(block.size(), in);
    for (int64_t tile = part.begin; tile < part.end; ++tile) {
      const WinogradPlace at = place_of_tile(shape, tile);
      float* to = static_cast<float*>(transformed) + (tile - block.begin) * row_of(in);
      const float* pixels[kWide][kWide];
      int64_t there[kWide][kWide];  // all bits, or none of a pixel beyond the edge: its channels are kNothing
      for (int64_t i = 0; i < kWide; ++i) {
        for (int64_t j = 0; j < kWide; ++j) {
          const int64_t row = at.row - 1 + i, column = at.column - 1 + j;
          const bool inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
          pixels[i][j] = inside ? x + ((at.sample * shape.height + row) * shape.width + column) * in : kNothing;
          there[i][j] = inside ? -1 : 0;
        }
      }
      for (int64_t c = 0; c < in; c += kLanes) {
        Lanes half[kWide][kWide];  // [column][row] of Bᵀ d
        for (int64_t j = 0; j < kWide; ++j) {
          Lanes d[kWide];
          for (int64_t i = 0; i < kWide; ++i) d[i] = load(pixels[i][j] + (c & there[i][j]));
          transform(d, half[j]);
        }
        for (int64_t i = 0; i < kWide; ++i) {
          Lanes row[kWide], whole[kWide];
          for (int64_t j = 0; j < kWide; ++j) row[j] = half[j][i];
          transform(row, whole);
          for (int64_t j = 0; j < kWide; ++j) store(to + (kWide * i + j) * place + c, whole[j]);
        }
      }
    }
  }

  static void write_results(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels,
                            const float* products, const float* bias, float* y) {
    const int64_t first = panels.begin * kPanel, channels = panels.size() * kPanel;
    const int64_t place = place_of(block.size(), channels);
    for (int64_t tile = block.begin; tile < block.end; ++tile) {
      const WinogradPlace at = place_of_tile(shape, tile);
      const int64_t rows = shape.height - at.row, columns = shape.width - at.column;  // that are there
      float* to = y + ((at.sample * shape.height + at.row) * shape.width + at.column) * shape.out + first;
      const float* from = products + (tile - block.begin) * row_of(channels);
      for (int64_t c = 0; c < channels; c += kLanes) {
        Lanes half[kSide][kWide];  // Aᵀ m
        for (int64_t j = 0; j < kWide; ++j) {
          Lanes m[kWide], results[kSide];
          for (int64_t i = 0; i < kWide; ++i) m[i] = load(from + (kWide * i + j) * place + c);
          results_of(m, results);
          for (int64_t i = 0; i < kSide; ++i) half[i][j] = results[i];
        }
        const Lanes shift = bias != nullptr ? load(bias + first + c) : Lanes{};
        for (int64_t i = 0; i < kSide && i < rows; ++i) {
          Lanes results[kSide];
          results_of(half[i], results);
          float* of_row = to + i * shape.width * shape.out + c;
          for (int64_t j = 0; j < kSide && j < columns; ++j) store(of_row + j * shape.out, results[j] + shift);
        }
      }
    }
  }

  static void multiply_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels,
                             const void* tiles, const void* filters, const float* bias, float* y, float* scratch) {
    const int64_t in = shape.in, count = block.size(), channels = panels.size() * kPanel, row = row_of(channels);
    const int64_t groups = (count + kMostRows - 1) / kMostRows;  // of nearly equal numbers of rows
    // One place at a time: its tiles stay in the cache's first level, and its filters pass by once.
    for (int64_t p = 0; p < kPlaces; ++p) {
      const float* of_place = static_cast<const float*>(tiles) + p * place_of(count, in);
      for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        const float* of_panel = static_cast<const float*>(filters) + (panel * kPlaces + p) * in * kPanel;
        float* products = scratch + p * place_of(count, channels) + (panel - panels.begin) * kPanel;
        for (int64_t group = 0; group < groups; ++group) {
          const int64_t first = count * group / groups, rows = count * (group + 1) / groups - first;
          multiply_rows</*kAdd=*/false>(rows, {.numbers = of_place + first * row_of(in), .stride = row_of(in)}, in,
                                        of_panel, products + first * row, row);
        }
      }
    }
    write_results(shape, block, panels, scratch, bias, y);
  }
};

template <int64_t kSide>
constexpr WinogradKernel kernel_named(const char* name) {
  return {.name = name,
          .side = kSide,
          .of_filters = kSide == 4 ? &kOfFilters4[0][0] : &kOfFilters2[0][0],
          .panel = kPanel,
          .tiles_of_block = Tiles<kSide>::tiles_of_block,
          .tiles_of_thread = 24,
          .near_filters = kNearFilters,
          .tiles_size = Tiles<kSide>::size_of,
          .scratch_size = Tiles<kSide>::size_of,
          .transform_tiles = Tiles<kSide>::transform_tiles,
          .multiply_tiles = Tiles<kSide>::multiply_tiles};
}

}  // namespace winograd
