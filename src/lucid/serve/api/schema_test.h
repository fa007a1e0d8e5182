// SPDX-License-Identifier: Apache-2.0
// Checks a JSON value against the part of JSON Schema that configs/openapi.json uses.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

namespace lucid::serve::test {

class SchemaCheck {
 public:
  explicit SchemaCheck(const nlohmann::json& document) : document_(document) {}

  /// The first place where `value` breaks the schema; empty if there is none.
  std::string fault(const nlohmann::json& schema, const nlohmann::json& value, const std::string& at = "$") const {
    if (schema.contains("$ref")) {
      const auto path = schema.at("$ref").get<std::string>().substr(1);
      return fault(document_.at(nlohmann::json::json_pointer(path)), value, at);
    }
    if (schema.contains("anyOf")) {
      for (const nlohmann::json& each : schema.at("anyOf")) {
        if (fault(each, value, at).empty()) return "";
      }
      return at + ": fits none of anyOf: " + value.dump();
    }
    if (schema.contains("type") && !is_of_type(schema.at("type").get<std::string>(), value))
      return fmt::format("{}: {} is no {}", at, value.dump(), schema.at("type").get<std::string>());
    if (schema.contains("enum") && std::ranges::find(schema.at("enum"), value) == schema.at("enum").end())
      return at + ": not in enum: " + value.dump();
    if (schema.contains("pattern") &&
        !std::regex_search(value.get<std::string>(), std::regex(schema.at("pattern").get<std::string>())))
      return at + ": breaks the pattern: " + value.dump();
    if (value.is_object()) return fault_of_object(schema, value, at);
    if (value.is_array() && schema.contains("items")) {
      for (size_t i = 0; i < value.size(); ++i) {
        const std::string inner = fault(schema.at("items"), value[i], fmt::format("{}[{}]", at, i));
        if (!inner.empty()) return inner;
      }
    }
    return "";
  }

 private:
  static bool is_of_type(const std::string& type, const nlohmann::json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == "null" && value.is_null();
  }

  std::string fault_of_object(const nlohmann::json& schema, const nlohmann::json& value, const std::string& at) const {
    for (const nlohmann::json& name : schema.value("required", nlohmann::json::array())) {
      if (!value.contains(name.get<std::string>())) return fmt::format("{}: {} is missing", at, name.dump());
    }
    const nlohmann::json properties = schema.value("properties", nlohmann::json::object());
    const nlohmann::json others = schema.value("additionalProperties", nlohmann::json(true));
    for (const auto& [name, inner] : value.items()) {
      const bool known = properties.contains(name);
      if (!known && others == false) return fmt::format("{}: {} is not in the schema", at, name);
      if (!known && !others.is_object()) continue;
      const std::string found = fault(known ? properties.at(name) : others, inner, at + "." + name);
      if (!found.empty()) return found;
    }
    return "";
  }

  const nlohmann::json& document_;
};

}  // namespace lucid::serve::test
