// SPDX-License-Identifier: Apache-2.0
// Parts of requests and responses that need no HTTP library: targets, JSON bodies, problems.
#include "lucid/serve/http/message.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lucid::serve::http {
namespace {

constexpr int kMostJsonLevels = 16;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

const char* name_of(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kDelete:
      return "DELETE";
    case Method::kOther:
      return "other";
  }
  return "";
}

std::string Request::header(const std::string& name) const {
  const auto at = headers.find(name);
  return at == headers.end() ? std::string() : at->second;
}

nlohmann::json Request::json() const {
  bool too_deep = false;
  const auto watch_depth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth >= kMostJsonLevels;
    return !too_deep;  // what is too deep is dropped as it is read, so that nothing has to recurse into it
  };
  nlohmann::json value = nlohmann::json::parse(body, watch_depth, /*allow_exceptions=*/false);
  if (too_deep || value.is_discarded()) {
    throw ProblemError({.status = 400,
                        .type = "invalid-json",
                        .title = "Invalid JSON",
                        .detail = too_deep ? "The body nests more than 16 levels. Send a flatter JSON value."
                                           : "The body is not JSON (RFC 8259). Check quotes, commas and UTF-8."});
  }
  return value;
}

Response json_response(const nlohmann::json& value, int status) {
  return {.status = status, .body = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

Response problem_response(const Problem& problem) {
  Response response = json_response(to_json(problem), problem.status);
  response.content_type = "application/problem+json";
  return response;
}

std::string attachment(std::string_view file_name) {
  std::string name(file_name);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_name_character(c); }, '_');
  return "attachment; filename=\"" + name + "\"";
}

std::optional<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return std::nullopt;
  if (std::any_of(target.begin(), target.end(), [](char c) { return c <= ' ' || c == 0x7f; })) return std::nullopt;
  const size_t question = target.find('?');
  Target out{.path = std::string(target.substr(0, question)), .query = {}};
  if (question == std::string_view::npos) return out;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decoded(pair.substr(0, equals));
    const auto value = percent_decoded(pair.substr(std::min(pair.size(), equals + 1)));
    if (!name || !value || !out.query.emplace(*name, *value).second) return std::nullopt;
  }
  return out;
}

}  // namespace lucid::serve::http
