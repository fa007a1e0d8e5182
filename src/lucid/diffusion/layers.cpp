// SPDX-License-Identifier: Apache-2.0
// Convolutions, norms, the residual block.
#include "lucid/diffusion/layers.h"

namespace lucid::diffusion {

torch::nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding < 0 ? kernel / 2 : padding));
}

torch::nn::GroupNorm group_norm(int64_t groups, int64_t channels, double eps) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(groups, channels).eps(eps));
}

torch::nn::Linear linear_without_bias(int64_t in, int64_t out) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
}

void register_path(torch::nn::Module& parent, const std::string& path,
                   const std::shared_ptr<torch::nn::Module>& module) {
  const size_t dot = path.find('.');
  if (dot == std::string::npos) {
    parent.register_module(path, module);
    return;
  }
  const std::string first = path.substr(0, dot);
  const auto children = parent.named_children();
  std::shared_ptr<torch::nn::Module> child;
  if (const auto* found = children.find(first); found != nullptr) {
    child = *found;
  } else {
    child = parent.register_module(first, std::make_shared<torch::nn::Module>());
  }
  register_path(*child, path.substr(dot + 1), module);
}

ResnetImpl::ResnetImpl(const Options& o)
    : norm1_(group_norm(o.norm_groups, o.in, o.norm_eps)),
      norm2_(group_norm(o.norm_groups, o.out, o.norm_eps)),
      conv1_(conv(o.in, o.out, 3)),
      conv2_(conv(o.out, o.out, 3)) {
  register_module("norm1", norm1_);
  register_module("conv1", conv1_);
  register_module("norm2", norm2_);
  register_module("conv2", conv2_);
  if (o.time_width > 0) time_ = register_module("time_emb_proj", torch::nn::Linear(o.time_width, o.out));
  if (o.in != o.out) shortcut_ = register_module("conv_shortcut", conv(o.in, o.out, 1));
}

torch::Tensor ResnetImpl::forward(const torch::Tensor& x, const torch::Tensor& activated_time) {
  torch::Tensor h = conv1_(torch::silu(norm1_(x)));
  if (time_) h = h + time_(activated_time).unsqueeze(-1).unsqueeze(-1);
  h = conv2_(torch::silu(norm2_(h)));
  return (shortcut_ ? shortcut_(x) : x) + h;
}

}  // namespace lucid::diffusion
