// SPDX-License-Identifier: Apache-2.0
// lucid generate: flags come from the option table; order of precedence: preset, YAML, flags.
#include <algorithm>
#include <map>
#include <memory>

#include "commands.h"
#include "lucid/app/generate.h"
#include "lucid/app/threads.h"
#include "lucid/base/error.h"

namespace lucid::cli {
namespace {

std::string flag_of(const std::string& name) {
  std::string flag = "--" + name;
  std::replace(flag.begin() + 2, flag.end(), '_', '-');
  return flag;
}

struct GenerateState {
  app::RunOptions options;
  config::OptionTable table = app::make_table(options);
  std::map<std::string, std::string> given;  // by option name, as typed
  std::string prompt, config_file;
};

void add_option_flag(CLI::App& command, GenerateState& state, const config::Option& option) {
  std::string flags = flag_of(option.name);
  if (option.name == "model_key") flags += ",--prior";
  if (option.name == "controlnet_model_key") flags += ",--controlnet";
  if (option.name == "vram_O") flags += ",--low-memory";
  if (option.name == "LoRA_path") flags += ",--lora";
  if (option.name == "textual_inversion_path") flags += ",--textual_inversion,--textual-inversion";
  if (option.name.find('_') != std::string::npos) flags += ",--" + option.name;  // the YAML spelling works too
  const std::string name = option.name;
  const std::string help = fmt::format("{} [{}]", option.help, config::OptionTable::value_text(option));
  const std::string group = option.group.empty() ? "Run" : option.group;
  if (std::holds_alternative<bool*>(option.field)) {
    command
        .add_flag_function(
            flags + ",!--no-" + flag_of(name).substr(2),
            [&state, name](int64_t count) { state.given[name] = count > 0 ? "true" : "false"; }, help)
        ->group(group);
  } else if (std::holds_alternative<config::PairField>(option.field)) {
    const auto store = [&state, name](const std::vector<std::string>& values) {
      state.given[name] = fmt::format("{}", fmt::join(values, " "));
    };
    command.add_option_function<std::vector<std::string>>(flags, store, help)
        ->expected(1, 2)
        ->allow_extra_args(false)  // what follows the pair is the prompt
        ->type_name("LOW HIGH")
        ->group(group);
  } else {
    const auto store = [&state, name](const std::string& value) { state.given[name] = value; };
    const std::string type = option.choices.empty() ? "VALUE" : fmt::format("{}", fmt::join(option.choices, "|"));
    command.add_option_function<std::string>(flags, store, help)->type_name(type)->group(group);
  }
}

/// Preset, then YAML, then flags. A YAML that names its own model starts from the reference's defaults, as there.
void apply(GenerateState& state) {
  app::RunOptions probe_options;
  config::OptionTable probe = app::make_table(probe_options);
  if (!state.config_file.empty()) probe.set_from_yaml(state.config_file, "config");
  for (const auto& [name, value] : state.given) probe.set(name, value, "flag");

  const bool reference_defaults =
      !state.config_file.empty() && !state.given.contains("preset") && probe.at("model_key").source == "config";
  const std::filesystem::path prior = probe_options.model_key.empty() ? app::data_folder() / "models" / "mini"
                                                                      : std::filesystem::path(probe_options.model_key);
  if (!reference_defaults) app::apply_preset(state.table, prior, probe_options.preset);
  if (!state.config_file.empty()) state.table.set_from_yaml(state.config_file, "config");
  for (const auto& [name, value] : state.given) state.table.set(name, value, "flag");
  if (!state.prompt.empty()) state.table.set("text", state.prompt, "flag");
}

}  // namespace

Command add_generate(CLI::App& app) {
  CLI::App* command = app.add_subcommand("generate", "make a 3D asset from a sentence");
  auto state = std::make_shared<GenerateState>();
  command->add_option("prompt", state->prompt, "what to make, e.g. \"a hamburger\"")->type_name("TEXT");
  command->add_option("--config,-c", state->config_file, "YAML of options, the reference system's files too")
      ->type_name("FILE");
  for (const config::Option& option : state->table.options()) add_option_flag(*command, *state, option);
  command->footer(
      "Examples:\n"
      "  lucid generate \"a hamburger\"\n"
      "  lucid generate --preset draft --seed 3 \"a red car\"\n"
      "  lucid generate --prior /models/sd-2-1-base \"a DSLR photo of a football helmet\"\n"
      "  lucid generate --config configs/hamburger.yaml --prior /models/sd-2-1-base");
  return {.app = command,
          .run =
              [state](const std::atomic<bool>& stop) {
                apply(*state);
                app::set_threads(state->options.threads);
                return app::generate(state->options, state->table, stop);
              },
          .nearest_flag =
              [state](const std::string& flag) {
                std::string name = flag.substr(std::min(flag.size(), flag.find_first_not_of('-')));
                name = name.substr(0, name.find('='));
                std::replace(name.begin(), name.end(), '-', '_');
                const std::string near = state->table.nearest(name);
                return near.empty() ? near : flag_of(near);
              }};
}

}  // namespace lucid::cli
