// SPDX-License-Identifier: Apache-2.0
// Minimal safetensors reader for the rasteriser's tests, which do not link torch. Reads every tensor as doubles.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace lucid::render::test {

struct GoldenTensor {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

class GoldenFile {
 public:
  explicit GoldenFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    uint64_t length = 0;
    file.read(reinterpret_cast<char*>(&length), 8);
    std::string header(file ? length : 0, ' ');
    file.read(header.data(), int64_t(header.size()));
    if (!file) throw std::runtime_error("cannot read " + path.string());
    const nlohmann::json json = nlohmann::json::parse(header);
    for (const auto& [name, entry] : json.items()) {
      if (name == "__metadata__") {
        for (const auto& [key, value] : entry.items()) metadata_[key] = value.get<std::string>();
        continue;
      }
      const auto offsets = entry.at("data_offsets").get<std::vector<int64_t>>();
      std::vector<char> bytes(size_t(offsets.at(1) - offsets.at(0)));
      file.seekg(int64_t(8 + length) + offsets[0]);
      file.read(bytes.data(), int64_t(bytes.size()));
      if (!file) throw std::runtime_error(path.string() + ": " + name + " is cut off");
      tensors_[name] = {entry.at("shape").get<std::vector<int64_t>>(), widen(entry.at("dtype"), bytes)};
    }
  }

  const GoldenTensor& operator[](const std::string& name) const { return tensors_.at(name); }
  const std::string& metadata(const std::string& key) const { return metadata_.at(key); }

 private:
  static std::vector<double> widen(const std::string& dtype, const std::vector<char>& bytes) {
    if (dtype == "F64") return copy<double>(bytes);
    if (dtype == "F32") return copy<float>(bytes);
    if (dtype == "I32") return copy<int32_t>(bytes);
    if (dtype == "I64") return copy<int64_t>(bytes);
    throw std::runtime_error("dtype " + dtype);
  }
  template <class T>
  static std::vector<double> copy(const std::vector<char>& bytes) {
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return {values.begin(), values.end()};
  }

  std::map<std::string, GoldenTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace lucid::render::test
