// SPDX-License-Identifier: Apache-2.0
// Exporter: makes exports of runs, one at a time, each by a process `lucid export` of low priority.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "lucid/app/run_options/export_options.h"
#include "lucid/serve/jobs/assets/asset_source.h"
#include "lucid/serve/jobs/process/child.h"

namespace lucid::serve {

/// The files lie in OUT/ID/exports; exports.json there has the step of each. For the owner's thread.
class Exporter {
 public:
  struct Callbacks {
    std::function<void(std::function<void()> task)> post;
    /// None if the run is gone.
    std::function<std::optional<AssetRequest>(const std::string& id)> find;
    std::function<void(const std::string& id, const Export&)> changed;
    std::function<void(const std::string& id)> ended;  // no process works on the run's exports any more
  };
  Exporter(std::filesystem::path program, Callbacks callbacks)
      : program_(std::move(program)), callbacks_(std::move(callbacks)) {}

  std::vector<Export> all(const AssetRequest& run);
  /// Throws ProblemError: no such format, nothing to export yet.
  Export make(const AssetRequest& run, const std::string& format);
  /// Ends what works on a run, and forgets it.
  void forget(const std::string& id);
  bool works_on(const std::string& id) const { return child_ && current_.id == id; }

 private:
  struct Task {
    std::string id, format;
  };
  using ByFormat = std::map<std::string, Export>;
  ByFormat& known(const AssetRequest& run);
  void start_next();
  void start(const AssetRequest& run, Export& value);
  void line(const nlohmann::json& line);
  void end(const Ending& ending);
  void fail(Export& value, const std::string& error);
  /// Moves the finished file to its place. Throws UserError.
  void take_result(const AssetRequest& run, Export& value);

  std::filesystem::path program_;
  Callbacks callbacks_;
  std::map<std::string, ByFormat> exports_;  // by id
  std::deque<Task> queue_;
  Task current_;
  int64_t current_step_ = 0;
  std::unique_ptr<Child> child_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // posted tasks look whether this object is
};

}  // namespace lucid::serve
