// SPDX-License-Identifier: Apache-2.0
// Splits a corpus and draws training batches from it.
#include "lucid/pretrain/data.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "lucid/base/error.h"
#include "lucid/pretrain/tokenizer_files.h"
#include "lucid/tensor/device.h"

namespace lucid::pretrain {
namespace {

constexpr int64_t kUnseenEvery = 37;  // prime, so that held-out directions differ between items

/// Start of a window of `crop` pixels in `size` pixels, centred at `centre` as far as the border allows.
int64_t window_start(int64_t centre, int64_t crop, int64_t size) {
  return std::clamp<int64_t>(centre - crop / 2, 0, size - crop);
}

}  // namespace

Split split_of(const corpus::Corpus& corpus) {
  Split split;
  std::map<std::string, std::vector<int64_t>> views, groups;  // to train on, by word
  split.item_of.resize(static_cast<size_t>(corpus.view_count()));
  const auto is_unseen = [](int64_t index) { return index % kUnseenEvery == kUnseenEvery / 2; };
  int64_t group_index = 0;
  for (size_t i = 0; i < corpus.items().size(); ++i) {
    const corpus::Item& item = corpus.items()[i];
    const auto add_view = [&](int64_t view, bool unseen) {
      split.item_of[static_cast<size_t>(view)] = static_cast<int64_t>(i);
      (item.held_out ? split.unseen_items : unseen ? split.unseen_views : split.train).push_back(view);
      if (!item.held_out && !unseen) views[item.word].push_back(view);
    };
    for (int64_t view = item.first_view; view < item.first_grouped_view(); ++view) add_view(view, is_unseen(view));
    for (int64_t group = 0; group < item.groups; ++group) {
      const int64_t first = item.first_grouped_view() + corpus::kGroupViews * group;
      const bool unseen = is_unseen(group_index++);
      (item.held_out ? split.unseen_items_groups : unseen ? split.unseen_groups : groups[item.word]).push_back(first);
      for (int64_t view = first; view < first + corpus::kGroupViews; ++view) add_view(view, unseen);
    }
  }
  if (split.train.empty())
    throw UserError(UserMistake{.what_happened = "the corpus holds no view to train on", .key = "--corpus"});
  split.views_by_word = ByWord(std::move(views));
  split.groups_by_word = ByWord(std::move(groups));
  return split;
}

ByWord::ByWord(std::map<std::string, std::vector<int64_t>> of_words) {
  double sum = 0;
  for (auto& [word, members] : of_words) {
    shares_.push_back(sum += std::sqrt(static_cast<double>(members.size())));
    of_words_.push_back(std::move(members));
  }
  for (double& share : shares_) share /= sum;
}

int64_t ByWord::draw(Rng& rng) const {
  const auto word = std::ranges::upper_bound(shares_, rng.uniform()) - shares_.begin();
  return pick(of_words_[std::min(static_cast<size_t>(word), of_words_.size() - 1)], rng);
}

std::vector<int64_t> evenly_spaced(const std::vector<int64_t>& views, size_t count) {
  if (views.size() <= count) return views;
  std::vector<int64_t> some;
  for (size_t i = 0; i < count; ++i) some.push_back(views[(2 * i + 1) * views.size() / (2 * count)]);
  return some;
}

Words words_of_corpus(const corpus::Corpus& corpus, const text_to_image::ViewAnchors& anchors) {
  Words words;
  const auto add = [&](const std::string& text) {
    for (std::string& word : words_of(text)) words.tokens.insert(std::move(word));
  };
  for (const corpus::Item& item : corpus.items()) {
    add(item.word);
    if (!item.held_out) words.names.insert(item.word);
    if (!item.held_out && !item.colour.empty()) {
      words.colours.insert(item.colour);
      words.seen[item.word].insert(item.colour);
    }
    add(item.colour);
    for (const std::string& caption : item.captions) add(caption);
  }
  for (const text_to_image::ViewAnchor& anchor : anchors.anchors()) add(anchor.words);
  return words;
}

Pictures Pictures::on(torch::Device device) const {
  return {.rgb = tensor::to_device(rgb, device), .alpha = tensor::to_device(alpha, device)};
}

Pictures draw_pictures(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count, int64_t crop) {
  std::vector<int64_t> views;
  for (int64_t i = 0; i < count; ++i) views.push_back(pick(split.train, rng));
  const corpus::Views whole = corpus.views(views);
  const int64_t size = whole.rgb.size(2);
  std::vector<torch::Tensor> rgb, alpha;
  for (int64_t i = 0; i < count; ++i) {
    torch::Tensor both = torch::cat({whole.rgb[i] * 2 - 1, whole.alpha[i]});  // [4,S,S]
    if (crop < size) {
      const torch::Tensor inside = torch::nonzero(whole.alpha[i][0] > 0.5);  // [m,2]
      int64_t y = rng.integer(0, size), x = rng.integer(0, size);
      if (inside.size(0) > 0) {
        const torch::Tensor centre = inside[rng.integer(0, inside.size(0))];
        y = centre[0].item<int64_t>(), x = centre[1].item<int64_t>();
      }
      both = both.slice(1, window_start(y, crop, size), window_start(y, crop, size) + crop)
                 .slice(2, window_start(x, crop, size), window_start(x, crop, size) + crop);
    }
    if (rng.chance(0.5)) both = both.flip(2);
    rgb.push_back(both.slice(0, 0, 3));
    alpha.push_back(both.slice(0, 3, 4));
  }
  return {.rgb = torch::stack(rgb), .alpha = torch::stack(alpha)};
}

namespace {

const corpus::Item& item_of(const corpus::Corpus& corpus, const Split& split, int64_t view) {
  return corpus.items()[static_cast<size_t>(split.item_of[static_cast<size_t>(view)])];
}

/// A random row of this view. It takes the same number of random draws, whatever their outcome.
Row draw_row(const corpus::Item& item, int64_t view, Rng& rng) {
  const double kind = rng.uniform();
  const bool mirrored = rng.chance(0.5) && item.mirrors;
  const std::string& caption = pick(item.captions, rng);
  return {.view = view,
          .mirrored = mirrored,
          .caption = kind < kEmptyPrompts ? "" : caption,
          .view_words = kind >= kEmptyPrompts + kWithoutViewWords};
}

/// The rows of the group at row.view, like this row.
void add_group(Row row, bool view_words, std::vector<Row>& rows) {
  row.view_words = view_words;
  for (int64_t i = 0; i < corpus::kGroupViews; ++i, ++row.view) rows.push_back(row);
}

}  // namespace

std::vector<Row> draw_rows(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count) {
  std::vector<Row> rows;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t view = split.views_by_word.draw(rng);
    rows.push_back(draw_row(item_of(corpus, split, view), view, rng));
  }
  return rows;
}

std::vector<Row> draw_groups(const corpus::Corpus& corpus, const Split& split, Rng rng, int64_t count) {
  std::vector<Row> rows;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = split.groups_by_word.draw(rng);
    const Row row = draw_row(item_of(corpus, split, first), first, rng);
    add_group(row, rng.chance(kGroupsWithViewWords), rows);
  }
  return rows;
}

std::vector<Row> rows_of_groups(const corpus::Corpus& corpus, const Split& split, const std::vector<int64_t>& groups) {
  std::vector<Row> rows;
  for (const int64_t first : groups) {
    add_group({.view = first, .caption = item_of(corpus, split, first).captions.front()}, /*view_words=*/false, rows);
  }
  return rows;
}

}  // namespace lucid::pretrain
