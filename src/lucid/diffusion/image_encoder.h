// SPDX-License-Identifier: Apache-2.0
// ImageEncoder: the VAE's encoder as a forward pass and a separate vector-Jacobian product. A CPU's workers share the
// batch; a GPU replays captured graphs.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <vector>

#include "lucid/diffusion/vae.h"
#include "lucid/nn/compute_policy.h"
#include "lucid/tensor/cuda_graph.h"
#include "lucid/tensor/workers.h"

namespace lucid::diffusion {

class ImageEncoder {
 public:
  /// The VAE's weights must not require gradients.
  explicit ImageEncoder(const Vae& vae, const nn::ComputeOptions& options = {});
  /// image [B,3,H,W] in [0,1], float32 -> moments [B,2C,h,w] (mean, log-variance), float32, detached. Keeps the
  /// activations for backward(), or with low_memory only the images. With low_memory each worker computes one picture
  /// at a time; those of more than kLarge pixels are computed by all threads, and their gradient part by part of the
  /// network.
  torch::Tensor encode(const torch::Tensor& image);
  /// d_moments [B,2C,h,w] -> d_image [B,3,H,W] for the last encode(). May be called once for each encode().
  torch::Tensor backward(const torch::Tensor& d_moments);
  static constexpr int64_t kLarge = 512 * 512;

 private:
  /// One worker's share of a batch: a leaf of the autograd graph, and the encoder's output.
  struct Part {
    torch::Tensor image = {}, moments = {};
  };
  /// Captured forward and backward pass for one shape. They share memory: the backward pass reads the activations that
  /// the forward pass wrote.
  struct Capture {
    torch::Tensor image = {}, moments = {}, d_moments = {}, d_image = {};
    tensor::CudaGraph forward = {}, backward = {};
  };
  /// The VAE's moments of an image in [0,1], in the image's dtype.
  torch::Tensor moments_of(const torch::Tensor& image);
  bool is_large(const torch::Tensor& image) const { return image.size(2) * image.size(3) > kLarge; }
  /// The vector-Jacobian product of moments_of() for one image [1,3,H,W]. Keeps what lies between the network's parts,
  /// and the activations of one part at a time.
  torch::Tensor backward_by_parts(const torch::Tensor& image, const torch::Tensor& d_moments);
  Capture& capture_for(const torch::Tensor& image);
  /// d_moments of a part -> d_image.
  torch::Tensor part_backward(const Part& part, const torch::Tensor& d_moments);
  /// Runs body(index) for each part, each on a worker's thread; a single part on the calling thread.
  void for_each_part(const std::function<void(size_t)>& body) const;

  Vae vae_;
  torch::ScalarType dtype_;
  tensor::Workers workers_;
  bool low_memory_, cuda_graphs_;
  std::vector<Part> parts_;
  std::map<std::vector<int64_t>, Capture> captures_;  // by shape of the images
  Capture* last_ = nullptr;                           // capture of the last encode(); null if it was not replayed
};

}  // namespace lucid::diffusion
