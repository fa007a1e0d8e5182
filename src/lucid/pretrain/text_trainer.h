// SPDX-License-Identifier: Apache-2.0
// The text encoder, trained by itself: what a caption says must be readable from every position after it. Trained along
// with the U-Net it collapses, since at first the U-Net's loss gains nothing from telling captions apart.
#pragma once

#include "lucid/pretrain/data.h"
#include "lucid/pretrain/stage.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"

namespace lucid::pretrain {

/// The encoder with what reads its output during this stage only.
class TextTaskImpl : public torch::nn::Module {
 public:
  explicit TextTaskImpl(const text::EncoderConfig& config);
  const text::EncoderConfig& config() const { return encoder->config(); }

  text::Encoder encoder;
  std::shared_ptr<torch::nn::Module> head;  // bag, token: [D] -> [vocabulary]; direction: [D] -> [4]
  torch::nn::Linear bag, token, direction;
};
TORCH_MODULE(TextTask);

/// A caption, with the words of an anchor or without (-1).
struct Sentence {
  std::string text;
  int64_t anchor = -1;
};

/// Rows 2i and 2i+1 differ in their view words only. Half are captions of the corpus, half words at random, so that new
/// combinations are read as well as known ones.
std::vector<Sentence> draw_sentences(const std::vector<std::string>& captions, const std::vector<std::string>& words,
                                     const text_to_image::ViewAnchors& anchors, Rng rng, int64_t count);

/// How far apart embeddings [n,L,D] are: distance to the nearest other one over the root mean square norm.
struct Spread {
  double least = 0, mean = 0;
};
Spread spread_of(const torch::Tensor& embeddings);

/// Trains or resumes; `encoder` then holds the averaged weights. False when stopped.
bool train_text(text::Encoder& encoder, const text::Tokenizer& tokenizer, const StageSizes& sizes,
                const corpus::Corpus& corpus, const text_to_image::ViewAnchors& anchors, const RunOptions& options);

/// [n,L] int64.
torch::Tensor ids_of(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts, int64_t length);

}  // namespace lucid::pretrain
