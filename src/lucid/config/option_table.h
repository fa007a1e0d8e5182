// SPDX-License-Identifier: Apache-2.0
// The one table of options. Command line, YAML files, range checks, help, the documents' reference and the saved dump
// of a run all derive from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lucid::config {

/// Two numbers of one option, e.g. t_range: [0.02, 0.5].
struct PairField {
  double* low;
  double* high;
};
using Field = std::variant<bool*, int*, int64_t*, double*, std::string*, PairField>;

/// The numbers that are allowed, both ends included.
struct NumberRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

struct Option {
  std::string name = {};                  // key in YAML files, dumps and manifests
  std::string flag = {};                  // as help shows it, without dashes; empty = `name` with '-' for '_'
  std::vector<std::string> aliases = {};  // further flags, without dashes
  std::string group = {};                 // heading in help and documents: "Prompt"
  std::string yaml_group = {};            // "GuidanceParams"; empty = the top level
  std::string help = {};                  // one sentence
  std::string value_name = {};            // "FILE"; empty = from the kind of value
  NumberRange range = {};                 // of a number, or of each of two
  std::vector<std::string> choices = {};  // of a text; empty = any; "cuda:N" allows cuda:0, cuda:1 … cuda:999
  bool nullable = false;                  // YAML's null, ~ and None become 0 or the empty text
  bool affects_result = true;             // the Gaussians are a function of it: resuming compares it
  bool common = false;                    // shown in the short help
  Field field = static_cast<bool*>(nullptr);
  // Who set it last: "default", "preset NAME", "config", "flag"; and where in a YAML file.
  std::string source = "default", file = {};
  int line = 0;
};

/// A key of the reference system that no option stands for.
struct ForeignKey {
  std::string name, yaml_group;
  std::string about;                   // what it does there, and what lucid has in its place: sentences
  std::vector<std::string> same = {};  // values with which nothing differs here; empty = all
  bool refused = false;                // other values are errors; otherwise they are noted and ignored
  // Set by set_from_yaml().
  std::string value = {}, file = {};
  int line = 0;

  std::string shown_name() const { return yaml_group.empty() ? name : yaml_group + "." + name; }
};

class OptionTable {
 public:
  /// Refuses a name, flag or alias that another option has.
  void add(Option option);
  void add_foreign(ForeignKey key) { foreign_.push_back(std::move(key)); }

  /// Parses and checks the value. Throws UserError with name, value, allowed range. `source` is shown in the dump; file
  /// and line, where known, in the error.
  void set(const std::string& name, const std::string& value, const std::string& source, const std::string& file = "",
           int line = 0);
  /// Reads groups and top-level keys. An unknown key is an error with its line and the near known names; so is a
  /// foreign key that is refused.
  void set_from_yaml(const std::filesystem::path& file, const std::string& source);

  /// The keys in the files read so far that are ignored although their value would matter in the reference system.
  std::vector<const ForeignKey*> ignored() const;

  const std::vector<Option>& options() const { return options_; }
  const std::vector<ForeignKey>& foreign() const { return foreign_; }
  const Option& at(const std::string& name) const;
  bool has(const std::string& name) const { return find(name) != nullptr; }
  /// The option that a flag names, by any of its spellings, with or without dashes in front; null = none.
  const Option* find_flag(std::string_view flag) const;
  /// YAML keys, or flags with their dashes, near a misspelt one.
  std::vector<std::string> near_names(const std::string& name) const;
  std::vector<std::string> near_flags(std::string_view flag) const;

  std::string dump_yaml() const;            // readable by set_from_yaml, each line commented with its source
  nlohmann::json dump_json() const;         // {name: value}
  nlohmann::json dump_result_json() const;  // of those with affects_result

 private:
  const Option* find(const std::string& name) const;
  ForeignKey* find_foreign(const std::string& group, const std::string& name);
  std::vector<Option> options_;
  std::vector<ForeignKey> foreign_;
};

/// Whether a value of the key would matter in the reference system.
bool differs(const ForeignKey& key, const std::string& value);

/// Whether the value names a file or folder.
bool names_a_file(const Option& option);
std::string flag_of(const Option& option);  // "--guidance-scale"
/// Every flag that names the option, each with its dashes, the shown one first: "--prior", "--model-key",
/// "--model_key".
std::vector<std::string> spellings_of(const Option& option);
std::string value_text(const Option& option);    // "[0.02, 0.5]"
std::string allowed_text(const Option& option);  // "a number in [0, 1]"

}  // namespace lucid::config
