// SPDX-License-Identifier: Apache-2.0
// `lucid`: parses the command line, answers help, version and mistakes itself, and becomes `lucid-engine` to run a
// command. The engine needs libtorch, whose start takes most of a second; this program does not.
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "command_line.h"
#include "completion.h"
#include "launcher_commands.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "stop_signal.h"

namespace {

namespace fs = std::filesystem;

/// Replaces this process by the engine beside it: same arguments, same process id. Returns only when it cannot.
int become_engine(char** argv) {
  std::error_code none;
  const fs::path self = fs::read_symlink("/proc/self/exe", none);
  const fs::path engine = (self.empty() ? fs::path(argv[0]) : self).parent_path() / "lucid-engine";
  lucid::set_passive_wait_policy();  // or the engine would start itself a second time
  execv(engine.c_str(), argv);
  throw lucid::UserError({.what_happened = fmt::format("cannot be started: {}", std::strerror(errno)),
                          .file = engine.string(),
                          .hint = "it belongs beside lucid; install or build both"});
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("lucid"));
  spdlog::set_pattern("lucid: %v");
  return lucid::cli::guarded([&] {
    lucid::cli::CommandLine line;
    if (const auto code = line.parse(argc, argv)) return *code;
    if (line.command() == "info options") {
      fmt::print("{}", lucid::cli::option_reference(line.requests.info.markdown));
      return 0;
    }
    if (line.command() == "info scores") {
      fmt::print("{}", lucid::cli::score_reference(line.requests.info.markdown));
      return 0;
    }
    if (line.command() == "config explain") {
      fmt::print("{}", lucid::cli::explanation(line.requests.explain));
      return 0;
    }
    if (line.command() == "info completion") {
      fmt::print("{}", lucid::cli::completion_script(line, line.requests.info.shell));
      return 0;
    }
    if (line.command() == "info manual") {
      fmt::print("{}", lucid::cli::manual_page(line));
      return 0;
    }
    const std::atomic<bool>& stop = lucid::cli::install_stop_signal();
    if (line.command() == "generate" && line.requests.generate.options.watch)
      return lucid::cli::run_watch(line.requests.generate, stop);
    if (line.command() == "serve") return lucid::cli::run_serve(line.requests.serve, stop);
    if (line.command() == "batch") return lucid::cli::run_batch(line.requests.batch, stop);
    return become_engine(argv);
  });
}
