// SPDX-License-Identifier: Apache-2.0
// oneDNN 2: descriptors of convolutions and matrix products, packed weights, calls.
#if defined(LUCID_WITH_ONEDNN)
#include "lucid/nn/backends/onednn.h"

#include <dnnl.hpp>
#include <mutex>
#include <unordered_map>

#include "lucid/tensor/weight_version.h"

namespace lucid::nn::onednn {
namespace {

using dnnl::memory;
using torch::Tensor;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::data_type type_of(torch::ScalarType type) {
  return type == torch::kFloat ? memory::data_type::f32 : memory::data_type::bf16;
}
memory::data_type type_of(const Tensor& x) { return type_of(x.scalar_type()); }

memory::desc channels_last(const std::vector<int64_t>& sizes, memory::data_type type) {
  return {sizes, type, memory::format_tag::nhwc};
}

/// Sizes of a convolution's tensors, as arguments of oneDNN's descriptors.
struct Shapes {
  std::vector<int64_t> x, weight, y;
  memory::data_type type;  // of the operands
  Windows windows;
  memory::dims strides() const { return {windows.stride, windows.stride}; }
  memory::dims before() const { return {windows.before, windows.before}; }
  memory::dims after() const { return {windows.after, windows.after}; }
  /// oneDNN chooses the weight's layout.
  memory::desc any_weight() const { return {weight, type, memory::format_tag::any}; }
};

Shapes shapes_of(const std::vector<int64_t>& x, const Tensor& weight, const Windows& windows) {
  const auto size = [&](size_t axis) {
    return (x[axis] + windows.before + windows.after - weight.size(static_cast<int64_t>(axis))) / windows.stride + 1;
  };
  return {.x = x,
          .weight = weight.sizes().vec(),
          .y = {x[0], weight.size(0), size(2), size(3)},
          .type = type_of(weight),
          .windows = windows};
}

dnnl::convolution_forward::primitive_desc forward_of(const Shapes& shapes, memory::data_type y_type) {
  return {dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
                                          channels_last(shapes.x, shapes.type), shapes.any_weight(),
                                          memory::desc({shapes.weight[0]}, y_type, memory::format_tag::x),
                                          channels_last(shapes.y, y_type), shapes.strides(), shapes.before(),
                                          shapes.after()),
          cpu()};
}

memory memory_of(const memory::desc& desc, const Tensor& tensor) { return {desc, cpu(), tensor.data_ptr()}; }

/// The weight in layout `wanted`: itself if it has that layout, else a copy.
memory reordered(const Tensor& weight, const memory::desc& wanted, dnnl::stream& stream) {
  memory from = memory_of({weight.sizes().vec(), type_of(weight), weight.strides().vec()}, weight);
  if (from.get_desc() == wanted) return from;
  memory to(wanted, cpu());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return to;
}

class PackedWeights : public torch::CustomClassHolder {
 public:
  explicit PackedWeights(int64_t largest) : largest_(largest) {}
  /// reordered(), by a copy that is kept if the weight has at most `largest` bytes.
  memory in_layout(const Tensor& weight, const memory::desc& wanted, dnnl::stream& stream) {
    if (static_cast<int64_t>(weight.nbytes()) > largest_) return reordered(weight, wanted, stream);
    const std::lock_guard lock(mutex_);
    if (version_.update(weight)) copies_.clear();
    for (const memory& copy : copies_) {
      if (copy.get_desc() == wanted) return copy;
    }
    return copies_.emplace_back(reordered(weight, wanted, stream));
  }

 private:
  int64_t largest_;  // bytes
  std::mutex mutex_;
  tensor::WeightVersion version_;
  std::vector<memory> copies_;
};

PackedWeights& packed_of(const Weights& weights) { return static_cast<PackedWeights&>(*weights.packed); }

memory in_layout(const Weights& weights, const memory::desc& wanted, dnnl::stream& stream) {
  return packed_of(weights).in_layout(weights.weight, wanted, stream);
}

}  // namespace

bool available() { return true; }

