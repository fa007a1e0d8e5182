// SPDX-License-Identifier: Apache-2.0
// Which requests are refused before any handler sees them. Other web pages in the user's browser can send requests to a
// server on loopback; these rules keep them out:
// - Host must be one of ours, so that a foreign name that resolves to this machine (DNS rebinding) reaches nothing;
// - a write or a WebSocket needs our Origin, and Sec-Fetch-Site "same-origin", where the browser sends them;
// - everything under /api/ needs the token, which is no cookie: cookies go to every server on the same host;
// - a body must be application/json, which a page of another origin cannot send without asking first (CORS preflight).
#pragma once

#include <optional>
#include <set>
#include <string>

#include "lucid/serve/http/message.h"
#include "lucid/serve/http/token.h"

namespace lucid::serve::http {

class Guard {
 public:
  /// `hosts`: the accepted values of Host. Origins are "http://" and "https://" before one of them.
  Guard(std::set<std::string> hosts, std::string token) : hosts_(std::move(hosts)), token_(std::move(token)) {}

  /// Why the request is refused; nothing if it is not. Redeems the ticket in its query.
  std::optional<Problem> refusal(const Request& request, bool has_body, Tickets& tickets) const;
  /// The same for a WebSocket's upgrade. The token comes with its first message.
  std::optional<Problem> refusal_of_web_socket(const Request& request) const;
  bool is_token(std::string_view text) const { return equal_in_constant_time(text, token_); }

 private:
  std::optional<Problem> refused_host(const Request& request) const;
  std::optional<Problem> refused_origin(const Request& request) const;
  std::optional<Problem> refused_site_of_read(const Request& request) const;
  std::optional<Problem> refused_token(const Request& request, Tickets& tickets) const;

  std::set<std::string> hosts_;
  std::string token_;
};

}  // namespace lucid::serve::http
