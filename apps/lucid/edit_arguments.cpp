// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid edit`: an asset, a prompt, and the options of a run that an edit has.
#include "lucid/app/run_options/edits.h"
#include "lucid/base/error.h"
#include "run_command.h"

namespace lucid::cli {
namespace {

const RunCommand& edit_run() {
  static const RunCommand run{
      .lacks = app::is_no_option_of_edits,
      .group = "Editing",
      .common = {"score", "guidance_scale", "iterations", "seed", "device", "model_key", "negative", "LoRA_path",
                 "output", "workspace", "save_video", "export", "resume", "overwrite"}};
  return run;
}

struct EditDefaults {
  app::BoundOptions bound;
  EditDefaults() { app::apply_preset(bound.table, app::embedded_prior(), "edit"); }
};

std::string edit_default(const std::string& name) { return config::value_text(EditDefaults().bound.table.at(name)); }

HelpPage edit_page(bool all) {
  const EditDefaults defaults;
  HelpPage page{.usage = "lucid edit [OPTIONS] ASSET --to TEXT",
                .about =
                    "Change an asset that exists into what another prompt says. In brackets: defaults with the "
                    "embedded prior.",
                .sections = {{.heading = "Edit",
                              .rows = {{"ASSET", "Gaussians (.ply, .spz, .splat, .glb), or the folder of their run."},
                                       {"--to TEXT", "Prompt of what the asset is to become."}}},
                             {.heading = "Run", .rows = {}}},
                .footer =
                    "Examples:\n"
                    "  lucid edit output/a_red_car --to \"a blue car\"\n"
                    "  lucid edit mug.ply --from \"a mug\" --to \"a teapot\" --change shape\n"
                    "  lucid edit chair.spz --from \"a chair\" --to \"a red chair\" --mask-box -1,-1,0,1,1,1"};
  add_option_rows(page, edit_run(), defaults.bound.table, all);
  return page;
}

void apply_edit(GenerateRequest& request) {
  if (!request.given.contains("text")) {
    throw UserError(UserMistake{.what_happened = "is missing: what the asset is to become",
                                .key = "--to",
                                .hint = "lucid edit ASSET --to \"a blue car\""});
  }
  app::apply_given(request.table, request.config_file, request.given);
  app::check_options(request.options);
}

}  // namespace

Command define_edit(CLI::App& app, GenerateRequest& request) {
  CLI::App* command = app.add_subcommand("edit", "Change an asset that exists into what another prompt says.");
  const auto store = [&request](const char* name) {
    return [&request, name](const std::string& value) { request.given[name] = value; };
  };
  command->add_option_function<std::string>("asset", store("asset"))->required()->type_name("ASSET");
  command->add_option_function<std::string>("--to", store("text"))->type_name("TEXT");
  Command edit = define_run(command, request, edit_run(), edit_default);
  edit.check = [&request] { apply_edit(request); };
  edit.page = edit_page;
  return edit;
}

}  // namespace lucid::cli
