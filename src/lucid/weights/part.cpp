// SPDX-License-Identifier: Apache-2.0
// Finds and reads the weight files of one part of a diffusers folder: safetensors or .bin, sharded or whole, fp16 or
// not.
#include <algorithm>
#include <iterator>
#include <set>

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/state_dict.h"
#include "lucid/weights/torch_file.h"

namespace lucid::weights {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPickled = ".bin";

/// The shards that an index file names, each once. All must lie beside the index.
std::vector<fs::path> shards_of(const fs::path& index) {
  const nlohmann::json json = read_json_object(index);
  const auto bad_index = [&](const std::string& what) {
    return UserError(UserMistake{.what_happened = what, .file = index.string(), .key = "weight_map"});
  };
  if (!json.contains("weight_map") || !json["weight_map"].is_object())
    throw bad_index("is not a map of names to files");
  std::set<std::string> names;
  for (const auto& [tensor, file] : json["weight_map"].items()) {
    if (!file.is_string()) throw bad_index("is not a map of names to files");
    names.insert(file.get<std::string>());
  }
  if (names.empty()) throw bad_index("names no file");
  std::vector<fs::path> files;
  for (const std::string& name : names) {
    if (fs::path(name).filename() != name) throw bad_index("names a file outside its folder: " + shortened(name));
    files.push_back(index.parent_path() / name);
    std::error_code none;
    if (!fs::is_regular_file(files.back(), none)) {
      throw UserError(UserMistake{.what_happened = "is missing",
                                  .file = files.back().string(),
                                  .hint = index.filename().string() + " names it"});
    }
  }
  return files;
}

}  // namespace

std::vector<fs::path> part_files(const fs::path& folder, const std::string& stem) {
  for (const std::string kind : {".safetensors", kPickled}) {
    const std::string name = kind == kPickled && stem == "model" ? "pytorch_model" : stem;
    for (const std::string variant : {"", ".fp16"}) {
      std::error_code none;
      const fs::path file = folder / (name + variant + kind);
      if (fs::is_regular_file(file, none)) return {file};
      const fs::path index = folder / fmt::format("{}{}.index{}.json", name, kind, variant);
      if (fs::is_regular_file(index, none)) return shards_of(index);
    }
  }
  throw UserError({.what_happened = "does not exist, nor do its shards, its .fp16 variant or a .bin",
                   .file = (folder / (stem + ".safetensors")).string(),
                   .hint = "a diffusers folder was expected"});
}

StateDict read_part(const fs::path& folder, const std::string& stem) {
  StateDict state;
  for (const fs::path& file : part_files(folder, stem)) {
    StateDict part = file.extension() == kPickled ? read_torch_file(file) : read_safetensors(file);
    if (state.file.empty()) state.file = file;
    state.tensors.merge(part.tensors);
    state.metadata.merge(part.metadata);
    std::ranges::copy(part.mappings, std::back_inserter(state.mappings));
    if (!part.tensors.empty()) {
      throw UserError({.what_happened = "is in another shard too",
                       .file = file.string(),
                       .key = shortened(part.tensors.begin()->first)});
    }
  }
  return state;
}

}  // namespace lucid::weights
