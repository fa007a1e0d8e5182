// SPDX-License-Identifier: Apache-2.0
// The thread-local flag behind SkipInitGuard, and libtorch's layers that obey it.
#include "lucid/weights/skip_init.h"

namespace lucid::weights {
namespace {

thread_local bool skip_init = false;

void replace(torch::Tensor& weight, at::IntArrayRef shape) {
  const torch::NoGradGuard no_grad;
  weight.set_data(uninitialised(shape));
}

}  // namespace

SkipInitGuard::SkipInitGuard() : before_(skip_init) { skip_init = true; }
SkipInitGuard::~SkipInitGuard() { skip_init = before_; }
bool SkipInitGuard::active() { return skip_init; }

torch::Tensor uninitialised(at::IntArrayRef shape) { return torch::zeros({1}).expand(shape); }

bool is_uninitialised(const torch::Tensor& weight) { return weight.storage().nbytes() < weight.nbytes(); }

// libtorch's constructors draw the weights, so they make one number, and the shape is set afterwards.

torch::nn::Linear linear(int64_t in, int64_t out, bool bias) {
  if (!skip_init) return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias));
  torch::nn::Linear layer(torch::nn::LinearOptions(1, 1).bias(bias));
  layer->options.in_features(in);
  layer->options.out_features(out);
  replace(layer->weight, {out, in});
  if (bias) replace(layer->bias, {out});
  return layer;
}

torch::nn::Conv2d conv2d(const torch::nn::Conv2dOptions& options) {
  if (!skip_init) return torch::nn::Conv2d(options);
  torch::nn::Conv2dOptions small = options;
  torch::nn::Conv2d layer(small.in_channels(1).out_channels(1));
  layer->options.in_channels(options.in_channels());
  layer->options.out_channels(options.out_channels());
  const at::IntArrayRef size(*options.kernel_size());
  replace(layer->weight, {options.out_channels(), options.in_channels(), size[0], size[1]});
  if (options.bias()) replace(layer->bias, {options.out_channels()});
  return layer;
}

torch::nn::Embedding embedding(int64_t count, int64_t width) {
  if (!skip_init) return torch::nn::Embedding(count, width);
  torch::nn::Embedding layer(1, 1);
  layer->options.num_embeddings(count);
  layer->options.embedding_dim(width);
  replace(layer->weight, {count, width});
  return layer;
}

}  // namespace lucid::weights
