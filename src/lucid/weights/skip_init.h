// SPDX-License-Identifier: Apache-2.0
// Layers without initial weights, for networks that load a file: drawing random weights that a checkpoint then replaces
// costs Stable Diffusion four seconds and as many gigabytes.
#pragma once

#include <torch/torch.h>

namespace lucid::weights {

/// While one lives, layers that this thread makes by the functions below, and those of nn/, have weights with a shape
/// but no memory of their own. load_into() gives them a file's. Nests, as torch::NoGradGuard does.
class SkipInitGuard {
 public:
  SkipInitGuard();
  ~SkipInitGuard();
  SkipInitGuard(const SkipInitGuard&) = delete;
  SkipInitGuard& operator=(const SkipInitGuard&) = delete;
  static bool active();

 private:
  bool before_;
};

torch::nn::Linear linear(int64_t in, int64_t out, bool bias = true);
torch::nn::Conv2d conv2d(const torch::nn::Conv2dOptions& options);
torch::nn::Embedding embedding(int64_t count, int64_t width);

/// A weight of this shape that awaits load_into(): one number, expanded.
torch::Tensor uninitialised(at::IntArrayRef shape);
/// Whether `weight` is one of these.
bool is_uninitialised(const torch::Tensor& weight);

}  // namespace lucid::weights
