// SPDX-License-Identifier: Apache-2.0
// A CLIP model that the user has (Radford et al. 2021), as a second judge of what a picture shows.
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
  /// A folder of transformers' CLIPModel: config.json, model.safetensors, the tokenizer's files and, if there,
  /// preprocessor_config.json. Throws UserError.
  explicit Clip(const std::filesystem::path& folder);

  int64_t picture_size() const;  // pixels a side that the model was made for
  /// pictures [V,3,S,S] in 0..1 with S = picture_size() -> [V,P], of length 1.
  torch::Tensor picture_features(const torch::Tensor& pictures);
  /// [n,P], of length 1. Texts beyond the model's positions are cut.
  torch::Tensor text_features(const std::vector<std::string>& texts);

 private:
  struct Vision;
  text::Tokenizer tokenizer_;
  text::Encoder encoder_{nullptr};
  std::shared_ptr<Vision> vision_;
  std::vector<double> mean_, std_;  // of the three channels
};

/// What CLIP thinks of an asset.
struct ClipScore {
  double score = 0;  // 100 x mean cosine of the pictures [V,3,S,S] and the text
  int64_t rank = 0;  // of the text among itself and `others` by that cosine, 1 = first
};
ClipScore score_with_clip(Clip& clip, const torch::Tensor& pictures, const std::string& text,
                          const std::vector<std::string>& others);

}  // namespace lucid::eval
