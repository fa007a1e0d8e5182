// SPDX-License-Identifier: Apache-2.0
// Renderer: pictures of runs from a given view, one at a time, each by a process `lucid render` of low priority.
#pragma once

#include <deque>
#include <memory>

#include "lucid/serve/jobs/assets/asset_source.h"
#include "lucid/serve/jobs/process/child.h"
#include "lucid/serve/jobs/studio.h"

namespace lucid::serve {

/// For the owner's thread.
class Renderer {
 public:
  using Done = std::function<void(std::string png, std::optional<http::Problem> problem)>;
  struct Callbacks {
    Loop loop;
    std::function<void(const std::string& id)> ended;  // no process works on the run's pictures any more
  };
  Renderer(std::filesystem::path program, Callbacks callbacks)
      : program_(std::move(program)), callbacks_(std::move(callbacks)) {}

  /// Throws ProblemError: nothing to show yet, too many pictures are waited for.
  void render(const AssetRequest& run, const View& view, Done done);
  /// Answers the requests for a run's pictures with a problem, and ends the process.
  void forget(const std::string& id);
  bool works_on(const std::string& id) const { return child_ && current_.run.id == id; }

 private:
  struct Task {
    AssetRequest run;
    View view;
    Done done;
  };
  void start_next();
  void start();
  void end(const Ending& ending);
  void finish(std::string png, std::optional<http::Problem> problem);

  std::filesystem::path program_;
  Callbacks callbacks_;
  std::deque<Task> queue_;
  Task current_;
  int64_t number_ = 0;  // of processes
  std::unique_ptr<Child> child_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // posted tasks look whether this object is
};

}  // namespace lucid::serve
