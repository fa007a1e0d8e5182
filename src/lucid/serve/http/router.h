// SPDX-License-Identifier: Apache-2.0
// Routes: a method and a pattern of path segments, of which some are parameters, to a handler of one of five kinds.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lucid/serve/http/http_server.h"

namespace lucid::serve::http {

struct SlowHandler {
  Handler handler;
};
using AnyHandler = std::variant<Handler, SlowHandler, LaterHandler, EventHandler, WebSocketHandlers>;

class Router {
 public:
  void add(Method method, const std::string& pattern, AnyHandler handler);

  std::vector<std::string> names() const;  // "GET /api/v1/runs/{id}"

  struct Match {
    const AnyHandler* handler = nullptr;            // nothing: no route has this path and method
    std::map<std::string, std::string> parameters;  // of the pattern
    std::string allowed;  // "GET, HEAD, POST": methods of the path's routes; empty: no such path
  };
  Match find(Method method, std::string_view path) const;

 private:
  struct Route {
    Method method;
    std::vector<std::string> segments;
    AnyHandler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace lucid::serve::http
