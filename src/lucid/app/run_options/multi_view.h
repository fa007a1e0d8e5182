// SPDX-License-Identifier: Apache-2.0
// Runs with a prior that draws several views of one object at once (MVDream): how its files are told, its options, and
// what does not go with it. No libtorch.
#pragma once

#include <filesystem>
#include <memory>

#include "lucid/app/run_options/run_options.h"

namespace lucid::app {

/// Views that such a prior draws at once.
inline constexpr int kJointViews = 4;

/// Whether a folder or a checkpoint holds such a prior, by its U-Net's config or by the names at the file's start.
bool is_multi_view(const std::filesystem::path& prior);

/// Throws UserError if `prior` is such a prior, for commands that have no use for one: "lucid edit".
void refuse_multi_view(const std::filesystem::path& prior, const std::string& command);

/// Whether --refine-prior takes over from the multi-view prior during the run.
inline bool has_two_priors(const RunOptions& options) { return !options.refine_prior.empty(); }
/// The prior that ends the run, whose options the table holds; the embedded one if none is named.
std::filesystem::path main_prior(const RunOptions& options);

/// The options of the multi-view prior's steps in a run with two priors: those of the run, under apply_multi_view()
/// with --multi-view-config.
std::unique_ptr<BoundOptions> multi_view_options(const config::OptionTable& table);

/// Throws UserError where the options and the kinds of priors contradict each other.
void check_multi_view(const RunOptions& options);

/// Throws UserError unless a step's pictures come in groups of kJointViews that agree with their cameras.
void check_joint_steps(const train::TrainOptions& options);

}  // namespace lucid::app
