// SPDX-License-Identifier: Apache-2.0
// Writing and checking of job.json.
#include "lucid/serve/jobs/files/job_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/serve/jobs/command.h"
#include "lucid/serve/jobs/files/scan.h"
#include "lucid/serve/jobs/series.h"

namespace lucid::serve {
namespace fs = std::filesystem;
namespace {

constexpr int kJobVersion = 1;
constexpr size_t kMostJobBytes = 1 << 20;
constexpr int64_t kMostJobSteps = 2'000'000'000, kLargest = int64_t{1} << 53;

/// Reads the members of job.json; each names itself in its error.
class Members {
 public:
  Members(const nlohmann::json& json, const fs::path& file) : json_(json), file_(file) {}

  [[noreturn]] void refuse(const std::string& key, const std::string& what) const {
    throw UserError(UserMistake{
        .what_happened = what, .file = file_.string(), .key = key, .hint = "delete the run, or move its folder away"});
  }
  bool has(const char* key) const { return json_.contains(key); }
  const nlohmann::json& at(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) refuse(key, "is missing");
    return *found;
  }
  std::string text(const char* key) const {
    if (!at(key).is_string()) refuse(key, "is no text");
    return at(key).get<std::string>();
  }
  std::optional<std::string> optional_text(const char* key) const {
    if (at(key).is_null()) return std::nullopt;
    return text(key);
  }
  int64_t integer(const char* key, int64_t most) const {
    const auto value = whole(at(key), most);
    if (!value) refuse(key, fmt::format("is no whole number in [0, {}]", most));
    return *value;
  }
  bool boolean(const char* key) const {
    if (!at(key).is_boolean()) refuse(key, "is neither true nor false");
    return at(key).get<bool>();
  }
  template <typename Value, typename Read>
  std::vector<Value> list(const char* key, size_t most, const Read& read) const {
    std::vector<Value> values;
    if (!at(key).is_array() || at(key).size() > most) refuse(key, fmt::format("is no list of at most {} values", most));
    for (const auto& each : at(key)) {
      const std::optional<Value> value = read(each);
      if (!value) refuse(key, "holds a value of another kind");
      values.push_back(*value);
    }
    return values;
  }
  static std::optional<int64_t> whole(const nlohmann::json& value, int64_t most) {
    if (!value.is_number_integer()) return std::nullopt;
    const bool too_large = value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(most);
    if (too_large || value.get<int64_t>() < 0 || value.get<int64_t>() > most) return std::nullopt;
    return value.get<int64_t>();
  }
  static std::optional<double> number(const nlohmann::json& value) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) return std::nullopt;
    return value.get<double>();
  }
  static std::optional<std::string> word(const nlohmann::json& value) {
    if (!value.is_string()) return std::nullopt;
    return value.get<std::string>();
  }

 private:
  const nlohmann::json& json_;
  const fs::path& file_;
};

State read_state(const Members& members) {
  constexpr std::array kStates = {State::kQueued,   State::kStarting, State::kRunning, State::kPausing, State::kPaused,
                                  State::kStopping, State::kFinished, State::kStopped, State::kFailed};
  const std::string text = members.text("state");
  const auto* found = std::ranges::find_if(kStates, [&](State state) { return text == name_of(state); });
  if (found == kStates.end()) members.refuse("state", fmt::format("'{}' is no state of a run", text.substr(0, 40)));
  return *found;
}

Series read_series(const Members& members) {
  const auto whole = [](const nlohmann::json& value) { return Members::whole(value, kMostJobSteps); };
  Series series{.step = members.list<int64_t>("series_step", kMostPoints, whole),
                .score = members.list<double>("series_score", kMostPoints, Members::number),
                .gaussians = members.list<int64_t>("series_gaussians", kMostPoints, whole)};
  if (series.step.size() != series.score.size() || series.step.size() != series.gaussians.size() ||
      !std::ranges::is_sorted(series.step)) {
    members.refuse("series_step", "the lists do not fit each other");
  }
  return series;
}

nlohmann::json edit_json(const std::optional<EditOf>& edit) {
  if (!edit) return nullptr;
  return {{"id", edit->id}, {"prompt", edit->prompt}};
}

