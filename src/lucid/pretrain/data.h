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

/// Views or groups of views by word. A word's probability is proportional to the square root of its number of views, so
/// that words with many models do not dominate.
class ByWord {
 public:
  ByWord() = default;
  explicit ByWord(std::map<std::string, std::vector<int64_t>> of_words);
  bool empty() const { return of_words_.empty(); }
  /// A word by its probability, then one of its members.
  int64_t draw(Rng& rng) const;

 private:
  std::vector<std::vector<int64_t>> of_words_;
  std::vector<double> shares_;  // cumulative probabilities of the words
};

/// The corpus's view indices, split into training and held-out views. No view of a held-out item is trained on, and of
/// the other items every 37th view or group is held out. A group counts as its first view; its views are in the lists
/// of views as well.
struct Split {
  std::vector<int64_t> train;
  std::vector<int64_t> unseen_views;                        // held-out views of trained items
  std::vector<int64_t> unseen_items;                        // all views of held-out items
  std::vector<int64_t> unseen_groups, unseen_items_groups;  // the same for groups
  std::vector<int64_t> item_of;                             // index of each view's item
  ByWord views_by_word, groups_by_word;                     // to train on
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
constexpr double kEmptyPrompts = 0.1, kWithoutViewWords = 0.05;  // shares of the rows
constexpr double kGroupsWithViewWords = 0.5;                     // share of the groups
std::vector<Row> draw_rows(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count);
/// The rows of `count` random training groups, one after the other. A group's rows share their caption, empty or not,
/// and half of the groups have no view words.
std::vector<Row> draw_groups(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count);
/// The rows of the groups at these first views, with each item's first caption, without view words.
std::vector<Row> rows_of_groups(const corpus::Corpus& corpus, const Split& split, const std::vector<int64_t>& groups);

}  // namespace lucid::pretrain
