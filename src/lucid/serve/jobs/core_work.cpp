// SPDX-License-Identifier: Apache-2.0
// The process of a run: started, read, asked to end, and what follows from how it ended.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>

#include "lucid/base/error.h"
#include "lucid/json/utf8.h"
#include "lucid/serve/jobs/core.h"
#include "lucid/serve/jobs/process/ending_text.h"
#include "lucid/serve/jobs/process/log.h"
#include "lucid/serve/jobs/series.h"

namespace lucid::serve {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMostToldSteps = 2'000'000'000;

std::optional<double> number_at(const nlohmann::json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end() || !found->is_number() || !std::isfinite(found->get<double>())) return std::nullopt;
  return found->get<double>();
}

std::optional<int64_t> count_at(const nlohmann::json& line, const char* key) {
  const auto number = number_at(line, key);
  if (!number || *number < 0 || *number > static_cast<double>(kMostToldSteps)) return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::string text_at(const nlohmann::json& line, const char* key) {
  constexpr size_t kLongest = 200;
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? valid_utf8(found->get<std::string>().substr(0, kLongest)) : "";
}

std::vector<std::string> run_arguments(const StudioOptions& options, const Job& job, bool finish) {
  const Run& run = job.run;
  const fs::path folder = options.output / run.id;
  std::vector<std::string> arguments = {options.program,
                                        run.edit_of ? "edit" : "generate",
                                        "--output=" + options.output.string(),
                                        "--workspace=" + run.id,
                                        "--progress=json",
                                        "--live=" + (folder / kLiveFrame).string()};
  if (job.started) arguments.emplace_back("--resume");
  if (finish) arguments.emplace_back("--finish");
  if (run.more_steps > 0) arguments.push_back(fmt::format("--more-steps={}", run.more_steps));
  for (std::string& argument : option_arguments(run.options)) arguments.push_back(std::move(argument));
  if (run.edit_of) {
    if (!run.options.contains("from_text")) arguments.push_back("--from=" + run.edit_of->prompt);
    arguments.push_back("--to=" + run.prompt);
  }
  arguments.emplace_back("--");
  arguments.push_back(run.edit_of ? (folder / kEditSource).string() : run.prompt);
  return arguments;
}

}  // namespace

void Studio::Core::launch(Entry& entry, Purpose purpose) {
  const std::string id = entry.run().id;
  if (disk_is_full()) {
    return fail(entry, fmt::format("less than {} MB are free in {}; delete runs or free space there, then resume",
                                   options.bytes_kept_free / 1'000'000, options.output.string()));
  }
  mark_watched(entry);
  entry.purpose = purpose;
  entry.log_begin = bytes_of(log_of(id));
  entry.seconds_before = entry.run().seconds;
  entry.began = Clock::now();
  entry.child_number = ++last_child;
  std::vector<std::string> arguments = run_arguments(options, entry.job, purpose == Purpose::kFinish);
  entry.job.started = true;
  // Saved before the process works: a server that is killed in between must not leave one that nobody knows of.
  set_state(entry, purpose == Purpose::kFinish ? State::kStopping : State::kStarting);
  try {
    entry.child =
        std::make_unique<Child>(ChildPlan{.arguments = std::move(arguments), .log = log_of(id)},
                                ChildCallbacks{.post = loop.post,
                                               .line =
                                                   [this, id](const nlohmann::json& json) {
                                                     if (entries.contains(id)) line(*entries.at(id), json);
                                                   },
                                               .end = [this, id](const Ending& ending) { ended(id, ending); }});
  } catch (const std::exception& error) {  // no thread
    fail(entry, error.what());
  }
}

void Studio::Core::interrupt(Entry& entry) {
  if (!entry.child) return;
  entry.child->interrupt();
  loop.after(options.patience, [weak = weak_from_this(), id = entry.run().id, number = entry.child_number] {
    const auto self = weak.lock();
    if (!self || !self->entries.contains(id)) return;
    const Entry& later = *self->entries.at(id);
    if (later.child && later.child_number == number) later.child->kill();
  });
}

