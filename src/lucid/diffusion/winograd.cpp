// SPDX-License-Identifier: Apache-2.0
// See winograd.h.
#include "lucid/diffusion/winograd.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <mutex>

#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/diffusion/last_seen.h"
#include "lucid/diffusion/numbers.h"
#include "lucid/diffusion/winograd_kernel.h"

namespace lucid::diffusion {
namespace {

using torch::Tensor;

enum class Direction { kForward, kGradient };

/// Transformed filters of a convolution, or of the one that gives its gradient: turned by 180 degrees, from its results
/// to what it reads.
Tensor transformed(const Tensor& weight, Direction direction) {
  const bool forward = direction == Direction::kForward;
  const int64_t out = weight.size(forward ? 0 : 1), in = weight.size(forward ? 1 : 0);
  FilterStrides strides{.out = weight.stride(forward ? 0 : 1),
                        .in = weight.stride(forward ? 1 : 0),
                        .row = weight.stride(2),
                        .column = weight.stride(3)};
  const Bfloat16Bits* first = numbers<Bfloat16Bits>(weight);
  if (!forward) {
    first += 2 * (strides.row + strides.column);
    strides.row = -strides.row;
    strides.column = -strides.column;
  }
  const Tensor filters = torch::empty({winograd_filters_size(in, out)}, weight.options());
  const int64_t panels = out / kWinogradPanel, of_panel = winograd_filters_size(in, kWinogradPanel);
  at::parallel_for(0, panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      transform_filters(in, panel, first, strides, numbers<Bfloat16Bits>(filters) + panel * of_panel);
    }
  });
  return filters;
}

class Kept : public torch::CustomClassHolder {
 public:
  Kept(size_t largest, const WinogradUse& use) : largest_(largest), use_(use) {}
  bool takes(const Tensor& weight, int64_t pixels) const {
    return weight.nbytes() <= largest_ && pixels >= use_.least_pixels;
  }
  Tensor filters(const Tensor& weight, Direction direction) {
    const std::lock_guard lock(mutex_);
    if (!last_.again(weight)) forward_ = gradient_ = Tensor();
    Tensor& kept = direction == Direction::kForward ? forward_ : gradient_;
    if (!kept.defined()) kept = transformed(weight, direction);
    return kept;
  }

 private:
  size_t largest_;  // bytes
  WinogradUse use_;
  std::mutex mutex_;
  LastSeen last_;
  Tensor forward_, gradient_;
};

Kept& kept_of(const WinogradFilters& filters) { return static_cast<Kept&>(*filters); }

// As many as the cache's second level holds with their products, and enough that filters are not read too often.
constexpr int64_t kTilesOfBlock = 96;
// Of fewer tiles a thread, all threads compute all tiles, each some channels: so that filters are read once.
constexpr int64_t kTilesOfThread = 48;

struct Blocks {
  int64_t tiles, count;
  TileRange at(int64_t i) const { return {.begin = tiles * i / count, .end = tiles * (i + 1) / count}; }
  int64_t most() const { return (tiles + count - 1) / count; }
};

/// Blocks of tiles among threads.
void by_tiles(const WinogradShape& shape, const Blocks& blocks, const float* x, const Bfloat16Bits* filters,
              const float* bias, float* y) {
  at::parallel_for(0, blocks.count, 1, [&](int64_t begin, int64_t end) {
    const Tensor tiles = torch::empty({winograd_tiles_size(blocks.most(), shape.in)}, torch::kBFloat16);
    const Tensor scratch = torch::empty({winograd_scratch_size(blocks.most())}, torch::kFloat);
    for (int64_t i = begin; i < end; ++i) {
      const TileRange block = blocks.at(i);
      transform_tiles(shape, block, block, x, numbers<Bfloat16Bits>(tiles));
      for (int64_t panel = 0; panel < shape.out / kWinogradPanel; ++panel) {
        multiply_tiles(shape, block, panel, numbers<Bfloat16Bits>(tiles), filters, bias, y, numbers<float>(scratch));
      }
    }
  });
}

/// All tiles as one block, its results' channels among threads.
void by_channels(const WinogradShape& shape, const float* x, const Bfloat16Bits* filters, const float* bias, float* y) {
  const TileRange block{.begin = 0, .end = shape.tiles()};
  const Tensor tiles = torch::empty({winograd_tiles_size(block.size(), shape.in)}, torch::kBFloat16);
  at::parallel_for(0, block.size(), 1, [&](int64_t begin, int64_t end) {
    transform_tiles(shape, block, {.begin = begin, .end = end}, x, numbers<Bfloat16Bits>(tiles));
  });
  at::parallel_for(0, shape.out / kWinogradPanel, 1, [&](int64_t begin, int64_t end) {
    const Tensor scratch = torch::empty({winograd_scratch_size(block.size())}, torch::kFloat);
    for (int64_t panel = begin; panel < end; ++panel) {
      multiply_tiles(shape, block, panel, numbers<Bfloat16Bits>(tiles), filters, bias, y, numbers<float>(scratch));
    }
  });
}

Tensor convolved_with(const Tensor& x, int64_t out, const Tensor& filters, const Tensor& bias) {
  LUCID_CHECK(x.scalar_type() == torch::kFloat && x.is_contiguous(torch::MemoryFormat::ChannelsLast), "no wide map");
  const WinogradShape shape{.batch = x.size(0), .height = x.size(2), .width = x.size(3), .in = x.size(1), .out = out};
  const Tensor y =
      torch::empty({shape.batch, out, shape.height, shape.width}, x.options(), torch::MemoryFormat::ChannelsLast);
  const Tensor shift = bias.defined() ? bias.to(torch::kFloat).contiguous() : Tensor();
  const float* of_bias = shift.defined() ? numbers<float>(shift) : nullptr;
  const int64_t tiles = shape.tiles(), threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  if (threads > 1 && tiles < threads * kTilesOfThread) {
    by_channels(shape, numbers<float>(x), numbers<Bfloat16Bits>(filters), of_bias, numbers<float>(y));
    return y;
  }
  const int64_t full = (tiles + kTilesOfBlock - 1) / kTilesOfBlock, count = (full + threads - 1) / threads * threads;
  by_tiles(shape, {.tiles = tiles, .count = std::min(count, tiles)}, numbers<float>(x), numbers<Bfloat16Bits>(filters),
           of_bias, numbers<float>(y));
  return y;
}

}  // namespace

WinogradFilters make_winograd_filters(size_t largest, const WinogradUse& use) {
  return c10::make_intrusive<Kept>(largest, use);
}

bool takes_winograd(const WinogradFilters& filters, const Tensor& weight, int64_t height, int64_t width) {
  return has_fast_bfloat16() && filters && weight.scalar_type() == torch::kBFloat16 && weight.size(2) == 3 &&
         weight.size(3) == 3 && weight.size(0) % kWinogradPanel == 0 && weight.size(1) % kWinogradPanel == 0 &&
         kept_of(filters).takes(weight, height * width);
}

Tensor winograd_convolution(const Tensor& x, const Tensor& weight, const Tensor& bias, const WinogradFilters& filters) {
  return convolved_with(x, weight.size(0), kept_of(filters).filters(weight, Direction::kForward), bias);
}

Tensor winograd_gradient(const Tensor& dy, const Tensor& weight, const WinogradFilters& filters) {
  return convolved_with(dy, weight.size(1), kept_of(filters).filters(weight, Direction::kGradient), {});
}

}  // namespace lucid::diffusion
