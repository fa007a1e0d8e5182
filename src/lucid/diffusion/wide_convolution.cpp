// SPDX-License-Identifier: Apache-2.0
// See wide_convolution.h.
#include "lucid/diffusion/wide_convolution.h"

#include <mutex>

#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/diffusion/fused.h"
#include "lucid/diffusion/fused_norm.h"
#include "lucid/diffusion/numbers.h"

#ifdef LUCID_WITH_ONEDNN
#include <dnnl.hpp>
#endif

namespace lucid::diffusion {
namespace {

using torch::Tensor;

// How far a convolution's windows reach and step, the same both ways.
struct Windows {
  int64_t stride = 1, before = 0, after = 0;  // zeros left and above, right and below
};

Windows windows_of(const torch::nn::Conv2d& conv, int64_t after) {
  const auto& padding = get<torch::ExpandingArray<2>>(conv->options.padding());  // of a std:: or c10::variant
  return {.stride = conv->options.stride()->at(0), .before = padding->at(0), .after = padding->at(0) + after};
}

#ifdef LUCID_WITH_ONEDNN

using dnnl::memory;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc channels_last(const std::vector<int64_t>& sizes, memory::data_type type) {
  return {sizes, type, memory::format_tag::nhwc};
}

/// The four tensors of a convolution as oneDNN sees them, the weights laid out as it likes.
struct Shapes {
  std::vector<int64_t> x, weight, y;
  Windows windows;
  memory::dims strides() const { return {windows.stride, windows.stride}; }
  memory::dims before() const { return {windows.before, windows.before}; }
  memory::dims after() const { return {windows.after, windows.after}; }
  memory::desc any_weight() const { return {weight, memory::data_type::bf16, memory::format_tag::any}; }
};

Shapes shapes_of(const std::vector<int64_t>& x, const Tensor& weight, const Windows& windows) {
  const auto size = [&](size_t axis) {
    return (x[axis] + windows.before + windows.after - weight.size(static_cast<int64_t>(axis))) / windows.stride + 1;
  };
  return {.x = x, .weight = weight.sizes().vec(), .y = {x[0], weight.size(0), size(2), size(3)}, .windows = windows};
}

dnnl::convolution_forward::primitive_desc forward_of(const Shapes& shapes, memory::data_type of_y) {
  return {
      dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
                                      channels_last(shapes.x, memory::data_type::bf16), shapes.any_weight(),
                                      memory::desc({shapes.weight[0]}, of_y, memory::format_tag::x),
                                      channels_last(shapes.y, of_y), shapes.strides(), shapes.before(), shapes.after()),
      cpu()};
}

memory memory_of(const memory::desc& desc, const Tensor& tensor) { return {desc, cpu(), tensor.data_ptr()}; }

/// bfloat16 weights [out,in,h,w] in the layout that a convolution asked for.
memory laid_out(const Tensor& weight, const memory::desc& wanted, dnnl::stream& stream) {
  memory from = memory_of({weight.sizes().vec(), memory::data_type::bf16, weight.strides().vec()}, weight);
  if (from.get_desc() == wanted) return from;
  memory to(wanted, cpu());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return to;
}

/// A convolution's weights in each layout that was asked for, for any number of threads.
class PackedWeights : public torch::CustomClassHolder {
 public:
  memory in_layout(const Tensor& weight, const memory::desc& wanted, dnnl::stream& stream) {
    constexpr size_t kWorthKeeping = 4 << 20;  // bytes; on the maps that meet larger weights products cost far more
    if (weight.nbytes() > kWorthKeeping) return laid_out(weight, wanted, stream);
    const std::lock_guard lock(mutex_);
    if (!weight_.defined() || weight_.data_ptr() != weight.data_ptr() || version_ != weight._version()) {
      weight_ = weight.detach();  // held, so that no other weights come to lie where these did
      version_ = weight._version();
      layouts_.clear();
    }
    for (const memory& layout : layouts_) {
      if (layout.get_desc() == wanted) return layout;
    }
    return layouts_.emplace_back(laid_out(weight, wanted, stream));
  }

