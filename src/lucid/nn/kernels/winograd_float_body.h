// SPDX-License-Identifier: Apache-2.0
// Winograd convolution (winograd_kernel.h) in float32: F(4 x 4, 3 x 3), with 36 products for each tile where a direct
// convolution takes 144, and F(2 x 2, 3 x 3), with 16 where it takes 36, for maps of few tiles. Part of
// float_kernels_body.h.
//
// Filters are transformed in multiply_tiles, a cache-sized block at a time. That takes as long as the products of six
// tiles, no longer than reading transformed filters from memory, and keeps no copy of them.

namespace winograd {

constexpr int64_t kMaxCachedFilters = 1 << 20;  // elements
// Strides are padded: addresses that differ by a power of two compete for the same set of the cache.
constexpr int64_t kPadding = 16;           // elements
constexpr int64_t kFilterPaddingRows = 9;  // rows of kPanel elements between the filters of two tile elements

/// Layout of transformed tiles [tile elements, tiles, channels]: strides of the second and of the first axis.
int64_t tile_stride(int64_t channels) { return channels + kPadding; }
int64_t element_stride(int64_t tiles, int64_t channels) { return tiles * tile_stride(channels) + kPadding; }

int64_t clamp(int64_t value, int64_t low, int64_t high) { return value < low ? low : value > high ? high : value; }

/// The functions of a WinogradKernel for the tile size of Transforms.
template <class Transforms>
struct Convolution {
  static constexpr int64_t kTileSize = Transforms::kTileSize;
  static constexpr int64_t kInputSize = kTileSize + 2;  // side of an input tile and of a transformed tile
  static constexpr int64_t kElements = kInputSize * kInputSize;

  /// Filters that are transformed together: so many input channels of so many panels of output channels.
  struct FilterBlock {
    int64_t channels, panels;
  };
  /// For few tiles the filters fit the second-level cache. For more tiles the block is larger, so that each read of the
  /// tiles serves more outputs.
  static FilterBlock filter_block_for(int64_t tiles) {
    constexpr int64_t kFewTiles = 32, kOutputChannels = 32;
    return tiles <= kFewTiles ? FilterBlock{96, 1}
                              : FilterBlock{192, kPanel < kOutputChannels ? kOutputChannels / kPanel : 1};
  }

  static int64_t transformed_size(int64_t tiles, int64_t in) { return kElements * element_stride(tiles, in); }
  /// Strides of the tile elements in transformed filters [tile elements, depth, kPanel] and in products
  /// [tile elements, tiles, kPanel].
  static int64_t filter_stride(int64_t depth) { return (depth + kFilterPaddingRows) * kPanel; }
  static int64_t product_stride(int64_t tiles) { return tiles * kPanel + kPadding; }
  static int64_t scratch_size(int64_t tiles, int64_t /*channels*/) {
    const FilterBlock block = filter_block_for(tiles);
    return block.panels * kElements * (filter_stride(block.channels) + product_stride(tiles));
  }

  static int64_t tiles_per_block(const WinogradShape& shape) {
    // At least 48, so that transforming the filters takes little of the time; at most what the third-level cache holds.
    constexpr int64_t kElementsPerBlock = 1 << 21;
    return clamp(kElementsPerBlock / (kElements * shape.in), 48, 144);
  }

