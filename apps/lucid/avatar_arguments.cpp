// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid avatar`: a sentence, a body, and the options of a run.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "command_line.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

/// Options of a run that an avatar does not have: its start is the body, and it edits nothing.
bool avatar_lacks(const config::Option& option) {
  constexpr std::array<std::string_view, 8> kNames = {
      "init_file",      "pretrained_model_path", "init_shape", "init_prompt",
      "use_pointe_rgb", "controlnet_mesh",       "watch",      "text"};
  return option.group == "Editing" || std::ranges::find(kNames, option.name) != kNames.end();
}

/// Options that the short help shows, besides those of the group Avatar.
constexpr std::array<std::string_view, 14> kAvatarCommon = {
    "model_key", "controlnet_model_key", "controlnet_scale", "preset",    "iterations", "seed",   "device",
    "negative",  "keep_shape",           "output",           "workspace", "export",     "resume", "overwrite"};

struct AvatarDefaults {
  app::BoundOptions bound;
  AvatarDefaults() { app::apply_given(bound.table, "", {{"body", avatar::kNeutralBody}}); }
};

HelpPage avatar_page(bool all) {
  const AvatarDefaults defaults;
  HelpPage page{
      .usage = "lucid avatar [OPTIONS] TEXT",
      .about =
          "Make a figure from a sentence: the run starts from points on a body, and a ControlNet is shown "
          "that body. In brackets: defaults with the embedded prior.",
      .sections = {{.heading = "Avatar",
                    .rows = {{"TEXT", "What to make, for example \"a man\" or \"an astronaut\"."}}},
                   {.heading = "Run", .rows = {{"-c, --config FILE", "YAML file of options."}}}},
      .footer =
          "Examples:\n"
          "  lucid avatar \"a woman\"\n"
          "  lucid avatar \"a man\" --pose t --preview body\n"
          "  lucid avatar \"an astronaut\" --prior /models/sd-1-5 --controlnet /models/sd-controlnet-openpose "
          "--device cuda"};
  for (const config::Option& option : defaults.bound.table.options()) {
    if (avatar_lacks(option)) continue;
    const bool is_avatar = option.group == "Avatar";
    if (!all && !is_avatar && std::ranges::find(kAvatarCommon, option.name) == kAvatarCommon.end()) continue;
    const std::string value = config::value_text(option);
    page.sections[is_avatar ? 0 : 1].rows.push_back(
        {usage_of(option), option.help + (value.empty() || value == "false" ? "" : fmt::format(" [{}]", value))});
  }
  return page;
}

}  // namespace

Command define_avatar(CLI::App& app, GenerateRequest& request) {
  CLI::App* command = app.add_subcommand("avatar", "Make a figure from a sentence, on a body with a pose.");
  command->add_option("prompt", request.prompt)->type_name("TEXT");
  command->add_option("--config,-c", request.config_file, "YAML file of options.")->type_name("FILE");
  for (const config::Option& option : request.table.options())
    if (!avatar_lacks(option)) add_run_option(*command, request.given, option);
  return {.app = command,
          .check =
              [&request] {
                request.given.emplace("body", avatar::kNeutralBody);
                if (!request.prompt.empty()) request.given["text"] = request.prompt;
                app::apply_given(request.table, request.config_file, request.given);
                app::check_options(request.options);
              },
          .near_flags =
              [&request](const std::string& flag) { return request.table.near_flags(flag.substr(0, flag.find('='))); },
          .page = avatar_page,
          .describe = [&request](const std::string& name, size_t width) -> std::optional<std::string> {
            const config::Option* option = request.table.find_flag(name);
            if (option == nullptr || avatar_lacks(*option)) return std::nullopt;
            return format_option(*option, config::value_text(AvatarDefaults().bound.table.at(option->name)), width);
          }};
}

}  // namespace lucid::cli
