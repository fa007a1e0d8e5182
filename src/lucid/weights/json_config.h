// SPDX-License-Identifier: Apache-2.0
// The small JSON files of a diffusers folder, read with their name at hand, so that every complaint names file, key and
// value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lucid::weights {

/// The file's JSON object (64 MiB at most). Throws UserError: unreadable, not JSON, not an object.
nlohmann::json read_json_object(const std::filesystem::path& file);

/// Keys that are absent or null take the default that the caller names, as diffusers does.
class JsonConfig {
 public:
  /// Wider than any model's layers; keeps products of two of them far from overflow.
  static constexpr int64_t kMaxCount = 1 << 22;

  explicit JsonConfig(const std::filesystem::path& file);  // throws UserError, as every member does

  /// The object under `key`, empty where there is none; complaints then name `key.inner`.
  JsonConfig object(const std::string& key) const;

  bool has(const std::string& key) const;  // there, and not null
  bool has_null(const std::string& key) const { return json_.contains(key) && json_.at(key).is_null(); }
  bool is_list(const std::string& key) const { return has(key) && value(key).is_array(); }
  int64_t positive(const std::string& key, int64_t fallback, int64_t at_most = kMaxCount) const;
  int64_t integer(const std::string& key, int64_t fallback) const;
  double number(const std::string& key, double fallback) const;
  bool boolean(const std::string& key, bool fallback) const;
  std::string text(const std::string& key, const std::string& fallback) const;
  std::vector<int64_t> positives(const std::string& key, const std::vector<int64_t>& fallback) const;
  /// As many as `fallback` has.
  std::vector<double> numbers(const std::string& key, const std::vector<double>& fallback) const;
  /// The number of groups of the group norms, which must divide every width.
  int64_t groups(const std::string& key, int64_t fallback, const std::vector<int64_t>& widths) const;
  std::vector<std::string> texts(const std::string& key, const std::vector<std::string>& fallback) const;

  /// Refuses a value other than `supported`; a list passes if all its elements do.
  void only(const std::string& key, const nlohmann::json& supported) const;
  /// Refuses a key that is there at all, unless null.
  void none_of(const std::vector<std::string>& keys) const;
  [[noreturn]] void refuse(const std::string& key, const std::string& why, const std::string& hint = "") const;

 private:
  JsonConfig(std::filesystem::path file, std::string prefix, nlohmann::json json)
      : file_(std::move(file)), prefix_(std::move(prefix)), json_(std::move(json)) {}
  const nlohmann::json& value(const std::string& key) const { return json_.at(key); }
  std::filesystem::path file_;
  std::string prefix_;  // of the keys in complaints
  nlohmann::json json_;
};

}  // namespace lucid::weights
