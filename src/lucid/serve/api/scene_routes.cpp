// SPDX-License-Identifier: Apache-2.0
// Routes of the files that `lucid view` shows.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lucid/serve/api/api.h"

namespace lucid::serve {

void add_scene_routes(http::Server& server, const std::vector<Scene>& scenes) {
  nlohmann::json list = nlohmann::json::array();
  for (size_t i = 0; i < scenes.size(); ++i) {
    const Scene& scene = scenes[i];
    const std::string path = fmt::format("/api/v1/scenes/{}", i);
    list.push_back(
        {{"title", scene.title}, {"kind", scene.kind}, {"path", path}, {"theta", scene.theta}, {"phi", scene.phi}});
    http::Response response{.content_type = "application/octet-stream", .shared_body = scene.bytes};
    if (scene.gzip) response.headers.emplace_back("Content-Encoding", "gzip");
    server.on(http::Method::kGet, path, [response](const http::Request&) { return response; });
  }
  server.on(http::Method::kGet, "/api/v1/scenes", [list](const http::Request&) {
    return http::json_response({{"scenes", list}});
  });
}

}  // namespace lucid::serve
