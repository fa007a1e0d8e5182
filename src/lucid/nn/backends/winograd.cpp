// SPDX-License-Identifier: Apache-2.0
// Winograd convolutions: the cache of transformed filters, and the division of tiles and channels among threads.
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

/// WinogradFilters::transformed of a convolution with this weight [out,in,3,3], or of the convolution that computes its
/// gradient: filters rotated by 180 degrees, input and output channels exchanged.
Tensor transform_filters(const Tensor& weight, Direction direction, const kernels::WinogradKernel& kernel) {
  const torch::NoGradGuard no_grad;
  const Tensor filters = direction == Direction::kForward ? weight : weight.transpose(0, 1).flip({2, 3});
  const int64_t out = filters.size(0), in = filters.size(1), panel = kernel.panel, group = kernel.channel_group;
  const Tensor g =
      torch::from_blob(const_cast<float*>(kernel.filter_transform), {kernel.tile_size + 2, 3}, torch::kFloat);
  const Tensor transform = torch::kron(g, g).t();  // [9, tile elements], for a filter as a row of 9
  Tensor all = torch::empty({out / panel, kernel.tile_elements(), in / group, panel, group}, weight.options());
  for (int64_t i = 0; i < out / panel; ++i) {  // one by one, to save memory
    const Tensor panel_filters =
        filters.slice(0, i * panel, (i + 1) * panel).to(torch::kFloat).reshape({panel * in, 9});
    all[i].copy_(torch::mm(panel_filters, transform)
                     .view({panel, in / group, group, kernel.tile_elements()})
                     .permute({3, 1, 0, 2}));
  }
  return all;
}

/// Arguments for a kernel, and the tensor that owns their memory.
struct Filters {
  Tensor owner;
  kernels::WinogradFilters view;
};

class FilterCache : public torch::CustomClassHolder {
 public:
  Filters filters(const Tensor& weight, Direction direction, const kernels::WinogradKernel& kernel) {
    if (kernel.filter_transform == nullptr) {  // the kernel transforms the filters itself
      const Tensor stored = weight.contiguous();
      return {.owner = stored,
              .view = {.weights = stored_weights(stored), .adjoint = direction == Direction::kGradient}};
    }
    const std::lock_guard lock(mutex_);
    if (version_.update(weight)) filters_.clear();
    Tensor& cached = filters_[{&kernel, direction}];
    if (!cached.defined()) cached = transform_filters(weight, direction, kernel);
    return {.owner = cached, .view = {.transformed = cached.data_ptr()}};
  }

 private:
  std::mutex mutex_;
  tensor::WeightVersion version_;
  std::map<std::pair<const kernels::WinogradKernel*, Direction>, Tensor> filters_;
};

/// One convolution, as arguments of a kernel.
struct Task {
  const kernels::WinogradKernel& kernel;
  kernels::WinogradShape shape;
  const float* x;
  const kernels::WinogradFilters& filters;
  const float* bias;  // null: none
  float* y;

  kernels::KernelRange all_panels() const { return {.begin = 0, .end = shape.out / kernel.panel}; }
  Tensor allocate_tiles(int64_t tiles) const {
    return torch::empty({kernel.transformed_size(tiles, shape.in)},
                        kernel.bfloat16_tiles ? torch::kBFloat16 : torch::kFloat);
  }
  void transform(const kernels::KernelRange& block, const kernels::KernelRange& part, const Tensor& tiles) const {
    kernel.transform_tiles(shape, block, part, x, tiles.data_ptr());
  }
  Tensor allocate_scratch(int64_t tiles, const kernels::KernelRange& panels) const {
    return torch::empty({kernel.scratch_size(tiles, panels.size() * kernel.panel)}, torch::kFloat);
  }
  void multiply(const kernels::KernelRange& block, const kernels::KernelRange& panels, const Tensor& tiles,
                const Tensor& products) const {
    kernel.multiply_tiles(shape, block, panels, tiles.data_ptr(), filters, bias, y, data<float>(products));
  }
};

