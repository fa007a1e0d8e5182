// SPDX-License-Identifier: Apache-2.0
// What a run was made of: the hashes of its weights, the key that a checkpoint is held to, and the manifest.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lucid/app/multi_view_phase.h"
#include "lucid/app/options.h"
#include "lucid/app/provenance/provenance.h"
#include "lucid/train/trainer.h"

namespace lucid::app {

/// SHA-256 of the prior's weight files and of its view words, by name.
nlohmann::json weight_hashes(const text_to_image::Prior& prior, FileDigests& digests);

/// A run, for its record. `first`: the steps of another prior before; null if there are none.
struct RunInputs {
  const RunOptions& options;
  const config::OptionTable& table;
  const text_to_image::Prior& prior;
  const MultiViewPhase* first = nullptr;
  nlohmann::json weights = {};  // name: SHA-256
  nlohmann::json start = {};    // identity_of(RunStart)
};

/// Runs of one key compute the same: a checkpoint is continued only by a run of its key.
std::string run_key(const RunInputs& inputs);

/// How a run went, beside what train() returns.
struct RunFacts {
  double seconds = 0;
  int64_t first_count = 0;  // Gaussians at the start
  std::string commit = {};  // of the program
};
/// manifest.json of a finished run, but for what an edit adds and the digests of the outputs.
nlohmann::json manifest_of(const RunInputs& inputs, const train::TrainResult& result, const RunFacts& facts,
                           FileDigests& digests);

}  // namespace lucid::app
