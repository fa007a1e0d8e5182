// SPDX-License-Identifier: Apache-2.0
// One function a subcommand: adds it to the command line, runs it when it was asked for.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <functional>

namespace lucid::cli {

/// What main needs of a subcommand. `run` returns the exit code.
struct Command {
  CLI::App* app = nullptr;
  std::function<int(const std::atomic<bool>& stop)> run;
  std::function<std::string(const std::string& flag)> nearest_flag =
      nullptr;  // a known flag near an unknown one, or ""
};

Command add_generate(CLI::App& app);
Command add_render(CLI::App& app);
Command add_info(CLI::App& app);
Command add_eval(CLI::App& app);
Command add_prior(CLI::App& app);  // lucid prior corpus|train|sample|judge

// Of `lucid prior`:
Command add_prior_corpus(CLI::App& prior);
Command add_prior_train(CLI::App& prior);
Command add_prior_sample(CLI::App& prior);
Command add_prior_judge(CLI::App& prior);

}  // namespace lucid::cli
