// SPDX-License-Identifier: Apache-2.0
// JsonConfig: type and range checks of each kind of value.
#include "lucid/json/json_config.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/json_depth.h"

namespace lucid {
namespace {

constexpr size_t kMaxListed = 64;  // most elements of a list; most characters of a value in a message

[[noreturn]] void throw_unreadable(const std::filesystem::path& file, const std::string& what) {
  throw UserError(UserMistake{
      .what_happened = what, .file = file.string(), .hint = "the file is damaged or cut short; fetch it again"});
}

std::string excerpt(const nlohmann::json& value) {
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
  return text.size() <= kMaxListed ? text : text.substr(0, kMaxListed) + "...";
}

bool equal_json(const nlohmann::json& a, const nlohmann::json& b) {
  return a.is_number() && b.is_number() ? a.get<double>() == b.get<double>() : a == b;
}

bool is_positive(const nlohmann::json& value) {
  return value.is_number_integer() && value.get<int64_t>() > 0 && value.get<int64_t>() <= JsonConfig::kMaxCount;
}

}  // namespace

nlohmann::json read_json_object(const std::filesystem::path& file, size_t most_bytes) {
  const std::string bytes = read_file(file, most_bytes);
  if (nests_deeper(bytes, kMostJsonFileLevels)) {
    throw_unreadable(file, fmt::format("nests deeper than {} levels", kMostJsonFileLevels));
  }
  nlohmann::json object;
  try {
    object = nlohmann::json::parse(bytes);
  } catch (const nlohmann::json::parse_error& error) {
    throw_unreadable(file, fmt::format("is not valid JSON (byte {})", error.byte));
  } catch (const nlohmann::json::exception& error) {  // a number beyond the range of double
    throw_unreadable(file, fmt::format("is not usable JSON: {}", error.what()));
  }
  if (!object.is_object()) throw UserError({.what_happened = "is not a JSON object", .file = file.string()});
  return object;
}

JsonConfig::JsonConfig(const std::filesystem::path& file) : file_(file), json_(read_json_object(file)) {}

JsonConfig JsonConfig::object(const std::string& key) const {
  if (has(key) && !value(key).is_object()) refuse(key, "must be an object");
  return {file_, prefix_ + key + ".", has(key) ? value(key) : nlohmann::json::object()};
}

bool JsonConfig::has(const std::string& key) const {
  const auto it = json_.find(key);
  return it != json_.end() && !it->is_null();
}

int64_t JsonConfig::positive(const std::string& key, int64_t fallback, int64_t at_most) const {
  if (!has(key)) return fallback;
  if (!is_positive(value(key)) || value(key).get<int64_t>() > at_most) {
    refuse(key, fmt::format("must be a positive whole number, {} at most", at_most));
  }
  return value(key).get<int64_t>();
}

int64_t JsonConfig::integer(const std::string& key, int64_t fallback) const {
  if (!has(key)) return fallback;
  if (!value(key).is_number_integer() || std::abs(value(key).get<double>()) > kMaxCount) {
    refuse(key, "must be a whole number");
  }
  return value(key).get<int64_t>();
}

double JsonConfig::number(const std::string& key, double fallback) const {
  if (!has(key)) return fallback;
  if (!value(key).is_number() || !std::isfinite(value(key).get<double>())) refuse(key, "must be a number");
  return value(key).get<double>();
}

bool JsonConfig::boolean(const std::string& key, bool fallback) const {
  if (!has(key)) return fallback;
  if (!value(key).is_boolean()) refuse(key, "must be true or false");
  return value(key).get<bool>();
}

std::string JsonConfig::text(const std::string& key, const std::string& fallback) const {
  if (!has(key)) return fallback;
  if (!value(key).is_string()) refuse(key, "must be a text");
  return value(key).get<std::string>();
}

std::vector<int64_t> JsonConfig::positives(const std::string& key, const std::vector<int64_t>& fallback) const {
  if (!has(key)) return fallback;
  const auto& list = value(key);
  if (!list.is_array() || list.empty() || list.size() > kMaxListed || !std::ranges::all_of(list, is_positive)) {
    refuse(key, "must be a list of positive whole numbers");
  }
  return list.get<std::vector<int64_t>>();
}

std::vector<double> JsonConfig::numbers(const std::string& key, const std::vector<double>& fallback) const {
  if (!has(key)) return fallback;
  const auto& list = value(key);
  const auto finite = [](const auto& element) {
    return element.is_number() && std::isfinite(element.template get<double>());
  };
  if (!list.is_array() || list.size() != fallback.size() || !std::ranges::all_of(list, finite)) {
    refuse(key, fmt::format("must be a list of {} numbers", fallback.size()));
  }
  return list.get<std::vector<double>>();
}

int64_t JsonConfig::groups(const std::string& key, int64_t fallback, const std::vector<int64_t>& widths) const {
  const int64_t groups = positive(key, fallback);
  for (const int64_t width : widths) {
    if (width % groups != 0) refuse(key, fmt::format("must divide every width, {} among them", width));
  }
  return groups;
}

std::vector<std::string> JsonConfig::texts(const std::string& key, const std::vector<std::string>& fallback) const {
  if (!has(key)) return fallback;
  const auto& list = value(key);
  if (!list.is_array() || list.empty() || list.size() > kMaxListed ||
      !std::ranges::all_of(list, [](const auto& element) { return element.is_string(); })) {
    refuse(key, "must be a list of texts");
  }
  return list.get<std::vector<std::string>>();
}

void JsonConfig::only(const std::string& key, const nlohmann::json& supported) const {
  if (!has(key)) return;
  const auto& found = value(key);
  const bool fine =
      found.is_array() ? std::ranges::all_of(found, [&](const auto& element) { return equal_json(element, supported); })
                       : equal_json(found, supported);
  if (!fine) refuse(key, fmt::format("is not supported: only {} is", excerpt(supported)));
}

void JsonConfig::none_of(const std::vector<std::string>& keys) const {
  for (const std::string& key : keys) {
    if (has(key)) refuse(key, "is not supported");
  }
}

void JsonConfig::refuse(const std::string& key, const std::string& why, const std::string& hint) const {
  throw UserError(
      {.what_happened = fmt::format("{} {}", json_.contains(key) ? excerpt(json_.at(key)) : "(absent)", why),
       .file = file_.string(),
       .key = prefix_ + key,
       .hint = hint});
}

}  // namespace lucid
