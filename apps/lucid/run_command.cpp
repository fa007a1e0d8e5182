// SPDX-License-Identifier: Apache-2.0
// Options and help of a command that makes a run.
#include "run_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "shared_options.h"

namespace lucid::cli {

void add_option_rows(HelpPage& page, const RunCommand& run, const config::OptionTable& defaults, bool all) {
  for (const config::Option& option : defaults.options()) {
    if (run.lacks(option)) continue;
    const bool is_own = option.group == run.group;
    if (!all && !is_own && std::ranges::find(run.common, option.name) == run.common.end()) continue;
    const std::string value = config::value_text(option);
    page.sections[is_own ? 0 : 1].rows.push_back(
        {usage_of(option), option.help + (value.empty() || value == "false" ? "" : fmt::format(" [{}]", value))});
  }
}

Command define_run(CLI::App* command, GenerateRequest& request, const RunCommand& run,
                   std::string (*default_of)(const std::string& name)) {
  command->add_option("--config,-c", request.config_file, "YAML file of options.")->type_name("FILE");
  for (const config::Option& option : request.table.options())
    if (!run.lacks(option)) add_run_option(*command, request.given, option);
  return {.app = command,
          .near_flags =
              [&request](const std::string& flag) { return request.table.near_flags(flag.substr(0, flag.find('='))); },
          .describe = [&request, lacks = run.lacks, default_of](const std::string& name,
                                                                size_t width) -> std::optional<std::string> {
            const config::Option* option = request.table.find_flag(name);
            if (option == nullptr || lacks(*option)) return std::nullopt;
            return format_option(*option, default_of(option->name), width);
          }};
}

}  // namespace lucid::cli
