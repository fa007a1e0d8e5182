// SPDX-License-Identifier: Apache-2.0
// The way from pictures to latents and back for a gradient: on a CPU each worker with a share of the batch, on a GPU
// replayed as it was recorded.
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

class PictureEncoder {
 public:
  /// A VAE whose weights want no gradient.
  explicit PictureEncoder(const Vae& vae, const nn::ComputeOptions& options = {});
  /// picture [B,3,H,W] in [0,1], float -> moments [B,2C,h,w], float, without a graph; keeps what backward needs, or
  /// with little memory only the pictures.
  torch::Tensor encode(const torch::Tensor& picture);
  /// d_moments [B,2C,h,w] -> d_picture [B,3,H,W], of the last encode; once.
  torch::Tensor backward(const torch::Tensor& d_moments);

 private:
  struct Part {
    torch::Tensor picture = {}, moments = {};  // a leaf, and what became of it
  };
  /// Both ways for one shape of pictures: the backward pass reads what the forward pass left in their memory.
  struct Recorded {
    torch::Tensor picture = {}, moments = {}, d_moments = {}, d_picture = {};
    tensor::CudaGraph forward = {}, backward = {};
  };
  torch::Tensor moments_of(const torch::Tensor& picture);
  Recorded& recorded_for(const torch::Tensor& picture);
  /// A worker's share of d_moments back to its pictures.
  torch::Tensor share_backward(const Part& part, const torch::Tensor& d_moments);
  /// body(part's number) on a worker's thread each, or on the caller's if there is one part only.
  void for_each_part(const std::function<void(size_t)>& body) const;

  Vae vae_;
  torch::ScalarType dtype_;
  tensor::Workers workers_;
  bool low_memory_, cuda_graphs_;
  std::vector<Part> parts_;
  std::map<std::vector<int64_t>, Recorded> recorded_;  // by the pictures' shape
  Recorded* last_ = nullptr;                           // of the last encode, if that was replayed
};

}  // namespace lucid::diffusion
