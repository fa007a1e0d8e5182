// SPDX-License-Identifier: Apache-2.0
// Winograd convolutions: filters, and the work shared among threads.
#include "lucid/nn/backends/winograd.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "lucid/base/error.h"
#include "lucid/nn/backends/kernel_arguments.h"
#include "lucid/nn/kernels/kernels.h"
#include "lucid/tensor/weight_version.h"

namespace lucid::nn {
namespace {

using torch::Tensor;

enum class Direction { kForward, kGradient };

/// Filters of a convolution, or of the one that gives its gradient (turned by 180 degrees, from its results to what it
/// reads), transformed: [out / panel, places, in / together, panel, together] of that convolution.
Tensor transformed(const Tensor& weight, Direction direction, const kernels::WinogradKernel& kernel) {
  const torch::NoGradGuard no_grad;
  const Tensor filters = direction == Direction::kForward ? weight : weight.transpose(0, 1).flip({2, 3});
  const int64_t out = filters.size(0), in = filters.size(1), panel = kernel.panel, pair = kernel.together;
  const Tensor one_axis = torch::from_blob(const_cast<float*>(kernel.of_filters), {kernel.side + 2, 3}, torch::kFloat);
  const Tensor both_axes = torch::kron(one_axis, one_axis).t();  // G g Gᵀ, [9, places]
  Tensor all = torch::empty({out / panel, kernel.places(), in / pair, panel, pair}, weight.options());
  for (int64_t i = 0; i < out / panel; ++i) {  // one by one: all at once would take twice the memory meanwhile
    const Tensor of_panel = filters.slice(0, i * panel, (i + 1) * panel).to(torch::kFloat).reshape({panel * in, 9});
    all[i].copy_(torch::mm(of_panel, both_axes).view({panel, in / pair, pair, kernel.places()}).permute({3, 1, 0, 2}));
  }
  return all;
}

/// A layer's filters as a kernel takes them, and the tensor that holds them.
struct Filters {
  Tensor holder;
  kernels::FilterNumbers view;
};

class FilterCache : public torch::CustomClassHolder {
 public:
  Filters filters(const Tensor& weight, Direction direction, const kernels::WinogradKernel& kernel) {
    if (kernel.of_filters == nullptr) {  // the kernel transforms them itself
      const Tensor stored = weight.contiguous();
      return {.holder = stored,
              .view = {.weights = stored_weights(stored), .turned = direction == Direction::kGradient}};
    }
    const std::lock_guard lock(mutex_);
    if (version_.update(weight)) filters_.clear();
    Tensor& kept = filters_[{&kernel, direction}];
    if (!kept.defined()) kept = transformed(weight, direction, kernel);
    return {.holder = kept, .view = {.transformed = kept.data_ptr()}};
  }

 private:
  std::mutex mutex_;
  tensor::WeightVersion version_;
  std::map<std::pair<const kernels::WinogradKernel*, Direction>, Tensor> filters_;
};

/// One convolution: maps and filters as a kernel sees them.
struct Work {
  const kernels::WinogradKernel& kernel;
  kernels::WinogradShape shape;
  const float* x;
  const kernels::FilterNumbers& filters;
  const float* bias;  // or none
  float* y;

