// SPDX-License-Identifier: Apache-2.0
// nlohmann-json's own repair, there and back.
#include "lucid/json/utf8.h"

#include <nlohmann/json.hpp>

namespace lucid {

std::string valid_utf8(const std::string& text) {
  const std::string encoded = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(encoded).get<std::string>();
}

}  // namespace lucid
