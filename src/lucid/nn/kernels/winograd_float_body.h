// SPDX-License-Identifier: Apache-2.0
// F(4 x 4, 3 x 3) in float32, 36 products where a direct convolution takes 144, and F(2 x 2, 3 x 3), 16 where it takes
// 36, for maps of few tiles: after float_panel_body.h and winograd_points_body.h. Filters are transformed where they
// are multiplied, some at a time. That takes as long as six tiles do, no longer than to read them transformed from
// memory, and keeps no copy of them.

namespace winograd {

constexpr int64_t kNearFilters = 1 << 20;  // numbers
// What lies a power of two apart would meet in one set of the cache.
constexpr int64_t kGap = 16;       // numbers
constexpr int64_t kRowsOfGap = 9;  // between one place's filters and the next's: of a few channels all meet nowhere

int64_t row_of(int64_t channels) { return channels + kGap; }
int64_t place_of(int64_t tiles, int64_t channels) { return tiles * row_of(channels) + kGap; }

int64_t clamped(int64_t value, int64_t low, int64_t high) { return value < low ? low : value > high ? high : value; }

template <class Points>
struct Tiles {
  static constexpr int64_t kSide = Points::kSide, kWide = kSide + 2, kPlaces = kWide * kWide;

  /// Filters that are transformed together: channels of some panels' filters.
  struct Together {
    int64_t channels, panels;
  };
  /// Of few tiles as many as the cache's second level holds; of more, which are then read for more results.
  static Together filters_for(int64_t tiles) {
    constexpr int64_t kFew = 32, kResults = 32;
    return tiles <= kFew ? Together{96, 1} : Together{192, kPanel < kResults ? kResults / kPanel : 1};
  }

  static int64_t tiles_size(int64_t tiles, int64_t in) { return kPlaces * place_of(tiles, in); }
  static int64_t filters_of_place(int64_t depth) { return (depth + kRowsOfGap) * kPanel; }
  static int64_t products_of_place(int64_t tiles) { return tiles * kPanel + kGap; }
  static int64_t scratch_size(int64_t tiles, int64_t /*channels*/) {
    const Together together = filters_for(tiles);
    return together.panels * kPlaces * (filters_of_place(together.channels) + products_of_place(tiles));
  }

