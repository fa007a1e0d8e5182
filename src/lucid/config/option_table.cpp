// SPDX-License-Identifier: Apache-2.0
// Parsing, checking and printing of option values; flags and their spellings.
#include "lucid/config/option_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/spelling.h"

namespace lucid::config {
namespace {

std::string number_text(double value) { return fmt::format("{}", value); }

/// An end of a range: 1e9 and not 1000000000.
std::string limit_text(double value) {
  constexpr double kLong = 1e7;
  if (std::abs(value) < kLong) return number_text(value);
  const std::string text = fmt::format("{:e}", value);  // 9.000000e+15
  const size_t e = text.find('e');
  return number_text(std::stod(text.substr(0, e))) + "e" + std::to_string(std::stoi(text.substr(e + 1)));
}

bool parse_number(std::string text, double& out) {
  std::erase(text, '_');  // YAML 1.1 writes 100_000
  if (text.starts_with('+')) text.erase(0, 1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(out);
}

bool parse_bool(std::string text, bool& out) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (text == "true" || text == "yes" || text == "on" || text == "1") return out = true;
  if (text == "false" || text == "no" || text == "off" || text == "0") return !(out = false);
  return false;
}

/// Whether `text` is the choice. In a choice that ends in ":N", the N stands for a number of up to three digits.
bool matches_choice(std::string_view choice, std::string_view text) {
  if (!choice.ends_with(":N")) return text == choice;
  choice.remove_suffix(1);
  if (!text.starts_with(choice)) return false;
  const std::string_view number = text.substr(choice.size());
  constexpr size_t kMostDigits = 3;
  const bool has_length = !number.empty() && number.size() <= kMostDigits;
  const bool leading_zero = number.size() > 1 && number[0] == '0';
  return has_length && !leading_zero && number.find_first_not_of("0123456789") == std::string_view::npos;
}

bool in_range(const Option& option, double value) { return value >= option.range.low && value <= option.range.high; }

/// "[a, b]" or "a,b" or "a b".
bool parse_pair(std::string text, double& low, double& high) {
  std::erase_if(text, [](char c) { return c == '[' || c == ']'; });
  std::replace(text.begin(), text.end(), ',', ' ');
  const auto first = text.find_first_not_of(' ');
  const auto gap = first == std::string::npos ? first : text.find(' ', first);
  const auto second = gap == std::string::npos ? gap : text.find_first_not_of(' ', gap);
  if (second == std::string::npos) return false;
  std::string tail = text.substr(second);
  tail.erase(tail.find_last_not_of(' ') + 1);
  return parse_number(text.substr(first, gap - first), low) && parse_number(tail, high);
}

/// True if `value` was understood and allowed; only then is the field written.
bool assign(const Option& option, const std::string& value) {
  const bool is_null = option.nullable && (value == "null" || value == "~" || value == "None" || value.empty());
  if (const auto* field = std::get_if<bool*>(&option.field)) return parse_bool(value, **field);
  if (const auto* field = std::get_if<std::string*>(&option.field)) {
    const std::string text = is_null ? "" : value;
    const auto fits = [&](const std::string& choice) { return matches_choice(choice, text); };
    if (!option.choices.empty() && std::ranges::none_of(option.choices, fits)) return false;
    **field = text;
    return true;
  }
  if (const auto* field = std::get_if<PairField>(&option.field)) {
    double low = 0, high = 0;
    if (!parse_pair(value, low, high) || !in_range(option, low) || !in_range(option, high)) return false;
    *field->low = low;
    *field->high = high;
    return true;
  }
  double number = 0;
  if (!is_null && (!parse_number(value, number) || !in_range(option, number))) return false;
  if (auto* const* field = std::get_if<double*>(&option.field)) {
    **field = number;
    return true;
  }
  if (number != std::floor(number) || std::abs(number) > 9e15) return false;
  if (auto* const* field = std::get_if<int64_t*>(&option.field)) {
    **field = static_cast<int64_t>(number);
  } else {
    if (std::abs(number) > std::numeric_limits<int>::max()) return false;
    *std::get<int*>(option.field) = static_cast<int>(number);
  }
  return true;
}

/// Whether YAML means the same by two texts: 1 and 1.0, True and true, null and nothing.
bool means_the_same(std::string a, std::string b) {
  double x = 0, y = 0;
  if (parse_number(a, x) && parse_number(b, y)) return x == y;
  for (std::string* text : {&a, &b}) {
    std::ranges::transform(*text, text->begin(), [](unsigned char c) { return std::tolower(c); });
    if (*text == "null" || *text == "~" || *text == "none") text->clear();
  }
  return a == b;
}

std::string with_dashes(std::string text) {
  std::ranges::replace(text, '_', '-');
  return text;
}

}  // namespace

bool names_a_file(const Option& option) {
  return option.value_name == "FILE" || option.value_name == "DIR" || option.value_name == "PATH";
}

std::string flag_of(const Option& option) {
  return "--" + (option.flag.empty() ? with_dashes(option.name) : option.flag);
}

std::vector<std::string> spellings_of(const Option& option) {
  std::vector<std::string> all = {flag_of(option)};
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(all, "--" + name) == all.end()) all.push_back("--" + name);
  };
  add(with_dashes(option.name));
  add(option.name);  // the YAML spelling works too
  for (const std::string& alias : option.aliases) add(alias);
  return all;
}

