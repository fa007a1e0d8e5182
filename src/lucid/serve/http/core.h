// SPDX-License-Identifier: Apache-2.0
// What the server's connections share (I/O thread), and the two kinds of connection. Includes Boost.Asio: only for
// http_server.cpp, connection.cpp and web_socket.cpp.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <set>

#include "lucid/serve/http/guard.h"
#include "lucid/serve/http/http_server.h"
#include "lucid/serve/http/router.h"
#include "lucid/serve/http/static_files.h"

namespace lucid::serve::http {

/// A connection that the server can close and remind of time. It counts while it exists.
class Connected {
 public:
  virtual ~Connected() = default;
  virtual void close_now() = 0;
  virtual void heartbeat() {}
};

/// Lives longer than every connection. All but `slow_waiting` belongs to the I/O thread.
struct Shared {
  explicit Shared(Options from) : options(std::move(from)), tickets(options.limits.ticket_time) {}

  Options options;
  Router router;
  StaticFiles files;
  std::optional<Guard> guard;  // from start() on: it holds the port
  Tickets tickets;
  std::set<Connected*> connections;
  std::atomic<int> slow_waiting{0};
  boost::asio::io_context io{1};
  boost::asio::thread_pool worker{1};  // after io: what it still holds is destroyed first
};

/// Serves the requests of a new connection until one side closes it.
void serve_connection(Shared& shared, boost::asio::ip::tcp::socket socket);

/// Serves a WebSocket on a connection whose upgrade request has been checked.
void serve_web_socket(Shared& shared, boost::beast::tcp_stream stream,
                      const boost::beast::http::request<boost::beast::http::string_body>& upgrade,
                      const WebSocketHandlers& handlers);

}  // namespace lucid::serve::http
