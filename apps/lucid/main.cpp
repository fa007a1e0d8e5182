// SPDX-License-Identifier: Apache-2.0
// The command line: parse, hand over, and the one place where a user's mistake becomes one line and exit code 2.
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <new>

#include "commands.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"

namespace {

constexpr int kUserMistake = 2, kOurMistake = 70;

std::atomic<bool> stop_requested{false};  // a signal handler can reach nothing else

extern "C" void on_interrupt(int) {
  if (stop_requested.exchange(true)) _exit(130);  // the second Ctrl-C does not wait for the step
}

int complain(int code, const std::string& text) {
  fmt::print(stderr, "lucid: {}\n", text);
  return code;
}

/// CLI11's own errors as one line; an unknown flag gets the nearest known one.
int explain(const CLI::App& app, const std::vector<lucid::cli::Command>& commands, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  std::string text = error.what();
  for (const auto& command : commands) {
    if (!command.app->parsed()) continue;
    const std::vector<std::string> left = command.app->remaining();
    if (left.empty()) continue;
    const std::string near = command.nearest_flag ? command.nearest_flag(left.front()) : "";
    text = fmt::format("unknown option {}{}", left.front(),
                       near.empty() ? " (see --help)" : fmt::format(" (did you mean {}?)", near));
  }
  return complain(kUserMistake, lucid::one_line({.what_happened = text}));
}

}  // namespace

int main(int argc, char** argv) {
  lucid::set_up_malloc();
  spdlog::set_default_logger(spdlog::stderr_color_mt("lucid"));
  spdlog::set_pattern("lucid: %v");
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);

  CLI::App app{"lucid: a sentence becomes a 3D Gaussian asset"};
  app.set_version_flag("--version", "lucid " LUCID_VERSION);
  app.require_subcommand(1);
  const std::vector<lucid::cli::Command> commands = {lucid::cli::add_generate(app), lucid::cli::add_render(app),
                                                     lucid::cli::add_info(app), lucid::cli::add_eval(app),
                                                     lucid::cli::add_prior(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return explain(app, commands, error);
  }
  lucid::let_idle_threads_sleep(argv);  // starts anew, which takes libtorch most of a second: --help does without
  try {
    for (const auto& command : commands) {
      if (command.app->parsed()) return command.run(stop_requested);
    }
  } catch (const lucid::UserError& error) {
    return complain(kUserMistake, error.what());
  } catch (const std::bad_alloc&) {
    return complain(kUserMistake, "out of memory (fewer Gaussians, a smaller picture or batch need less)");
  } catch (const std::exception& error) {
    return complain(kOurMistake, fmt::format("internal error, please report it: {}", error.what()));
  }
  return 0;
}
