// SPDX-License-Identifier: Apache-2.0
// Reads the runs of an output folder.
#include <algorithm>

#include "lucid/base/error.h"
#include "lucid/json/utf8.h"
#include "lucid/serve/jobs/core.h"
#include "lucid/serve/jobs/files/queue_file.h"
#include "lucid/serve/jobs/process/log.h"
#include "lucid/serve/jobs/series.h"

namespace lucid::serve {
namespace fs = std::filesystem;
namespace {

bool works(State state) {
  return state == State::kStarting || state == State::kRunning || state == State::kPausing || state == State::kStopping;
}

/// A run of the command line: what its manifest says. Its options are not taken as given.
Run run_of_manifest(const std::string& id, const Manifest& manifest) {
  return {.id = id,
          .state = State::kFinished,
          .prompt = manifest.prompt,
          .preset = "",
          .device = manifest.device,
          .created = manifest.written,
          .seed = manifest.seed,
          .step = manifest.iterations,
          .steps = manifest.iterations,
          .gaussians = manifest.gaussians,
          .seconds = manifest.seconds};
}

}  // namespace

void Studio::Core::load() {
  quiet = !options.only_new_runs;
  if (options.only_new_runs) return;
  delete_trash();
  std::vector<std::string> ids;
  for_each_name(options.output, [&](const std::string& name) {
    std::error_code none;
    if (is_id(name) && fs::is_directory(folder(name), none)) ids.push_back(name);
  });
  for (const std::string& id : ids) load_run(id);
  load_queue();
  quiet = false;
}

void Studio::Core::load_run(const std::string& id) {
  std::error_code none;
  auto entry = std::make_unique<Entry>();
  Run& run = entry->run();
  if (fs::exists(fs::symlink_status(folder(id) / kJobFile, none))) {
    try {
      entry->job = read_job(folder(id));
    } catch (const std::exception& error) {
      entry->is_ours = false;
      run = {.id = id, .state = State::kFailed, .prompt = id, .device = "cpu", .created = utc_text(0)};
      run.error = valid_utf8(error.what());
    }
  } else if (const auto manifest = read_manifest(folder(id))) {
    entry->is_ours = false;
    run = run_of_manifest(id, *manifest);
  } else {
    return;
  }
  fs::remove(folder(id) / (std::string(kLiveFrame) + ".watched"), none);  // nobody watches yet
  scan(*entry);
  run.revision = ++revision;
  Entry& kept = *(entries[id] = std::move(entry));
  if (!kept.is_ours || !works(run.state)) return;
  if (log_is_in_use(log_of(id))) {
    kept.waits_for_stranger = true;
    run.state = State::kPausing;
    wait_for_stranger(id);
  } else {
    settle(kept);
  }
}

/// Looks twice a second whether the process has ended. It was sent SIGINT when its server ended.
void Studio::Core::wait_for_stranger(const std::string& id) {
  loop.after(std::chrono::milliseconds(500), [weak = weak_from_this(), id] {
    const auto self = weak.lock();
    if (!self || !self->entries.contains(id)) return;
    Entry& entry = *self->entries.at(id);
    if (!entry.waits_for_stranger) return;
    if (log_is_in_use(self->log_of(id))) return self->wait_for_stranger(id);
    entry.waits_for_stranger = false;
    self->settle(entry);
    self->schedule();
  });
}

void Studio::Core::settle(Entry& entry) {
  Run& run = entry.run();
  const auto checkpoint = newest_checkpoint(folder(run.id));
  const auto manifest = read_manifest(folder(run.id));
  if (manifest && manifest->iterations >= run.steps) {
    run.step = run.steps;
    set_state(entry, State::kFinished);
  } else if (checkpoint) {
    run.step = *checkpoint;
    cut_after(run.series, run.step);
    set_state(entry, run.state == State::kStopping && has_results_of(folder(run.id), checkpoint) ? State::kStopped
                                                                                                 : State::kPaused);
  } else {
    run.step = 0;
    fail(entry, "the server ended before the run had a checkpoint; resume starts it again");
  }
}

void Studio::Core::load_queue() {
  std::vector<std::string> waiting;
  for (const auto& [id, entry] : entries) {
    if (entry->run().state == State::kQueued) waiting.push_back(id);
  }
  std::ranges::stable_sort(waiting, {}, [&](const std::string& id) { return entries.at(id)->run().created; });
  const std::vector<std::string> order = read_queue(options.output);
  std::ranges::stable_sort(waiting, {},
                           [&](const std::string& id) { return std::ranges::find(order, id) - order.begin(); });
  queue = waiting;
  number_places();
}

}  // namespace lucid::serve
