// SPDX-License-Identifier: Apache-2.0
// Captioned multi-view pictures on disk: corpus.json (items and captions) beside shard_NNN.safetensors (pictures).
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lucid::corpus {

/// One object in one colouring: a run of views that share their captions.
struct Item {
  std::string object;                 // the source's id of the model
  std::string word;                   // the vocabulary's name for it: "teapot"
  std::string colour;                 // the word of the dominant colour, "" where none dominates
  std::vector<std::string> captions;  // phrasings without view words: "a teapot", "a blue teapot"; never empty
  bool recoloured = false;            // by us; the model's own colours otherwise
  bool held_out = false;              // an object or a combination that training must not see
  bool mirrors = false;               // left and right mirror each other: a mirrored picture is a true one
  int64_t first_view = 0, view_count = 0;
};

/// The pictures of some views.
struct Views {
  torch::Tensor rgb;        // [n,3,S,S] float in 0..1, over white
  torch::Tensor alpha;      // [n,1,S,S] float in 0..1
  torch::Tensor azimuth;    // [n] float, degrees, 0 = front, as camera/ has it
  torch::Tensor elevation;  // [n] float, degrees above the horizon
};

/// Read-only; pictures stay on disk until asked for. Every member may throw UserError (damaged or lying files).
class Corpus {
 public:
  explicit Corpus(const std::filesystem::path& folder);
  int64_t picture_size() const;  // S, pixels
  const std::vector<Item>& items() const;
  int64_t view_count() const;
  Views views(const std::vector<int64_t>& indices) const;  // global indices, Item::first_view and following

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// Writes a corpus item by item; `finish` writes corpus.json last, so that a broken run is not taken for a whole one.
class CorpusWriter {
 public:
  CorpusWriter(const std::filesystem::path& folder, int64_t picture_size);
  ~CorpusWriter();
  /// rgb [n,3,S,S], alpha [n,1,S,S] uint8; azimuth, elevation [n] float, degrees. `item.first_view` and `view_count`
  /// are set here.
  void add(Item item, const torch::Tensor& rgb, const torch::Tensor& alpha, const torch::Tensor& azimuth,
           const torch::Tensor& elevation);
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lucid::corpus
