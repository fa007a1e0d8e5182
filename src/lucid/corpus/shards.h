// SPDX-License-Identifier: Apache-2.0
// On-disk format of a corpus of captioned multi-view pictures: corpus.json (items, captions) and shard_NNN.safetensors
// (pictures). Reader and writer.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lucid::corpus {

/// Views of a group: of one elevation, under one light beside the camera, their azimuths a quarter turn apart.
inline constexpr int64_t kGroupViews = 4;

/// One object in one colouring: consecutive views that share their captions.
struct Item {
  std::string object;                 // the source's id of the model
  std::string word;                   // its name in the vocabulary: "teapot"
  std::string colour;                 // word of the dominant colour, "" if there is none
  std::vector<std::string> captions;  // without view words: "a teapot", "a blue teapot"; never empty
  bool recoloured = false;            // false: in the model's own colours
  bool held_out = false;              // must not be used for training
  bool mirrors = false;               // the object has mirror symmetry: a mirrored picture shows it from -azimuth
  int64_t first_view = 0, view_count = 0;
  int64_t groups = 0;  // its last kGroupViews * groups views are groups, one after the other

  int64_t first_grouped_view() const { return first_view + view_count - kGroupViews * groups; }
};

/// The pictures and directions of n views.
struct Views {
  torch::Tensor rgb;        // [n,3,S,S] float in 0..1, over white
  torch::Tensor alpha;      // [n,1,S,S] float in 0..1
  torch::Tensor azimuth;    // [n] float, degrees, 0 = front, as in camera/
  torch::Tensor elevation;  // [n] float, degrees above the horizon
};

/// Reader of a corpus. Pictures are memory-mapped. Members throw UserError for damaged or inconsistent files.
class Corpus {
 public:
  explicit Corpus(const std::filesystem::path& folder);
  int64_t picture_size() const;  // S, pixels per side
  const std::vector<Item>& items() const;
  int64_t view_count() const;
  Views views(const std::vector<int64_t>& indices) const;  // indices count over all items, see Item::first_view

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// Writer of a corpus, item by item. finish() writes corpus.json last, so that an interrupted run leaves no corpus.
class CorpusWriter {
 public:
  CorpusWriter(const std::filesystem::path& folder, int64_t picture_size);
  ~CorpusWriter();
  /// Adds an item's n views: rgb [n,3,S,S], alpha [n,1,S,S] uint8; azimuth, elevation [n] float, degrees. The writer
  /// sets item.first_view and item.view_count; the last views are item.groups groups.
  void add(Item item, const torch::Tensor& rgb, const torch::Tensor& alpha, const torch::Tensor& azimuth,
           const torch::Tensor& elevation);
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lucid::corpus