  static void transform_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& part,
                              const float* x, void* transformed) {
    static constexpr float kZeros[kLanes] = {};
    const int64_t in = shape.in, stride = element_stride(block.size(), in);
    for (int64_t tile = part.begin; tile < part.end; ++tile) {
      const TileOrigin at = tile_origin(shape, tile);
      float* to = static_cast<float*>(transformed) + (tile - block.begin) * tile_stride(in);
      const float* pixels[kInputSize][kInputSize];
      int64_t channel_mask[kInputSize][kInputSize];  // -1; 0 for a padding pixel, which reads kZeros for all channels
      for (int64_t i = 0; i < kInputSize; ++i) {
        for (int64_t j = 0; j < kInputSize; ++j) {
          const int64_t row = at.row - 1 + i, column = at.column - 1 + j;
          const bool inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
          pixels[i][j] = inside ? x + ((at.sample * shape.height + row) * shape.width + column) * in : kZeros;
          channel_mask[i][j] = inside ? -1 : 0;
        }
      }
      for (int64_t c = 0; c < in; c += kLanes) {
        Vec half[kInputSize][kInputSize];  // (Bᵀ d)ᵀ
        for (int64_t j = 0; j < kInputSize; ++j) {
          Vec d[kInputSize];
          for (int64_t i = 0; i < kInputSize; ++i) d[i] = load(pixels[i][j] + (c & channel_mask[i][j]));
          Transforms::transform_input(d, half[j]);
        }
        for (int64_t i = 0; i < kInputSize; ++i) {
          Vec row[kInputSize], whole[kInputSize];
          for (int64_t j = 0; j < kInputSize; ++j) row[j] = half[j][i];
          Transforms::transform_input(row, whole);
          for (int64_t j = 0; j < kInputSize; ++j) store(to + (kInputSize * i + j) * stride + c, whole[j]);
        }
      }
    }
  }

