// SPDX-License-Identifier: Apache-2.0
// The HTTP server of `lucid serve`: HTTP/1.1 with long polling, server-sent events and WebSockets on one I/O thread,
// and one worker thread for slow handlers. It checks every request before a handler sees it (guard.h); the API is
// routes on top of it. Boost.Beast is behind this interface.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/serve/http/message.h"

namespace lucid::serve::http {

struct Limits {
  size_t header_bytes = 16 << 10;
  size_t body_bytes = 64 << 10;  // chunked bodies too; also of a WebSocket message from the client
  int connections = 256;
  int slow_requests = 32;                                    // waiting for the worker thread
  std::chrono::milliseconds request_time{10'000};            // from a request's first byte to its last
  std::chrono::milliseconds idle_time{30'000};               // between requests
  std::chrono::milliseconds write_time{30'000};              // of a response, and a second more for each 16 kB
  std::chrono::milliseconds token_time{10'000};              // until a WebSocket's first message
  std::chrono::milliseconds event_stream_heartbeat{15'000};  // a comment to each event stream
  std::chrono::milliseconds web_socket_idle_time{60'000};    // without any frame; a ping is sent at half of it
  std::chrono::milliseconds ticket_time{30'000};             // how long a ticket is valid
};

struct Options {
  std::string address = "127.0.0.1";         // an IP address or "localhost"
  uint16_t port = 0;                         // 0: any free port
  std::string token = {};                    // empty: 128 random bits
  std::vector<std::string> host_names = {};  // further values of Host, such as "studio.example" or "studio.example:80"
  std::filesystem::path web_folder = {};     // the page (static_files.h); empty or missing: API only
  Limits limits = {};
};

/// The answer to a request that a handler keeps for later. Use and destroy it on the I/O thread, or after stop(). If
/// the last copy goes without send(), the client gets status 503.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void send(Response response) = 0;  // once
  virtual bool open() const = 0;             // false after send() and when the client has gone
};

/// A stream of server-sent events. Use and destroy it on the I/O thread, or after stop(). An event that the client has
/// not read yet is replaced by the next one with the same key, so a slow reader costs one event a key. More than 64
/// keys waiting close the stream.
class EventStream {
 public:
  virtual ~EventStream() = default;
  virtual void send(const std::string& event, const std::string& data, const std::string& key) = 0;
  void send(const std::string& event, const std::string& data) { send(event, data, event); }
  virtual void close() = 0;  // after the events that wait
  virtual bool open() const = 0;
};

/// A WebSocket whose client has shown the token. Use and destroy it on the I/O thread, or after stop(). A message that
/// waits is replaced by the next one with the same key; the next write starts when the last one has ended. More than 64
/// keys waiting close it.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  virtual void send_text(const std::string& key, std::string text) = 0;
  virtual void send_binary(const std::string& key, std::shared_ptr<const std::string> bytes) = 0;
  virtual void drop(const std::string& key) = 0;  // takes back the message with this key if it waits
  virtual void close() = 0;
  virtual bool open() const = 0;
  virtual bool local() const = 0;  // whether the client, or the proxy before it, is at a loopback address
};

using Handler = std::function<Response(const Request&)>;
using LaterHandler = std::function<void(const Request&, std::shared_ptr<Reply>)>;
using EventHandler = std::function<void(const Request&, std::shared_ptr<EventStream>)>;

/// The client's first message is {"token": "..."}; `opened` is called after it. `closed` is called once after `opened`.
struct WebSocketHandlers {
  std::function<void(std::shared_ptr<WebSocket>)> opened = {};
  std::function<void(std::shared_ptr<WebSocket>, std::string_view text)> text = {};
  std::function<void(std::shared_ptr<WebSocket>)> closed = {};
};

/// Handlers run on the I/O thread and must return at once, but those of on_slow(), which run on the worker thread.
/// What a handler throws becomes a problem (problem.h).
class Server {
 public:
  /// Throws UserError if the address or the token is not usable.
  explicit Server(Options options);
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Routes, before start(). A pattern is a path whose segments may be parameters: "/api/v1/runs/{id}". A parameter
  /// matches [A-Za-z0-9._-]{1,64} without a leading ".". Routes under /api/ need the token.
  void on(Method method, const std::string& pattern, Handler handler);
  void on_slow(Method method, const std::string& pattern, Handler handler);
  void on_later(Method method, const std::string& pattern, LaterHandler handler);
  void on_events(const std::string& pattern, EventHandler handler);            // GET
  void on_web_socket(const std::string& pattern, WebSocketHandlers handlers);  // GET with Upgrade

  /// Opens the port and starts the threads. Throws UserError if the port is taken.
  void start();
  /// Closes every connection and ends both threads; the handler that runs on the worker thread is waited for. `last`
  /// runs on the I/O thread after the connections are closed; nothing else runs there afterwards. Not from a handler.
  void stop(std::function<void()> last = {});

  /// "GET /api/v1/runs/{id}" of each route.
  std::vector<std::string> routes() const;
  uint16_t port() const;             // after start()
  const std::string& token() const;  // 128 bits or more, of [A-Za-z0-9_-]
  std::string url() const;           // after start(): the page's address, with the token in the fragment
  /// What to tell the user if other machines can reach the server; empty on a loopback address.
  std::string warning() const;

  /// A word that replaces the token in one GET of `path` within 30 s, as ?ticket=WORD. On the I/O thread.
  std::string make_ticket(const std::string& path);

  /// Tasks and timers run on the I/O thread. From any thread, before or after start().
  void post(std::function<void()> task);
  void after(std::chrono::milliseconds delay, std::function<void()> task);
  void every(std::chrono::milliseconds period, std::function<void()> task);

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace lucid::serve::http
