// SPDX-License-Identifier: Apache-2.0
// The loop: all of it on the caller's thread; threads of Child post to it.
#include "lucid/batch/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/serve/jobs/command.h"
#include "lucid/serve/jobs/process/child.h"
#include "lucid/serve/jobs/process/ending_text.h"
#include "lucid/serve/jobs/process/log.h"

namespace lucid::batch {
namespace {
using Clock = std::chrono::steady_clock;
using serve::Ending;

constexpr int kMostDeaths = 3;  // of a row's process; then the row has failed

/// Tasks from other threads.
class Inbox {
 public:
  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    added_.notify_one();
  }
  /// Runs what is there; waits for a first task until `time`.
  void run_until(Clock::time_point time) {
    std::deque<std::function<void()>> tasks;
    {
      std::unique_lock lock(mutex_);
      added_.wait_until(lock, time, [&] { return !tasks_.empty(); });
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
  }

 private:
  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<std::function<void()>> tasks_;
};

/// A row that a process of ours works on.
struct Job {
  const Row& row;
  Claim claim;
  double seconds_before = 0;
  Clock::time_point began = Clock::now();
  int64_t log_begin = 0;
  bool is_lost = false;  // another has the row
  std::optional<Ending> ending = {};
  Clock::time_point ended = {};
  std::unique_ptr<serve::Child> child = {};

  double seconds() const {
    return seconds_before + std::chrono::duration<double>((ending ? ended : Clock::now()) - began).count();
  }
};

class Worker {
 public:
  Worker(const Folder& folder, const Batch& batch, const Claims& claims, const WorkOptions& options)
      : folder_(folder), claims_(claims), options_(options), config_(batch.config_file) {
    int64_t all = 0, before = 0;
    for (const Row& row : batch.rows) {
      const std::optional<Claim> claim = claims.newest(row.name);
      const bool counts = claim && claim->key == row.key;
      const bool has_finished = counts && claim->state == State::kFinished;
      const bool has_failed = counts && claim->state == State::kFailed;
      const bool is_over = has_finished || (has_failed && !options.retry_failed);
      steps_[row.name] = is_over ? row.steps : counts ? claim->step : 0;
      if (!is_over) {
        open_.push_back(&row);
        if (has_failed) retry_.insert(row.name);
      } else {
        ++(has_finished ? finished_ : failed_);
      }
      all += row.steps;
      before += steps_[row.name];
    }
    if (finished_ > 0) options_.say(fmt::format("{} of {} rows are there already", finished_, batch.rows.size()));
    progress_.emplace(options.progress, "batch", all, before);
  }

  void run(const std::atomic<bool>& stop) try {
    while (!stop && !is_over()) {
      fill();
      turn();
    }
    end_all();
  } catch (...) {
    end_all();
    throw;
  }

 private:
  bool is_over() const {
    if (!jobs_.empty()) return false;
    return open_.empty() ||
           (!options_.wait && std::ranges::all_of(open_, [&](const Row* row) { return alive_.contains(row->name); }));
  }

