// SPDX-License-Identifier: Apache-2.0
// Tensor names of LoRA files, mapped to a layer of the prior and a factor of its update. Every training tool has its
// own naming scheme.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/text_to_image/prior.h"

namespace lucid::text_to_image {

enum class LoraNetwork { kUNet, kText, kText2 };  // kText2: SDXL's second text encoder

struct LayerPart {
  LoraNetwork network = LoraNetwork::kUNet;
  std::string module;  // diffusers' name
  std::string factor;  // "up", "down", "mid", "alpha", or LyCORIS' name
};

class LayerNames {
 public:
  explicit LayerNames(const Prior& prior);
  /// nullopt if no scheme knows the name, or the prior has no such layer.
  std::optional<LayerPart> find(std::string_view name) const;

 private:
  struct Network {
    std::map<std::string, std::string, std::less<>> by_flat_name;  // "down_blocks_0_..." -> module
    std::vector<std::string> by_index;                             // module of each index in PTI files
    bool has(std::string_view module) const;
  };
  std::optional<LayerPart> kohya(std::string_view name) const;
  std::optional<LayerPart> diffusers(std::string_view name) const;
  std::optional<LayerPart> pti(std::string_view name) const;
  const Network& network(LoraNetwork which) const { return networks_[static_cast<size_t>(which)]; }

  std::array<Network, 3> networks_;
  bool has_second_ = false;  // text encoder
};

}  // namespace lucid::text_to_image