 private:
  std::mutex mutex_;
  Tensor weight_;
  int64_t version_ = 0;
  std::vector<memory> layouts_;
};

/// What a wide convolution multiplies with.
struct Weights {
  Tensor weight, bias;
  c10::intrusive_ptr<torch::CustomClassHolder> packed;
  memory in_layout(const memory::desc& wanted, dnnl::stream& stream) const {
    return static_cast<PackedWeights&>(*packed).in_layout(weight, wanted, stream);
  }
};

using PackedHolder = c10::intrusive_ptr<torch::CustomClassHolder>;

Weights weights_of(const torch::nn::Conv2d& conv) {
  const auto* keeping = dynamic_cast<const ConvolutionImpl*>(conv.get());
  const PackedHolder packed =
      keeping != nullptr ? keeping->packed() : PackedHolder(c10::make_intrusive<PackedWeights>());
  return {.weight = conv->weight, .bias = conv->bias, .packed = packed};
}

/// x bfloat16, channels-last -> float32, channels-last.
Tensor convolved_wide(const Tensor& x, const Weights& weights, const Windows& windows) {
  const Shapes shapes = shapes_of(x.sizes().vec(), weights.weight, windows);
  const auto forward = forward_of(shapes, memory::data_type::f32);
  dnnl::stream stream(cpu());
  const Tensor y = torch::empty(shapes.y, x.options().dtype(torch::kFloat), torch::MemoryFormat::ChannelsLast);
  const Tensor float_bias = weights.bias.to(torch::kFloat);
  dnnl::convolution_forward(forward).execute(stream,
                                             {{DNNL_ARG_SRC, memory_of(forward.src_desc(), x)},
                                              {DNNL_ARG_WEIGHTS, weights.in_layout(forward.weights_desc(), stream)},
                                              {DNNL_ARG_BIAS, memory_of(forward.bias_desc(), float_bias)},
                                              {DNNL_ARG_DST, memory_of(forward.dst_desc(), y)}});
  stream.wait();
  return y;
}

/// dy bfloat16, channels-last -> dx float32 of the sizes of x, channels-last.
Tensor convolution_gradient(const std::vector<int64_t>& x, const Tensor& dy, const Weights& weights,
                            const Windows& windows) {
  const Shapes shapes = shapes_of(x, weights.weight, windows);
  const dnnl::convolution_backward_data::primitive_desc backward(
      dnnl::convolution_backward_data::desc(
          dnnl::algorithm::convolution_direct, channels_last(shapes.x, memory::data_type::f32), shapes.any_weight(),
          channels_last(shapes.y, memory::data_type::bf16), shapes.strides(), shapes.before(), shapes.after()),
      cpu(), forward_of(shapes, memory::data_type::bf16));
  dnnl::stream stream(cpu());
  const Tensor dx = torch::empty(x, dy.options().dtype(torch::kFloat), torch::MemoryFormat::ChannelsLast);
  dnnl::convolution_backward_data(backward).execute(
      stream, {{DNNL_ARG_DIFF_DST, memory_of(backward.diff_dst_desc(), dy)},
               {DNNL_ARG_WEIGHTS, weights.in_layout(backward.weights_desc(), stream)},
               {DNNL_ARG_DIFF_SRC, memory_of(backward.diff_src_desc(), dx)}});
  stream.wait();
  return dx;
}

struct Norm {
  Tensor weight = {}, bias = {};  // [C], float32; undefined: no norm
  int64_t groups = 1;
  double eps = 0;
  NormOptions of(const Tensor& x) const { return of_groups(x, groups, eps, /*silu=*/true); }
};

/// What the convolution multiplies; and the norm's statistics, if there is one.
Normed rounded(const Tensor& x, const Norm& norm) {
  if (norm.weight.defined()) return norm_of(x, norm.weight, norm.bias, norm.of(x), torch::kBFloat16);
  return {.y = x.to(torch::kBFloat16)};
}

struct WideFunction : torch::autograd::Function<WideFunction> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Weights& weights,
                        const Norm& norm, const Windows& windows) {
    const Normed input = rounded(x, norm);
    // Without a norm the gradient needs the sizes of x only.
    context->save_for_backward(norm.weight.defined()
                                   ? torch::autograd::variable_list{weights.weight, x, norm.weight, norm.bias,
                                                                    input.mean, input.inverse_deviation}
                                   : torch::autograd::variable_list{weights.weight});
    context->saved_data["packed"] = c10::IValue::make_capsule(weights.packed);
    context->saved_data["sizes"] = x.sizes().vec();
    context->saved_data["groups"] = norm.groups;
    context->saved_data["windows"] = std::vector<int64_t>{windows.stride, windows.before, windows.after};
    return convolved_wide(input.y, weights, windows);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list up) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const auto windows = context->saved_data["windows"].toIntVector();
    const Tensor dy = up[0].to(torch::kBFloat16).contiguous(torch::MemoryFormat::ChannelsLast);
    const Weights weights{.weight = saved[0], .bias = {}, .packed = context->saved_data["packed"].toCapsule()};
    Tensor dx = convolution_gradient(context->saved_data["sizes"].toIntVector(), dy, weights,
                                     {.stride = windows[0], .before = windows[1], .after = windows[2]});
    if (saved.size() > 1) {
      const Tensor& x = saved[1];
      const Norm norm{.weight = saved[2], .bias = saved[3], .groups = context->saved_data["groups"].toInt()};
      dx =
          norm_gradient(x, dx, norm.weight, norm.bias, {.mean = saved[4], .inverse_deviation = saved[5]}, norm.of(x)).x;
    }
    return {dx, {}, {}, {}};
  }
};