std::optional<EditOf> read_edit(const Members& members) {
  if (!members.has("edit_of")) return std::nullopt;  // a file from before there were edits
  const nlohmann::json& json = members.at("edit_of");
  if (json.is_null()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    if (found == json.end() || !found->is_string()) members.refuse("edit_of", fmt::format("holds no text '{}'", key));
    return found->get<std::string>();
  };
  EditOf edit{.id = text("id"), .prompt = text("prompt")};
  if (!is_id(edit.id)) members.refuse("edit_of", "holds no id of a run");
  return edit;
}

}  // namespace

void write_job(const fs::path& folder, const Job& job) {
  const Run& run = job.run;
  const auto or_null = [](const std::optional<std::string>& text) { return text ? nlohmann::json(*text) : nullptr; };
  const nlohmann::json json = {{"version", kJobVersion},
                               {"id", run.id},
                               {"prompt", run.prompt},
                               {"options", run.options},
                               {"preset", run.preset},
                               {"device", run.device},
                               {"seed", run.seed},
                               {"created", run.created},
                               {"edit_of", edit_json(run.edit_of)},
                               {"parent", or_null(run.parent)},
                               {"state", name_of(run.state)},
                               {"error", or_null(run.error)},
                               {"warnings", run.warnings},
                               {"step", run.step},
                               {"steps", run.steps},
                               {"more_steps", run.more_steps},
                               {"seconds", run.seconds},
                               {"gaussians", run.gaussians.value_or(0)},
                               {"series_step", run.series.step},
                               {"series_score", run.series.score},
                               {"series_gaussians", run.series.gaussians},
                               {"command", run.command},
                               {"started", job.started},
                               {"key", job.key},
                               {"request", job.request}};
  write_file(folder / kJobFile, json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

Job read_job(const fs::path& folder) {
  const fs::path file = folder / kJobFile;
  std::error_code none;
  if (!fs::is_regular_file(file, none)) throw UserError({.what_happened = "is no file", .file = file.string()});
  const nlohmann::json json = nlohmann::json::parse(read_file(file, kMostJobBytes), nullptr, false);
  const Members members(json, file);
  if (!json.is_object()) members.refuse("", "is damaged: it is not JSON");
  if (members.integer("version", kLargest) != kJobVersion) {
    members.refuse("version", fmt::format("is not {}: another version of lucid wrote it", kJobVersion));
  }
  Job job;
  Run& run = job.run;
  run.id = members.text("id");
  if (run.id != folder.filename().string()) members.refuse("id", "is not the name of the folder");
  run.prompt = members.text("prompt");
  run.preset = members.text("preset");
  run.device = members.text("device");
  run.created = members.text("created");
  run.edit_of = read_edit(members);
  run.parent = members.optional_text("parent");
  if (run.parent && !is_id(*run.parent)) members.refuse("parent", "is no id of a run");
  run.state = read_state(members);
  run.error = members.optional_text("error");
  run.warnings = members.list<std::string>("warnings", 64, Members::word);
  run.seed = members.integer("seed", kLargest);
  run.step = members.integer("step", kMostJobSteps);
  run.steps = members.integer("steps", kMostJobSteps);
  run.more_steps = members.integer("more_steps", kMostJobSteps);
  if (const int64_t count = members.integer("gaussians", kMostJobSteps); count > 0) run.gaussians = count;
  const auto seconds = Members::number(members.at("seconds"));
  if (!seconds || *seconds < 0) members.refuse("seconds", "is no number of seconds");
  run.seconds = *seconds;
  run.series = read_series(members);
  run.command = members.text("command");
  job.started = members.boolean("started");
  job.key = members.text("key");
  job.request = members.text("request");
  const nlohmann::json& options = members.at("options");
  if (!options.is_object()) members.refuse("options", "is no object");
  for (const auto& [name, value] : options.items()) {
    if (!value.is_string()) members.refuse("options", fmt::format("the value of '{}' is no text", name));
    run.options[name] = value.get<std::string>();
  }
  try {
    check_given(run.options);
  } catch (const UserError& error) {
    members.refuse("options", one_line(error.mistake()));
  }
  return job;
}

}  // namespace lucid::serve
