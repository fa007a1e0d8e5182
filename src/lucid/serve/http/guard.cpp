// SPDX-License-Identifier: Apache-2.0
// The checks of Host, Origin, Sec-Fetch-Site, token and content type.
#include "lucid/serve/http/guard.h"

#include <algorithm>

namespace lucid::serve::http {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

Problem foreign_origin() {
  return {.status = 403,
          .type = "foreign-origin",
          .title = "Request of another web page",
          .detail =
              "Another origin sent this request. Use the page that this server serves, or send no Origin and no "
              "Sec-Fetch-Site from a program."};
}

bool is_json(const std::string& content_type) {
  const std::string type = lower(content_type.substr(0, content_type.find(';')));
  return type.substr(0, type.find_last_not_of(" \t") + 1) == "application/json";
}

bool is_api(const Request& request) { return request.path.starts_with("/api/"); }

}  // namespace

std::optional<Problem> Guard::refused_host(const Request& request) const {
  const std::string host = request.header("host");
  if (host.empty()) {
    return Problem{.status = 400,
                   .type = "host-missing",
                   .title = "No Host header",
                   .detail = "Send the Host header with the address and port that the server printed."};
  }
  if (hosts_.contains(lower(host))) return std::nullopt;
  return Problem{.status = 421,
                 .type = "foreign-host",
                 .title = "Foreign host name",
                 .detail =
                     "This server does not answer to that host name. Open the address that it printed at its "
                     "start, or give the name to --listen."};
}

std::optional<Problem> Guard::refused_origin(const Request& request) const {
  const auto origin = request.headers.find("origin");
  if (origin != request.headers.end()) {
    const std::string text = lower(origin->second);
    const bool ours = (text.starts_with("http://") && hosts_.contains(text.substr(7))) ||
                      (text.starts_with("https://") && hosts_.contains(text.substr(8)));
    if (!ours) return foreign_origin();
  }
  const auto site = request.headers.find("sec-fetch-site");
  if (site != request.headers.end() && site->second != "same-origin") return foreign_origin();
  return std::nullopt;
}

// A read by a person who followed a link ("none", or a navigation to the page) is no attack; one by another page is.
std::optional<Problem> Guard::refused_site_of_read(const Request& request) const {
  const std::string site = request.header("sec-fetch-site");
  if (site.empty() || site == "same-origin" || site == "none") return std::nullopt;
  if (!is_api(request) && request.header("sec-fetch-mode") == "navigate") return std::nullopt;
  return foreign_origin();
}

std::optional<Problem> Guard::refused_token(const Request& request, Tickets& tickets) const {
  if (!is_api(request)) return std::nullopt;
  const std::string authorization = request.header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (lower(authorization.substr(0, kScheme.size())) == kScheme && is_token(authorization.substr(kScheme.size()))) {
    return std::nullopt;
  }
  const auto ticket = request.query.find("ticket");
  if (request.method == Method::kGet && ticket != request.query.end() && tickets.redeem(ticket->second, request.path)) {
    return std::nullopt;
  }
  return Problem{.status = 401,
                 .type = "token-missing",
                 .title = "Token missing or wrong",
                 .detail =
                     "Send \"Authorization: Bearer TOKEN\" with the token from the address that the server "
                     "printed (after #t=). A ticket works once, for 30 s."};
}

std::optional<Problem> Guard::refusal(const Request& request, bool has_body, Tickets& tickets) const {
  if (auto problem = refused_host(request)) return problem;
  const bool write = request.method != Method::kGet;
  if (auto problem = write ? refused_origin(request) : refused_site_of_read(request)) return problem;
  if (auto problem = refused_token(request, tickets)) return problem;
  if (has_body && !write) {
    return Problem{.status = 400,
                   .type = "unexpected-body",
                   .title = "Unexpected body",
                   .detail = "A GET request has no body here. Put its parameters into the query."};
  }
  if (has_body && (!is_json(request.header("content-type")) || request.headers.contains("content-encoding"))) {
    return Problem{.status = 415,
                   .type = "json-required",
                   .title = "Only JSON is accepted",
                   .detail = "Send the body as \"Content-Type: application/json\", without Content-Encoding."};
  }
  return std::nullopt;
}

std::optional<Problem> Guard::refusal_of_web_socket(const Request& request) const {
  if (auto problem = refused_host(request)) return problem;
  return refused_origin(request);
}

}  // namespace lucid::serve::http
