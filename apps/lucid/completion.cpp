// SPDX-License-Identifier: Apache-2.0
// Completion scripts: commands, flags with their help, and the values of options that have a list of them. Elsewhere
// the shell completes file names.
#include "completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lucid::cli {
namespace {

struct Flag {
  std::vector<std::string> spellings = {};  // "--preset", "-c"
  std::string about = {};
  bool takes_value = false;
  std::vector<std::string> choices = {};
};

struct Node {
  std::string path, about;  // "prior train"
  std::vector<Flag> flags;
  std::vector<std::pair<std::string, std::string>> below;  // name and description of each subcommand
};

Flag flag_of(const CLI::Option& option, const config::OptionTable& table) {
  Flag flag{.spellings = {}, .about = option.get_description(), .takes_value = option.get_items_expected_max() > 0};
  for (const std::string& name : option.get_snames()) flag.spellings.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) {
    if (name.find('_') == std::string::npos)
      flag.spellings.push_back("--" + name);  // the YAML spelling is a second one
  }
  const config::Option* row = option.get_lnames().empty() ? nullptr : table.find_flag(option.get_lnames().front());
  if (row != nullptr && flag.about.empty()) {
    flag.about = row->help;
    flag.choices = row->choices;
  }
  return flag;
}

void add_nodes(const CLI::App& app, const std::string& path, const config::OptionTable& table,
               std::vector<Node>& nodes) {
  Node node{.path = path, .about = app.get_description(), .flags = {}, .below = {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) node.flags.push_back(flag_of(*option, table));
  }
  node.flags.push_back({.spellings = {"--help"}, .about = "Print the help.", .choices = {}});
  for (const CLI::App* below : app.get_subcommands({}))
    node.below.emplace_back(below->get_name(), below->get_description());
  nodes.push_back(node);
  for (const CLI::App* below : app.get_subcommands({}))
    add_nodes(*below, path.empty() ? below->get_name() : path + " " + below->get_name(), table, nodes);
}

std::vector<Node> nodes_of(const CommandLine& line) {
  std::vector<Node> nodes;
  add_nodes(line.app(), "", line.requests.generate.table, nodes);
  return nodes;
}

std::vector<std::string> words_of(const Node& node) {
  std::vector<std::string> words;
  for (const auto& [name, unused] : node.below) words.push_back(name);
  for (const Flag& flag : node.flags) words.insert(words.end(), flag.spellings.begin(), flag.spellings.end());
  return words;
}

/// In single quotes, for a POSIX shell, zsh and fish.
std::string quoted(const std::string& text, const std::string& quote) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? quote : std::string(1, c);
  return result + "'";
}

std::string bash_script(const std::vector<Node>& nodes) {
  std::string words, values, commands;
  for (const Node& node : nodes) {
    words += fmt::format("    '{}') words='{}' ;;\n", node.path, fmt::join(words_of(node), " "));
    for (const auto& [name, unused] : node.below) {
      commands += fmt::format("      '{}') command='{}' ;;\n", node.path + "|" + name,
                              node.path.empty() ? name : node.path + " " + name);
    }
    for (const Flag& flag : node.flags) {
      for (const std::string& spelling : flag.choices.empty() ? std::vector<std::string>{} : flag.spellings)
        values += fmt::format("    '{} {}') words='{}' ;;\n", node.path, spelling, fmt::join(flag.choices, " "));
    }
  }
  return "# Completion of lucid for bash: written by `lucid info completion bash`.\n"
         "_lucid() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' words='' i\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case \"$command|${COMP_WORDS[i]}\" in\n" +
         commands +
         "    esac\n"
         "  done\n"
         "  case \"$command\" in\n" +
         words +
         "  esac\n"
         "  case \"$command $before\" in\n" +
         values +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _lucid lucid\n";
}

/// One specification of _arguments.
std::string zsh_flag(const Flag& flag, const std::string& spelling) {
  std::string about = {};
  for (const char c : flag.about) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') about += '\\';
    about += c;
  }
  std::string spec = fmt::format("{}[{}]", spelling, about);
  if (flag.takes_value)
    spec += flag.choices.empty() ? ":value:_files" : fmt::format(":value:({})", fmt::join(flag.choices, " "));
  return quoted(spec, "'\\''");
}

std::string zsh_function(const std::string& path) {
  std::string name = "_lucid " + path;
  std::ranges::replace(name, ' ', '_');
  while (name.ends_with('_')) name.pop_back();
  return name;
}

std::string zsh_script(const std::vector<Node>& nodes) {
  std::string text = "#compdef lucid\n# Completion of lucid for zsh: written by `lucid info completion zsh`.\n";
  for (const Node& node : nodes) {
    text += fmt::format("{}() {{\n  _arguments -S", zsh_function(node.path));
    for (const Flag& flag : node.flags) {
      for (const std::string& spelling : flag.spellings) text += " \\\n    " + zsh_flag(flag, spelling);
    }
    if (node.below.empty()) {
      text += " \\\n    '*:file:_files'\n}\n";
      continue;
    }
    text += " \\\n    '1: :->command' '*:: :->rest'\n  case $state in\n    command) _values command";
    for (const auto& [name, about] : node.below) {
      std::string plain = about;
      std::erase_if(plain, [](char c) { return c == '[' || c == ']' || c == ':'; });
      text += " \\\n      " + quoted(fmt::format("{}[{}]", name, plain), "'\\''");
    }
    text += " ;;\n    rest) case $words[1] in\n";
    for (const auto& [name, unused] : node.below)
      text += fmt::format("      {}) {} ;;\n", name, zsh_function(node.path.empty() ? name : node.path + " " + name));
    text += "    esac ;;\n  esac\n}\n";
  }
  return text + "_lucid \"$@\"\n";
}

std::string fish_script(const std::vector<Node>& nodes) {
  std::string text =
      "# Completion of lucid for fish: written by `lucid info completion fish`.\n"
      "function __lucid_at\n"  // whether the words before the flags are those of a command
      "    set -l words (commandline -opc)[2..]\n"
      "    set -l plain (string match -v -- '-*' $words)\n"
      "    for i in (seq (count $argv))\n"
      "        test \"$plain[$i]\" = \"$argv[$i]\"; or return 1\n"
      "    end\n"
      "end\n";
  for (const Node& node : nodes) {
    const std::string when = node.path.empty() ? "__fish_use_subcommand" : "__lucid_at " + node.path;
    if (!node.below.empty()) text += fmt::format("complete -c lucid -n {} -f\n", quoted(when, "\\'"));  // no files
    for (const auto& [name, about] : node.below)
      text += fmt::format("complete -c lucid -n {} -a {} -d {}\n", quoted(when, "\\'"), name, quoted(about, "\\'"));
    for (const Flag& flag : node.flags) {
      std::string spellings;
      for (const std::string& each : flag.spellings)
        spellings += each.starts_with("--") ? " -l " + each.substr(2) : " -s " + each.substr(1);
      text += fmt::format("complete -c lucid -n {}{}{} -d {}\n", quoted(when, "\\'"), spellings,
                          flag.choices.empty() ? (flag.takes_value ? " -r" : "")
                                               : fmt::format(" -x -a '{}'", fmt::join(flag.choices, " ")),
                          quoted(flag.about, "\\'"));
    }
  }
  return text;
}

}  // namespace

std::string completion_script(const CommandLine& line, const std::string& shell) {
  const std::vector<Node> nodes = nodes_of(line);
  return shell == "bash" ? bash_script(nodes) : shell == "zsh" ? zsh_script(nodes) : fish_script(nodes);
}

}  // namespace lucid::cli
