// SPDX-License-Identifier: Apache-2.0
// Document: the JSON and the buffers of a .glb or .gltf file, and its accessors as arrays of numbers. Every index and
// every length is checked before use.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/base/mapped_file.h"

namespace lucid::asset::gltf {

/// A non-negative integer member of a JSON object. Throws nlohmann::json::exception if it is something else, or if it
/// is missing and there is no default.
uint64_t integer(const nlohmann::json& object, const char* key, std::optional<uint64_t> otherwise = std::nullopt);

class Document {
 public:
  /// `bytes` must outlive the document. Throws UserError, or nlohmann::json::exception for invalid JSON.
  Document(const std::filesystem::path& file, std::string_view bytes);

  const nlohmann::json& json() const { return json_; }
  /// The object number `index` of a top-level array. Throws UserError if there is none.
  const nlohmann::json& at(const char* array, uint64_t index) const;
  /// The number of rows that accessor `index` declares.
  uint64_t rows(uint64_t index) const { return integer(at("accessors", index), "count"); }
  /// The numbers of accessor `index`, whose type must be `type`: [rows, components]. Normalised integers become
  /// fractions. Throws UserError, also for NaN and Inf.
  std::vector<float> values(uint64_t index, const std::string& type);
  /// Bytes of the file and of the buffers read so far.
  size_t size() const { return size_; }
  [[noreturn]] void refuse(const std::string& what, const std::string& key = "", const std::string& hint = "") const;

 private:
  void parse(std::string_view text);
  std::string_view buffer(uint64_t index);
  std::string_view external_buffer(uint64_t index, const std::string& uri);
  std::string_view view(uint64_t index);

  const std::filesystem::path& file_;
  nlohmann::json json_;
  std::string_view glb_buffer_;
  size_t size_ = 0;
  std::map<uint64_t, std::string> embedded_;                          // decoded data URIs, by buffer
  std::map<uint64_t, std::shared_ptr<const MappedFile>> neighbours_;  // files beside the .gltf, by buffer
};

}  // namespace lucid::asset::gltf
