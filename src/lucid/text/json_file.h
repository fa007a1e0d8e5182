// SPDX-License-Identifier: Apache-2.0
// Small JSON files of a diffusers folder, read with errors that name the file and the key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace lucid::text {

/// The file's JSON object. Throws UserError: unreadable, not JSON, not an object.
nlohmann::json read_json_object(const std::filesystem::path& file);

/// A whole number in [low, high]; `otherwise` where the key is absent. Throws UserError.
int64_t whole_number(const nlohmann::json& object, const std::filesystem::path& file, const std::string& key,
                     int64_t otherwise, int64_t low, int64_t high);

}  // namespace lucid::text