Packed make_packed(int64_t largest) { return c10::make_intrusive<PackedWeights>(largest); }

Tensor convolution(const Tensor& x, const Weights& weights, const Windows& windows) {
  const Shapes shapes = shapes_of(x.sizes().vec(), weights.weight, windows);
  const auto forward = forward_of(shapes, memory::data_type::f32);
  dnnl::stream stream(cpu());
  const Tensor y = torch::empty(shapes.y, x.options().dtype(torch::kFloat), torch::MemoryFormat::ChannelsLast);
  const Tensor float_bias = weights.bias.to(torch::kFloat);
  dnnl::convolution_forward(forward).execute(stream,
                                             {{DNNL_ARG_SRC, memory_of(forward.src_desc(), x)},
                                              {DNNL_ARG_WEIGHTS, in_layout(weights, forward.weights_desc(), stream)},
                                              {DNNL_ARG_BIAS, memory_of(forward.bias_desc(), float_bias)},
                                              {DNNL_ARG_DST, memory_of(forward.dst_desc(), y)}});
  stream.wait();
  return y;
}

Tensor convolution_gradient(const std::vector<int64_t>& x, const Tensor& d_y, const Weights& weights,
                            const Windows& windows) {
  const Shapes shapes = shapes_of(x, weights.weight, windows);
  const dnnl::convolution_backward_data::primitive_desc backward(
      dnnl::convolution_backward_data::desc(
          dnnl::algorithm::convolution_direct, channels_last(shapes.x, memory::data_type::f32), shapes.any_weight(),
          channels_last(shapes.y, shapes.type), shapes.strides(), shapes.before(), shapes.after()),
      cpu(), forward_of(shapes, shapes.type));
  dnnl::stream stream(cpu());
  const Tensor d_x = torch::empty(x, d_y.options().dtype(torch::kFloat), torch::MemoryFormat::ChannelsLast);
  dnnl::convolution_backward_data(backward).execute(
      stream, {{DNNL_ARG_DIFF_DST, memory_of(backward.diff_dst_desc(), d_y)},
               {DNNL_ARG_WEIGHTS, in_layout(weights, backward.weights_desc(), stream)},
               {DNNL_ARG_DIFF_SRC, memory_of(backward.diff_src_desc(), d_x)}});
  stream.wait();
  return d_x;
}

Tensor linear(const Tensor& x, const Weights& weights, torch::ScalarType dtype) {
  const int64_t out = weights.weight.size(0), in = weights.weight.size(1), rows = x.numel() / in;
  const auto x_type = type_of(x), y_type = type_of(dtype);
  const memory::desc rows_in({rows, in}, x_type, memory::format_tag::ab);
  const memory::desc any_weight({in, out}, x_type, memory::format_tag::any);
  const memory::desc rows_out({rows, out}, y_type, memory::format_tag::ab);
  const memory::desc one_row({1, out}, memory::data_type::f32, memory::format_tag::ab);
  const Tensor bias = weights.bias.defined() ? weights.bias.to(torch::kFloat) : Tensor();
  const dnnl::matmul::primitive_desc product(bias.defined() ? dnnl::matmul::desc(rows_in, any_weight, one_row, rows_out)
                                                            : dnnl::matmul::desc(rows_in, any_weight, rows_out),
                                             cpu());
  auto sizes = x.sizes().vec();
  sizes.back() = out;
  const Tensor y = torch::empty(sizes, x.options().dtype(dtype));
  dnnl::stream stream(cpu());
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, memory_of(rows_in, x)},
      {DNNL_ARG_WEIGHTS, packed_of(weights).in_layout(weights.weight.t(), product.weights_desc(), stream)},
      {DNNL_ARG_DST, memory_of(rows_out, y)}};
  if (bias.defined()) arguments.emplace(DNNL_ARG_BIAS, memory_of(one_row, bias));
  dnnl::matmul(product).execute(stream, arguments);
  stream.wait();
  return y;
}

}  // namespace lucid::nn::onednn
#endif
