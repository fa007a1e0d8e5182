// SPDX-License-Identifier: Apache-2.0
// Matching of paths against the routes' patterns.
#include "lucid/serve/http/router.h"

#include <algorithm>
#include <optional>

#include "lucid/base/error.h"

namespace lucid::serve::http {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  for (size_t at = 1; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    segments.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return segments;
}

bool is_parameter(const std::string& segment) { return segment.starts_with('{'); }

bool is_value(const std::string& text) {
  constexpr size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

/// The pattern's parameters, or nothing if the path does not match it.
std::optional<std::map<std::string, std::string>> match(const std::vector<std::string>& pattern,
                                                        const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::map<std::string, std::string> parameters;
  for (size_t i = 0; i < path.size(); ++i) {
    if (is_parameter(pattern[i]) ? !is_value(path[i]) : pattern[i] != path[i]) return std::nullopt;
    if (is_parameter(pattern[i])) parameters[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
  }
  return parameters;
}

}  // namespace

void Router::add(Method method, const std::string& pattern, AnyHandler handler) {
  LUCID_CHECK(pattern.starts_with('/'), "pattern \"{}\" does not start with /", pattern);
  routes_.push_back({.method = method, .segments = split(pattern), .handler = std::move(handler)});
}

std::vector<std::string> Router::names() const {
  std::vector<std::string> names;
  for (const Route& route : routes_) {
    std::string& name = names.emplace_back(std::string(name_of(route.method)) + " ");
    for (const std::string& segment : route.segments) name += "/" + segment;
  }
  return names;
}

Router::Match Router::find(Method method, std::string_view path) const {
  Match found;
  const std::vector<std::string> segments = split(path);
  for (const Route& route : routes_) {
    auto parameters = match(route.segments, segments);
    if (!parameters) continue;
    const std::string name = route.method == Method::kGet ? "GET, HEAD" : name_of(route.method);
    if (found.allowed.find(name) == std::string::npos) found.allowed += (found.allowed.empty() ? "" : ", ") + name;
    if (route.method != method || found.handler != nullptr) continue;
    found.handler = &route.handler;
    found.parameters = std::move(*parameters);
  }
  return found;
}

}  // namespace lucid::serve::http
