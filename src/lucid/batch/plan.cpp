// SPDX-License-Identifier: Apache-2.0
// Names, options and checks of rows.
#include "lucid/batch/plan.h"

#include <algorithm>
#include <optional>

#include "lucid/app/run_options/run_options.h"
#include "lucid/base/sha256.h"
#include "lucid/json/utf8.h"
#include "lucid/text_to_image/vocabulary/vocabulary.h"

namespace lucid::batch {
namespace fs = std::filesystem;
namespace {

/// Options that name the prior, the preset or the asset of an edit: the table says that they do not affect the result,
/// since their contents do.
bool affects_result(const config::Option& option) {
  return option.affects_result || std::ranges::find(app::kPresetChoosers, option.name) != app::kPresetChoosers.end();
}

std::string folder_name(int number, const std::string& prompt) {
  constexpr size_t kMostLetters = 40;
  std::string name = app::name_from_prompt(prompt).substr(0, kMostLetters);
  while (name.ends_with('_')) name.pop_back();
  return fmt::format("{:04}_{}", number, name);
}

/// Finds the mistakes of single rows.
class Planner {
 public:
  explicit Planner(const Defaults& defaults) : defaults_(defaults) {}

  /// Throws UserError.
  Row plan(const TextRow& text) {
    Row row{.line = text.line, .prompt = text.prompt, .options = defaults_.options};
    for (const auto& [spelling, value] : text.options) {
      const std::string name = name_of(spelling);
      check_text(name, value);
      row.options[name] = value;
    }
    check_text("prompt", row.prompt);
    app::RunOptions options = with_preset(row.options);
    config::OptionTable table = app::make_table(options);
    for (const auto& [name, value] : row.options) table.set(name, value, "row");
    table.set("text", row.prompt, "row");
    app::check_options(options);
    std::error_code none;
    if (const std::string& asset = options.edit.asset; !asset.empty() && !fs::exists(asset, none))
      throw UserError({.what_happened = fmt::format("{} does not exist", asset), .key = "asset"});
    check_words(options.model_key.empty() ? app::embedded_prior() : fs::path(options.model_key), row.prompt);
    row.steps = options.train.all_steps();
    nlohmann::json shown = {{"prompt", row.prompt}, {"config", defaults_.config_file}};
    for (const auto& [name, value] : row.options) {
      if (affects_result(table.at(name))) shown["options"][name] = config::value_text(table.at(name));
    }
    row.key = sha256_of_bytes(shown.dump());
    return row;
  }

 private:
  /// The options of the preset and the YAML file. Rows of the same prior and preset share them: reading takes longer
  /// than all else.
  const app::RunOptions& with_preset(const GivenOptions& options) {
    GivenOptions choice;
    for (const char* name : app::kPresetChoosers) {
      if (const auto at = options.find(name); at != options.end()) choice.insert(*at);
    }
    const auto [at, is_new] = presets_.try_emplace(choice);
    if (is_new) {
      try {
        config::OptionTable table = app::make_table(at->second);
        app::apply_given(table, defaults_.config_file, choice);
      } catch (...) {
        presets_.erase(at);
        throw;
      }
    }
    return at->second;
  }

  /// The option that a column or key names.
  std::string name_of(const std::string& spelling) {
    const config::Option* option = unset_.table.find_flag(spelling);
    if (option == nullptr) {
      std::vector<std::string> near = unset_.table.near_flags(spelling);
      for (std::string& flag : near) flag = unset_.table.find_flag(flag)->name;
      throw UserError({.what_happened = "unknown option",
                       .key = spelling,
                       .hint = near.empty() ? "`lucid generate --help-all` lists them all"
                                            : fmt::format("did you mean {}?", fmt::join(near, " or "))});
    }
    if (app::is_of_process(option->name)) {
      throw UserError(UserMistake{.what_happened = "is set by `lucid batch`", .key = spelling, .hint = "leave it out"});
    }
    return option->name;
  }

  static void check_text(const std::string& key, const std::string& text) {
    if (text.find('\0') != std::string::npos)
      throw UserError(UserMistake{.what_happened = "holds a zero byte", .key = key});
    if (valid_utf8(text) != text)
      throw UserError(UserMistake{.what_happened = "is not UTF-8", .key = key, .hint = "save the file as UTF-8"});
  }

  /// Throws where the prior knows no word of the prompt.
  void check_words(const fs::path& prior, const std::string& prompt) {
    if (!vocabularies_.contains(prior)) vocabularies_[prior] = text_to_image::load_vocabulary(prior);
    if (const auto& vocabulary = vocabularies_[prior]) text_to_image::check_prompt(*vocabulary, prompt);
  }

  const Defaults& defaults_;
  const app::BoundOptions unset_;  // for names
  std::map<GivenOptions, app::RunOptions> presets_;
  std::map<fs::path, std::optional<text_to_image::Vocabulary>> vocabularies_;
};

}  // namespace

Batch plan_batch(const fs::path& file, const TextRows& text, const Defaults& defaults,
                 std::vector<UserMistake>& mistakes) {
  Batch batch{.file = fs::absolute(file).string(), .config_file = defaults.config_file};
  mistakes = text.mistakes;
  Planner planner(defaults);
  for (const TextRow& at : text.rows) {
    try {
      Row row = planner.plan(at);
      row.number = static_cast<int>(batch.rows.size()) + 1;
      row.name = folder_name(row.number, row.prompt);
      batch.rows.push_back(std::move(row));
    } catch (const UserError& error) {
      UserMistake mistake = error.mistake();
      if (!mistake.file.empty()) {  // of another file, for example the preset's
        mistake = {.what_happened = error.what()};
      }
      mistake.file = file.string();
      mistake.line = at.line;
      mistakes.push_back(std::move(mistake));
    }
  }
  std::ranges::stable_sort(mistakes, {}, &UserMistake::line);
  return batch;
}

}  // namespace lucid::batch