  static int64_t tiles_of_block(const WinogradShape& shape) {
    // Enough to be worth a filter's transformation; the cache's third level holds them.
    constexpr int64_t kNumbers = 1 << 21;
    return clamped(kNumbers / (kPlaces * shape.in), 48, 144);
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
        Vec half[kWide][kWide];  // [column][row] of Bᵀ d
        for (int64_t j = 0; j < kWide; ++j) {
          Vec d[kWide];
          for (int64_t i = 0; i < kWide; ++i) d[i] = load(pixels[i][j] + (c & there[i][j]));
          Points::transform(d, half[j]);
        }
        for (int64_t i = 0; i < kWide; ++i) {
          Vec row[kWide], whole[kWide];
          for (int64_t j = 0; j < kWide; ++j) row[j] = half[j][i];
          Points::transform(row, whole);
          for (int64_t j = 0; j < kWide; ++j) store(to + (kWide * i + j) * place + c, whole[j]);
        }
      }
    }
  }

  /// Filters of kLanes results side by side -> their taps in the opposite order.
  template <class Number>
  [[gnu::always_inline]] static void load_turned(const Number* from, Vec (&taps)[9]) {
    float numbers[9][kLanes];
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      for (int64_t tap = 0; tap < 9; ++tap) numbers[8 - tap][lane] = widened(from[lane * 9 + tap]);
    }
    for (int64_t tap = 0; tap < 9; ++tap) taps[tap] = load(numbers[tap]);
  }

  /// kLanes channels of a panel's filters [kPanel, in, 3, 3]: rows so short that the processor sees no stream in them.
  template <class Number>
  [[gnu::always_inline]] static void prefetch_filters(const Number* from, int64_t in) {
    constexpr int64_t kLine = 64 / sizeof(Number);
    for (int64_t row = 0; row < kPanel; ++row) {
      for (int64_t i = 0; i < 9 * kLanes; i += kLine) __builtin_prefetch(from + row * in * 9 + i);
    }
  }

  /// Some channels [from, from + depth) of a panel's filters -> [places, depth, kPanel].
  template <class Number>
  static void transform_filters(const WinogradShape& shape, const Number* weights, bool turned, int64_t panel,
                                const KernelRange& depth, float* transformed) {
    const int64_t place = filters_of_place(depth.size()), first = panel * kPanel;  // of the results' channels
    for (int64_t c = 0; c < depth.size(); c += kLanes) {
      if (!turned) prefetch_filters(weights + (first * shape.in + depth.begin + c + kLanes) * 9, shape.in);
      for (int64_t half = 0; half < kPanel; half += kLanes) {
        const int64_t result = first + half;
        Vec taps[kLanes][9];  // of kLanes channels, each of kLanes results
        if (turned) {         // weights [in,out,3,3], which the gradient has the other way about
          for (int64_t i = 0; i < kLanes; ++i) {
            load_turned(weights + ((depth.begin + c + i) * shape.out + result) * 9, taps[i]);
          }
        } else {  // [out,in,3,3]
          load_columns<9>(weights + (result * shape.in + depth.begin + c) * 9, 9 * shape.in, &taps[0][0]);
        }
        for (int64_t i = 0; i < kLanes; ++i) {
          Points::transform_filter(taps[i], transformed + (c + i) * kPanel + half, place);
        }
      }
    }
  }

  static void write_results(const WinogradShape& shape, const KernelRange& block, int64_t panel, const float* products,
                            const float* bias, float* y) {
    const int64_t first = panel * kPanel, place = products_of_place(block.size());
    for (int64_t tile = block.begin; tile < block.end; ++tile) {
      const WinogradPlace at = place_of_tile(shape, tile);
      const int64_t rows = shape.height - at.row, columns = shape.width - at.column;  // that are there
      float* to = y + ((at.sample * shape.height + at.row) * shape.width + at.column) * shape.out + first;
      const float* from = products + (tile - block.begin) * kPanel;
      for (int64_t c = 0; c < kPanel; c += kLanes) {
        Vec half[kSide][kWide];  // Aᵀ m
        for (int64_t j = 0; j < kWide; ++j) {
          Vec m[kWide], results[kSide];
          for (int64_t i = 0; i < kWide; ++i) m[i] = load(from + (kWide * i + j) * place + c);
          Points::results_of(m, results);
          for (int64_t i = 0; i < kSide; ++i) half[i][j] = results[i];
        }
        const Vec shift = bias != nullptr ? load(bias + first + c) : Vec{};
        for (int64_t i = 0; i < kSide && i < rows; ++i) {
          Vec results[kSide];
          Points::results_of(half[i], results);
          float* of_row = to + i * shape.width * shape.out + c;
          for (int64_t j = 0; j < kSide && j < columns; ++j) store(of_row + j * shape.out, results[j] + shift);
        }
      }
    }
  }

  template <class Number>
  static void multiply(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels,
                       const float* tiles, const Number* weights, bool turned, const float* bias, float* y,
                       float* scratch) {
    const int64_t in = shape.in, count = block.size();
    const Together together = filters_for(count);
    const int64_t of_filters = kPlaces * filters_of_place(together.channels);
    float *transformed = scratch, *products = scratch + together.panels * of_filters;
    for (int64_t first = panels.begin; first < panels.end; first += together.panels) {
      const int64_t some = lesser(together.panels, panels.end - first);
      for (int64_t begin = 0; begin < in; begin += together.channels) {
        const KernelRange depth{.begin = begin, .end = lesser(begin + together.channels, in)};
        for (int64_t i = 0; i < some; ++i) {
          transform_filters(shape, weights, turned, first + i, depth, transformed + i * of_filters);
        }
        const auto product = begin == 0 ? multiply_all_rows</*kAdd=*/false> : multiply_all_rows</*kAdd=*/true>;
        // One place at a time: its tiles stay in the cache.
        for (int64_t p = 0; p < kPlaces; ++p) {
          const Rows of_tiles{.numbers = tiles + p * place_of(count, in) + begin, .stride = row_of(in)};
          for (int64_t i = 0; i < some; ++i) {
            product(count, of_tiles, depth.size(), transformed + i * of_filters + p * filters_of_place(depth.size()),
                    products + (i * kPlaces + p) * products_of_place(count), kPanel);
          }
        }
      }
      for (int64_t i = 0; i < some; ++i) {
        write_results(shape, block, first + i, products + i * kPlaces * products_of_place(count), bias, y);
      }
    }
  }

  static void multiply_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels,
                             const void* tiles, const FilterNumbers& filters, const float* bias, float* y,
                             float* scratch) {
    const auto* numbers = static_cast<const float*>(tiles);
    with_numbers(filters.weights, [&](const auto* weights) {
      multiply(shape, block, panels, numbers, weights, filters.turned, bias, y, scratch);
    });
  }
};

template <class Points>
constexpr WinogradKernel kernel_named(const char* name) {
  return {.name = name,
          .side = Points::kSide,
          .panel = kPanel,
          .products_of_filter = Points::kSide == 4 ? 230 : 120,
          .tiles_of_block = Tiles<Points>::tiles_of_block,
          .tiles_of_thread = 48,
          .near_filters = kNearFilters,
          .tiles_size = Tiles<Points>::tiles_size,
          .scratch_size = Tiles<Points>::scratch_size,
          .transform_tiles = Tiles<Points>::transform_tiles,
          .multiply_tiles = Tiles<Points>::multiply_tiles};
}

}  // namespace winograd