Tensor by_onednn(const Tensor& map, torch::nn::Conv2d& conv, const WideOptions& options) {
  const Windows windows = windows_of(conv, options.after);
  const Tensor x = map.contiguous(torch::MemoryFormat::ChannelsLast);
  Norm norm;
  if (options.norm != nullptr) {
    torch::nn::GroupNormImpl& module = **options.norm;
    norm = {.weight = module.weight.to(torch::kFloat),
            .bias = module.bias.to(torch::kFloat),
            .groups = module.options.num_groups(),
            .eps = module.options.eps()};
  }
  LUCID_CHECK(!wants_gradient({conv->weight, conv->bias}), "a wide convolution has no gradient of its weights");
  if (!wants_gradient({x})) return convolved_wide(rounded(x, norm).y, weights_of(conv), windows);
  return WideFunction::apply(x, weights_of(conv), norm, windows);
}

#else

struct PackedWeights : torch::CustomClassHolder {};  // there is nothing to keep

#endif

Tensor by_libtorch(const Tensor& map, torch::nn::Conv2d& conv, const WideOptions& options) {
  Tensor x = options.norm != nullptr ? normalised(map, *options.norm, After::kSilu) : map;
  if (options.after > 0) x = torch::constant_pad_nd(x, {0, options.after, 0, options.after}, 0);
  return conv(x.to(conv->weight.scalar_type())).to(torch::kFloat);
}

}  // namespace

ConvolutionImpl::ConvolutionImpl(const torch::nn::Conv2dOptions& options)
    : torch::nn::Conv2dImpl(options), packed_(c10::make_intrusive<PackedWeights>()) {}

torch::nn::Conv2d convolution(const torch::nn::Conv2dOptions& options) {
  return torch::nn::Conv2d(std::static_pointer_cast<torch::nn::Conv2dImpl>(std::make_shared<ConvolutionImpl>(options)));
}

bool has_wide_convolutions() {
#ifdef LUCID_WITH_ONEDNN
  return has_fast_bfloat16() && !PlainOperators::wanted();
#else
  return false;
#endif
}

Tensor wide_convolution(const Tensor& x, torch::nn::Conv2d& conv, const WideOptions& options) {
#ifdef LUCID_WITH_ONEDNN
  if (has_wide_convolutions() && x.is_cpu()) return by_onednn(x, conv, options);
#endif
  return by_libtorch(x, conv, options);
}

Tensor applied(torch::nn::Conv2d& conv, const Tensor& x) {
  return is_wide(x, conv->weight) ? wide_convolution(x, conv) : conv(x);
}

Tensor applied(torch::nn::Conv2d& conv, const Tensor& x, torch::nn::GroupNorm& norm) {
  return is_wide(x, conv->weight) ? wide_convolution(x, conv, {.norm = &norm})
                                  : conv(normalised(x, norm, After::kSilu));
}

}  // namespace lucid::diffusion
