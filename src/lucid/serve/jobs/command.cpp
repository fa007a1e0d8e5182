// SPDX-License-Identifier: Apache-2.0
// Checks and spelling of a run's options.
#include "lucid/serve/jobs/command.h"

#include <algorithm>

#include "lucid/app/run_options/edits.h"
#include "lucid/app/run_options/run_options.h"
#include "lucid/base/error.h"
#include "lucid/edit/prompts/prompts.h"
#include "lucid/serve/jobs/refuse.h"

namespace lucid::serve {
namespace {

void set(config::OptionTable& table, const GivenOptions& given) {
  for (const auto& [name, value] : given) table.set(name, value, "flag");
}

/// A process's arguments end at a zero byte.
void check_text(const std::string& key, const std::string& text) {
  if (text.find('\0') != std::string::npos)
    throw UserError(UserMistake{.what_happened = "holds a zero byte, which no argument can", .key = key});
}

bool is_true(const config::Option& option) { return config::value_text(option) == "true"; }

/// The flag and, where it is not part of it, the value. `joined`: as one word where possible.
std::vector<std::string> words_of_option(const config::Option& option, const std::string& value, bool joined) {
  const std::string flag = config::flag_of(option);
  if (std::holds_alternative<bool*>(option.field)) return {is_true(option) ? flag : "--no-" + flag.substr(2)};
  if (!value.empty() && (joined || value.front() == '-')) return {flag + "=" + value};
  return {flag, value};
}

std::vector<std::string> words_of_all(const GivenOptions& given, bool joined) {
  app::BoundOptions probe;
  set(probe.table, given);
  std::vector<std::string> words;
  for (const config::Option& option : probe.table.options()) {  // in the order of help
    const auto found = given.find(option.name);
    if (found == given.end()) continue;
    for (std::string& word : words_of_option(option, found->second, joined)) words.push_back(std::move(word));
  }
  return words;
}

std::vector<std::string> generate_words(const std::string& prompt, const GivenOptions& given) {
  std::vector<std::string> words = {"lucid", "generate"};
  for (std::string& word : words_of_all(given, false)) words.push_back(std::move(word));
  if (prompt.starts_with('-')) words.emplace_back("--");
  words.push_back(prompt);
  return words;
}

std::vector<std::string> edit_words(const EditPlan& edit, const std::string& prompt, const GivenOptions& given) {
  std::vector<std::string> words = {"lucid", "edit", edit.asset.string()};
  for (std::string& word : words_of_all(given, false)) words.push_back(std::move(word));
  if (prompt.starts_with('-')) {
    words.push_back("--to=" + prompt);
  } else {
    words.insert(words.end(), {"--to", prompt});
  }
  return words;
}

/// InstructPix2Pix is told what to do, and needs no pair of prompts.
void check_prompts(const EditPlan& edit, const app::RunOptions& options) {
  if (options.train.score.instructed()) return;
  edit::check_pair(edit.from, options.text);
  if (!options.edit.mask_word.empty()) edit::check_mask_word(edit.from, options.edit.mask_word);
}

std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain = "_./:,=+@%-";
  const auto is_plain = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPlain.find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

bool is_set_by_server(const std::string& name) { return app::is_of_process(name) || name == "export"; }

void check_given(const GivenOptions& given) {
  for (const auto& [name, value] : given) {
    if (is_set_by_server(name))
      throw UserError(UserMistake{.what_happened = "is set by the server", .key = name, .hint = "leave it out"});
    check_text(name, value);
  }
  app::BoundOptions probe;
  set(probe.table, given);
}

RunPlan plan_run(const std::string& prompt, const GivenOptions& given, bool accepts_paths, const EditPlan* edit) try {
  check_text("text", prompt);
  check_given(given);
  app::BoundOptions plan;
  for (const auto& [name, value] : given) {
    if (!accepts_paths && !value.empty() && config::names_a_file(plan.table.at(name))) {
      throw UserError(
          UserMistake{.what_happened = "names a file of the server's machine, which this server does not accept",
                      .key = name,
                      .hint = "use lucid generate on that machine"});
    }
    if (edit != nullptr && app::is_no_option_of_edits(plan.table.at(name)))
      throw UserError(UserMistake{.what_happened = "is no option of an edit", .key = name, .hint = "leave it out"});
  }
  GivenOptions all = given;
  if (edit != nullptr) all["asset"] = edit->asset.string();
  app::apply_given(plan.table, "", all);
  plan.table.set("text", prompt, "flag");
  app::check_options(plan.options);
  if (edit != nullptr) check_prompts(*edit, plan.options);
  return {.preset = edit != nullptr ? app::edit_preset(plan.options) : plan.options.preset,
          .device = plan.options.device,
          .command = shell_line(edit != nullptr ? edit_words(*edit, prompt, given) : generate_words(prompt, given)),
          .seed = plan.options.seed,
          .steps = plan.options.train.iterations};
} catch (const UserError& error) {
  refuse(400, "bad-option", "Bad option", one_line(error.mistake()));
}

std::vector<std::string> option_arguments(const GivenOptions& given) { return words_of_all(given, true); }

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line.append(line.empty() ? "" : " ").append(quoted(word));
  return line;
}

}  // namespace lucid::serve