  /// Filters [kLanes, 3, 3], rotated by 180 degrees -> taps [9], each with kLanes output channels.
  template <class Element>
  [[gnu::always_inline]] static void load_rotated(const Element* from, Vec (&taps)[9]) {
    float rotated[9][kLanes];
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      for (int64_t tap = 0; tap < 9; ++tap) rotated[8 - tap][lane] = to_float(from[lane * 9 + tap]);
    }
    for (int64_t tap = 0; tap < 9; ++tap) taps[tap] = load(rotated[tap]);
  }

  /// Prefetches kLanes input channels of a panel's filters [kPanel, in, 3, 3]. Their rows are too short for the
  /// processor's own prefetcher.
  template <class Element>
  [[gnu::always_inline]] static void prefetch_filters(const Element* from, int64_t in) {
    constexpr int64_t kCacheLine = 64 / sizeof(Element);
    for (int64_t row = 0; row < kPanel; ++row) {
      for (int64_t i = 0; i < 9 * kLanes; i += kCacheLine) __builtin_prefetch(from + row * in * 9 + i);
    }
  }

  /// Transforms the input channels of `depth` of a panel's filters -> [tile elements, depth, kPanel].
  template <class Element>
  static void transform_filters(const WinogradShape& shape, const Element* weights, bool adjoint, int64_t panel,
                                const KernelRange& depth, float* transformed) {
    const int64_t stride = filter_stride(depth.size()), first = panel * kPanel;  // output channel
    for (int64_t c = 0; c < depth.size(); c += kLanes) {
      if (!adjoint) prefetch_filters(weights + (first * shape.in + depth.begin + c + kLanes) * 9, shape.in);
      for (int64_t half = 0; half < kPanel; half += kLanes) {
        const int64_t output = first + half;
        Vec taps[kLanes][9];  // of kLanes input channels, each for kLanes output channels
        if (adjoint) {        // weights [in, out, 3, 3]
          for (int64_t i = 0; i < kLanes; ++i) {
            load_rotated(weights + ((depth.begin + c + i) * shape.out + output) * 9, taps[i]);
          }
        } else {  // [out, in, 3, 3]
          load_columns<9>(weights + (output * shape.in + depth.begin + c) * 9, 9 * shape.in, &taps[0][0]);
        }
        for (int64_t i = 0; i < kLanes; ++i) {
          Transforms::transform_filter(taps[i], transformed + (c + i) * kPanel + half, stride);
        }
      }
    }
  }

  /// Aᵀ m A plus the bias for the tiles of `block` and one panel; products as in multiply().
  static void write_outputs(const WinogradShape& shape, const KernelRange& block, int64_t panel, const float* products,
                            const float* bias, float* y) {
    const int64_t first = panel * kPanel, stride = product_stride(block.size());
    for (int64_t tile = block.begin; tile < block.end; ++tile) {
      const TileOrigin at = tile_origin(shape, tile);
      const int64_t rows = shape.height - at.row, columns = shape.width - at.column;  // inside the map
      float* to = y + ((at.sample * shape.height + at.row) * shape.width + at.column) * shape.out + first;
      const float* from = products + (tile - block.begin) * kPanel;
      for (int64_t c = 0; c < kPanel; c += kLanes) {
        Vec half[kTileSize][kInputSize];  // Aᵀ m
        for (int64_t j = 0; j < kInputSize; ++j) {
          Vec m[kInputSize], outputs[kTileSize];
          for (int64_t i = 0; i < kInputSize; ++i) m[i] = load(from + (kInputSize * i + j) * stride + c);
          Transforms::transform_output(m, outputs);
          for (int64_t i = 0; i < kTileSize; ++i) half[i][j] = outputs[i];
        }
        const Vec shift = bias != nullptr ? load(bias + first + c) : Vec{};
        for (int64_t i = 0; i < kTileSize && i < rows; ++i) {
          Vec outputs[kTileSize];
          Transforms::transform_output(half[i], outputs);
          float* row = to + i * shape.width * shape.out + c;
          for (int64_t j = 0; j < kTileSize && j < columns; ++j) store(row + j * shape.out, outputs[j] + shift);
        }
      }
    }
  }

  /// Products of the tiles with the filters, [panels, tile elements, tiles, kPanel], then the outputs.
  template <class Element>
  static void multiply(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels,
                       const float* tiles, const Element* weights, bool adjoint, const float* bias, float* y,
                       float* scratch) {
    const int64_t in = shape.in, count = block.size();
    const FilterBlock filter_block = filter_block_for(count);
    const int64_t panel_stride = kElements * filter_stride(filter_block.channels);
    float *transformed = scratch, *products = scratch + filter_block.panels * panel_stride;
    for (int64_t first = panels.begin; first < panels.end; first += filter_block.panels) {
      const int64_t panel_count = min_of(filter_block.panels, panels.end - first);
      for (int64_t begin = 0; begin < in; begin += filter_block.channels) {
        const KernelRange depth{.begin = begin, .end = min_of(begin + filter_block.channels, in)};
        for (int64_t i = 0; i < panel_count; ++i) {
          transform_filters(shape, weights, adjoint, first + i, depth, transformed + i * panel_stride);
        }
        const auto product = begin == 0 ? gemm</*kAdd=*/false> : gemm</*kAdd=*/true>;
        for (int64_t p = 0; p < kElements; ++p) {  // one tile element at a time: it stays in the cache
          const Rows element_rows{.data = tiles + p * element_stride(count, in) + begin, .stride = tile_stride(in)};
          for (int64_t i = 0; i < panel_count; ++i) {
            product(count, element_rows, depth.size(), transformed + i * panel_stride + p * filter_stride(depth.size()),
                    products + (i * kElements + p) * product_stride(count), kPanel);
          }
        }
      }
      for (int64_t i = 0; i < panel_count; ++i) {
        write_outputs(shape, block, first + i, products + i * kElements * product_stride(count), bias, y);
      }
    }
  }

  static void multiply_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels,
                             const void* tiles, const WinogradFilters& filters, const float* bias, float* y,
                             float* scratch) {
    const auto* transformed = static_cast<const float*>(tiles);
    dispatch_stored_type(filters.weights, [&](const auto* weights) {
      multiply(shape, block, panels, transformed, weights, filters.adjoint, bias, y, scratch);
    });
  }
};

template <class Transforms>
constexpr WinogradKernel make_kernel(const char* name) {
  return {.name = name,
          .tile_size = Transforms::kTileSize,
          .panel = kPanel,
          .filter_transform_cost = Transforms::kTileSize == 4 ? 230 : 120,
          .tiles_per_block = Convolution<Transforms>::tiles_per_block,
          .min_tiles_per_thread = 48,
          .max_cached_filters = kMaxCachedFilters,
          .transformed_size = Convolution<Transforms>::transformed_size,
          .scratch_size = Convolution<Transforms>::scratch_size,
          .transform_tiles = Convolution<Transforms>::transform_tiles,
          .multiply_tiles = Convolution<Transforms>::multiply_tiles};
}

}  // namespace winograd
