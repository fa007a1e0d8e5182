// SPDX-License-Identifier: Apache-2.0
// The HTTP API of configs/openapi.json: routes of the server on top of Studio, and the WebSocket of the page.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lucid/serve/api/changes.h"
#include "lucid/serve/http/http_server.h"
#include "lucid/serve/jobs/studio.h"

namespace lucid::serve {

/// What one page is for; about.mode of the API.
enum class Mode { kStudio, kRun, kView };

struct ApiOptions {
  std::string program = {};                 // "lucid 0.1.0"
  std::filesystem::path openapi_file = {};  // configs/openapi.json
  std::filesystem::path output = {};        // of the runs, for people
  Mode mode = Mode::kStudio;
  std::vector<std::string> devices = {"cpu"};
  bool on_network = false;
  int queue_limit = 100;
};

/// Adds /api/v1/about alone.
void add_about(http::Server& server, const ApiOptions& options);
/// Adds what tells of the program: about, options, vocabulary, formats, tickets, openapi.json. Before server.start().
/// Throws UserError if the file of the API or the vocabulary cannot be read.
void add_program_routes(http::Server& server, const ApiOptions& options);

/// Adds what works on runs. `studio` and `changes` must outlive the server. Before server.start().
void add_run_routes(http::Server& server, Studio& studio, Changes& changes);
void add_asset_routes(http::Server& server, Studio& studio);

/// Adds the WebSocket /api/v1/live: changes of all runs as text, live frames of the watched runs as binary messages.
/// Returns a function that counts the open pages, for the I/O thread.
std::function<size_t()> add_live_socket(http::Server& server, Studio& studio, Changes& changes);

/// An asset that `lucid view` shows.
struct Scene {
  std::string title = {};
  std::string kind = {};  // "spz": Gaussians in lucid's axes; "glb": a mesh, y up
  bool gzip = false;      // `bytes` is compressed; an SPZ file is so by itself
  std::shared_ptr<const std::string> bytes = {};
  double theta = 75, phi = 30;  // of the first view, degrees
};

/// Adds the list of scenes and the bytes of each. Before server.start().
void add_scene_routes(http::Server& server, const std::vector<Scene>& scenes);

}  // namespace lucid::serve
