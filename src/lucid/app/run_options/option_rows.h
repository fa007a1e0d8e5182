// SPDX-License-Identifier: Apache-2.0
// What the files of option rows share: ranges, and one function for each YAML group. make_table() calls them in order.
#pragma once

#include "lucid/app/run_options/run_options.h"

namespace lucid::app {

inline constexpr double kMostSteps = 1e9;

inline constexpr config::NumberRange kCount{0, kMostSteps}, kPositive{1, kMostSteps}, kShare{0, 1}, kWeight{0, 1e9};
inline constexpr config::NumberRange kGuidance{-1000, 1000}, kDistance{1e-3, 1000}, kPolar{0, 180}, kAzimuth{-360, 360};
inline constexpr config::NumberRange kRadians{0.01, 3}, kPixels{8, 4096}, kFactor{0.01, 100};
inline constexpr config::NumberRange kRate{0, 100}, kFinalRate{1e-12, 100};  // a rate that others decay to is not 0

inline config::PairField pair(Range& range) { return {&range.low, &range.high}; }

/// Adds rows to one YAML group.
inline auto adder(config::OptionTable& table, const char* yaml_group) {
  return [&table, yaml_group](config::Option option) {
    option.yaml_group = yaml_group;
    table.add(std::move(option));
  };
}

// option_rows.cpp
void add_run(config::OptionTable& table, RunOptions& o);
void add_prior(config::OptionTable& table, RunOptions& o);
void add_guidance(config::OptionTable& table, RunOptions& o);
void add_model(config::OptionTable& table, RunOptions& o);
// training_rows.cpp
void add_cameras(config::OptionTable& table, RunOptions& o);
void add_training(config::OptionTable& table, RunOptions& o);
void add_densification(config::OptionTable& table, RunOptions& o);
void add_widening(config::OptionTable& table, RunOptions& o);
// refine_rows.cpp
void add_smoothing(config::OptionTable& table, RunOptions& o);
void add_refining(config::OptionTable& table, RunOptions& o);
// edit_rows.cpp
void add_editing(config::OptionTable& table, RunOptions& o);
// avatar_rows.cpp
void add_avatar(config::OptionTable& table, RunOptions& o);
void check_avatar(const RunOptions& options);
// keeping_rows.cpp
void add_keeping(config::OptionTable& table, RunOptions& o);
// foreign_rows.cpp
void add_foreign(config::OptionTable& table);

}  // namespace lucid::app
