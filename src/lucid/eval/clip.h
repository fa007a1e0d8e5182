// SPDX-License-Identifier: Apache-2.0
// CLIP (Radford et al. 2021), loaded from a folder of the user, and the CLIP score of an asset.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"

namespace lucid::eval {

class Clip {
 public:
  /// Loads a folder of transformers' CLIPModel: config.json, model.safetensors, the tokenizer's files and optionally
  /// preprocessor_config.json. Throws UserError.
  explicit Clip(const std::filesystem::path& folder);

  int64_t picture_size() const;  // pixels per side of the model's input
  /// Image features: pictures [V,3,S,S] in 0..1 with S = picture_size() -> unit vectors [V,P].
  torch::Tensor picture_features(const torch::Tensor& pictures);
  /// Text features: unit vectors [n,P]. Texts longer than the model's positions are truncated.
  torch::Tensor text_features(const std::vector<std::string>& texts);

 private:
  struct Vision;
  text::Tokenizer tokenizer_;
  text::Encoder encoder_{nullptr};
  std::shared_ptr<Vision> vision_;
  std::vector<double> mean_, std_;  // of the three channels
};

struct ClipScore {
  double score = 0;  // CLIP score: 100 x mean cosine similarity of the pictures and the text
  int64_t rank = 0;  // rank of the text among itself and `others` by that similarity; 1 = first
};
/// Scores the pictures [V,3,S,S] of an asset for its prompt `text`.
ClipScore score_with_clip(Clip& clip, const torch::Tensor& pictures, const std::string& text,
                          const std::vector<std::string>& others);

}  // namespace lucid::eval
