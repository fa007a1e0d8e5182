// SPDX-License-Identifier: Apache-2.0
// Norms by CPU kernels: division of samples and groups among threads, dtype dispatch, sums of the parameters'
// gradients.
#include "lucid/nn/backends/cpu_norm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "lucid/nn/backends/kernel_arguments.h"

namespace lucid::nn {
namespace {

using torch::Tensor;

/// The parts (chunk of samples, range of groups) that threads compute. The chunks do not depend on the number of
/// threads, so neither do sums over samples. If there are fewer chunks than threads, the groups of a chunk are divided
/// as well.
class Partition {
 public:
  explicit Partition(const kernels::NormShape& shape)
      : shape_(shape), chunks_((shape.samples + samples_per_chunk() - 1) / samples_per_chunk()) {
    const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
    ranges_ = std::clamp<int64_t>((threads + chunks_ - 1) / std::max<int64_t>(chunks_, 1), 1, shape.groups);
  }
  int64_t chunks() const { return chunks_; }
  /// Calls body(part, number of its chunk, scratch [floats]) for each part, on several threads.
  template <class Body>
  void run(int64_t floats, const Body& body) const {
    constexpr int64_t kMinElements = 1 << 15;  // per thread: less work does not pay for starting it
    const int64_t part_elements = shape_.rows * shape_.channels * samples_per_chunk() / ranges_;
    const int64_t grain = std::max<int64_t>(1, kMinElements / std::max<int64_t>(part_elements, 1));
    at::parallel_for(0, chunks_ * ranges_, grain, [&](int64_t begin, int64_t end) {
      std::vector<float> scratch(static_cast<size_t>(floats));
      for (int64_t i = begin; i < end; ++i) body(part_of(i / ranges_, i % ranges_), i / ranges_, scratch.data());
    });
  }

 private:
  int64_t samples_per_chunk() const { return shape_.rows == 1 ? 64 : 1; }
  kernels::NormPart part_of(int64_t chunk, int64_t range) const {
    return {.first_sample = chunk * samples_per_chunk(),
            .last_sample = std::min(shape_.samples, (chunk + 1) * samples_per_chunk()),
            .first_group = shape_.groups * range / ranges_,
            .last_group = shape_.groups * (range + 1) / ranges_};
  }
  kernels::NormShape shape_;
  int64_t chunks_, ranges_ = 1;
};

kernels::NormParameters parameters_of(const Tensor& weight, const Tensor& bias, const NormOptions& options) {
  return {.weight = weight.data_ptr<float>(), .bias = bias.data_ptr<float>(), .eps = options.eps, .silu = options.silu};
}

kernels::NormStatistics statistics_of(const Normed& normed) {
  return {.mean = data<float>(normed.mean), .inverse_deviation = data<float>(normed.inverse_deviation)};
}

}  // namespace

NormOptions group_norm_options(const Tensor& map, int64_t groups, double eps, bool silu) {
  return {
      .shape = {.samples = map.size(0), .rows = map.size(2) * map.size(3), .channels = map.size(1), .groups = groups},
      .eps = static_cast<float>(eps),
      .silu = silu};
}

Normed norm_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const NormOptions& options,
                    torch::ScalarType dtype) {
  const kernels::NormShape& shape = options.shape;
  Normed result{.y = torch::empty_like(x, x.options().dtype(dtype)),
                .mean = torch::empty({shape.samples, shape.groups}, torch::kFloat),
                .inverse_deviation = torch::empty({shape.samples, shape.groups}, torch::kFloat)};
  const kernels::NormStatistics statistics = statistics_of(result);
  const kernels::NormParameters parameters = parameters_of(weight, bias, options);
  const auto run = [&](auto in, auto out) {
    using In = decltype(in);
    using Out = decltype(out);
    Partition(shape).run(2 * shape.channels, [&](const kernels::NormPart& part, int64_t, float* scratch) {
      kernels::norm_forward<In, Out>(shape, part, parameters, data<In>(x), data<Out>(result.y), statistics, scratch);
    });
  };
  if (x.scalar_type() == dtype) {
    dispatch_dtype(x, [&](auto zero) { run(zero, zero); });
  } else {
    run(float{}, kernels::Bfloat16Bits{});
  }
  return result;
}

NormGradient norm_backward(const Tensor& x, const Tensor& d_y, const Tensor& weight, const Tensor& bias,
                           const Normed& saved, const NormOptions& options) {
  const kernels::NormShape& shape = options.shape;
  const Tensor d_x = torch::empty_like(x);
  const Partition partition(shape);
  const Tensor d_parameters = torch::zeros({2, partition.chunks(), shape.channels}, torch::kFloat);
  const kernels::NormStatistics statistics = statistics_of(saved);
  const kernels::NormParameters parameters = parameters_of(weight, bias, options);
  float* d_weight = data<float>(d_parameters);
  float* d_bias = d_weight + partition.chunks() * shape.channels;
  dispatch_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    partition.run(6 * shape.channels, [&](const kernels::NormPart& part, int64_t chunk, float* scratch) {
      kernels::norm_backward<T>(shape, part, parameters, data<T>(x), data<T>(d_y), statistics, data<T>(d_x),
                                d_weight + chunk * shape.channels, d_bias + chunk * shape.channels, scratch);
    });
  });
  const Tensor sums = d_parameters.sum(1);
  return {.x = d_x, .weight = sums[0], .bias = sums[1]};
}

}  // namespace lucid::nn
