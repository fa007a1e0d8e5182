// SPDX-License-Identifier: Apache-2.0
// ONE table of options: command line, YAML, help text and the dump of the effective configuration all derive from it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

namespace lucid::config {

/// Two numbers of one option, e.g. t_range: [0.02, 0.5].
struct PairField {
  double* low;
  double* high;
};
using Field = std::variant<bool*, int*, int64_t*, double*, std::string*, PairField>;

struct Option {
  std::string name;   // as in YAML; the flag is the same with '-' for '_'
  std::string group;  // YAML group ("GuidanceParams"), "" for the top level
  std::string help;
  Field field;
  double min = -std::numeric_limits<double>::infinity();  // of each number
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};  // of a text
  bool nullable = false;                  // YAML null / "null" becomes 0 or the empty text
  std::string source = "default";         // who set it last
};

/// A key of the reference system that lucid knows and does not use. `refuse` names the reason why a value other than
/// null, false or empty is an error; empty = accepted silently because it changes nothing here.
struct ForeignKey {
  std::string name, group, refuse;
};

class OptionTable {
 public:
  void add(Option option);
  void add_foreign(ForeignKey key) { foreign_.push_back(std::move(key)); }

  /// Parses and range-checks. Throws UserError with name, value, allowed range. `source` is shown in the dump; file and
  /// line, where known, in the error.
  void set(const std::string& name, const std::string& value, const std::string& source, const std::string& file = "",
           int line = 0);
  /// Reads groups and top-level keys; unknown keys are errors with their line and the nearest known name.
  void set_from_yaml(const std::filesystem::path& file, const std::string& source);

  const std::vector<Option>& options() const { return options_; }
  const Option& at(const std::string& name) const;
  bool has(const std::string& name) const { return find(name) != nullptr; }
  std::string nearest(const std::string& name) const;  // a known name at a small edit distance, or ""

  std::string dump_yaml() const;     // readable by set_from_yaml, each line commented with its source
  nlohmann::json dump_json() const;  // {name: value}

  static std::string value_text(const Option& option);
  static std::string allowed_text(const Option& option);  // "a number in [0, 1]"

 private:
  const Option* find(const std::string& name) const;
  const ForeignKey* find_foreign(const std::string& name) const;
  std::vector<Option> options_;
  std::vector<ForeignKey> foreign_;
};

/// Edit distance (Levenshtein), for "did you mean".
size_t edit_distance(const std::string& a, const std::string& b);

}  // namespace lucid::config
