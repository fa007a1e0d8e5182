// SPDX-License-Identifier: Apache-2.0
// Runs and exports in words and as JSON.
#include "lucid/serve/jobs/run.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lucid::serve {
namespace {

using Json = nlohmann::json;

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

/// "40 s", "12 min", "3 h".
std::string duration_text(double seconds) {
  constexpr double kMinute = 60, kHour = 3600;
  if (seconds < 1.5 * kMinute) return fmt::format("{:.0f} s", seconds);
  if (seconds < 1.5 * kHour) return fmt::format("{:.0f} min", seconds / kMinute);
  return fmt::format("{:.0f} h", seconds / kHour);
}

/// "2nd".
std::string ordinal(int number) {
  const bool teen = number % 100 / 10 == 1;
  const char* end = teen ? "th" : number % 10 == 1 ? "st" : number % 10 == 2 ? "nd" : number % 10 == 3 ? "rd" : "th";
  return fmt::format("{}{}", number, end);
}

std::string sentence(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

/// " at step 420 of 1500".
std::string at_step(const Run& run) {
  return run.step > 0 ? fmt::format(" at step {} of {}", run.step, run.steps) : " before the first step";
}

}  // namespace

const char* name_of(State state) {
  switch (state) {
    case State::kQueued:
      return "queued";
    case State::kStarting:
      return "starting";
    case State::kRunning:
      return "running";
    case State::kPausing:
      return "pausing";
    case State::kPaused:
      return "paused";
    case State::kStopping:
      return "stopping";
    case State::kFinished:
      return "finished";
    case State::kStopped:
      return "stopped";
    case State::kFailed:
      return "failed";
  }
  return "failed";
}

std::vector<std::string> actions_of(const Run& run) {
  std::vector<std::string> actions;
  const bool can_be_edited = run.has_result && (run.state == State::kFinished || run.state == State::kStopped);
  if (run.command.empty()) {
    if (can_be_edited) actions.emplace_back("edit");
    actions.emplace_back("delete");
    return actions;
  }
  switch (run.state) {
    case State::kQueued:
      actions = {"stop"};
      break;
    case State::kStarting:
    case State::kRunning:
      actions = {"pause", "stop"};
      break;
    case State::kPausing:
      actions = {"stop"};
      break;
    case State::kPaused:
      actions = {"resume", "stop"};
      break;
    case State::kStopping:
      break;
    case State::kFinished:
      actions = {"continue"};
      break;
    case State::kStopped:
    case State::kFailed:
      actions = {"resume"};
      break;
  }
  if (can_be_edited) actions.emplace_back("edit");
  actions.emplace_back("again");
  actions.emplace_back("delete");
  return actions;
}

std::string words_of(const Run& run) {
  switch (run.state) {
    case State::kQueued:
      return run.place ? fmt::format("Waiting, {} in the queue", ordinal(*run.place)) : "Waiting";
    case State::kStarting:
      return "Starting";
    case State::kRunning:
      if (!run.stage.empty()) return sentence(run.stage);
      return fmt::format("Step {} of {}", run.step, run.steps) +
             (run.seconds_left && std::isfinite(*run.seconds_left)
                  ? fmt::format(", about {} left", duration_text(*run.seconds_left))
                  : "");
    case State::kPausing:
      return "Pausing" + at_step(run);
    case State::kPaused:
      return "Paused" + at_step(run);
    case State::kStopping:
      return run.stage.empty() ? "Stopping" + at_step(run) : sentence(run.stage);
    case State::kFinished:
      return fmt::format("Finished: {} steps in {}", run.step, duration_text(run.seconds));
    case State::kStopped:
      return "Stopped" + at_step(run);
    case State::kFailed:
      return run.step > 0 ? "Failed" + at_step(run) : "Failed";
  }
  return "";
}

Json to_json(const Run& run) {
  Json pictures = Json::array();
  for (const Picture& picture : run.pictures)
    pictures.push_back({{"name", picture.name}, {"revision", picture.revision}});
  return {{"id", run.id},
          {"revision", run.revision},
          {"prompt", run.prompt},
          {"state", name_of(run.state)},
          {"words", words_of(run)},
          {"error", or_null(run.error)},
          {"warnings", run.warnings},
          {"preset", run.preset},
          {"seed", run.seed},
          {"device", run.device},
          {"options", run.options},
          {"created", run.created},
          {"edit_of", run.edit_of ? Json{{"id", run.edit_of->id}, {"prompt", run.edit_of->prompt}} : Json(nullptr)},
          {"parent", or_null(run.parent)},
          {"place", or_null(run.place)},
          {"step", run.step},
          {"steps", run.steps},
          {"steps_per_second", or_null(run.steps_per_second)},
          {"seconds_left", or_null(run.seconds_left)},
          {"seconds", run.seconds},
          {"score", or_null(run.score)},
          {"gaussians", or_null(run.gaussians)},
          {"series", {{"step", run.series.step}, {"score", run.series.score}, {"gaussians", run.series.gaussians}}},
          {"stage", run.stage},
          {"has_asset", run.has_asset},
          {"pictures", pictures},
          {"command", run.command},
          {"actions", actions_of(run)}};
}

Json to_json(const Export& value) {
  const char* state = "absent";
  switch (value.state) {
    case Export::State::kAbsent:
      break;
    case Export::State::kQueued:
      state = "queued";
      break;
    case Export::State::kWorking:
      state = "working";
      break;
    case Export::State::kDone:
      state = "done";
      break;
    case Export::State::kFailed:
      state = "failed";
      break;
  }
  return {{"format", value.format},        {"state", state},
          {"stage", value.stage},          {"file", or_null(value.file)},
          {"bytes", or_null(value.bytes)}, {"error", or_null(value.error)},
          {"step", or_null(value.step)}};
}

}  // namespace lucid::serve
