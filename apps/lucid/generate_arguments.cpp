// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid generate`: its flags and help come from the option table. Order of precedence: preset, YAML
// file, flags.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "command_line.h"
#include "lucid/base/error.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

/// The headings of help and documents, in this order.
constexpr const char* kGroups[] = {"Prompt",   "Prior",   "Result",    "Training",     "Guidance", "Loss terms",
                                   "Refining", "Cameras", "Gaussians", "Augmentation", "Editing",  "Avatar"};
constexpr const char* kConfigHelp = "YAML file of options; the reference system's files work too.";

void apply(GenerateRequest& request) {
  app::apply_given(request.table, request.config_file, request.given);
  if (!request.prompt.empty()) request.table.set("text", request.prompt, "flag");
  app::check_options(request.options);
}

/// The options as the reference system's files find them, and as `lucid generate` with the embedded prior does.
struct Defaults {
  app::BoundOptions reference, usual;
  Defaults() { app::apply_preset(usual.table, app::embedded_prior(), usual.options.preset); }

  std::string text(const std::string& name) const {
    const std::string value = config::value_text(usual.table.at(name));
    return value.empty() ? "none" : value;
  }
  /// "360; 5000 without a preset".
  std::string both(const std::string& name) const {
    const std::string other = config::value_text(reference.table.at(name));
    return text(name) +
           (other == config::value_text(usual.table.at(name)) ? "" : fmt::format("; {} without a preset", other));
  }
};

HelpPage page(bool all) {
  const Defaults defaults;
  HelpPage page{
      .usage = "lucid generate [OPTIONS] TEXT",
      .about = "Make a 3D asset from a sentence. In brackets: defaults with the embedded prior and its default preset.",
      .sections = {},
      .footer = ""};
  for (const char* group : kGroups) {
    HelpSection section{.heading = group, .rows = {}};
    if (section.heading == "Prompt") section.rows.push_back({"TEXT", "What to make, for example \"a hamburger\"."});
    for (const config::Option& option : defaults.usual.table.options()) {
      if (option.group != group || !(all || option.common)) continue;
      const std::string value = config::value_text(option);
      section.rows.push_back(
          {usage_of(option), option.help + (value.empty() || value == "false" ? "" : fmt::format(" [{}]", value))});
    }
    if (section.heading == "Training") section.rows.push_back({"-c, --config FILE", kConfigHelp});
    page.sections.push_back(section);
  }
  page.footer =
      "Examples:\n"
      "  lucid generate \"a hamburger\"\n"
      "  lucid generate --preset draft --seed 3 \"a red car\"\n"
      "  lucid generate --prior /models/sd-2-1-base \"a DSLR photo of a football helmet\"";
  return page;
}

std::string markdown_cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

}  // namespace

std::string option_reference(bool markdown) {
  if (!markdown) return format(page(true), help_width());
  const Defaults defaults;
  std::string text =
      "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
      "<!-- Written by `lucid info options --markdown`; do not edit by hand. -->\n"
      "# Options of `lucid generate`\n"
      "\n"
      "Flags and YAML keys name the same options. Order of precedence: the preset, then the YAML file of `--config`, "
      "then flags. A default is the value with the embedded prior and the preset `default`; where a YAML file names "
      "its "
      "own model, no preset is applied. Every YAML key is also a flag, with `-` or `_`; a flag `--no-X` turns `X` "
      "off.\n";
  for (const char* group : kGroups) {
    text += fmt::format("\n## {}\n\n| Flag | YAML key | Default | Allowed | Meaning |\n|---|---|---|---|---|\n", group);
    for (const config::Option& option : defaults.usual.table.options()) {
      if (option.group != group) continue;
      const std::string key =
          option.yaml_group.empty() ? option.name : fmt::format("{}.{}", option.yaml_group, option.name);
      text += fmt::format("| `{}` | `{}` | {} | {} | {} |\n", config::flag_of(option), key,
                          markdown_cell(defaults.both(option.name)), markdown_cell(config::allowed_text(option)),
                          markdown_cell(option.help));
    }
  }
  return text;
}

Command define_generate(CLI::App& app, GenerateRequest& request) {
  CLI::App* command = app.add_subcommand("generate", "Make a 3D asset from a sentence.");
  command->add_option("PROMPT", request.prompt)->type_name("TEXT");
  command->add_option("--config,-c", request.config_file, kConfigHelp)->type_name("FILE");
  for (const config::Option& option : request.table.options()) add_run_option(*command, request.given, option);
  for (const config::Option& option : request.table.options()) {
    LUCID_CHECK(std::ranges::find(kGroups, option.group) != std::end(kGroups), "{} is in no group", option.name);
  }
  return {.app = command,
          .check = [&request] { apply(request); },
          .near_flags =
              [&request](const std::string& flag) { return request.table.near_flags(flag.substr(0, flag.find('='))); },
          .page = page,
          .describe = [&request](const std::string& name, size_t width) -> std::optional<std::string> {
            const config::Option* option = request.table.find_flag(name);
            if (option == nullptr) return std::nullopt;
            return format_option(*option, Defaults().both(option->name), width);
          }};
}

}  // namespace lucid::cli
