// SPDX-License-Identifier: Apache-2.0
// Definitions of the options that several subcommands have.
#include "shared_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lucid/base/error.h"

namespace lucid::cli {

CLI::Option* add_threads(CLI::App& command, int64_t& threads) {
  return command.add_option("--threads", threads, "CPU threads; 0 uses all cores.")
      ->capture_default_str()
      ->type_name("N");
}

CLI::Option* add_progress(CLI::App& command, std::string& style) {
  return command.add_option("--progress", style, "How to show progress: auto, bar, plain, json or off.")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "bar", "plain", "json", "off"}))
      ->type_name("STYLE");
}

CLI::Option* add_axes(CLI::App& command, const std::string& flag, std::optional<asset::Axes>& axes,
                      const std::string& help) {
  return command
      .add_option_function<std::string>(
          flag,
          [&axes, flag](const std::string& name) {
            axes = asset::axes_named(name);
            if (axes) return;
            throw UserError(UserMistake{
                .what_happened = fmt::format("no axes '{}'; there are {}", name, fmt::join(asset::kAxesNames, ", ")),
                .key = flag});
          },
          help)
      ->type_name("AXES");
}

std::string as_typed(const CLI::App& command, std::string name) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || option->check_name("--out") || option->check_name("--resume")) continue;
    const std::string value = option->as<std::string>();
    name += " " + option->get_name() + (value == "true" ? "" : " " + value);
  }
  return name;
}

CLI::Option* add_run_option(CLI::App& command, std::map<std::string, std::string>& given,
                            const config::Option& option) {
  const std::string name = option.name;
  std::string flags;
  for (const std::string& spelling : config::spellings_of(option))
    flags.append(flags.empty() ? "" : ",").append(spelling);
  if (std::holds_alternative<bool*>(option.field)) {
    for (const std::string& spelling : config::spellings_of(option)) flags.append(",!--no-").append(spelling, 2);
    return command.add_flag_function(flags,
                                     [&given, name](int64_t count) { given[name] = count > 0 ? "true" : "false"; });
  }
  if (std::holds_alternative<config::PairField>(option.field)) {
    const auto store = [&given, name](const std::vector<std::string>& values) {
      given[name] = fmt::format("{}", fmt::join(values, " "));
    };
    return command.add_option_function<std::vector<std::string>>(flags, store)
        ->expected(1, 2)
        ->allow_extra_args(false);  // what follows the pair is a prompt or a file
  }
  return command.add_option_function<std::string>(flags,
                                                  [&given, name](const std::string& value) { given[name] = value; });
}

void add_page_options(CLI::App& command, PageRequest& page) {
  command.add_option("--port", page.port, "Port of the page; 0 is any free one.")
      ->capture_default_str()
      ->type_name("N");
  command
      .add_option("--listen", page.address,
                  "Address to listen on. 0.0.0.0 lets other machines in, without encryption: use it with care.")
      ->capture_default_str()
      ->type_name("ADDRESS");
  command
      .add_option("--host", page.hosts,
                  "A further name under which browsers reach the page, for example that of a proxy. May be repeated.")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option(
          "--token", page.token,
          "The word that lets clients in, 16 characters or more; a random one if not given. Other users of this "
          "machine can read a command line: LUCID_TOKEN in the environment sets it too.")
      ->envname("LUCID_TOKEN")
      ->type_name("WORD");
}

}  // namespace lucid::cli
