// SPDX-License-Identifier: Apache-2.0
// Hashes, key and manifest of a run.
#include "lucid/app/run/record.h"

#include <algorithm>
#include <cmath>

#include "lucid/app/memory/memory_limit.h"
#include "lucid/base/machine.h"
#include "lucid/base/sha256.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

nlohmann::json seconds_json(const train::StepReport::Seconds& s) {
  return {{"render", s.render},
          {"encode", s.encode},
          {"score", s.score},
          {"encode_backward", s.encode_backward},
          {"render_backward", s.render_backward},
          {"update", s.update}};
}

}  // namespace

nlohmann::json weight_hashes(const text_to_image::Prior& prior, FileDigests& digests) {
  nlohmann::json hashes = nlohmann::json::object();
  for (const fs::path& file : prior.weight_files) {
    const fs::path inside = fs::relative(file, prior.folder);  // of the folder; adapters and single files are not
    const bool is_inside = !inside.empty() && inside != "." && *inside.begin() != "..";
    hashes[(is_inside ? inside : file.filename()).string()] = digests.of(file);
  }
  std::error_code none;
  const fs::path views = prior.folder / "views.json";  // its words are as much a part of the prior
  if (fs::exists(views, none)) hashes["views.json"] = digests.of(views);
  return hashes;
}

std::string run_key(const RunInputs& inputs) {
  nlohmann::json options = inputs.table.dump_result_json();
  if (options["device"] != "cpu") options["device"] = "cuda";  // a run may go on on another card
  nlohmann::json key = {{"options", options}, {"weights", inputs.weights}};
  if (!inputs.start.is_null()) key["start"] = inputs.start;
  if (inputs.first != nullptr) key["first"] = inputs.first->bound().table.dump_result_json();
  return sha256_of_bytes(key.dump());
}

nlohmann::json manifest_of(const RunInputs& inputs, const train::TrainResult& result, const RunFacts& facts,
                           FileDigests& digests) {
  const RunOptions& options = inputs.options;
  const int64_t count = result.model.cloud.count();
  nlohmann::json files = inputs_of(options, inputs.prior, digests);
  if (inputs.first != nullptr) files.update(inputs_of(options, inputs.first->prior(), digests));
  nlohmann::json manifest = {{"program", "lucid " LUCID_VERSION},
                             {"prompt", options.text},
                             {"seed", options.seed},
                             {"score", options.train.score.score},
                             {"iterations", result.model.iteration},
                             {"gaussians", count},
                             {"prior", inputs.prior.folder.filename().string()},
                             {"build", build_of(options, facts.commit)},
                             {"weights_sha256", inputs.weights},
                             {"inputs_sha256", files},
                             {"start", inputs.start},
                             {"options", inputs.table.dump_json()},
                             {"seconds", facts.seconds},
                             {"steps_of_last_process", result.steps_here},
                             {"setbacks", result.model.setbacks},
                             {"peak_mb", peak_memory_mb()}};
  if (options.device == "cpu") {
    const double estimate = estimated_bytes(options, inputs.prior, std::max(facts.first_count, count));
    manifest["estimated_mb"] = std::llround(estimate / 1048576);
    // A GPU is not waited for at the end of a stage: bench_step tells its stages apart.
    manifest["stage_seconds"] = seconds_json(result.seconds);
  }
  if (inputs.first != nullptr) {
    manifest["first_prior"] = inputs.first->prior().folder.filename().string();
    manifest["first_steps"] = inputs.first->steps();
    manifest["first_options"] = inputs.first->bound().table.dump_json();
  }
  return manifest;
}

}  // namespace lucid::app
