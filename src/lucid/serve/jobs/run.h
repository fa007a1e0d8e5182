// SPDX-License-Identifier: Apache-2.0
// A run as the server knows it, and its exports. configs/openapi.json has the same fields for clients.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace lucid::serve {

enum class State { kQueued, kStarting, kRunning, kPausing, kPaused, kStopping, kFinished, kStopped, kFailed };
const char* name_of(State state);

/// One figure a step, thinned evenly to at most 256 points.
struct Series {
  std::vector<int64_t> step = {};
  std::vector<double> score = {};
  std::vector<int64_t> gaussians = {};
};

struct Picture {
  std::string name = {};  // "thumbnail", "sheet", "result", "before_after"
  int64_t revision = 0;   // rises when the file changes
};

/// What an edit began with.
struct EditOf {
  std::string id = {};      // of the run that made the asset; it may be gone
  std::string prompt = {};  // of the asset as it was
  bool operator==(const EditOf&) const = default;
};

struct Run {
  std::string id = {};  // [A-Za-z0-9_-][A-Za-z0-9._-]{0,63}: the name of its folder
  int64_t revision = 0;
  State state = State::kQueued;
  std::string prompt = {}, preset = {}, device = {}, created = {};  // `created`: UTC, RFC 3339
  std::map<std::string, std::string> options = {};                  // as given, by name; without the prompt
  int64_t seed = 0;
  std::optional<EditOf> edit_of = {};  // a run of `lucid edit`
  std::optional<std::string> parent = {}, error = {};
  std::vector<std::string> warnings = {};
  std::optional<int> place = {};                // in the queue, from 1
  int64_t step = 0, steps = 0, more_steps = 0;  // more_steps: those of `steps` that came after the first end
  std::optional<double> steps_per_second = {}, seconds_left = {}, score = {};
  std::optional<int64_t> gaussians = {};
  double seconds = 0;  // spent computing
  Series series = {};
  std::string stage = {};
  bool has_asset = false;   // a point cloud or a live frame is there
  bool has_result = false;  // a point cloud is there
  std::vector<Picture> pictures = {};
  std::string command = {};  // the command line that makes the same run; empty = not known, so it can only be deleted
};

/// "pause", "resume", "stop", "continue", "edit", "again", "delete": what can be done now.
std::vector<std::string> actions_of(const Run& run);
/// The state for people: "Step 420 of 1500, about 2 min left".
std::string words_of(const Run& run);
/// The schema Run of configs/openapi.json.
nlohmann::json to_json(const Run& run);

struct Export {
  enum class State { kAbsent, kQueued, kWorking, kDone, kFailed };
  std::string format = {};  // a name of asset::kFormats
  State state = State::kAbsent;
  std::string stage = {};
  std::optional<std::string> file = {}, error = {};  // `file`: a name in the folder of exports
  std::optional<int64_t> bytes = {}, step = {};      // `step`: of the run when it was made
};
/// The schema Export of configs/openapi.json.
nlohmann::json to_json(const Export& value);

}  // namespace lucid::serve