  /// One round: what has come in, renewals, rows that have ended.
  void turn() {
    constexpr auto kTurn = std::chrono::milliseconds(100);
    inbox_.run_until(Clock::now() + kTurn);
    renew();
    for (size_t i = 0; i < jobs_.size();) {
      if (jobs_[i]->ending && conclude(*jobs_[i])) {
        jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    show();
  }

  void show() {
    int64_t done = 0;
    for (const auto& [name, step] : steps_) done += step;
    if (std::exchange(shown_, {done, finished_}) != std::pair(done, finished_))
      progress_->update(done, "rows", finished_);
  }

  // --- Rows -----------------------------------------------------------------------------------------------------

  void fill() {
    while (static_cast<int>(jobs_.size()) < options_.jobs) {
      if (cursor_ == 0 && Clock::now() < next_look_) return;
      if (cursor_ >= open_.size()) {
        cursor_ = 0;
        next_look_ = Clock::now() + options_.look_every;
        return;
      }
      look(*open_[cursor_]);
    }
  }

  /// Looks at the row at the cursor, and moves on.
  void look(const Row& row) {
    const std::optional<Claim> claim = claims_.newest(row.name);
    const bool counts = claim && claim->key == row.key;
    if (counts && claim->state == State::kFinished) return close(row, finished_);
    if (counts && claim->state == State::kFailed && !retry_.contains(row.name)) return close(row, failed_);
    ++cursor_;
    if (std::ranges::any_of(jobs_, [&](const auto& job) { return &job->row == &row; })) return;
    if (claim && claim->state == State::kWorking && !is_dead(*claim)) return see_alive(row, *claim);
    if (serve::log_is_in_use(folder_.log(row))) return;  // its owner is dead, its process still saves
    Claim mine{.key = row.key};
    if (counts) {
      mine.step = claim->step;
      mine.seconds = claim->seconds;
      mine.deaths = claim->state == State::kFailed ? 0 : claim->deaths;
    }
    if (!claims_.take(mine, row.name, claim ? claim->number : 0)) return;
    retry_.erase(row.name);
    alive_.erase(row.name);
    start(row, std::move(mine));
  }

  /// The row is over.
  void close(const Row& row, int& counter) {
    ++counter;
    steps_[row.name] = row.steps;
    const auto at = std::ranges::find(open_, &row);
    if (at - open_.begin() < static_cast<std::ptrdiff_t>(cursor_)) --cursor_;
    open_.erase(at);
  }

  /// A claim of another machine must also have been seen here without a change for a while: clocks may do anything.
  bool is_dead(const Claim& claim) {
    if (claims_.is_here(claim)) return claims_.is_dead(claim);
    const auto [seen, is_new] = seen_.try_emplace(claim.row, Seen{claim.number, claim.changed});
    const bool is_same = seen->second.number == claim.number && seen->second.changed == claim.changed;
    return is_same && Clock::now() - seen->second.since > 3 * options_.renew_every && claims_.is_dead(claim);
  }

  /// A row that another works on: a process of this machine, or one that has renewed its claim since it was first seen.
  void see_alive(const Row& row, const Claim& claim) {
    steps_[row.name] = claim.step;
    if (claims_.is_here(claim)) {
      alive_.insert(row.name);
      return;
    }
    Seen& seen = seen_.at(row.name);
    if (seen.number == claim.number && seen.changed == claim.changed) return;
    alive_.insert(row.name);
    seen = {claim.number, claim.changed};
  }

  // --- Processes ------------------------------------------------------------------------------------------------

  void start(const Row& row, Claim claim) {
    prepare_run(folder_, row);
    if (has_result(folder_, row)) {  // whoever made it did not live to say so
      claim.state = State::kFinished;
      if (!claims_.renew(claim)) return;
      close(row, finished_);
      return options_.say(row.name + ": had finished");
    }
    std::vector<std::string> arguments = {
        options_.program,          "generate",        "--output=" + folder_.root.string(),
        "--workspace=" + row.name, "--progress=json", "--resume"};
    if (!config_.empty()) arguments.push_back("--config=" + config_);
    GivenOptions given = row.options;
    given.emplace("threads", std::to_string(options_.threads));
    for (std::string& word : serve::option_arguments(given)) arguments.push_back(std::move(word));
    arguments.emplace_back("--");
    arguments.push_back(row.prompt);
    auto job = std::make_unique<Job>(Job{.row = row, .claim = std::move(claim)});
    job->seconds_before = job->claim.seconds;
    job->log_begin = serve::bytes_of(folder_.log(row));
    Job& at = *job;
    jobs_.push_back(std::move(job));
    at.child = std::make_unique<serve::Child>(
        serve::ChildPlan{.arguments = std::move(arguments), .log = folder_.log(row)},
        serve::ChildCallbacks{.post = [this](std::function<void()> task) { inbox_.post(std::move(task)); },
                              .line = [this, &at](const nlohmann::json& line) { step(at, line); },
                              .end =
                                  [&at](const Ending& ending) {
                                    at.ending = ending;
                                    at.ended = Clock::now();
                                  }});
  }

  void step(Job& job, const nlohmann::json& line) {
    const auto event = line.find("event"), done = line.find("step");
    if (event == line.end() || *event != "step" || done == line.end() || !done->is_number_integer()) return;
    job.claim.step = std::clamp<int64_t>(done->get<int64_t>(), 0, job.row.steps);
    steps_[job.row.name] = job.claim.step;
  }

  void renew() {
    if (Clock::now() < next_renewal_) return;
    next_renewal_ = Clock::now() + options_.renew_every;
    for (const auto& job : jobs_) {
      if (job->is_lost) continue;
      job->claim.seconds = job->seconds();
      try {
        job->is_lost = !claims_.renew(job->claim);
      } catch (const UserError& error) {
        options_.say(error.what());
        continue;
      }
      if (!job->is_lost) continue;
      options_.say(job->row.name + ": another process has taken the row over, since this one slept");
      job->child->kill();
    }
  }

  /// Says in the claim how the process ended. False: not yet.
  bool conclude(Job& job) {
    const Ending& ending = *job.ending;
    if (job.is_lost) return true;
    Claim& claim = job.claim;
    claim.seconds = job.seconds();
    const bool was_killed = ending.signal != 0 || serve::is_interrupted(ending);
    if (serve::is_success(ending) && has_result(folder_, job.row)) {
      claim.state = State::kFinished;
      claim.step = job.row.steps;
    } else if (stopping_ && was_killed) {
      claim.state = State::kInterrupted;
    } else if (was_killed) {
      // Who kills it may be about to kill this process as well: then the row has not failed.
      if (Clock::now() - job.ended < options_.grace) return false;
      claim.state = ++claim.deaths < kMostDeaths ? State::kInterrupted : State::kFailed;
      if (claim.state == State::kInterrupted)
        options_.say(job.row.name + ": its process was killed; it is started again");
    } else {
      claim.state = State::kFailed;
    }
    if (claim.state == State::kFailed) {
      claim.error = serve::is_success(ending) ? "the process ended without a result"
                                              : serve::ending_text(ending, folder_.log(job.row), job.log_begin);
    }
    if (!claims_.renew(claim)) return true;
    if (claim.state == State::kFinished) {
      close(job.row, finished_);
      tell(job, fmt::format("finished in {:.0f} s", claim.seconds));
    } else if (claim.state == State::kFailed) {
      close(job.row, failed_);
      tell(job, "failed: " + claim.error);
    }
    return true;
  }

  void tell(const Job& job, const std::string& what) { options_.say(job.row.name + ": " + what); }

  /// Interrupts all processes, and waits until they have saved.
  void end_all() {
    stopping_ = true;
    for (const auto& job : jobs_) {
      if (job->child) job->child->interrupt();
    }
    while (!jobs_.empty()) turn();
    progress_.reset();
  }

  const Folder& folder_;
  const Claims& claims_;
  const WorkOptions& options_;
  std::string config_;
  Inbox inbox_;
  std::vector<const Row*> open_;  // not finished, not failed
  size_t cursor_ = 0;             // in open_
  Clock::time_point next_look_ = Clock::now(), next_renewal_ = Clock::now() + options_.renew_every;
  std::set<std::string> retry_, alive_;  // names: had failed before; others work on them
  struct Seen {
    int number;
    int64_t changed;
    Clock::time_point since = Clock::now();
  };
  std::map<std::string, Seen> seen_;      // claims of other machines, by name
  std::map<std::string, int64_t> steps_;  // done, by name
  int finished_ = 0, failed_ = 0;
  bool stopping_ = false;
  std::pair<int64_t, int> shown_;  // steps and rows
  std::optional<Progress> progress_;
  std::vector<std::unique_ptr<Job>> jobs_;
};

}  // namespace

void work(const Folder& folder, const Batch& batch, const Claims& claims, const WorkOptions& options,
          const std::atomic<bool>& stop) {
  make_folder(folder.claims());
  Worker(folder, batch, claims, options).run(stop);
}

}  // namespace lucid::batch
