// SPDX-License-Identifier: Apache-2.0
// Targets as a safetensors file; colours as JSON in its metadata.
#include "lucid/pretrain/shape/cache.h"

#include <nlohmann/json.hpp>

#include "lucid/weights/error_messages.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pretrain {

void save_targets(const std::filesystem::path& file, const std::string& key, const std::vector<ShapeItem>& items) {
  std::map<std::string, torch::Tensor> tensors;
  nlohmann::json colours = nlohmann::json::array();
  for (size_t i = 0; i < items.size(); ++i) {
    const ShapeItem& item = items[i];
    const std::string at = std::to_string(i) + ".";
    tensors[at + "cells"] = item.target.cells;
    tensors[at + "offset"] = item.target.offset;
    tensors[at + "spread"] = item.target.spread;
    for (const auto& [colour, rgb] : item.target.rgb) tensors[at + "rgb." + colour] = rgb;
    colours.push_back({{"own", item.own_colour}, {"learned", item.colours}, {"held_out", item.held_out}});
  }
  weights::write_safetensors(file, tensors, {{"key", key}, {"colours", colours.dump()}});
}

bool load_targets(const std::filesystem::path& file, const std::string& key, std::vector<ShapeItem>& items) {
  if (!std::filesystem::exists(file)) return false;
  const weights::StateDict state = weights::read_safetensors(file);
  const auto found = state.metadata.find("key");
  if (found == state.metadata.end() || found->second != key) return false;
  std::vector<ShapeItem> loaded = items;
  try {
    const auto colours = nlohmann::json::parse(state.metadata.at("colours"));
    for (size_t i = 0; i < loaded.size(); ++i) {
      ShapeItem& item = loaded[i];
      const auto tensor = [&](const std::string& name) {
        return state.tensors.at(std::to_string(i) + "." + name).clone();
      };
      item.own_colour = colours.at(i).at("own");
      item.colours = colours.at(i).at("learned").get<std::vector<std::string>>();
      item.held_out = colours.at(i).at("held_out").get<std::vector<std::string>>();
      item.target = {.cells = tensor("cells"), .offset = tensor("offset"), .spread = tensor("spread"), .rgb = {}};
      std::vector<std::string> all = {""};
      all.insert(all.end(), item.colours.begin(), item.colours.end());
      all.insert(all.end(), item.held_out.begin(), item.held_out.end());
      for (const std::string& colour : all) item.target.rgb[colour] = tensor("rgb." + colour);
    }
  } catch (const std::out_of_range&) {
    weights::throw_damaged(file, "lacks a tensor");
  } catch (const nlohmann::json::exception& error) {
    weights::throw_damaged(file, error.what(), "colours");
  }
  items = std::move(loaded);
  return true;
}

}  // namespace lucid::pretrain
