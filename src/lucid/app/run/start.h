// SPDX-License-Identifier: Apache-2.0
// Where a run's first Gaussians come from: an asset to edit, a body, a file, Point-E, the learned model, or a shape.
#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "lucid/app/avatar_figure.h"
#include "lucid/app/edited_asset.h"
#include "lucid/app/learned_start.h"
#include "lucid/app/provenance/provenance.h"
#include "lucid/app/run_options/run_options.h"

namespace lucid::app {

/// At most one of the first three is there; without them options.train.start.kind decides.
struct RunStart {
  std::optional<EditedAsset> edited;
  std::optional<AvatarFigure> figure;
  std::optional<gaussians::StartOptions> file;
  std::optional<LearnedStart> learned = {};  // once draw_learned_start() was called, if the run starts from it
};

/// Opens what the finished options name, and sets those that follow from an edited asset. Throws UserError.
RunStart open_start(RunOptions& options);

/// Gaussians at the first step, to plan memory with. A file to start from is read for this if `reads_file`; else
/// init_num_pts stands for its number.
int64_t first_count(const RunStart& start, const RunOptions& options, bool reads_file);

/// What the start is, for the manifest and the run's key; null for a shape or a model.
nlohmann::json identity_of(const RunStart& start);

/// SHA-256 of the weights that make the start, by name. Throws UserError for a file that cannot be read.
nlohmann::json start_weights(const RunOptions& options, FileDigests& digests);

/// Draws the learned start, if the run begins with it; its colours are put on the device. Throws UserError.
void draw_learned_start(RunStart& start, const RunOptions& options, torch::Device device);

/// Makes the first Gaussians; null where the trainer makes a shape. start, options and stop must outlive it. It throws
/// UserError and pointe::Stopped.
std::function<gaussians::Cloud()> start_maker(const RunStart& start, const RunOptions& options, torch::Device device,
                                              const std::atomic<bool>& stop);

}  // namespace lucid::app
