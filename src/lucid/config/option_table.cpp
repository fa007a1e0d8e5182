// SPDX-License-Identifier: Apache-2.0
// Parsing, checking and printing option values.
#include "lucid/config/option_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "lucid/base/error.h"

namespace lucid::config {
namespace {

std::string number_text(double value) { return fmt::format("{}", value); }

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

bool in_range(const Option& option, double value) { return value >= option.min && value <= option.max; }

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
    if (!option.choices.empty() && std::ranges::find(option.choices, text) == option.choices.end()) return false;
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

}  // namespace

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

void OptionTable::add(Option option) {
  LUCID_CHECK(find(option.name) == nullptr, "option {} stands twice in the table", option.name);
  options_.push_back(std::move(option));
}

const Option* OptionTable::find(const std::string& name) const {
  const auto it = std::ranges::find(options_, name, &Option::name);
  return it == options_.end() ? nullptr : &*it;
}

const ForeignKey* OptionTable::find_foreign(const std::string& name) const {
  const auto it = std::ranges::find(foreign_, name, &ForeignKey::name);
  return it == foreign_.end() ? nullptr : &*it;
}

const Option& OptionTable::at(const std::string& name) const {
  const Option* option = find(name);
  LUCID_CHECK(option != nullptr, "no option {}", name);
  return *option;
}

std::string OptionTable::nearest(const std::string& name) const {
  std::string best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const Option& option : options_) {
    const size_t distance = edit_distance(name, option.name);
    if (distance < best_distance) {
      best_distance = distance;
      best = option.name;
    }
  }
  return best;
}

std::string OptionTable::allowed_text(const Option& option) {
  if (std::holds_alternative<bool*>(option.field)) return "true or false";
  if (std::holds_alternative<std::string*>(option.field)) {
    return option.choices.empty() ? "any text" : fmt::format("one of {}", fmt::join(option.choices, ", "));
  }
  const bool whole = std::holds_alternative<int64_t*>(option.field) || std::holds_alternative<int*>(option.field);
  std::string kind = whole                                             ? "a whole number"
                     : std::holds_alternative<PairField>(option.field) ? "two numbers, each"
                                                                       : "a number";
  const bool low = std::isfinite(option.min), high = std::isfinite(option.max);
  if (low && high) return fmt::format("{} in [{}, {}]", kind, number_text(option.min), number_text(option.max));
  if (low) return fmt::format("{} of at least {}", kind, number_text(option.min));
  if (high) return fmt::format("{} of at most {}", kind, number_text(option.max));
  return std::holds_alternative<PairField>(option.field) ? "two numbers" : kind;
}

std::string OptionTable::value_text(const Option& option) {
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
    const std::string near = nearest(name);
    throw UserError({.what_happened = "unknown option",
                     .file = file,
                     .key = name,
                     .line = line,
                     .hint = near.empty() ? "see lucid generate --help" : fmt::format("did you mean {}?", near)});
  }
  if (!assign(*it, value)) {
    throw UserError(
        {.what_happened = fmt::format("'{}' is not allowed; {} was expected", value.substr(0, 80), allowed_text(*it)),
         .file = file,
         .key = name,
         .line = line});
  }
  it->source = source;
}

nlohmann::json OptionTable::dump_json() const {
  nlohmann::json json = nlohmann::json::object();
  for (const Option& option : options_) {
    std::visit(
        [&](const auto& field) {
          if constexpr (std::is_same_v<std::decay_t<decltype(field)>, PairField>) {
            json[option.name] = {*field.low, *field.high};
          } else {
            json[option.name] = *field;
          }
        },
        option.field);
  }
  return json;
}

}  // namespace lucid::config
