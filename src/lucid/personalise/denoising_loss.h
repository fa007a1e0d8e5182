// SPDX-License-Identifier: Apache-2.0
// The prior's denoising loss on pictures, given a word: how well the word describes them.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/personalise/pictures.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::personalise {

/// What is drawn at random for n rows of a batch.
struct Draws {
  std::vector<size_t> pictures;    // [n] indices
  std::vector<int64_t> timesteps;  // [n]
  std::vector<size_t> templates;   // [n] indices of DenoisingLoss's sentences
  torch::Tensor noise;             // [n,C,h,w]
};

class DenoisingLoss {
 public:
  /// Encodes the pictures. The prior's text encoder is made float32, so that a gradient of its embeddings is.
  DenoisingLoss(text_to_image::Prior& prior, const std::vector<Picture>& pictures);

  /// Random pictures, sentences and noise; the timesteps are spread evenly over the schedule, each at random in its
  /// share.
  Draws draw(int64_t count, Rng& rng) const;

  /// |predicted - true noise|^2, mean over a row's latents [n] (of v for a v-prediction prior). `word` may be several
  /// words. Rows of a picture with a known view get the view's words too. Differentiable in the embeddings.
  torch::Tensor of(const std::string& word, const Draws& draws);

 private:
  torch::Tensor contexts(const std::string& word, const Draws& draws);  // [n,L,D]

  text_to_image::Prior& prior_;
  text_to_image::ViewAnchors anchors_;
  /// Sentences around the word: "a {}" for a small prior with a vocabulary, which reads no others, or else those of
  /// Gal et al. 2022 for Stable Diffusion.
  std::vector<std::string> templates_;
  std::vector<Picture> pictures_;
  torch::Tensor latents_;  // [P,C,h,w], scaled posterior means
};

/// Two words' losses on the same draws of all pictures.
struct Comparison {
  double first = 0, second = 0;           // mean losses
  double difference = 0, half_width = 0;  // mean of second - first, and 1.96 standard errors
};
/// `rows` draws in batches; a pure function of the seed.
Comparison compare_words(DenoisingLoss& loss, const std::string& first, const std::string& second, int64_t rows,
                         uint64_t seed);

/// The `count` of `words` with the least loss on `rows` draws, the best first: the names of a vocabulary that fit.
std::vector<std::string> best_words(DenoisingLoss& loss, const std::vector<std::string>& words, size_t count,
                                    int64_t rows, uint64_t seed);

}  // namespace lucid::personalise
