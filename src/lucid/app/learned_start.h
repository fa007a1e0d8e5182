// SPDX-License-Identifier: Apache-2.0
// The learned start: coloured points of the shape model for a prompt, and the Gaussians that a run starts from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lucid/app/run_options/run_options.h"
#include "lucid/gaussians/cloud.h"
#include "lucid/shape/model.h"
#include "lucid/shape/points.h"

namespace lucid::app {

/// The folder of the shape model.
std::filesystem::path shape_model();

/// Replaces the values auto and learned of init_shape by what the run will start from: kPointE where its folder is
/// given (auto only), kLearnedStart where the shape model knows a word of the prompt, else sphere. Warns if `learned`
/// was asked for and cannot be. Throws UserError for a damaged model.
void resolve_start(RunOptions& options);

struct LearnedPoints {
  shape::Points points;  // in the unit ball
  shape::Subject subject;
  int64_t variant = 0, variants = 1;
};
/// `count` points for the text, a pure function of (text, count, seed, model); none if the model does not know a word
/// of it. Throws UserError for a damaged model.
std::optional<LearnedPoints> learned_points(const std::string& text, int64_t count, uint64_t seed);

/// Gaussians at the points, in their colours, scaled by the radius as the other initial shapes are.
gaussians::Cloud gaussians_at(const shape::Points& points, const RunOptions& options);

/// The start of a run with init_shape learned.
struct LearnedStart {
  gaussians::Cloud cloud;  // init_num_pts Gaussians
  /// The same, opaque, where the prompt names a colour: what the result's colours are held to.
  std::optional<gaussians::Cloud> colours;
  std::string about;  // for the log
};
/// Throws UserError.
LearnedStart learned_start(const RunOptions& options);

}  // namespace lucid::app
