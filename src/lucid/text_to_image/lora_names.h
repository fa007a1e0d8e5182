// SPDX-License-Identifier: Apache-2.0
// Tensor names of LoRA files, mapped to a layer of the prior and a factor of its update. Every training tool has its
// own naming scheme.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/text_to_image/prior.h"

namespace lucid::text_to_image {

struct LayerPart {
  bool is_text = false;  // the text encoder's, else the U-Net's
  std::string module;    // diffusers' name
  std::string factor;    // "up", "down", "mid", "alpha", or LyCORIS' name
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
  const Network& network(bool is_text) const { return is_text ? text_ : unet_; }

  Network unet_, text_;
};

}  // namespace lucid::text_to_image
