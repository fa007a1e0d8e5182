// SPDX-License-Identifier: Apache-2.0
// lucid batch: many prompts in one folder. No libtorch: each row is a process `lucid generate`.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "command_line.h"
#include "launcher_commands.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/batch/report.h"
#include "lucid/batch/slurm.h"
#include "lucid/batch/work.h"

namespace lucid::cli {
namespace {
namespace fs = std::filesystem;
using batch::Batch;
using batch::Claims;
using batch::Folder;

constexpr int kSomeFailed = 1;

/// Prints mistakes, one a line. False: there are none.
bool complain_of(const std::vector<UserMistake>& mistakes) {
  constexpr size_t kMost = 20;
  for (size_t i = 0; i < std::min(mistakes.size(), kMost); ++i) complain(kUserMistake, one_line(mistakes[i]));
  if (mistakes.size() > kMost) complain(kUserMistake, fmt::format("and {} more mistakes", mistakes.size() - kMost));
  return !mistakes.empty();
}

/// Writes the report, and says what came out.
int conclude(const std::vector<batch::RowView>& rows, const fs::path& root, bool all_must_be_there) {
  batch::write_report(rows, root);
  const batch::Counts counts = batch::count(rows);
  for (const batch::RowView& row : rows) {
    if (row.state == batch::State::kFailed)
      spdlog::warn("{} failed after {:.0f} s: {}", row.row.name, row.seconds, row.error);
  }
  double seconds = 0;
  for (const batch::RowView& row : rows) seconds += row.seconds;
  spdlog::info("{}; {:.0f} s of computing; look at {}", batch::words_of(counts), seconds,
               (root / "report.html").string());
  const bool some_lack = counts.finished < static_cast<int>(rows.size());
  return counts.failed > 0 || (all_must_be_there && some_lack) ? kSomeFailed : 0;
}

int report(const BatchRequest& request) {
  std::vector<std::string> roots = request.files;
  if (roots.empty()) roots = {request.out};
  std::vector<batch::RowView> rows;
  for (const std::string& root : roots) {
    const Folder folder{root};
    const auto batch = batch::load_batch(folder);
    if (!batch) throw UserError(UserMistake{.what_happened = "is no folder of a batch", .file = root});
    for (batch::RowView& row : batch::view_rows(folder, *batch, Claims(folder.claims())))
      rows.push_back(std::move(row));
  }
  return conclude(rows, request.out, true);
}

/// The rows of the file, or those that the folder has. None: mistakes were printed.
std::optional<Batch> read_batch(const BatchRequest& request, const Folder& folder, const Claims& claims) {
  if (request.files.empty()) {
    std::optional<Batch> batch = batch::load_batch(folder);
    if (!batch)
      throw UserError(
          {.what_happened = "is no folder of a batch", .file = folder.root.string(), .hint = "give a file of prompts"});
    return batch;
  }
  const std::string& file = request.files.front();
  std::vector<UserMistake> mistakes;
  const std::string config = request.config_file.empty() ? "" : fs::absolute(request.config_file).string();
  Batch batch =
      batch::plan_batch(file, batch::read_rows(file), {.config_file = config, .options = request.given}, mistakes);
  if (complain_of(mistakes)) return std::nullopt;
  if (!request.overwrite && complain_of(batch::changes(folder, batch, claims))) return std::nullopt;
  batch::save_batch(folder, batch);
  return batch;
}

/// One process a core with the embedded prior (docs/research/batch.md), as far as there is memory for it. Another prior
/// may need all memory, or is on a GPU.
int jobs_for(const Batch& batch) {
  constexpr int64_t kBytesOfOne = 1'000'000'000;
  const bool all_small = std::ranges::all_of(batch.rows, [&](const batch::Row& row) {
    const auto device = row.options.find("device");
    return !row.options.contains("model_key") && batch.config_file.empty() &&
           (device == row.options.end() || device->second == "cpu");
  });
  if (!all_small) return 1;
  const int64_t memory = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return static_cast<int>(std::clamp<int64_t>(memory / kBytesOfOne, 1, core_count()));
}

int prepare_slurm(const BatchRequest& request, const Folder& folder, const Batch& batch, const Claims& claims) {
  constexpr int kMostTasks = 100;
  const int rows = static_cast<int>(batch.rows.size());
  if (request.retry) batch::reopen_failed(batch, claims);
  const fs::path script = fs::absolute(folder.root / "batch.sbatch");
  write_file(script,
             batch::sbatch_script(folder, {.program = fs::read_symlink("/proc/self/exe"),
                                           .tasks = request.tasks > 0 ? request.tasks : std::min(rows, kMostTasks),
                                           .jobs = std::max(request.jobs, 1),
                                           .options = request.slurm_options}));
  if (!request.submit) {
    spdlog::info("{} rows; submit them by: sbatch {}", rows, script.string());
    return 0;
  }
  execlp("sbatch", "sbatch", script.c_str(), static_cast<char*>(nullptr));
  throw UserError(UserMistake{.what_happened = fmt::format("sbatch cannot be started: {}", std::strerror(errno)),
                              .key = "--submit",
                              .hint = "submit " + script.string() + " on a machine that has Slurm"});
}

}  // namespace

int run_batch(const BatchRequest& request, const std::atomic<bool>& stop) {
  if (request.report) return report(request);
  const Folder folder{request.out};
  make_folder(folder.claims());
  const Claims claims(folder.claims());
  const std::optional<Batch> batch = read_batch(request, folder, claims);
  if (!batch) return kUserMistake;
  if (request.slurm) return prepare_slurm(request, folder, *batch, claims);

  const int rows = static_cast<int>(batch->rows.size());
  const int jobs = std::min(request.jobs > 0 ? request.jobs : jobs_for(*batch), rows);
  const int threads = request.threads > 0 ? static_cast<int>(request.threads) : std::max(1, core_count() / jobs);
  const Progress::Style style = Progress::style_from_name(request.progress);
  spdlog::info("{} rows in {}; {} at a time, threads of each: {}", rows, folder.root.string(), jobs, threads);
  batch::work(folder, *batch, claims,
              {.program = fs::read_symlink("/proc/self/exe"),
               .jobs = jobs,
               .threads = threads,
               .retry_failed = request.retry,
               .wait = request.wait,
               .progress = style,
               .say =
                   [style](const std::string& line) {
                     if (style == Progress::Style::kBar) fmt::print(stderr, "\r\x1b[K");  // the bar comes again
                     spdlog::info("{}", line);
                   }},
              stop);
  const int code = conclude(batch::view_rows(folder, *batch, claims), folder.root, request.wait);
  if (!stop) return code;
  spdlog::info("interrupted; the same command goes on");
  return kInterrupted;
}

}  // namespace lucid::cli
