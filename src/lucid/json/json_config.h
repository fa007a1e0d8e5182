// SPDX-License-Identifier: Apache-2.0
// Typed reader for the config.json files of a diffusers folder. Every error names file, key and value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lucid {

/// vocab.json, the largest of these files that other people make, has about 1 MB. A hostile file takes 16 times its
/// size.
inline constexpr size_t kMostJsonBytes = size_t{1} << 24;

/// Parses a file that holds one JSON object. Throws UserError: unreadable, larger than `most_bytes`, nested deeper than
/// kMostJsonFileLevels, not JSON, not an object.
nlohmann::json read_json_object(const std::filesystem::path& file, size_t most_bytes = kMostJsonBytes);

/// One JSON object. A key that is absent or null takes the caller's `fallback`, as in diffusers. Every member throws
/// UserError for a value of the wrong type or range.
class JsonConfig {
 public:
  /// Upper limit of counts and widths: above any model's, and the product of two stays far from overflow.
  static constexpr int64_t kMaxCount = 1 << 22;

  explicit JsonConfig(const std::filesystem::path& file);

  /// The object under `key`; an empty one if the key is absent. Its errors name `key.inner`.
  JsonConfig object(const std::string& key) const;

  bool has(const std::string& key) const;  // present and not null
  bool has_null(const std::string& key) const { return json_.contains(key) && json_.at(key).is_null(); }
  bool is_list(const std::string& key) const { return has(key) && value(key).is_array(); }
  int64_t positive(const std::string& key, int64_t fallback, int64_t at_most = kMaxCount) const;
  int64_t integer(const std::string& key, int64_t fallback) const;
  double number(const std::string& key, double fallback) const;
  bool boolean(const std::string& key, bool fallback) const;
  std::string text(const std::string& key, const std::string& fallback) const;
  std::vector<int64_t> positives(const std::string& key, const std::vector<int64_t>& fallback) const;
  /// A list of as many finite numbers as `fallback` has.
  std::vector<double> numbers(const std::string& key, const std::vector<double>& fallback) const;
  /// The number of groups of GroupNorm; it must divide each of `widths`.
  int64_t groups(const std::string& key, int64_t fallback, const std::vector<int64_t>& widths) const;
  std::vector<std::string> texts(const std::string& key, const std::vector<std::string>& fallback) const;

  /// Throws unless the value equals `supported` or the key is absent. For a list every element must equal it.
  void only(const std::string& key, const nlohmann::json& supported) const;
  /// Throws if one of the keys is present and not null.
  void none_of(const std::vector<std::string>& keys) const;
  [[noreturn]] void refuse(const std::string& key, const std::string& why, const std::string& hint = "") const;

 private:
  JsonConfig(std::filesystem::path file, std::string prefix, nlohmann::json json)
      : file_(std::move(file)), prefix_(std::move(prefix)), json_(std::move(json)) {}
  const nlohmann::json& value(const std::string& key) const { return json_.at(key); }
  std::filesystem::path file_;
  std::string prefix_;  // "parent." before the keys of error messages
  nlohmann::json json_;
};

}  // namespace lucid
