// SPDX-License-Identifier: Apache-2.0
// Many assets and their numbers: what `lucid eval` does.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lucid::app {

struct EvalOptions {
  std::filesystem::path out = "output/eval";
  std::filesystem::path prior, judge;  // empty = models/mini, models/judge
  std::filesystem::path corpus;        // real pictures for distance_to_nearest; empty = not measured
  std::filesystem::path clip;          // a folder of transformers' CLIPModel, as a second judge; may be empty
  std::filesystem::path prompts;       // a file, one a line; empty = the standard set
  std::filesystem::path config;        // YAML of options on top of the preset; may be empty
  std::string preset = "draft";
  std::vector<std::string> scores = {"ism"};
  int64_t count = 24, seeds = 1, threads = 0;
  /// Steps of SDS for one of ISM, so that both cost the same time. Those of other scores follow from the table of
  /// scores.
  double sds_steps = 1.9;
  std::vector<std::filesystem::path> assets;  // what to measure in place of making assets (eval/found_assets.h)
  std::filesystem::path blind;                // write sheets without names here in place of measuring; may be empty
  std::filesystem::path form;                 // only compare this form with the key of `blind`; may be empty
  bool json = false;                          // the summaries on stdout, one JSON object a line
  bool list = false;                          // print the prompts, do nothing else
};

/// Makes every asset that is not there yet and measures it, or measures `assets`, one group for each path; writes
/// report.json and report.html into `out`. Can be stopped and started again at any time. Throws UserError. Returns 0,
/// or 130 when `stop` ended it.
int evaluate(const EvalOptions& options, const std::atomic<bool>& stop);

}  // namespace lucid::app
