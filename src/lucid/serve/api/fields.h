// SPDX-License-Identifier: Apache-2.0
// Values of a request's JSON body and query, checked. Every error is a problem with status 400 that names the field.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lucid/serve/http/message.h"

namespace lucid::serve {

inline constexpr size_t kMostPrompt = 500;  // bytes

[[noreturn]] void refuse_field(const std::string& name, const std::string& what);

/// The body as a JSON object with no other than the known fields. An empty body is an empty object.
nlohmann::json object_of(const http::Request& request, std::initializer_list<const char*> known);

/// A text of 1 to `most` bytes without control characters other than line breaks and tabs.
std::string text_field(const nlohmann::json& object, const char* name, size_t most);
std::optional<int64_t> integer_field(const nlohmann::json& object, const char* name, int64_t low, int64_t high);
std::optional<double> number_field(const nlohmann::json& object, const char* name, double low, double high);
/// The same for fields that must be there.
int64_t required_integer(const nlohmann::json& object, const char* name, int64_t low, int64_t high);
double required_number(const nlohmann::json& object, const char* name, double low, double high);

/// Numbers of the query in [low, high]; nothing where there is none.
std::optional<double> query_number(const http::Request& request, const std::string& name, double low, double high);

std::optional<int64_t> query_integer(const http::Request& request, const std::string& name, int64_t low, int64_t high);

/// The client's Idempotency-Key; empty if there is none.
std::string idempotency_key(const http::Request& request);

}  // namespace lucid::serve
