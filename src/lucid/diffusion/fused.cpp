// SPDX-License-Identifier: Apache-2.0
// See fused.h: chooses between libtorch's operations and fused_kernels.h, shares the work among threads, and gives
// autograd the backward.
#include "lucid/diffusion/fused.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "lucid/base/error.h"
#include "lucid/diffusion/fused_gpu.h"
#include "lucid/diffusion/fused_kernels.h"
#include "lucid/diffusion/layers.h"
#include "lucid/diffusion/plain.h"

namespace lucid::diffusion {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool has_kernels(const Tensor& x) {
  return !PlainOperators::wanted() && x.is_cpu() &&
         (x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kBFloat16);
}

template <class T>
struct InMemory {
  using type = T;
};
template <>
struct InMemory<c10::BFloat16> {
  using type = Bfloat16Bits;
};

// body(number) with a zero of the type that x's numbers have in memory.
template <class Body>
void with_type_of(const Tensor& x, const Body& body) {
  if (x.scalar_type() == torch::kFloat) return body(float{});
  body(Bfloat16Bits{});
}
template <class T>
T* numbers(const Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

struct NormOptions {
  NormShape shape = {};
  float eps = 0;
  bool silu = false;
};

// Samples in chunks that do not depend on the number of threads, so that neither do the sums over them; and where there
// are fewer chunks than threads, the groups of a sample by several threads.
class Sharing {
 public:
  explicit Sharing(const NormShape& shape)
      : shape_(shape), chunks_((shape.samples + samples_of_chunk() - 1) / samples_of_chunk()) {
    const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
    ranges_ = std::clamp<int64_t>((threads + chunks_ - 1) / std::max<int64_t>(chunks_, 1), 1, shape.groups);
  }
  int64_t chunks() const { return chunks_; }
  /// body(part, its chunk, scratch of `floats` numbers) for each part.
  template <class Body>
  void run(int64_t floats, const Body& body) const {
    constexpr int64_t kLeast = 1 << 15;  // numbers that are worth another thread
    const int64_t of_part = shape_.rows * shape_.channels * samples_of_chunk() / ranges_;
    const int64_t grain = std::max<int64_t>(1, kLeast / std::max<int64_t>(of_part, 1));
    at::parallel_for(0, chunks_ * ranges_, grain, [&](int64_t begin, int64_t end) {
      std::vector<float> scratch(static_cast<size_t>(floats));
      for (int64_t i = begin; i < end; ++i) body(part_of(i / ranges_, i % ranges_), i / ranges_, scratch.data());
    });
  }

 private:
  int64_t samples_of_chunk() const { return shape_.rows == 1 ? 64 : 1; }
  NormPart part_of(int64_t chunk, int64_t range) const {
    return {.first_sample = chunk * samples_of_chunk(),
            .last_sample = std::min(shape_.samples, (chunk + 1) * samples_of_chunk()),
            .first_group = shape_.groups * range / ranges_,
            .last_group = shape_.groups * (range + 1) / ranges_};
  }
  NormShape shape_;
  int64_t chunks_, ranges_ = 1;
};

struct Normed {
  Tensor y = {}, mean = {}, inverse_deviation = {};  // the last two [samples, groups]
};

NormParameters parameters_of(const Tensor& weight, const Tensor& bias, const NormOptions& options) {
  return {.weight = weight.data_ptr<float>(), .bias = bias.data_ptr<float>(), .eps = options.eps, .silu = options.silu};
}

// x as NormShape lies in memory; weight, bias [channels] float. The result in x's type, or in bfloat16 of float.
Normed forward_of(const Tensor& x, const Tensor& weight, const Tensor& bias, const NormOptions& options,
                  torch::ScalarType type) {
  const NormShape& shape = options.shape;
  Normed result{.y = torch::empty_like(x, x.options().dtype(type)),
                .mean = torch::empty({shape.samples, shape.groups}, torch::kFloat),
                .inverse_deviation = torch::empty({shape.samples, shape.groups}, torch::kFloat)};
  const NormStatistics statistics{.mean = numbers<float>(result.mean),
                                  .inverse_deviation = numbers<float>(result.inverse_deviation)};
  const NormParameters parameters = parameters_of(weight, bias, options);
  const auto run = [&](auto in, auto out) {
    using In = decltype(in);
    using Out = decltype(out);
    Sharing(shape).run(2 * shape.channels, [&](const NormPart& part, int64_t, float* scratch) {
      norm_forward<In, Out>(shape, part, parameters, numbers<In>(x), numbers<Out>(result.y), statistics, scratch);
    });
  };
  if (x.scalar_type() == type) {
    with_type_of(x, [&](auto number) { run(number, number); });
  } else {
    run(float{}, Bfloat16Bits{});
  }
  return result;
}

struct NormFunction : torch::autograd::Function<NormFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const NormOptions& options) {
    const Normed result = forward_of(x, weight, bias, options, x.scalar_type());
    context->save_for_backward({x, weight, bias, result.mean, result.inverse_deviation});
    const NormShape& shape = options.shape;
    context->saved_data["shape"] = std::vector<int64_t>{shape.samples, shape.rows, shape.channels, shape.groups};
    context->saved_data["silu"] = options.silu;
    return result.y;
  }

