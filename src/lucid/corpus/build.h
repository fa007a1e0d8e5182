// SPDX-License-Identifier: Apache-2.0
// From furniture libraries and the table of kept models to a corpus on disk.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "lucid/base/progress.h"

namespace lucid::corpus {

struct BuildOptions {
  std::filesystem::path library = "/usr/share/sweethome3d/furniture";  // folder of .sh3f files
  std::filesystem::path table;                                         // see table.h
  std::filesystem::path out;                                           // the corpus; empty = none is written
  std::filesystem::path sheet;                 // PNG of every model at azimuth 0, 90, 180; empty = none
  std::string only;                            // this word's models and no others
  int size = 128;                              // pixels
  int64_t views = 64;                          // of each model in its own colours
  int64_t recoloured_views = 12, colours = 4;  // of each of so many other colours
  uint64_t seed = 0;
  Progress::Style progress = Progress::Style::kOff;
};

struct BuildReport {
  int64_t words = 0, models = 0, items = 0, views = 0, held_out_items = 0, held_out_combinations = 0;
  double seconds = 0, render_seconds = 0;
};

/// Writes corpus.json and its shards, vocabulary.json and NOTICE.md. Equal bytes for equal options, whatever the number
/// of threads. Throws UserError; stops between models, with no corpus.json written, when `stop` is set.
BuildReport build_corpus(const BuildOptions& options, const std::atomic<bool>& stop);

}  // namespace lucid::corpus
