// SPDX-License-Identifier: Apache-2.0
// Linear: construction, and forward() by the kernel that choose_linear() names.
#include "lucid/nn/linear.h"

#include "lucid/nn/backends/panel_linear.h"
#include "lucid/nn/choose.h"

namespace lucid::nn {
namespace {

using torch::Tensor;

std::vector<int64_t> weight_shape(const LinearOptions& options) {
  if (options.stored_as_conv) return {options.out, options.in, 1, 1};
  return {options.out, options.in};
}

}  // namespace

LinearImpl::LinearImpl(const LinearOptions& options) : Layer(weight_shape(options), options.bias) {}

Tensor LinearImpl::forward(const Tensor& x, std::optional<torch::ScalarType> dtype) {
  using Method = LinearChoice::Method;
  const Tensor matrix = weight.flatten(1);  // [out,in]
  const torch::ScalarType out_dtype = dtype.value_or(x.scalar_type());
  const LinearChoice choice =
      choose_linear({.x = x, .weight = matrix, .bias = bias, .out_dtype = out_dtype, .policy = policy()});
  switch (choice.method) {
    case Method::kPanels:
      return panel_linear(x.contiguous(), matrix, bias, *choice.panels);
    case Method::kOneDnn: {
      onednn::Weights weights = onednn_weights();
      weights.weight = matrix;
      return onednn::linear(x.contiguous(), weights, out_dtype);
    }
    case Method::kLibtorch:
      break;
  }
  // torch::linear fuses the bias. On a GPU torch::nn::Linear adds it to a three-dimensional input in a separate pass.
  const Tensor y = torch::linear(x, matrix.to(x.scalar_type()), bias);
  return dtype ? y.to(*dtype) : y;
}

bool LinearImpl::reads_16_bit_weights() const { return has_whole_panels(weight.size(0)); }

}  // namespace lucid::nn
