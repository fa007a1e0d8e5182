// SPDX-License-Identifier: Apache-2.0
// Routes of a run's files: live frames, pictures, renders, exports.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "lucid/serve/api/api.h"
#include "lucid/serve/api/fields.h"
#include "lucid/serve/api/rate_limit.h"

namespace lucid::serve {
namespace {
using http::Method;
using http::ProblemError;
using http::Request;
using http::Response;

std::string run_of(const Request& request) { return request.parameters.at("id"); }

[[noreturn]] void not_there(const std::string& what) {
  throw ProblemError({.status = 404, .type = "not-there", .title = "Not there", .detail = what});
}

Response file_response(const std::filesystem::path& folder, const std::string& name, const std::string& content_type) {
  return {.content_type = content_type, .file = http::FileBeneath{.folder = folder, .name = name}};
}

View view_of(const Request& request) {
  constexpr double kMostTurns = 36000, kFar = 1000, kNear = 1e-3;
  constexpr int64_t kLeastSide = 16, kMostSide = 2048;
  const nlohmann::json body =
      object_of(request, {"theta", "phi", "radius", "target", "fovy", "width", "height", "background"});
  View view{.theta = required_number(body, "theta", 0, 180),
            .phi = required_number(body, "phi", -kMostTurns, kMostTurns),
            .radius = required_number(body, "radius", kNear, kFar),
            .width = static_cast<int>(required_integer(body, "width", kLeastSide, kMostSide)),
            .height = static_cast<int>(required_integer(body, "height", kLeastSide, kMostSide))};
  view.fovy = number_field(body, "fovy", 0.01, 3).value_or(view.fovy);
  if (body.contains("target")) {
    const nlohmann::json& target = body.at("target");
    const auto is_near = [](const nlohmann::json& x) { return x.is_number() && std::abs(x.get<double>()) <= kFar; };
    if (!target.is_array() || target.size() != view.target.size() || !std::ranges::all_of(target, is_near))
      refuse_field("target", fmt::format("three numbers in [-{0}, {0}] are needed", kFar));
    view.target = target.get<std::array<double, 3>>();
  }
  if (body.contains("background")) {
    view.background = text_field(body, "background", 7);
    const bool is_colour = view.background.size() == 7 && view.background[0] == '#' &&
                           view.background.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string::npos;
    if (!is_colour) refuse_field("background", "it must be #rrggbb");
  }
  return view;
}

void add_pictures(http::Server& server, Studio& studio) {
  server.on(Method::kGet, "/api/v1/runs/{id}/splats", [&studio](const Request& request) {
    const auto file = studio.frame(run_of(request));
    if (!file) not_there("The run has no live frame yet. Wait for its first step, or make an export.");
    return file_response(file->parent_path(), file->filename().string(), "application/octet-stream");
  });
  server.on(Method::kGet, "/api/v1/runs/{id}/pictures/{name}", [&studio](const Request& request) {
    const std::string id = run_of(request);
    const auto file = studio.picture(id, request.parameters.at("name"));
    if (!file) not_there("There is no such picture yet. The run's field \"pictures\" lists those that are there.");
    return file_response(studio.run_folder(id), file->string(), "image/png");
  });
  const auto rate = std::make_shared<RateLimit>();
  server.on_later(Method::kPost, "/api/v1/runs/{id}/render", [rate, &studio](const Request& request, auto reply) {
    rate->take();
    studio.render(run_of(request), view_of(request), [reply](std::string png, std::optional<http::Problem> problem) {
      reply->send(problem ? http::problem_response(*problem)
                          : Response{.content_type = "image/png", .body = std::move(png)});
    });
  });
}

Export export_named(const Studio& studio, const std::string& id, const std::string& format) {
  for (Export& each : studio.exports(id)) {
    if (each.format == format) return each;
  }
  not_there(fmt::format("No format is named \"{}\". GET /api/v1/formats lists them.", format));
}

void add_exports(http::Server& server, Studio& studio) {
  server.on(Method::kGet, "/api/v1/runs/{id}/exports", [&studio](const Request& request) {
    nlohmann::json exports = nlohmann::json::array();
    for (const Export& each : studio.exports(run_of(request))) exports.push_back(to_json(each));
    return http::json_response({{"exports", std::move(exports)}});
  });
  const auto rate = std::make_shared<RateLimit>();
  server.on(Method::kPost, "/api/v1/runs/{id}/exports", [rate, &studio](const Request& request) {
    rate->take();
    constexpr size_t kMostName = 64;
    const std::string format = text_field(object_of(request, {"format"}), "format", kMostName);
    const Export made = studio.make_export(run_of(request), format);
    return http::json_response(to_json(made), made.state == Export::State::kDone ? 200 : 202);
  });
  server.on(Method::kGet, "/api/v1/runs/{id}/exports/{name}", [&studio](const Request& request) {
    return http::json_response(to_json(export_named(studio, run_of(request), request.parameters.at("name"))));
  });
  server.on(Method::kGet, "/api/v1/runs/{id}/files/{name}", [&studio](const Request& request) {
    const std::string id = run_of(request), name = request.parameters.at("name");
    const std::vector<Export> exports = studio.exports(id);
    if (std::ranges::none_of(exports, [&](const Export& each) { return each.file == name; }))
      not_there("There is no such file. Make the export first; its field \"file\" names it.");
    Response response = file_response(studio.export_folder(id), name, "application/octet-stream");
    response.headers.emplace_back("Content-Disposition", http::attachment(name));
    return response;
  });
}

}  // namespace

void add_asset_routes(http::Server& server, Studio& studio) {
  add_pictures(server, studio);
  add_exports(server, studio);
}

}  // namespace lucid::serve
