// SPDX-License-Identifier: Apache-2.0
// Studio: the runs of one output folder. Each works as a process `lucid generate` or `lucid edit`; what is known of it
// is in job.json in its folder, so that a server that starts again finds it. No HTTP here, but its errors are problems
// of the API.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>

#include "lucid/serve/http/problem.h"
#include "lucid/serve/jobs/run.h"

namespace lucid::serve {

struct StudioOptions {
  std::filesystem::path output = "output";
  std::filesystem::path program = {};          // `lucid`
  std::vector<std::string> devices = {"cpu"};  // one run at a time on each
  bool accepts_paths = true;                   // options that name files of this machine
  bool only_new_runs = false;                  // neither reads nor locks the folder: another server may have it
  int queue_limit = 100;
  int64_t bytes_kept_free = 500'000'000;                  // no run starts with less free space
  std::chrono::milliseconds patience{60'000};             // for a process to end after SIGINT; then SIGKILL
  std::chrono::milliseconds patience_at_the_end{30'000};  // the same in ~Studio
};

/// What Studio wants from the thread that owns it. The functions may be called from any thread.
struct Loop {
  std::function<void(std::function<void()> task)> post;
  std::function<void(std::chrono::milliseconds delay, std::function<void()> task)> after;
};

/// Called on the owner's thread.
struct StudioCallbacks {
  std::function<void(const Run&)> changed = [](const Run&) {};  // at most four times a second for steps
  std::function<void(const std::string& id)> removed = [](const std::string&) {};
  std::function<void(const std::string& id, const Export&)> export_changed = [](const std::string&, const Export&) {};
};

struct NewRun {
  std::string prompt = {};
  std::map<std::string, std::string> options = {};  // by name, as text
  std::optional<std::string> edit_of = {};          // id of the run whose asset is to become what the prompt says
};

/// theta, phi in degrees; the orbit of camera/camera.h around `target`.
struct View {
  double theta = 90, phi = 0, radius = 3.5, fovy = 0.55;
  std::array<double, 3> target = {0, 0, 0};
  int width = 512, height = 512;  // pixels
  std::string background = "#ffffff";
};

/// All members are for the owner's thread. Functions that take an id throw ProblemError (status 404) where there is no
/// such run, and status 409 where its state does not allow what is asked.
class Studio {
 public:
  /// Reads the folder: runs with job.json, and those of the command line by manifest.json. A run that worked when the
  /// last server ended is paused, or failed if it has no checkpoint. Throws UserError if another server has the folder.
  Studio(StudioOptions options, Loop loop, StudioCallbacks callbacks);
  /// Pauses what works, and waits for it.
  ~Studio();
  Studio(const Studio&) = delete;
  Studio& operator=(const Studio&) = delete;

  /// Of the whole list. Higher than any of a server before: it starts at the time in milliseconds.
  int64_t revision() const;
  std::vector<const Run*> runs() const;  // newest first
  const Run& run(const std::string& id) const;
  const Run* find(const std::string& id) const;  // null if there is no such run

  struct Made {
    const Run& run;
    bool is_new;
  };
  /// Checks the options as the command line does. `key`: of the client; empty = none. An edit keeps the asset that it
  /// begins with, so that the run that made it may be continued and deleted. Throws ProblemError (400, 404, 409, 422,
  /// 429).
  Made make(const NewRun& wanted, const std::string& key);
  Made again(const std::string& id, std::optional<int64_t> seed, const std::string& key);
  const Run& pause(const std::string& id);
  const Run& resume(const std::string& id);
  const Run& stop(const std::string& id);
  const Run& more(const std::string& id, int64_t steps);
  void remove(const std::string& id);
  std::vector<std::string> order(const std::vector<std::string>& first);

  /// While a run is watched, its process writes live frames. Calls are counted.
  void watch(const std::string& id);
  void unwatch(const std::string& id);  // does nothing for a run that is gone
  /// The newest live frame's file, if there is one. A new frame replaces the file.
  std::optional<std::filesystem::path> frame(const std::string& id) const;
  /// The PNG of a picture, relative to output/ID.
  std::optional<std::filesystem::path> picture(const std::string& id, const std::string& name) const;

  std::vector<Export> exports(const std::string& id) const;  // one of each format, in the order of asset::kFormats
  /// Queues an export, unless it is there for the present step. Throws ProblemError.
  Export make_export(const std::string& id, const std::string& format);
  std::filesystem::path run_folder(const std::string& id) const;  // output/ID
  /// output/ID/exports, where the files of exports lie.
  std::filesystem::path export_folder(const std::string& id) const;
  /// `done` gets a PNG, or a problem.
  void render(const std::string& id, const View& view,
              std::function<void(std::string png, std::optional<http::Problem> problem)> done);

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

/// All runs and their revision: the answer of GET /api/v1/runs in configs/openapi.json.
nlohmann::json to_json(const Studio& studio);

}  // namespace lucid::serve
