// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid info` and of what it lists.
#include "command_line.h"

namespace lucid::cli {

std::vector<Command> define_info(CLI::App& app, InfoRequest& request) {
  CLI::App* info = app.add_subcommand("info", "Describe this program, or a file or prior; list options and words.");
  info->add_option("path", request.path,
                   "Asset (.ply, .spz, .splat, .glb, .obj, .stl), weight file (.safetensors, .ckpt, .bin, .pt) or "
                   "diffusers folder to describe. Without "
                   "it: version, instruction sets, libraries.")
      ->type_name("PATH");
  info->require_subcommand(0, 1);
  CLI::App* options = info->add_subcommand("options", "List every option of `lucid generate`.");
  options->add_flag("--markdown", request.markdown, "Print it as the tables of docs/guide/options.md.");
  CLI::App* scores = info->add_subcommand("scores", "List the scores: formula, paper, cost, options.");
  scores->add_flag("--markdown", request.markdown, "Print it as docs/guide/scores.md.");
  CLI::App* words = info->add_subcommand("words", "List the words that a prior knows.");
  words->add_option("--prior", request.prior, "Folder of the prior; the embedded one if not given.")->type_name("DIR");
  CLI::App* completion = info->add_subcommand("completion", "Print the completion script of a shell.");
  completion->add_option("shell", request.shell, "bash, zsh or fish.")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("SHELL");
  CLI::App* manual = info->add_subcommand("manual", "Print the manual page, lucid(1), for man(1).");
  return {{.app = info}, {.app = options}, {.app = scores}, {.app = words}, {.app = completion}, {.app = manual}};
}

}  // namespace lucid::cli
