// SPDX-License-Identifier: Apache-2.0
// Prompt embeddings for the U-Net's training, interpolated between view anchors as in distillation. Each sentence is
// encoded once by the frozen text encoder and cached in a table on its device.
#pragma once

#include <torch/torch.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "lucid/tensor/workers.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"
#include "lucid/text_to_image/view_anchors.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::pretrain {

struct Prompt {
  std::string text = {};
  bool view_words = true;
  text_to_image::Direction direction = {};
};

struct EmbeddingOptions {
  tensor::Workers workers = tensor::Workers(1);  // share the encoding
  int64_t max_cached = 100'000;                  // sentences, 20 KB each at width 128; beyond it the cache is cleared
};

class Embeddings {
 public:
  Embeddings(text::Encoder encoder, text::Tokenizer tokenizer, text_to_image::ViewAnchors anchors,
             const EmbeddingOptions& options = {})
      : encoder_(std::move(encoder)),
        tokenizer_(std::move(tokenizer)),
        anchors_(std::move(anchors)),
        options_(options) {}
  torch::Tensor of(const std::vector<Prompt>& prompts);  // [n,L,D] float, on the encoder's device
  const text_to_image::ViewAnchors& anchors() const { return anchors_; }
  /// Number of cached sentences.
  int64_t cached() const { return static_cast<int64_t>(row_of_.size()); }

 private:
  void encode_missing(const std::vector<std::string>& texts);
  void reserve(int64_t rows);

  text::Encoder encoder_;
  text::Tokenizer tokenizer_;
  text_to_image::ViewAnchors anchors_;
  EmbeddingOptions options_;
  std::unordered_map<std::string, int64_t> row_of_;
  torch::Tensor table_;  // [capacity,L,D] float16; the first cached() rows are in use
};

}  // namespace lucid::pretrain