/// Threads share blocks of tiles; each computes all output channels of its tiles.
void parallel_over_tiles(const Task& task, int64_t blocks) {
  const int64_t tiles = task.shape.tiles(), most = (tiles + blocks - 1) / blocks;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    const Tensor transformed = task.allocate_tiles(most), products = task.allocate_scratch(most, task.all_panels());
    for (int64_t i = begin; i < end; ++i) {
      const kernels::KernelRange block{.begin = tiles * i / blocks, .end = tiles * (i + 1) / blocks};
      task.transform(block, block, transformed);
      task.multiply(block, task.all_panels(), transformed, products);
    }
  });
}

/// Threads share the transforms of a block of tiles, then its output channels.
void parallel_over_channels(const Task& task, const kernels::KernelRange& block) {
  const Tensor transformed = task.allocate_tiles(block.size());
  at::parallel_for(0, block.size(), 1, [&](int64_t begin, int64_t end) {
    task.transform(block, {.begin = block.begin + begin, .end = block.begin + end}, transformed);
  });
  at::parallel_for(0, task.all_panels().size(), 1, [&](int64_t begin, int64_t end) {
    const kernels::KernelRange panels{.begin = begin, .end = end};
    task.multiply(block, panels, transformed, task.allocate_scratch(block.size(), panels));
  });
}

Tensor convolve(const Tensor& x, int64_t out, const kernels::WinogradKernel& kernel, const Filters& filters,
                const Tensor& bias) {
  LUCID_CHECK(x.scalar_type() == torch::kFloat && x.is_contiguous(torch::MemoryFormat::ChannelsLast),
              "a Winograd kernel needs a float32 map, channels-last");
  const kernels::WinogradShape shape{.batch = x.size(0),
                                     .height = x.size(2),
                                     .width = x.size(3),
                                     .in = x.size(1),
                                     .out = out,
                                     .tile_size = kernel.tile_size};
  const Tensor y =
      torch::empty({shape.batch, out, shape.height, shape.width}, x.options(), torch::MemoryFormat::ChannelsLast);
  const Tensor shift = bias.defined() ? bias.to(torch::kFloat).contiguous() : Tensor();
  const Task task{.kernel = kernel,
                  .shape = shape,
                  .x = data<float>(x),
                  .filters = filters.view,
                  .bias = shift.defined() ? data<float>(shift) : nullptr,
                  .y = data<float>(y)};
  const int64_t tiles = shape.tiles(), threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const int64_t per_block = kernel.tiles_per_block(shape), blocks = (tiles + per_block - 1) / per_block;
  const bool filters_exceed_cache = kernel.tile_elements() * shape.in * shape.out > kernel.max_cached_filters;
  if (threads == 1 || (!filters_exceed_cache && tiles >= threads * kernel.min_tiles_per_thread)) {
    parallel_over_tiles(task, std::min((blocks + threads - 1) / threads * threads, tiles));
    return y;
  }
  const int64_t passes = filters_exceed_cache ? blocks : 1;
  for (int64_t i = 0; i < passes; ++i) {
    parallel_over_channels(task, {.begin = tiles * i / passes, .end = tiles * (i + 1) / passes});
  }
  return y;
}

}  // namespace

WinogradFilterCache make_winograd_filter_cache() { return c10::make_intrusive<FilterCache>(); }

Tensor winograd_convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            const kernels::WinogradKernel& kernel, const WinogradFilterCache& cache) {
  const Filters filters = static_cast<FilterCache&>(*cache).filters(weight, Direction::kForward, kernel);
  return convolve(x, weight.size(0), kernel, filters, bias);
}

Tensor winograd_gradient(const Tensor& d_y, const Tensor& weight, const kernels::WinogradKernel& kernel,
                         const WinogradFilterCache& cache) {
  const Filters filters = static_cast<FilterCache&>(*cache).filters(weight, Direction::kGradient, kernel);
  return convolve(d_y, weight.size(1), kernel, filters, {});
}

}  // namespace lucid::nn