  static variable_list backward(AutogradContext* context, variable_list up) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto sizes = context->saved_data["shape"].toIntVector();
    const NormOptions options{
        .shape = {.samples = sizes[0], .rows = sizes[1], .channels = sizes[2], .groups = sizes[3]},
        .silu = context->saved_data["silu"].toBool()};
    const NormShape& shape = options.shape;
    const Tensor dy = up[0].to(x.scalar_type()).contiguous(x.suggest_memory_format());
    const Tensor dx = torch::empty_like(x);
    const Sharing sharing(shape);
    const Tensor dparameters = torch::zeros({2, sharing.chunks(), shape.channels}, torch::kFloat);
    const NormStatistics statistics{.mean = numbers<float>(saved[3]), .inverse_deviation = numbers<float>(saved[4])};
    const NormParameters parameters = parameters_of(weight, bias, options);
    float* dweight = numbers<float>(dparameters);
    float* dbias = dweight + sharing.chunks() * shape.channels;
    with_type_of(x, [&](auto number) {
      using T = decltype(number);
      sharing.run(6 * shape.channels, [&](const NormPart& part, int64_t chunk, float* scratch) {
        norm_backward<T>(shape, part, parameters, numbers<T>(x), numbers<T>(dy), statistics, numbers<T>(dx),
                         dweight + chunk * shape.channels, dbias + chunk * shape.channels, scratch);
      });
    });
    const Tensor sums = dparameters.sum(1);
    return {dx, sums[0], sums[1], {}};
  }
};

// x in the memory of options.shape.
Tensor norm_of(const Tensor& x, const Tensor& weight, const Tensor& bias, const NormOptions& options,
               torch::ScalarType type) {
  const Tensor w = weight.to(torch::kFloat), b = bias.to(torch::kFloat);
  if (!wants_gradient({x, w, b})) return forward_of(x, w, b, options, type).y;
  return NormFunction::apply(x, w, b, options).to(type);
}

// libtorch's norms take weights of their input's type, and want float32: their sums in bfloat16 are wrong for large
// maps.
template <class Norm>
Tensor normed(const Tensor& x, Norm& norm) {
  return norm(x.to(norm->weight.scalar_type())).to(x.scalar_type());
}

// Rows of ab that are worth another thread.
int64_t grain_of(int64_t width) { return std::max<int64_t>(1, (1 << 13) / width); }

struct GegluFunction : torch::autograd::Function<GegluFunction> {
  static Tensor value(const Tensor& ab) {
    const int64_t width = ab.size(-1) / 2, rows = ab.numel() / (2 * width);
    auto sizes = ab.sizes().vec();
    sizes.back() = width;
    const Tensor y = torch::empty(sizes, ab.options());
    with_type_of(ab, [&](auto number) {
      using T = decltype(number);
      at::parallel_for(0, rows, grain_of(width), [&](int64_t begin, int64_t end) {
        geglu_forward<T>(end - begin, width, numbers<T>(ab) + 2 * begin * width, numbers<T>(y) + begin * width);
      });
    });
    return y;
  }
  static Tensor forward(AutogradContext* context, const Tensor& ab) {
    context->save_for_backward({ab});
    return value(ab);
  }
  static variable_list backward(AutogradContext* context, variable_list up) {
    const Tensor ab = context->get_saved_variables()[0];
    const int64_t width = ab.size(-1) / 2, rows = ab.numel() / (2 * width);
    const Tensor dy = up[0].to(ab.scalar_type()).contiguous();
    const Tensor dab = torch::empty_like(ab);
    with_type_of(ab, [&](auto number) {
      using T = decltype(number);
      at::parallel_for(0, rows, grain_of(width), [&](int64_t begin, int64_t end) {
        geglu_backward<T>(end - begin, width, numbers<T>(ab) + 2 * begin * width, numbers<T>(dy) + begin * width,
                          numbers<T>(dab) + 2 * begin * width);
      });
    });
    return {dab};
  }
};

}  // namespace

