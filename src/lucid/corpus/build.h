// SPDX-License-Identifier: Apache-2.0
// `lucid prior corpus`: renders the models of a table, taken from furniture libraries, into a training corpus on disk.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "lucid/base/progress.h"

namespace lucid::corpus {

struct BuildOptions {
  std::filesystem::path library = "/usr/share/sweethome3d/furniture";  // folder of .sh3f files
  std::filesystem::path table;                                         // which models, see table.h
  std::filesystem::path out;                                           // folder of the corpus; empty = not written
  std::filesystem::path sheet;                 // PNG of every model at azimuth 0, 90, 180; empty = not written
  std::string only;                            // if set, only the models of this word
  int size = 128;                              // pixels per side
  int64_t views = 64;                          // per model in its own colours
  int64_t recoloured_views = 12, colours = 4;  // views per other colour, and number of other colours per model
  int64_t groups = 0;  // of kGroupViews views, besides `views`; in other colours in proportion to their views
  uint64_t seed = 0;
  Progress::Style progress = Progress::Style::kOff;
};

struct BuildReport {
  int64_t words = 0, models = 0, items = 0, views = 0, groups = 0, held_out_items = 0, held_out_combinations = 0;
  double seconds = 0, render_seconds = 0;
};

/// Writes corpus.json and its shards, vocabulary.json and NOTICE.md. The bytes depend on the options only, not on the
/// number of threads. If `stop` is set it ends between two models without writing corpus.json. Throws UserError.
BuildReport build_corpus(const BuildOptions& options, const std::atomic<bool>& stop);

}  // namespace lucid::corpus
