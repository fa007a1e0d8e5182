// SPDX-License-Identifier: Apache-2.0
// A binary glTF file as untrusted data: its JSON, and arrays of numbers in its binary chunk. Every length is checked.
// tinygltf is not used for reading: version 2.7 reads up to 8 bytes behind a chunk with a false length, recurses
// without a limit, and copies the binary chunk for every buffer that the JSON declares.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lucid/asset/glb_container.h"

namespace lucid::asset::mesh_files {

/// Elements of one or several components in the binary chunk.
class GlbArray {
 public:
  size_t size() const { return count_; }
  int components() const { return components_; }
  /// Component c of element i as a number; normalised integers as values in [-1, 1].
  double number(size_t i, int c) const;
  /// Element i as an index; the array has passed as_indices().
  uint32_t index(size_t i) const;

 private:
  friend class GlbDocument;
  std::string_view bytes_;  // from the first element to the end of the last
  size_t count_ = 0, stride_ = 0;
  int components_ = 1;
  int64_t component_type_ = 0;
  GltfComponent component_{};
  bool normalised_ = false;
};

class GlbDocument {
 public:
  using json = nlohmann::json;

  /// Throws UserError unless the bytes are a binary glTF 2.0. `bytes` must outlive the document.
  GlbDocument(const std::filesystem::path& file, std::string_view bytes);

  [[noreturn]] void fail(const std::string& what, const std::string& key = "") const;

  const json& root() const { return root_; }
  /// Element `number` of a list at the top, such as "nodes". Throws UserError if there is none.
  const json& element(const char* list, int64_t number) const;
  /// The member of an object; null if there is none, or if `object` is no object.
  static const json* member(const json& object, const char* key);
  /// A member that is a whole number of at least 0, or `otherwise` if there is none. Throws UserError for others.
  int64_t whole(const json& object, const char* key, int64_t otherwise) const;
  /// The same for a list of `size` numbers: fills `values` and returns whether the member is there.
  bool numbers(const json& object, const char* key, size_t size, double* values) const;

  /// The array of an accessor with one of the allowed numbers of components.
  GlbArray array(int64_t accessor, int least_components, int most_components) const;
  GlbArray indices(int64_t accessor) const;
  /// The bytes of a buffer view.
  std::string_view view(int64_t number) const;

 private:
  void parse_json(std::string_view text);

  std::filesystem::path file_;
  json root_;
  std::string_view binary_;
};

}  // namespace lucid::asset::mesh_files
