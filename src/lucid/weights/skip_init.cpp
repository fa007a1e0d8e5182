// SPDX-License-Identifier: Apache-2.0
// See unfilled.h.
#include "lucid/weights/unfilled.h"

namespace lucid::weights {
namespace {

thread_local bool without_weights = false;

// One number, seen everywhere.
void unfill(torch::Tensor& weight, at::IntArrayRef shape) {
  const torch::NoGradGuard no_grad;
  weight.set_data(torch::zeros({1}, weight.options()).expand(shape));
}

}  // namespace

WithoutWeights::WithoutWeights() : before_(without_weights) { without_weights = true; }
WithoutWeights::~WithoutWeights() { without_weights = before_; }

// libtorch's constructors draw the weights, so they are told of one number, and the true sizes come afterwards.

torch::nn::Linear linear(int64_t in, int64_t out, bool bias,
                         const std::function<torch::nn::Linear(const torch::nn::LinearOptions&)>& make) {
  if (!without_weights) return make(torch::nn::LinearOptions(in, out).bias(bias));
  torch::nn::Linear layer = make(torch::nn::LinearOptions(1, 1).bias(bias));
  layer->options.in_features(in);
  layer->options.out_features(out);
  unfill(layer->weight, {out, in});
  if (bias) unfill(layer->bias, {out});
  return layer;
}

torch::nn::Conv2d conv2d(const torch::nn::Conv2dOptions& options,
                         const std::function<torch::nn::Conv2d(const torch::nn::Conv2dOptions&)>& make) {
  if (!without_weights) return make(options);
  torch::nn::Conv2dOptions small = options;
  torch::nn::Conv2d layer = make(small.in_channels(1).out_channels(1));
  layer->options.in_channels(options.in_channels());
  layer->options.out_channels(options.out_channels());
  const at::IntArrayRef size(*options.kernel_size());
  unfill(layer->weight, {options.out_channels(), options.in_channels(), size[0], size[1]});
  if (options.bias()) unfill(layer->bias, {options.out_channels()});
  return layer;
}

torch::nn::Embedding embedding(int64_t count, int64_t width) {
  if (!without_weights) return torch::nn::Embedding(count, width);
  torch::nn::Embedding layer(1, 1);
  layer->options.num_embeddings(count);
  layer->options.embedding_dim(width);
  unfill(layer->weight, {count, width});
  return layer;
}

bool is_unfilled(const torch::Tensor& weight) { return weight.storage().nbytes() < weight.nbytes(); }

}  // namespace lucid::weights