void Studio::Core::finish_or_stop(Entry& entry) {
  const fs::path path = folder(entry.run().id);
  const auto checkpoint = newest_checkpoint(path);
  if (!checkpoint || *checkpoint == 0 || has_results_of(path, checkpoint)) return set_state(entry, State::kStopped);
  launch(entry, Purpose::kFinish);
}

void Studio::Core::line(Entry& entry, const nlohmann::json& line) {
  const std::string event = text_at(line, "event");
  if (event == "step") {
    step(entry, line);
  } else if (event == "stage") {
    entry.run().stage = text_at(line, "stage");
    tell_soon(entry);
  }
}

void Studio::Core::step(Entry& entry, const nlohmann::json& line) {
  Run& run = entry.run();
  const auto done = count_at(line, "step");
  if (!done) return;
  run.step = *done;
  if (const auto total = count_at(line, "total"); total && *total > 0) run.steps = *total;
  run.steps_per_second = number_at(line, "rate");
  run.seconds_left = number_at(line, "seconds_left");
  run.score = number_at(line, "score");
  if (const auto count = count_at(line, "gaussians")) run.gaussians = count;
  run.seconds = entry.seconds_before + std::chrono::duration<double>(Clock::now() - entry.began).count();
  run.stage.clear();
  if (run.score) add_point(run.series, run.step, *run.score, run.gaussians.value_or(0));
  if (run.state != State::kStarting) return tell_soon(entry);
  run.warnings = messages(log_of(run.id), entry.log_begin);  // what it says before its first step is a warning
  set_state(entry, State::kRunning);
}

void Studio::Core::ended(const std::string& id, const Ending& ending) {
  if (const auto gone = removed.find(id); gone != removed.end()) {
    gone->second->child.reset();
    remove_folder_when_idle(id);
    return schedule();
  }
  Entry& entry = *entries.at(id);
  const bool was_killed = entry.child->was_killed();
  entry.child.reset();
  conclude(entry, ending, was_killed);
  schedule();
}

void Studio::Core::conclude(Entry& entry, const Ending& ending, bool was_killed) {
  Run& run = entry.run();
  const auto checkpoint = newest_checkpoint(folder(run.id));
  run.seconds = entry.seconds_before + std::chrono::duration<double>(Clock::now() - entry.began).count();
  if (is_success(ending)) {
    const bool all = entry.purpose == Purpose::kSteps;
    run.step = all ? run.steps : checkpoint.value_or(run.step);
    if (const auto manifest = read_manifest(folder(run.id)); manifest && manifest->gaussians)
      run.gaussians = manifest->gaussians;
    return set_state(entry, all ? State::kFinished : State::kStopped);
  }
  run.step = checkpoint.value_or(0);
  cut_after(run.series, run.step);
  if (!is_interrupted(ending) && !was_killed) return fail(entry, ending_text(ending, log_of(run.id), entry.log_begin));
  const char* killed = "the process did not end when it was asked to, and was killed";
  if (was_killed && (run.warnings.empty() || run.warnings.back() != killed)) run.warnings.emplace_back(killed);
  if (run.state == State::kStopping && entry.purpose == Purpose::kSteps && !closing) return finish_or_stop(entry);
  set_state(entry, State::kPaused);
}

void Studio::Core::shut_down() {
  closing = quiet = true;
  const Clock::time_point deadline = Clock::now() + options.patience_at_the_end;
  for (const auto& [id, entry] : entries) {
    if (entry->child) entry->child->interrupt();
  }
  exporter.reset();
  renderer.reset();
  for (const auto& [id, entry] : removed) {
    entry->child.reset();
    delete_folder(id);
  }
  removed.clear();
  for (const auto& [id, entry] : entries) {
    if (!entry->child) continue;
    auto ending = entry->child->wait_until(deadline);
    const bool late = !ending;
    if (late) {
      entry->child->kill();
      ending = entry->child->wait_until(Clock::now() + options.patience);
    }
    entry->child.reset();
    conclude(*entry, ending.value_or(Ending{.signal = SIGKILL}), late);
  }
}

}  // namespace lucid::serve
