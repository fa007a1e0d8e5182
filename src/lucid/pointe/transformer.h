// SPDX-License-Identifier: Apache-2.0
// PointDiffusionTransformer of Point-E (Nichol et al. 2022): predicts noise and variance of a noisy point cloud. Module
// names are those of the published files.
#pragma once

#include <torch/torch.h>

#include <memory>

namespace lucid::weights {
struct StateDict;
}

namespace lucid::pointe {

constexpr int64_t kChannels = 6;  // x, y, z, red, green, blue

struct TransformerConfig {
  enum class Kind {
    kVector,    // conditioned on one CLIP vector: base40M-textvec
    kUpsample,  // conditioned on a coarse cloud, and on a grid of CLIP features
  };
  Kind kind = Kind::kVector;
  int64_t width = 512, layers = 12, heads = 8;
  int64_t mlp_width = 2048;
  int64_t condition_width = 768;  // of the CLIP vector, or of one feature of the grid

  /// From names and shapes. The number of heads is in neither; 0 means width / 64, as in all published models. Throws
  /// UserError if the file holds none of the two kinds.
  static TransformerConfig from_weights(const weights::StateDict& state, int64_t heads = 0);
};

/// What a network is conditioned on: the member for its kind must be defined.
struct Condition {
  torch::Tensor vector = {};   // [N,D] CLIP vector of unit length; zeros for none
  torch::Tensor low_res = {};  // [N,6,L] coarse cloud in output units: coordinates, colours in 0..255
  torch::Tensor grid = {};     // [N,F,G] CLIP's features of a picture's patches; undefined: all zero
  int64_t zero_patches = 256;  // G of an undefined grid
};

class PointTransformerImpl : public torch::nn::Module {
 public:
  explicit PointTransformerImpl(const TransformerConfig& config);
  /// x [N,6,T] noisy points, t [N] int64 timesteps -> [N,12,T] float32: predicted noise (6 channels), then the
  /// interpolation of the log variance (6). The order of the points does not matter.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& t, const Condition& condition);
  /// Casts the transformer's blocks. The projections into tokens and out of them stay float32.
  void set_backbone_dtype(torch::ScalarType dtype);
  const TransformerConfig& config() const { return config_; }

 private:
  struct Parts;
  TransformerConfig config_;
  std::shared_ptr<Parts> parts_;
};
TORCH_MODULE(PointTransformer);

/// t [N] -> [N,width] float32: cosines of t / 10000^(i / (width/2)), then sines.
torch::Tensor timestep_embedding(const torch::Tensor& t, int64_t width);

/// A frozen network on the CPU with blocks of this dtype. `state` is consumed. Throws UserError.
PointTransformer load_transformer(weights::StateDict state, torch::ScalarType dtype = torch::kFloat, int64_t heads = 0);

}  // namespace lucid::pointe
