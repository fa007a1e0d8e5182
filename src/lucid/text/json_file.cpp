// SPDX-License-Identifier: Apache-2.0
// nlohmann's exceptions become UserErrors with a place.
#include "lucid/text/json_file.h"

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::text {

nlohmann::json read_json_object(const std::filesystem::path& file) {
  constexpr size_t kMaxBytes = size_t{1} << 26;
  const std::string bytes = read_file(file, kMaxBytes);
  nlohmann::json object;
  try {
    object = nlohmann::json::parse(bytes);
  } catch (const nlohmann::json::parse_error& error) {
    throw UserError({.what_happened = fmt::format("is not valid JSON (byte {})", error.byte),
                     .file = file.string(),
                     .hint = "the file is damaged or cut short; fetch it again"});
  } catch (const nlohmann::json::exception& error) {  // a number that no double can hold
    throw UserError({.what_happened = fmt::format("is not usable JSON: {}", error.what()),
                     .file = file.string(),
                     .hint = "the file is damaged or cut short; fetch it again"});
  }
  if (!object.is_object()) throw UserError({.what_happened = "is not a JSON object", .file = file.string()});
  return object;
}

int64_t whole_number(const nlohmann::json& object, const std::filesystem::path& file, const std::string& key,
                     int64_t otherwise, int64_t low, int64_t high) {
  if (!object.contains(key)) return otherwise;
  const nlohmann::json& value = object[key];
  if (!value.is_number_unsigned() || value.get<uint64_t>() > static_cast<uint64_t>(high) ||
      value.get<int64_t>() < low) {
    throw UserError({.what_happened = fmt::format("a whole number from {} to {} was expected", low, high),
                     .file = file.string(),
                     .key = key});
  }
  return value.get<int64_t>();
}

}  // namespace lucid::text