void OptionTable::add(Option option) {
  const bool bound = std::visit(
      [](const auto& field) {
        if constexpr (std::is_same_v<std::decay_t<decltype(field)>, PairField>)
          return field.low && field.high;
        else
          return field != nullptr;
      },
      option.field);
  LUCID_CHECK(bound, "option {} has no field", option.name);
  for (const std::string& spelling : spellings_of(option)) {
    LUCID_CHECK(find_flag(spelling) == nullptr, "option {} stands twice in the table", spelling);
  }
  options_.push_back(std::move(option));
}

const Option* OptionTable::find(const std::string& name) const {
  const auto it = std::ranges::find(options_, name, &Option::name);
  return it == options_.end() ? nullptr : &*it;
}

ForeignKey* OptionTable::find_foreign(const std::string& group, const std::string& name) {
  const auto it = std::ranges::find_if(
      foreign_, [&](const ForeignKey& key) { return key.yaml_group == group && key.name == name; });
  return it == foreign_.end() ? nullptr : &*it;
}

bool differs(const ForeignKey& key, const std::string& value) {
  return !key.same.empty() &&
         std::ranges::none_of(key.same, [&](const std::string& same) { return means_the_same(same, value); });
}

std::vector<const ForeignKey*> OptionTable::ignored() const {
  std::vector<const ForeignKey*> keys;
  for (const ForeignKey& key : foreign_) {
    if (key.line > 0 && differs(key, key.value)) keys.push_back(&key);
  }
  return keys;
}

const Option& OptionTable::at(const std::string& name) const {
  const Option* option = find(name);
  LUCID_CHECK(option != nullptr, "no option {}", name);
  return *option;
}

const Option* OptionTable::find_flag(std::string_view flag) const {
  flag.remove_prefix(std::min(flag.find_first_not_of('-'), flag.size()));
  const std::string wanted = "--" + std::string(flag);
  for (const Option& option : options_) {
    const std::vector<std::string> spellings = spellings_of(option);
    if (std::ranges::find(spellings, wanted) != spellings.end()) return &option;
  }
  return nullptr;
}

std::vector<std::string> OptionTable::near_names(const std::string& name) const {
  std::vector<std::string> names;
  for (const Option& option : options_) names.push_back(option.name);
  return near_words(name, names);
}