  kernels::KernelRange all_panels() const { return {.begin = 0, .end = shape.out / kernel.panel}; }
  Tensor room_for_tiles(int64_t tiles) const {
    return torch::empty({kernel.tiles_size(tiles, shape.in)}, kernel.rounds ? torch::kBFloat16 : torch::kFloat);
  }
  void transform(const kernels::KernelRange& block, const kernels::KernelRange& part, const Tensor& tiles) const {
    kernel.transform_tiles(shape, block, part, x, tiles.data_ptr());
  }
  Tensor room_for_products(int64_t tiles, const kernels::KernelRange& panels) const {
    return torch::empty({kernel.scratch_size(tiles, panels.size() * kernel.panel)}, torch::kFloat);
  }
  void multiply(const kernels::KernelRange& block, const kernels::KernelRange& panels, const Tensor& tiles,
                const Tensor& products) const {
    kernel.multiply_tiles(shape, block, panels, tiles.data_ptr(), filters, bias, y, data<float>(products));
  }
};

/// Blocks of tiles among threads.
void by_tiles(const Work& work, int64_t blocks) {
  const int64_t tiles = work.shape.tiles(), most = (tiles + blocks - 1) / blocks;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    const Tensor transformed = work.room_for_tiles(most), products = work.room_for_products(most, work.all_panels());
    for (int64_t i = begin; i < end; ++i) {
      const kernels::KernelRange block{.begin = tiles * i / blocks, .end = tiles * (i + 1) / blocks};
      work.transform(block, block, transformed);
      work.multiply(block, work.all_panels(), transformed, products);
    }
  });
}

/// A block of tiles, its results' channels among threads.
void by_channels(const Work& work, const kernels::KernelRange& block) {
  const Tensor transformed = work.room_for_tiles(block.size());
  at::parallel_for(0, block.size(), 1, [&](int64_t begin, int64_t end) {
    work.transform(block, {.begin = block.begin + begin, .end = block.begin + end}, transformed);
  });
  at::parallel_for(0, work.all_panels().size(), 1, [&](int64_t begin, int64_t end) {
    const kernels::KernelRange panels{.begin = begin, .end = end};
    work.multiply(block, panels, transformed, work.room_for_products(block.size(), panels));
  });
}

Tensor convolved_with(const Tensor& x, int64_t out, const kernels::WinogradKernel& kernel, const Filters& filters,
                      const Tensor& bias) {
  LUCID_CHECK(x.scalar_type() == torch::kFloat && x.is_contiguous(torch::MemoryFormat::ChannelsLast), "no such map");
  const kernels::WinogradShape shape{
      .batch = x.size(0), .height = x.size(2), .width = x.size(3), .in = x.size(1), .out = out, .side = kernel.side};
  const Tensor y =
      torch::empty({shape.batch, out, shape.height, shape.width}, x.options(), torch::MemoryFormat::ChannelsLast);
  const Tensor shift = bias.defined() ? bias.to(torch::kFloat).contiguous() : Tensor();
  const Work work{.kernel = kernel,
                  .shape = shape,
                  .x = data<float>(x),
                  .filters = filters.view,
                  .bias = shift.defined() ? data<float>(shift) : nullptr,
                  .y = data<float>(y)};
  const int64_t tiles = shape.tiles(), threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const int64_t of_block = kernel.tiles_of_block(shape), blocks = (tiles + of_block - 1) / of_block;
  const bool far = kernel.places() * shape.in * shape.out > kernel.near_filters;
  if (threads == 1 || (!far && tiles >= threads * kernel.tiles_of_thread)) {
    by_tiles(work, std::min((blocks + threads - 1) / threads * threads, tiles));
    return y;
  }
  const int64_t turns = far ? blocks : 1;
  for (int64_t i = 0; i < turns; ++i) {
    by_channels(work, {.begin = tiles * i / turns, .end = tiles * (i + 1) / turns});
  }
  return y;
}

}  // namespace

WinogradFilterCache make_winograd_filter_cache() { return c10::make_intrusive<FilterCache>(); }

Tensor winograd_convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            const kernels::WinogradKernel& kernel, const WinogradFilterCache& cache) {
  const Filters filters = static_cast<FilterCache&>(*cache).filters(weight, Direction::kForward, kernel);
  return convolved_with(x, weight.size(0), kernel, filters, bias);
}

Tensor winograd_gradient(const Tensor& d_y, const Tensor& weight, const kernels::WinogradKernel& kernel,
                         const WinogradFilterCache& cache) {
  const Filters filters = static_cast<FilterCache&>(*cache).filters(weight, Direction::kGradient, kernel);
  return convolved_with(d_y, weight.size(1), kernel, filters, {});
}

}  // namespace lucid::nn
