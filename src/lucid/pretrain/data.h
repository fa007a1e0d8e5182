// SPDX-License-Identifier: Apache-2.0
// Training data of the prior: the split of a corpus into training and held-out views, and random batches for the VAE
// (pictures) and the U-Net (view and caption).
#pragma once

#include <torch/torch.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/corpus/shards.h"
#include "lucid/text_to_image/view_anchors.h"

namespace lucid::pretrain {

/// The corpus's view indices, split into training and held-out views. No view of a held-out item is trained on, and of
/// the other items every 37th view is held out.
struct Split {
  std::vector<int64_t> train;
  std::vector<int64_t> unseen_views;  // held-out views of trained items
  std::vector<int64_t> unseen_items;  // all views of held-out items
  std::vector<int64_t> item_of;       // index of each view's item

  // `train` grouped by word, and the cumulative probabilities of the words. A word's probability is proportional to the
  // square root of its number of views, so that words with many models do not dominate.
  std::vector<std::vector<int64_t>> by_word;
  std::vector<double> word_shares;
};
/// Throws UserError if no view is left to train on.
Split split_of(const corpus::Corpus& corpus);

/// At most `count` of `views`, at equal distances in the list.
std::vector<int64_t> evenly_spaced(const std::vector<int64_t>& views, size_t count);

/// Vocabulary of a corpus.
struct Words {
  std::set<std::string> tokens;                       // all words of captions and view anchors
  std::set<std::string> names, colours;               // of the items that are trained on
  std::map<std::string, std::set<std::string>> seen;  // name -> the colours it is trained in
};
Words words_of_corpus(const corpus::Corpus& corpus, const text_to_image::ViewAnchors& anchors);

/// A batch of pictures for the VAE.
struct Pictures {
  torch::Tensor rgb;    // [n,3,crop,crop] in -1..1
  torch::Tensor alpha;  // [n,1,crop,crop] in 0..1
  Pictures on(torch::Device device) const;
};
/// `count` random training views, cropped to `crop` pixels per side around a point of the object; half are mirrored.
Pictures draw_pictures(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count, int64_t crop);

/// One sample of a U-Net batch: a picture and its caption.
struct Row {
  int64_t view = 0;
  bool mirrored = false;
  std::string caption = {};  // "": unconditional, for classifier-free guidance
  bool view_words = true;    // the prompt gets the view words of the picture's direction
};
/// A random training view: a word by its probability, then one of its views.
int64_t draw_view(const Split& split, Rng& rng);
constexpr double kEmptyPrompts = 0.1, kWithoutViewWords = 0.05;  // shares of the rows
std::vector<Row> draw_rows(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count);

}  // namespace lucid::pretrain
