// SPDX-License-Identifier: Apache-2.0
// The reference system's YAML files: groups of keys, read into the table and written back from it.
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/config/option_table.h"

namespace lucid::config {
namespace {

constexpr size_t kYamlLimit = size_t{1} << 18;  // bytes; a configuration is a few kilobytes, a node 300 bytes
constexpr size_t kMostText = size_t{1} << 18;   // bytes of one value: aliases ("*name") may repeat a long text

std::string scalar_text(const YAML::Node& node) {
  if (node.IsNull()) return "null";
  if (node.IsScalar()) return node.Scalar();
  std::string text = "[";
  for (const auto& item : node) {
    if (!item.IsScalar()) return "(nested value)";
    text += (text.size() > 1 ? ", " : "") + item.Scalar();
    if (text.size() > kMostText) return "(a value that is too long)";
  }
  return text + "]";
}

}  // namespace

void OptionTable::set_from_yaml(const std::filesystem::path& file, const std::string& source) {
  const std::string bytes = read_file(file, kYamlLimit);
  const auto set_one = [&](const std::string& group, const std::string& key, const YAML::Node& value, int line) {
    const std::string text = scalar_text(value);
    const std::string shown = group.empty() ? key : group + "." + key;
    if (ForeignKey* foreign = find_foreign(group, key); foreign != nullptr) {
      if (foreign->refused && differs(*foreign, text)) {
        throw UserError({.what_happened = fmt::format("'{}' cannot be honoured", text.substr(0, 80)),
                         .file = file.string(),
                         .key = shown,
                         .line = line,
                         .hint = foreign->about});
      }
      foreign->value = text;
      foreign->file = file.string();
      foreign->line = line;
      return;
    }
    const Option* option = find(key);
    if (option == nullptr || option->yaml_group != group) {
      const std::vector<std::string> near = near_names(key);
      std::string hint;
      if (option != nullptr) {
        hint = "it belongs to " + (option->yaml_group.empty() ? "the top level" : option->yaml_group);
      } else if (!near.empty()) {
        hint = fmt::format("did you mean {}?", fmt::join(near, " or "));
      }
      throw UserError(
          {.what_happened = "unknown key", .file = file.string(), .key = shown, .line = line, .hint = hint});
    }
    set(key, text, source, file.string(), line);
  };
  try {
    const YAML::Node root = YAML::Load(bytes);
    if (!root.IsMap()) throw UserError({.what_happened = "is not a YAML mapping of options", .file = file.string()});
    for (const auto& entry : root) {
      const std::string name = entry.first.as<std::string>();
      const int line = entry.first.Mark().line + 1;
      const bool is_group =
          std::ranges::any_of(options_, [&](const Option& o) { return !name.empty() && o.yaml_group == name; }) ||
          std::ranges::any_of(foreign_, [&](const ForeignKey& k) { return !name.empty() && k.yaml_group == name; });
      if (!is_group) {
        set_one("", name, entry.second, line);
        continue;
      }
      if (entry.second.IsNull()) continue;
      if (!entry.second.IsMap()) {
        throw UserError(
            {.what_happened = "a group of options was expected", .file = file.string(), .key = name, .line = line});
      }
      for (const auto& item : entry.second) {
        set_one(name, item.first.as<std::string>(), item.second, item.first.Mark().line + 1);
      }
    }
  } catch (const YAML::Exception& error) {
    throw UserError(
        {.what_happened = "is not valid YAML: " + error.msg, .file = file.string(), .line = error.mark.line + 1});
  }
}

std::string OptionTable::dump_yaml() const {
  std::string text;
  std::vector<std::string> groups = {""};
  for (const Option& option : options_) {
    if (std::ranges::find(groups, option.yaml_group) == groups.end()) groups.push_back(option.yaml_group);
  }
  for (const std::string& group : groups) {
    if (!group.empty()) text += group + ":\n";
    for (const Option& option : options_) {
      if (option.yaml_group != group) continue;
      YAML::Emitter value;
      if (std::holds_alternative<std::string*>(option.field)) {
        value << YAML::DoubleQuoted << value_text(option);
      } else {
        value << YAML::Flow << YAML::Load(value_text(option));
      }
      text += fmt::format("{}{}: {}  # {}\n", group.empty() ? "" : "  ", option.name, value.c_str(), option.source);
    }
  }
  return text;
}

}  // namespace lucid::config
