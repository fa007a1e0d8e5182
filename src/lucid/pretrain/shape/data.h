// SPDX-License-Identifier: Apache-2.0
// The examples of the shape model: the corpus's models as targets, their captions as text vectors, random batches.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/corpus/plan.h"
#include "lucid/pretrain/shape/targets.h"
#include "lucid/shape/model.h"

namespace lucid::pretrain {

struct ShapeItem {
  std::string word = {}, own_colour = {};  // own_colour: "" = no dominant colour
  std::vector<std::string> names = {};     // the word and its synonyms
  int64_t variant = 0;                     // its number among the models of the word
  bool learned = true;                     // false: left out, to be measured on
  std::vector<std::string> colours = {},
                           held_out = {};  // other colours that are learned, and those that are only measured
  ShapeTarget target = {};
};

struct ShapeData {
  std::vector<ShapeItem> items;                // table order
  std::vector<std::vector<size_t>> by_word;    // learned items
  std::vector<double> word_shares;             // cumulative probabilities, by the square root of the number of models
  int64_t variants = 1;                        // most models of one word
  std::map<std::string, torch::Tensor> texts;  // by caption: [D]
  std::vector<corpus::CatalogueEntry> credits;

  std::map<std::string, std::vector<int64_t>> names() const;  // of shape::Description, of the learned items
  const torch::Tensor& text(const std::string& name, const std::string& colour) const;
};

struct ShapeSources {
  corpus::BuildOptions models;       // library, table, only, seed, progress
  bool leave_out = false;            // the last model of each word that has several is not learned
  std::filesystem::path cache = {};  // file for the targets; empty = none
};

/// Reads and renders all models, in parallel, unless the cache has them. nullopt if stopped. Throws UserError.
std::optional<ShapeData> shape_data(const ShapeSources& sources, shape::TextReader& reader,
                                    const std::atomic<bool>& stop);

/// One example: an item, how it is called, in which of its colours.
struct ShapeRow {
  size_t item = 0;
  std::string name = {}, said_colour = {}, colour = {};  // said_colour: in the caption; colour: key of ShapeTarget::rgb
};
std::vector<ShapeRow> draw_shapes(const ShapeData& data, Rng rng, int64_t count);

struct ShapeBatch {
  torch::Tensor text, variant;        // [n,D], [n] int64
  torch::Tensor occupancy;            // [n,kCells], 0 or 1
  torch::Tensor rows;                 // [M] int64: row kCells + cell of all occupied cells
  torch::Tensor rgb, offset, spread;  // [M,3]
};
ShapeBatch shape_batch(const ShapeData& data, const std::vector<ShapeRow>& rows);

/// Mean over a batch's occupied cells, [].
torch::Tensor shape_loss(const torch::Tensor& raw, const ShapeBatch& batch);

}  // namespace lucid::pretrain
