// SPDX-License-Identifier: Apache-2.0
// lucid verify and lucid reproduce.
#include <fmt/format.h>

#include "commands.h"
#include "lucid/app/generate.h"
#include "lucid/app/provenance/provenance.h"
#include "lucid/app/threads.h"
#include "lucid/base/error.h"
#include "version.h"

namespace lucid::cli {
namespace {
namespace fs = std::filesystem;

constexpr int kDiffers = 1;  // exit code

/// A folder without a slash at its end, so that it has a name.
fs::path folder_of(const std::string& typed) {
  const fs::path path = fs::path(typed).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

/// Prints every file that is not as it was; returns how many.
int64_t print_changes(const std::vector<app::FileState>& states) {
  int64_t changed = 0;
  for (const app::FileState& state : states) {
    if (state.is == app::FileState::Is::kSame) continue;
    ++changed;
    fmt::print("{:<8}{} {}\n", state.is == app::FileState::Is::kMissing ? "missing" : "changed",
               state.is_input ? "input " : "output", state.file);
  }
  return changed;
}

}  // namespace

int run_verify(const VerifyRequest& request) {
  const fs::path root = folder_of(request.run);
  const nlohmann::json manifest = app::read_manifest(root);
  const std::vector<app::FileState> states = app::check_files(root, manifest);
  const int64_t changed = print_changes(states);
  fmt::print("{} of {} files are as they were\n", static_cast<int64_t>(states.size()) - changed, states.size());
  return changed == 0 ? 0 : kDiffers;
}

int run_reproduce(const ReproduceRequest& request, const std::atomic<bool>& stop) {
  const fs::path root = folder_of(request.run);
  const fs::path again = request.out.empty() ? fs::path(root.string() + ".again") : folder_of(request.out);
  const nlohmann::json manifest = app::read_manifest(root);
  if (fs::exists(again)) {
    throw UserError({.what_happened = "exists already",
                     .file = again.string(),
                     .hint = "--out DIR names another folder for the new run"});
  }
  for (const app::FileState& state : app::check_files(root, manifest)) {
    if (!state.is_input || state.is == app::FileState::Is::kSame) continue;
    throw UserError({.what_happened = state.is == app::FileState::Is::kMissing ? "is missing" : "has changed since",
                     .file = state.file,
                     .hint = "the run was made from it; `lucid verify` lists all such files"});
  }

  app::BoundOptions bound;
  app::RunOptions& options = bound.options;
  bound.table.set_from_yaml(root / "effective_config.yaml", "config");
  options.output = again.has_parent_path() ? again.parent_path().string() : ".";
  options.workspace = again.filename().string();
  options.resume = options.finish = options.overwrite = options.watch = false;
  options.live.clear();
  options.progress = request.progress;
  // Sums of several threads are rounded otherwise than those of one.
  const auto build = manifest.value("build", nlohmann::json::object());
  options.threads = request.threads > 0 ? request.threads : build.value("threads", int64_t{0});
  if (!request.device.empty()) bound.table.set("device", request.device, "flag");
  app::set_threads(options.threads);
  const int code = app::generate(options, bound.table, stop, commit());
  if (code != 0) return code;

  const app::Comparison result = app::compare_runs(root, manifest, again);
  for (const std::string& line : result.differences) fmt::print("{}\n", line);
  fmt::print("{} of {} files are equal, bit by bit\n", result.equal, result.equal + result.different);
  return result.different == 0 ? 0 : kDiffers;
}

}  // namespace lucid::cli
