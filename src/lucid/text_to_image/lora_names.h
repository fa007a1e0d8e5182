// SPDX-License-Identifier: Apache-2.0
// Which layer of a prior, and which factor of its change, a tensor of a LoRA file is. Every tool has names of its own.
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
  std::string factor;    // "up", "down", "mid", "alpha", or what LyCORIS calls it
};

class LayerNames {
 public:
  explicit LayerNames(const Prior& prior);
  std::optional<LayerPart> find(std::string_view name) const;

 private:
  struct Network {
    std::map<std::string, std::string, std::less<>> by_flat_name;  // "down_blocks_0_..." -> module
    std::vector<std::string> by_index;                             // PTI's traversal
    bool has(std::string_view module) const;
  };
  std::optional<LayerPart> kohya(std::string_view name) const;
  std::optional<LayerPart> diffusers(std::string_view name) const;
  std::optional<LayerPart> pti(std::string_view name) const;
  const Network& network(bool is_text) const { return is_text ? text_ : unet_; }

  Network unet_, text_;
};

}  // namespace lucid::text_to_image
