// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what a client of the page sends. The first line is the target ("path?query"), the rest is the body.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "lucid/serve/api/fields.h"
#include "lucid/serve/http/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lucid::serve;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view line = text.substr(0, text.find('\n'));
  http::Request request;
  request.body = text.substr(std::min(text.size(), line.size() + 1));
  const auto attempt = [](const auto& read) {
    try {
      read();
    } catch (const http::ProblemError&) {
    }
  };
  if (const auto target = http::parse_target(line)) {
    if (!target->path.starts_with('/')) std::abort();
    request.path = target->path;
    request.query = target->query;
    attempt([&] { query_number(request, "azimuth", -360, 360); });
    attempt([&] { query_integer(request, "size", 16, 4096); });
    http::attachment(target->path);
  }
  attempt([&] {
    const nlohmann::json body = object_of(request, {"prompt", "seed", "options", "azimuth"});
    attempt([&] { text_field(body, "prompt", kMostPrompt); });
    attempt([&] { integer_field(body, "seed", 0, 1 << 30); });
    attempt([&] { required_number(body, "azimuth", -360, 360); });
    http::json_response(body);
  });
  return 0;
}
