// SPDX-License-Identifier: Apache-2.0
// See fused_norm.h.
#include "lucid/nn/backends/cpu_norm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "lucid/nn/backends/kernel_arguments.h"

namespace lucid::nn {
namespace {

using torch::Tensor;

/// How samples and groups are divided among threads. Samples come in chunks that do not depend on the number of
/// threads, so that sums over samples do not either. Where there are fewer chunks than threads, several threads share
/// the groups of a chunk.
class Sharing {
 public:
  explicit Sharing(const kernels::NormShape& shape)
      : shape_(shape), chunks_((shape.samples + samples_of_chunk() - 1) / samples_of_chunk()) {
    const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
    ranges_ = std::clamp<int64_t>((threads + chunks_ - 1) / std::max<int64_t>(chunks_, 1), 1, shape.groups);
  }
  int64_t chunks() const { return chunks_; }
  /// body(part, its chunk, scratch of `floats` numbers) for each part.
  template <class Body>
  void run(int64_t floats, const Body& body) const {
    constexpr int64_t kLeast = 1 << 15;  // numbers that make another thread worth while
    const int64_t of_part = shape_.rows * shape_.channels * samples_of_chunk() / ranges_;
    const int64_t grain = std::max<int64_t>(1, kLeast / std::max<int64_t>(of_part, 1));
    at::parallel_for(0, chunks_ * ranges_, grain, [&](int64_t begin, int64_t end) {
      std::vector<float> scratch(static_cast<size_t>(floats));
      for (int64_t i = begin; i < end; ++i) body(part_of(i / ranges_, i % ranges_), i / ranges_, scratch.data());
    });
  }

 private:
  int64_t samples_of_chunk() const { return shape_.rows == 1 ? 64 : 1; }
  kernels::NormPart part_of(int64_t chunk, int64_t range) const {
    return {.first_sample = chunk * samples_of_chunk(),
            .last_sample = std::min(shape_.samples, (chunk + 1) * samples_of_chunk()),
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
                    torch::ScalarType type) {
  const kernels::NormShape& shape = options.shape;
  Normed result{.y = torch::empty_like(x, x.options().dtype(type)),
                .mean = torch::empty({shape.samples, shape.groups}, torch::kFloat),
                .inverse_deviation = torch::empty({shape.samples, shape.groups}, torch::kFloat)};
  const kernels::NormStatistics statistics = statistics_of(result);
  const kernels::NormParameters parameters = parameters_of(weight, bias, options);
  const auto run = [&](auto in, auto out) {
    using In = decltype(in);
    using Out = decltype(out);
    Sharing(shape).run(2 * shape.channels, [&](const kernels::NormPart& part, int64_t, float* scratch) {
      kernels::norm_forward<In, Out>(shape, part, parameters, data<In>(x), data<Out>(result.y), statistics, scratch);
    });
  };
  if (x.scalar_type() == type) {
    dispatch_dtype(x, [&](auto number) { run(number, number); });
  } else {
    run(float{}, kernels::Bfloat16Bits{});
  }
  return result;
}

NormGradient norm_backward(const Tensor& x, const Tensor& dy, const Tensor& weight, const Tensor& bias,
                           const Normed& saved, const NormOptions& options) {
  const kernels::NormShape& shape = options.shape;
  const Tensor dx = torch::empty_like(x);
  const Sharing sharing(shape);
  const Tensor dparameters = torch::zeros({2, sharing.chunks(), shape.channels}, torch::kFloat);
  const kernels::NormStatistics statistics = statistics_of(saved);
  const kernels::NormParameters parameters = parameters_of(weight, bias, options);
  float* dweight = data<float>(dparameters);
  float* dbias = dweight + sharing.chunks() * shape.channels;
  dispatch_dtype(x, [&](auto number) {
    using T = decltype(number);
    sharing.run(6 * shape.channels, [&](const kernels::NormPart& part, int64_t chunk, float* scratch) {
      kernels::norm_backward<T>(shape, part, parameters, data<T>(x), data<T>(dy), statistics, data<T>(dx),
                                dweight + chunk * shape.channels, dbias + chunk * shape.channels, scratch);
    });
  });
  const Tensor sums = dparameters.sum(1);
  return {.x = dx, .weight = sums[0], .bias = sums[1]};
}

}  // namespace lucid::nn
