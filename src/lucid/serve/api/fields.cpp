// SPDX-License-Identifier: Apache-2.0
// Checks of request fields.
#include "lucid/serve/api/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace lucid::serve {
namespace {

const nlohmann::json* find_value(const nlohmann::json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? nullptr : &*at;
}

template <class Number>
std::optional<Number> query_value(const http::Request& request, const std::string& name, Number low, Number high,
                                  const char* what) {
  const auto at = request.query.find(name);
  if (at == request.query.end()) return std::nullopt;
  const std::string& text = at->second;
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= low && number <= high))
    refuse_field(name, fmt::format("it must be a {} in [{}, {}]", what, low, high));
  return number;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
}

}  // namespace

void refuse_field(const std::string& name, const std::string& what) {
  throw http::ProblemError(
      {.status = 400,
       .type = "bad-field",
       .title = "A field has no usable value",
       .detail = fmt::format("{}: {}. GET /api/v1/openapi.json describes the fields.", name, what)});
}

nlohmann::json object_of(const http::Request& request, std::initializer_list<const char*> known) {
  if (request.body.empty()) return nlohmann::json::object();
  nlohmann::json object = request.json();
  if (!object.is_object()) refuse_field("body", "it must be a JSON object");
  for (const auto& [name, unused] : object.items()) {
    const auto is_name = [&](const char* other) { return name == other; };
    if (std::none_of(known.begin(), known.end(), is_name))
      refuse_field("body", fmt::format("no field is named \"{}\"", name));
  }
  return object;
}

std::string text_field(const nlohmann::json& object, const char* name, size_t most) {
  const nlohmann::json* value = find_value(object, name);
  if (value == nullptr || !value->is_string()) refuse_field(name, "a text is needed");
  std::string text = value->get<std::string>();
  if (text.empty() || text.size() > most) refuse_field(name, fmt::format("it must have 1 to {} bytes", most));
  if (std::ranges::any_of(text, is_control)) refuse_field(name, "it holds a control character");
  return text;
}

std::optional<int64_t> integer_field(const nlohmann::json& object, const char* name, int64_t low, int64_t high) {
  const nlohmann::json* value = find_value(object, name);
  if (value == nullptr) return std::nullopt;
  // JSON has no integers: 3.0 is one as well, and stays exact below 2^53.
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high) && number == std::floor(number)))
    refuse_field(name, fmt::format("it must be a whole number in [{}, {}]", low, high));
  return value->is_number_integer() ? value->get<int64_t>() : static_cast<int64_t>(number);
}

std::optional<double> number_field(const nlohmann::json& object, const char* name, double low, double high) {
  const nlohmann::json* value = find_value(object, name);
  if (value == nullptr) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= low && number <= high)) refuse_field(name, fmt::format("it must be a number in [{}, {}]", low, high));
  return number;
}

int64_t required_integer(const nlohmann::json& object, const char* name, int64_t low, int64_t high) {
  const auto value = integer_field(object, name, low, high);
  if (!value) refuse_field(name, "it is missing");
  return *value;
}

double required_number(const nlohmann::json& object, const char* name, double low, double high) {
  const auto value = number_field(object, name, low, high);
  if (!value) refuse_field(name, "it is missing");
  return *value;
}

std::optional<double> query_number(const http::Request& request, const std::string& name, double low, double high) {
  return query_value(request, name, low, high, "number");
}

std::optional<int64_t> query_integer(const http::Request& request, const std::string& name, int64_t low, int64_t high) {
  return query_value(request, name, low, high, "whole number");
}

std::string idempotency_key(const http::Request& request) {
  constexpr size_t kMost = 64;
  if (!request.headers.contains("idempotency-key")) return {};
  const std::string key = request.header("idempotency-key");
  const bool printable = std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
  if (key.empty() || key.size() > kMost || !printable)
    refuse_field("Idempotency-Key", fmt::format("it must have 1 to {} printable characters without spaces", kMost));
  return key;
}

}  // namespace lucid::serve