std::vector<std::string> OptionTable::near_flags(std::string_view flag) const {
  flag.remove_prefix(std::min(flag.find_first_not_of('-'), flag.size()));
  std::vector<std::string> flags;
  std::vector<const Option*> owners;
  for (const Option& option : options_) {
    for (const std::string& spelling : spellings_of(option)) {
      flags.push_back(spelling.substr(2));
      owners.push_back(&option);
    }
  }
  std::vector<std::string> near;
  for (const std::string& found : near_words(with_dashes(std::string(flag)), flags)) {
    const auto at = static_cast<size_t>(std::ranges::find(flags, found) - flags.begin());
    const std::string shown = flag_of(*owners[at]);
    if (std::ranges::find(near, shown) == near.end()) near.push_back(shown);
  }
  return near;
}

std::string allowed_text(const Option& option) {
  if (std::holds_alternative<bool*>(option.field)) return "true or false";
  if (std::holds_alternative<std::string*>(option.field)) {
    return names_a_file(option)     ? "a path"
           : option.choices.empty() ? "any text"
                                    : fmt::format("one of {}", fmt::join(option.choices, ", "));
  }
  const bool whole = std::holds_alternative<int64_t*>(option.field) || std::holds_alternative<int*>(option.field);
  std::string kind = whole                                             ? "a whole number"
                     : std::holds_alternative<PairField>(option.field) ? "two numbers, each"
                                                                       : "a number";
  const bool low = std::isfinite(option.range.low), high = std::isfinite(option.range.high);
  if (low && high)
    return fmt::format("{} in [{}, {}]", kind, limit_text(option.range.low), limit_text(option.range.high));
  if (low) return fmt::format("{} of at least {}", kind, limit_text(option.range.low));
  if (high) return fmt::format("{} of at most {}", kind, limit_text(option.range.high));
  return std::holds_alternative<PairField>(option.field) ? "two numbers" : kind;
}

std::string value_text(const Option& option) {
  if (const auto* field = std::get_if<bool*>(&option.field)) return **field ? "true" : "false";
  if (const auto* field = std::get_if<int64_t*>(&option.field)) return fmt::format("{}", **field);
  if (const auto* field = std::get_if<int*>(&option.field)) return fmt::format("{}", **field);
  if (const auto* field = std::get_if<double*>(&option.field)) return number_text(**field);
  if (const auto* field = std::get_if<PairField>(&option.field)) {
    return fmt::format("[{}, {}]", number_text(*field->low), number_text(*field->high));
  }
  return *std::get<std::string*>(option.field);
}

void OptionTable::set(const std::string& name, const std::string& value, const std::string& source,
                      const std::string& file, int line) {
  const auto it = std::ranges::find(options_, name, &Option::name);
  if (it == options_.end()) {
    const std::vector<std::string> near = near_names(name);
    throw UserError({.what_happened = "unknown option",
                     .file = file,
                     .key = name,
                     .line = line,
                     .hint = near.empty() ? "lucid generate --help-all lists them all"
                                          : fmt::format("did you mean {}?", fmt::join(near, " or "))});
  }
  if (!assign(*it, value)) {
    throw UserError(
        {.what_happened = fmt::format("'{}' is not allowed; {} was expected", value.substr(0, 80), allowed_text(*it)),
         .file = file,
         .key = name,
         .line = line});
  }
  it->source = source;
  it->file = file;
  it->line = line;
}

namespace {

nlohmann::json json_of(const Option& option) {
  return std::visit(
      [](const auto& field) -> nlohmann::json {
        if constexpr (std::is_same_v<std::decay_t<decltype(field)>, PairField>)
          return {*field.low, *field.high};
        else
          return *field;
      },
      option.field);
}

}  // namespace

nlohmann::json OptionTable::dump_json() const {
  nlohmann::json json = nlohmann::json::object();
  for (const Option& option : options_) json[option.name] = json_of(option);
  return json;
}

nlohmann::json OptionTable::dump_result_json() const {
  nlohmann::json json = nlohmann::json::object();
  for (const Option& option : options_) {
    if (option.affects_result) json[option.name] = json_of(option);
  }
  return json;
}

}  // namespace lucid::config
