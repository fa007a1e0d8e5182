// SPDX-License-Identifier: Apache-2.0
// The whole command line: every subcommand and option, help, and one clear line for each mistake. No libtorch, so that
// all of this is there at once; `lucid` (launcher.cpp) and `lucid-engine` (engine.cpp) both parse with it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "help.h"
#include "requests.h"

namespace lucid::cli {

constexpr int kUserMistake = 2, kOurMistake = 70, kInterrupted = 130;  // exit codes

/// A subcommand's definition. What is null has a default: nothing is checked, CLI11's options are shown.
struct Command {
  CLI::App* app = nullptr;
  std::function<void()> check = nullptr;  // after parsing: finishes the request, throws UserError
  std::function<std::vector<std::string>(const std::string& flag)> near_flags = nullptr;
  std::function<HelpPage(bool all)> page = nullptr;
  bool hides_options = true;  // `page` shows them only if `all`
  std::function<std::optional<std::string>(const std::string& name, size_t width)> describe = nullptr;  // one option
};

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;  // CLI11's options point into `requests`
  CommandLine& operator=(const CommandLine&) = delete;

  /// Parses and checks. Returns the exit code where nothing is left to do: help or version were printed, or a mistake
  /// was. None: `command()` is to be run on `requests`.
  std::optional<int> parse(int argc, char** argv);
  const std::string& command() const { return chosen_; }  // "render", "prior train", "info options"

  const CLI::App& app() const { return app_; }
  std::vector<HelpPage> pages() const;  // of every command, with all options

  Requests requests;

 private:
  std::optional<int> help(const std::vector<std::string>& arguments) const;
  int show_help(const CLI::App& app, const std::string& name, bool all) const;
  std::string explain(const std::vector<std::string>& arguments, const CLI::ParseError& error) const;
  const Command* find(const CLI::App* app) const;

  CLI::App app_{"lucid makes a 3D Gaussian asset from a sentence."};
  std::vector<Command> commands_;
  std::string chosen_;
};

/// Prints a mistake as one line on stderr and returns `code`.
int complain(int code, const std::string& text);
/// Runs `body`, and turns what it throws into one line and an exit code.
int guarded(const std::function<int()>& body);

// One function a subcommand; each binds its options to its request.
Command define_generate(CLI::App& app, GenerateRequest& request);
Command define_edit(CLI::App& app, GenerateRequest& request);
Command define_avatar(CLI::App& app, GenerateRequest& request);
Command define_batch(CLI::App& app, BatchRequest& request);
Command define_verify(CLI::App& app, VerifyRequest& request);
Command define_reproduce(CLI::App& app, ReproduceRequest& request);
Command define_serve(CLI::App& app, ServeRequest& request);
Command define_render(CLI::App& app, RenderRequest& request);
Command define_export(CLI::App& app, ExportRequest& request);
Command define_view(CLI::App& app, ViewRequest& request);
Command define_points(CLI::App& app, PointsRequest& request);
Command define_personalise(CLI::App& app, PersonaliseRequest& request);
std::vector<Command> define_config(CLI::App& app, ExplainRequest& request);  // config, config explain
std::vector<Command> define_info(CLI::App& app, InfoRequest& request);       // info, info options, info words
Command define_eval(CLI::App& app, EvalRequest& request);
std::vector<Command> define_prior(CLI::App& app,
                                  Requests& requests);  // lucid prior check|corpus|train|sample|judge|shape|upscaler
Command define_shape(CLI::App& prior, pretrain::ShapeRequest& request);
Command define_upscaler(CLI::App& prior, pretrain::UpscaleRequest& request);

/// What `lucid config explain` prints. Throws UserError.
std::string explanation(ExplainRequest& request);

/// The option reference of `lucid generate`, as Markdown or as the help shows it. For `lucid info options`.
std::string option_reference(bool markdown);
/// The scores, for `lucid info scores`.
std::string score_reference(bool markdown);

}  // namespace lucid::cli
