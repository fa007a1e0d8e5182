// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid config`, and what `lucid config explain` prints.
#include "command_line.h"
#include "lucid/config/explain.h"
#include "shared_options.h"

namespace lucid::cli {

std::vector<Command> define_config(CLI::App& app, ExplainRequest& request) {
  CLI::App* config = app.add_subcommand("config", "Explain a configuration file.");
  config->require_subcommand(1);
  CLI::App* explain = config->add_subcommand(
      "explain", "Print every key with its value, default, source and meaning. Takes the options of `lucid generate`.");
  explain->add_option("file", request.file, "YAML file of options; the reference system's files work too.")
      ->required()
      ->type_name("FILE");
  for (const config::Option& option : request.bound.table.options()) add_run_option(*explain, request.given, option);
  return {{.app = config}, {.app = explain, .near_flags = [&request](const std::string& flag) {
                              return request.bound.table.near_flags(flag.substr(0, flag.find('=')));
                            }}};
}

std::string explanation(ExplainRequest& request) {
  const app::BoundOptions defaults;
  app::apply_given(request.bound.table, request.file, request.given);
  return config::explain(request.bound.table, defaults.table);
}

}  // namespace lucid::cli