Biased convolved(torch::nn::Conv2d& conv, const Tensor& x) {
  const Tensor &weight = conv->weight, &bias = conv->bias;
  // A CPU's convolutions add their bias as they write.
  if (!gpu::takes(x, weight.size(0)) || wants_gradient({weight, bias})) return {conv(x), {}};
  const Tensor map = torch::conv2d(x, weight, {}, /*stride=*/1, /*padding=*/weight.size(2) / 2);
  return {map, bias.to(map.scalar_type())};
}

Biased with_more(const Biased& x, const Tensor& more) {
  if (!x.bias.defined()) return {x.map + more.unsqueeze(-1).unsqueeze(-1), {}};
  return {x.map, x.bias + more};
}

Tensor sum_of(const Biased& a, const Biased& b) {
  if (!a.bias.defined() && !b.bias.defined()) return a.map + b.map;
  return gpu::sum_of_maps(a.map, b.map, a.bias, b.bias);
}

Tensor normalised(const Biased& x, torch::nn::GroupNorm& norm, After after) {
  if (gpu::takes_groups(x.map, norm->options.num_groups())) {
    return gpu::group_norm(x.map, x.bias, norm, after == After::kSilu);
  }
  const Tensor map = x.bias.defined() ? with_more({.map = x.map}, x.bias).map : x.map;
  if (!has_kernels(map)) {
    const Tensor y = normed(map, norm);
    return after == After::kSilu ? activate(y) : y;
  }
  const NormOptions options{.shape = {.samples = map.size(0),
                                      .rows = map.size(2) * map.size(3),
                                      .channels = map.size(1),
                                      .groups = norm->options.num_groups()},
                            .eps = static_cast<float>(norm->options.eps()),
                            .silu = after == After::kSilu};
  return norm_of(map.contiguous(torch::MemoryFormat::ChannelsLast), norm->weight, norm->bias, options,
                 map.scalar_type());
}

Tensor normalised(const Tensor& tokens, torch::nn::LayerNorm& norm, std::optional<torch::ScalarType> type) {
  const torch::ScalarType wanted = type.value_or(tokens.scalar_type());
  LUCID_CHECK(wanted == tokens.scalar_type() || wanted == torch::kBFloat16, "no norm gives {}", c10::toString(wanted));
  if (gpu::takes_rows(tokens) && !wants_gradient({norm->weight})) {
    return gpu::layer_norm(tokens, {}, norm, wanted);
  }
  if (!has_kernels(tokens)) return normed(tokens, norm).to(wanted);
  const int64_t channels = tokens.size(-1);
  const NormOptions options{
      .shape = {.samples = tokens.numel() / channels, .rows = 1, .channels = channels, .groups = 1},
      .eps = static_cast<float>(norm->options.eps())};
  return norm_of(tokens.contiguous(), norm->weight, norm->bias, options, wanted);
}

RunningSum::RunningSum(const Tensor& tokens, bool wide)
    : type_(tokens.scalar_type()), sum_(wide ? tokens.to(torch::kFloat) : tokens) {}

Tensor RunningSum::normalised(torch::nn::LayerNorm& norm) {
  const Tensor part = std::exchange(part_, Tensor());
  if (part.defined() && sum_.scalar_type() != type_ && gpu::takes_rows(sum_)) {
    return gpu::layer_norm(sum_, part, norm, type_);  // a wide sum is nobody else's
  }
  if (part.defined()) sum_ = sum_ + part;
  return diffusion::normalised(sum_, norm, type_);
}

Tensor RunningSum::total() {
  const Tensor part = std::exchange(part_, Tensor());
  if (!part.defined()) return sum_.to(type_);
  if (sum_.scalar_type() != type_ && gpu::takes_rows(sum_)) return gpu::sum(sum_, part);
  return (sum_ + part).to(type_);
}

Tensor gated_gelu(const Tensor& halves) {
  if (gpu::takes_halves(halves)) return gpu::gated_gelu(halves);
  if (!has_kernels(halves)) {
    const auto ab = halves.chunk(2, -1);
    return ab[0] * torch::gelu(ab[1]);
  }
  const Tensor ab = halves.contiguous();
  return wants_gradient({ab}) ? GegluFunction::apply(ab) : GegluFunction::value(ab);
}

}  // namespace lucid::diffusion
