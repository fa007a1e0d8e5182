// SPDX-License-Identifier: Apache-2.0
// CLIP's text encoder (transformers' CLIPTextModel): token ids -> last_hidden_state, after the final layer norm.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lucid/json/json_config.h"
#include "lucid/text/tokenizer.h"

namespace lucid::weights {
struct StateDict;
}

namespace lucid::text {

struct EncoderConfig {
  int64_t vocab_size = 49408, hidden_size = 768, intermediate_size = 3072;
  int64_t layers = 12, heads = 12, positions = 77;
  std::string activation = "quick_gelu";  // or "gelu" (erf form)
  double layer_norm_eps = 1e-5;
  static EncoderConfig from_file(const std::filesystem::path& config_json);
  static EncoderConfig from_json(const JsonConfig& json);
  double parameters() const;  // number of parameters, weight matrices only
};

/// Weights may be stored in 16 bits; the computation is in float32 or wider.
class EncoderImpl : public torch::nn::Module {
 public:
  explicit EncoderImpl(const EncoderConfig& config);
  torch::Tensor forward(const torch::Tensor& ids);  // ids [n,L] int64 -> [n,L,D]
  /// Sets the embeddings of tokens first, first + 1, ... to `rows` [n,D]. The embedding table grows if needed.
  void set_token_embeddings(int64_t first, const torch::Tensor& rows);
  /// The embeddings and the output of each layer: layers + 1 tensors [n,L,D], before the final norm. Throws UserError
  /// for an id beyond the vocabulary.
  std::vector<torch::Tensor> hidden_states(const torch::Tensor& ids);
  /// The final layer norm of a hidden state [n,L,D].
  torch::Tensor normalised(const torch::Tensor& state);
  const EncoderConfig& config() const { return config_; }

 private:
  struct Parts;  // submodules, named as in transformers ("text_model.embeddings.…")
  EncoderConfig config_;
  std::shared_ptr<Parts> parts_;
};
TORCH_MODULE(Encoder);

/// An encoder with the tensors of `state`, named as in transformers with the prefix `text_model.`; they keep their
/// dtype. `model`: what the message says they do not fit; nullopt: their config.json. Throws UserError.
Encoder load_encoder(const EncoderConfig& config, weights::StateDict state,
                     const std::optional<std::string>& model = std::nullopt);

/// Loads a diffusers `text_encoder/` folder. The names may have the prefix `text_model.` or not. Throws UserError.
Encoder load_encoder(const std::filesystem::path& folder);

/// An encoder and the matrix that projects its pooled output.
struct ProjectingEncoder {
  Encoder encoder{nullptr};
  torch::Tensor projection;  // [P,D]

  /// ids [n,L] -> the state after the last layer but one, not normed [n,L,D]; and the final norm of the last state at
  /// the first `end` token, projected [n,P]. Both float32 or wider.
  std::pair<torch::Tensor, torch::Tensor> penultimate_and_pooled(const torch::Tensor& ids, int64_t end);
};

/// Loads a `text_encoder_2/` folder (CLIPTextModelWithProjection). Throws UserError.
ProjectingEncoder load_projecting_encoder(const std::filesystem::path& folder);

/// The same of tensors that are read already. `state` holds the encoder's, named as in transformers; `projection` is
/// [P,D]. Throws UserError.
ProjectingEncoder load_projecting_encoder(const EncoderConfig& config, weights::StateDict state,
                                          const torch::Tensor& projection);

}  // namespace lucid::text
