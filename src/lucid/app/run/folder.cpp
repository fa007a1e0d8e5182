// SPDX-License-Identifier: Apache-2.0
// Checks, clears and marks the folder of a run.
#include "lucid/app/run/folder.h"

#include <spdlog/spdlog.h>

#include <filesystem>

#include "lucid/app/options.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/train/checkpoint.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

constexpr const char* kManifestFile = "manifest.json";
constexpr const char* kFailureFile = "failure.json";

}  // namespace

fs::path run_folder(const RunOptions& options) { return fs::path(options.output) / options.workspace; }

void check_folder(const RunOptions& options) {
  if (options.resume || options.overwrite) return;
  const fs::path root = run_folder(options);
  std::error_code none;
  const bool finished = fs::exists(root / kManifestFile, none);
  if (!finished && train::checkpoints_in(train::Workspace{root}.checkpoints()).empty()) return;
  throw UserError({.what_happened = finished ? "holds a finished run" : "holds a run that has not ended",
                   .file = root.string(),
                   .hint = "--resume to go on, --overwrite to replace it, --workspace NAME for another folder"});
}

void prepare_folder(const RunOptions& options) {
  const fs::path root = run_folder(options);
  make_folder(root);
  if (!options.overwrite || options.resume) return;
  const train::Workspace workspace{root};
  std::error_code none;  // the manifest first: what is half removed is no finished run
  for (const fs::path& old : {root / kManifestFile, root / kFailureFile, workspace.checkpoints(),
                              workspace.process_frames(), workspace.sheets()}) {
    fs::remove_all(old, none);
  }
}

void report_failure(const RunOptions& options, const train::TrainResult& result) {
  nlohmann::json setbacks = nlohmann::json::array();
  for (const train::BadNumbers& bad : result.setbacks) {
    setbacks.push_back({{"step", bad.step},
                        {"tensor", bad.tensor},
                        {"timestep", bad.t},
                        {"view", bad.view},
                        {"nan", bad.nan},
                        {"inf", bad.infinite},
                        {"too_large", bad.large},
                        {"numbers", bad.all}});
  }
  const train::BadNumbers& last = result.setbacks.back();
  const bool is_half = compute_options(options).dtype != torch::kFloat;
  std::string reason;
  if (last.of_prior && is_half) {
    reason = "the prior's networks overflow in bf16, as some finetunes do: --precision fp32";
  } else if (last.of_prior) {
    reason = "the prior's networks overflow in fp32: its weights are damaged or too large; `lucid prior check` looks";
  } else {
    reason = "lower learning rates or --guidance-scale may hold it";
  }
  const fs::path file = run_folder(options) / kFailureFile;
  write_file(
      file, nlohmann::json{{"reason", reason}, {"saved_step", result.model.iteration}, {"setbacks", setbacks}}.dump(2) +
                "\n");
  spdlog::error("{}; that was once too often ({})", last.text(), reason);
  spdlog::error("the last good state, step {}, is saved: --resume --finish writes its results; {} tells more",
                result.model.iteration, file.string());
}

void forget_failure(const RunOptions& options) {
  std::error_code none;
  fs::remove(run_folder(options) / kFailureFile, none);
}

}  // namespace lucid::app
