// SPDX-License-Identifier: Apache-2.0
// lucid generate --watch: one run as `lucid serve` makes it, with its page, and with progress on the terminal.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "command_line.h"
#include "launcher_commands.h"
#include "lucid/app/run_options/multi_view.h"
#include "lucid/app/run_options/web_folder.h"
#include "lucid/base/error.h"
#include "lucid/base/progress.h"
#include "lucid/serve/jobs/command.h"
#include "page_studio.h"
#include "stop_signal.h"

namespace lucid::cli {
namespace {
using serve::State;

/// What differs from the preset: `lucid generate` adds it to the preset again.
serve::NewRun run_of(const GenerateRequest& request) {
  const app::RunOptions& options = request.options;
  app::BoundOptions preset;
  app::apply_preset(preset.table, app::main_prior(options), options.preset);
  serve::NewRun run{.prompt = options.text};
  for (const config::Option& option : request.table.options()) {
    const std::string value = config::value_text(option);
    if (option.name == "text" || option.name == "watch" || option.name == "output" || option.name == "progress")
      continue;
    if (value == config::value_text(preset.table.at(option.name))) continue;
    if (serve::is_set_by_server(option.name)) {
      throw UserError(UserMistake{.what_happened = "does not go with --watch, whose page has it",
                                  .key = config::flag_of(option),
                                  .hint = "leave one of them out; `lucid serve` shows earlier runs and resumes them"});
    }
    run.options[option.name] = value;
  }
  return run;
}

bool has_ended(State state) { return state == State::kFinished || state == State::kStopped || state == State::kFailed; }

/// Shows the run on the terminal. I/O thread.
class Terminal {
 public:
  Terminal(Progress::Style style, std::string id) : style_(style), id_(std::move(id)) {}

  void show(const serve::Run& run) {
    if (run.id != id_) return;
    if (run.state == State::kRunning && run.step > shown_ && run.score) {
      if (!progress_) progress_.emplace(style_, id_, run.steps, run.step);
      progress_->update(run.step, "score", *run.score);
      shown_ = run.step;
      return;
    }
    if (run.state == state_) return;
    state_ = run.state;
    progress_.reset();  // ends the bar's line
    if (run.state != State::kRunning && run.state != State::kStarting) spdlog::info("{}: {}", id_, words_of(run));
  }

 private:
  Progress::Style style_;
  std::string id_;
  std::optional<Progress> progress_;
  int64_t shown_ = 0;
  State state_ = State::kQueued;
};

int exit_code(const serve::Run& run) {
  if (run.state == State::kFailed) return complain(kUserMistake, run.error.value_or("the run has failed"));
  return has_ended(run.state) ? 0 : kInterrupted;
}

}  // namespace

int run_watch(const GenerateRequest& request, const std::atomic<bool>& stop) {
  const serve::NewRun wanted = run_of(request);
  PageStudio page({.web_folder = app::web_folder()}, {.output = request.options.output, .only_new_runs = true},
                  serve::Mode::kRun);
  start_and_announce(page.server());
  std::string id;
  const auto on_io = [&page](auto task) {
    std::promise<decltype(task())> done;
    page.server().post([&] { done.set_value(task()); });
    return done.get_future().get();
  };
  const auto refused = on_io([&]() -> std::optional<std::string> {
    try {
      id = page.studio().make(wanted, "").run.id;
    } catch (const serve::http::ProblemError& error) {
      return error.what();
    }
    const auto terminal = std::make_shared<Terminal>(Progress::style_from_name(request.options.progress), id);
    page.changes().listen([terminal](const serve::Change& change) {
      if (change.run != nullptr && change.exported == nullptr) terminal->show(*change.run);
      return true;
    });
    return std::nullopt;
  });
  if (refused) return complain(kUserMistake, *refused);

  // Ends after the run, once no page is open.
  bool told = false;
  while (!stop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const auto [over, pages] =
        on_io([&] { return std::pair(has_ended(page.studio().run(id).state), page.open_pages()); });
    if (over && pages == 0) break;
    if (over && !std::exchange(told, true)) spdlog::info("the page stays until it is closed; Ctrl-C ends");
  }
  const auto [over, code] = on_io([&] {
    const serve::Run& run = page.studio().run(id);
    return std::pair(has_ended(run.state), exit_code(run));
  });
  if (!over) spdlog::info("pausing; `lucid serve --output {}` goes on", request.options.output);
  page.end();
  return code;
}

}  // namespace lucid::cli
