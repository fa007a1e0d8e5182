// SPDX-License-Identifier: Apache-2.0
// Layers that wait for a file: drawing initial weights that a checkpoint then replaces takes Stable Diffusion four
// seconds and as many gigabytes.
#pragma once

#include <torch/torch.h>

#include <functional>

namespace lucid::weights {

/// While one lives, the layers that this thread makes by the functions below have weights of the right shape without
/// memory of their own. load_into() gives them a file's. Works like torch::NoGradGuard.
class WithoutWeights {
 public:
  WithoutWeights();
  ~WithoutWeights();
  WithoutWeights(const WithoutWeights&) = delete;
  WithoutWeights& operator=(const WithoutWeights&) = delete;

 private:
  bool before_;
};

/// `make`: for a layer that is more than libtorch's.
torch::nn::Linear linear(
    int64_t in, int64_t out, bool bias = true,
    const std::function<torch::nn::Linear(const torch::nn::LinearOptions&)>& make =
        [](const torch::nn::LinearOptions& given) { return torch::nn::Linear(given); });
torch::nn::Conv2d conv2d(
    const torch::nn::Conv2dOptions& options,
    const std::function<torch::nn::Conv2d(const torch::nn::Conv2dOptions&)>& make =
        [](const torch::nn::Conv2dOptions& given) { return torch::nn::Conv2d(given); });
torch::nn::Embedding embedding(int64_t count, int64_t width);

/// Whether it is such a weight, still to be filled.
bool is_unfilled(const torch::Tensor& weight);

}  // namespace lucid::weights
