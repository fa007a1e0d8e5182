// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid avatar`: a sentence, a body, and the options of a run.
#include <algorithm>
#include <array>
#include <string_view>

#include "run_command.h"

namespace lucid::cli {
namespace {

/// Options of a run that an avatar does not have: its start is the body, and it edits nothing.
bool avatar_lacks(const config::Option& option) {
  constexpr std::array<std::string_view, 8> kNames = {
      "init_file",      "pretrained_model_path", "init_shape", "init_prompt",
      "use_pointe_rgb", "controlnet_mesh",       "watch",      "text"};
  return option.group == "Editing" || std::ranges::find(kNames, option.name) != kNames.end();
}

const RunCommand& avatar_run() {
  static const RunCommand run{
      .lacks = avatar_lacks,
      .group = "Avatar",
      .common = {"model_key", "controlnet_model_key", "controlnet_scale", "preset", "iterations", "seed", "device",
                 "negative", "keep_shape", "output", "workspace", "export", "resume", "overwrite"}};
  return run;
}

struct AvatarDefaults {
  app::BoundOptions bound;
  AvatarDefaults() { app::apply_given(bound.table, "", {{"body", avatar::kNeutralBody}}); }
};

std::string avatar_default(const std::string& name) {
  return config::value_text(AvatarDefaults().bound.table.at(name));
}

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
  add_option_rows(page, avatar_run(), defaults.bound.table, all);
  return page;
}

}  // namespace

Command define_avatar(CLI::App& app, GenerateRequest& request) {
  CLI::App* command = app.add_subcommand("avatar", "Make a figure from a sentence, on a body with a pose.");
  command->add_option("PROMPT", request.prompt)->type_name("TEXT");
  Command defined = define_run(command, request, avatar_run(), avatar_default);
  defined.check = [&request] {
    request.given.emplace("body", avatar::kNeutralBody);
    if (!request.prompt.empty()) request.given["text"] = request.prompt;
    app::apply_given(request.table, request.config_file, request.given);
    app::check_options(request.options);
  };
  defined.page = avatar_page;
  return defined;
}

}  // namespace lucid::cli
