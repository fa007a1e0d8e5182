// SPDX-License-Identifier: Apache-2.0
// Requests and responses as handlers see them, without the HTTP library.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lucid/serve/http/problem.h"

namespace lucid::serve::http {

enum class Method { kGet, kPost, kDelete, kOther };  // kOther: no route has it
const char* name_of(Method method);

/// A request after all checks. HEAD requests reach handlers as GET.
struct Request {
  Method method = Method::kGet;
  std::string path;                               // without the query; as sent, since no route needs "%"
  std::map<std::string, std::string> parameters;  // of the route's pattern: {id} and others
  std::map<std::string, std::string> query;       // percent-decoded
  std::map<std::string, std::string> headers;     // names in lower case
  std::string body;

  /// The value of a header (name in lower case), or "".
  std::string header(const std::string& name) const;
  /// The body as JSON, at most 16 levels deep. Throws ProblemError (status 400).
  nlohmann::json json() const;
};

/// A file under `folder`. The name is relative; symbolic links and ".." are refused when it is opened.
struct FileBeneath {
  std::filesystem::path folder;
  std::string name;
};

/// One of the three bodies is sent: `file` before `shared_body` before `body`.
struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::shared_ptr<const std::string> shared_body = nullptr;
  std::optional<FileBeneath> file = std::nullopt;
  std::vector<std::pair<std::string, std::string>> headers = {};  // added to those of every response
};

Response json_response(const nlohmann::json& value, int status = 200);
/// Content type application/problem+json.
Response problem_response(const Problem& problem);
/// The value of Content-Disposition that makes browsers save the body under this name. Characters other than letters,
/// digits, ".", "_" and "-" become "_".
std::string attachment(std::string_view file_name);

/// Splits "path?query" and decodes the query. Returns nothing if the target is malformed: a path that does not start
/// with "/", control characters, a bad "%", a repeated name.
struct Target {
  std::string path;
  std::map<std::string, std::string> query;
};
std::optional<Target> parse_target(std::string_view target);

}  // namespace lucid::serve::http
