// SPDX-License-Identifier: Apache-2.0
// First stage: trains the text encoder alone, to make a caption's words and view direction decodable from every
// position after it. Trained jointly with the U-Net it collapses, because at first the U-Net's loss does not depend on
// the caption.
#pragma once

#include "lucid/pretrain/data.h"
#include "lucid/pretrain/stage.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"

namespace lucid::pretrain {

/// The encoder with linear heads that exist during this stage only.
class TextTaskImpl : public torch::nn::Module {
 public:
  explicit TextTaskImpl(const text::EncoderConfig& config);
  const text::EncoderConfig& config() const { return encoder->config(); }

  text::Encoder encoder;
  // bag: [D] -> [V], the set of words so far. token: [D] -> [V], the word at a position. direction: [D] -> [4].
  std::shared_ptr<torch::nn::Module> head;
  torch::nn::Linear bag, token, direction;
};
TORCH_MODULE(TextTask);

/// A caption with the words of view anchor `anchor`, or without view words (-1).
struct Sentence {
  std::string text;
  int64_t anchor = -1;
};

/// A random batch. Rows 2i and 2i+1 differ in their view words only. Half of the pairs are captions of the corpus, half
/// random words, so that the encoder generalises to new combinations.
std::vector<Sentence> draw_sentences(const std::vector<std::string>& captions, const std::vector<std::string>& words,
                                     const text_to_image::ViewAnchors& anchors, Rng rng, int64_t count);

/// Spread of embeddings [n,L,D]: the distance of each to its nearest neighbour, divided by their root mean square norm.
struct Spread {
  double least = 0, mean = 0;
};
Spread spread_of(const torch::Tensor& embeddings);

/// Trains, or resumes from a checkpoint; then `encoder` holds the EMA weights. False if stopped. Throws UserError.
bool train_text(text::Encoder& encoder, const text::Tokenizer& tokenizer, const StageSizes& sizes,
                const corpus::Corpus& corpus, const text_to_image::ViewAnchors& anchors, const RunOptions& options);

/// Token ids of `texts`, padded to `length`: [n,length] int64.
torch::Tensor ids_of(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts, int64_t length);

}  // namespace lucid::pretrain
