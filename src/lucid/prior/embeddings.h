// SPDX-License-Identifier: Apache-2.0
// Prompt embeddings of training rows, mixed by direction from the anchors' exactly as distillation mixes them; each
// sentence goes through the frozen text encoder once.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "lucid/distill/prompts.h"
#include "lucid/distill/view_anchors.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"

namespace lucid::prior {

struct Prompt {
  std::string text = {};
  bool view_words = true;
  distill::Direction direction = {};
};

class Embeddings {
 public:
  Embeddings(text::Encoder encoder, text::Tokenizer tokenizer, distill::ViewAnchors anchors)
      : encoder_(std::move(encoder)), tokenizer_(std::move(tokenizer)), anchors_(std::move(anchors)) {}
  torch::Tensor of(const std::vector<Prompt>& prompts);  // [n,L,D] float
  const distill::ViewAnchors& anchors() const { return anchors_; }

 private:
  void remember(const std::vector<std::string>& texts);

  text::Encoder encoder_;
  text::Tokenizer tokenizer_;
  distill::ViewAnchors anchors_;
  std::map<std::string, torch::Tensor> known_;  // [L,D] float16
};

}  // namespace lucid::prior
