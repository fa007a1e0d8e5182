// SPDX-License-Identifier: Apache-2.0
// What training draws from a corpus: which views it may see, pictures for the VAE, rows (view and words) for the U-Net.
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

/// Views by what they are for. Held-out items are never trained on; of the others one view in 37 is not.
struct Split {
  std::vector<int64_t> train;
  std::vector<int64_t> unseen_views;  // of known items
  std::vector<int64_t> unseen_items;  // every view of held-out items
  std::vector<int64_t> item_of;       // by view

  // `train` by the vocabulary's words, and the words' cumulative shares of the U-Net's rows: as the root of the number
  // of views, so that a chair of twenty models does not crowd out a girl of one.
  std::vector<std::vector<int64_t>> by_word;
  std::vector<double> word_shares;
};
/// Throws UserError when nothing is left to train on.
Split split_of(const corpus::Corpus& corpus);

/// At most `count` of `views`, evenly spread.
std::vector<int64_t> evenly_spaced(const std::vector<int64_t>& views, size_t count);

/// All words of the captions and the view anchors; names and colours of what training sees.
struct Words {
  std::set<std::string> tokens;
  std::set<std::string> names, colours;
  std::map<std::string, std::set<std::string>> seen;  // the colours that training sees each name in
};
Words words_of_corpus(const corpus::Corpus& corpus, const text_to_image::ViewAnchors& anchors);

/// Windows of `crop` pixels about the objects, half of them mirrored.
struct Pictures {
  torch::Tensor rgb;    // [n,3,crop,crop] in -1..1
  torch::Tensor alpha;  // [n,1,crop,crop]
  Pictures on(torch::Device device) const;
};
Pictures draw_pictures(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count, int64_t crop);

/// One picture with its words.
struct Row {
  int64_t view = 0;
  bool mirrored = false;
  std::string caption = {};  // "" for classifier-free guidance
  bool view_words = true;    // mixed in by the true direction
};
/// A training view: a word by its share, then one of its views.
int64_t draw_view(const Split& split, Rng& rng);
constexpr double kEmptyPrompts = 0.1, kWithoutViewWords = 0.05;
std::vector<Row> draw_rows(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count);

}  // namespace lucid::pretrain
