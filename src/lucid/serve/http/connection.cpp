// SPDX-License-Identifier: Apache-2.0
// One HTTP connection: requests are read, checked and answered one after the other.
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "lucid/base/error.h"
#include "lucid/serve/http/core.h"
#include "lucid/serve/http/file_beneath.h"
#include "lucid/serve/http/mailbox.h"

namespace lucid::serve::http {
namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; style-src 'self'; "
    "img-src 'self' blob: data:; font-src 'self'; connect-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }
beast::string_view view(std::string_view text) { return {text.data(), text.size()}; }

Problem bad_request(std::string detail) {
  return {.status = 400, .type = "malformed-request", .title = "Malformed request", .detail = std::move(detail)};
}

/// The headers, with names in lower case. A repeated header is an error where the checks depend on it.
std::optional<std::map<std::string, std::string>> headers_of(const bhttp::fields& fields) {
  std::map<std::string, std::string> headers;
  for (const auto& field : fields) {
    std::string name(view(field.name_string()));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::string value(view(field.value()));
    const auto [at, is_new] = headers.emplace(name, value);
    if (is_new) continue;
    for (const char* once : {"host", "origin", "authorization", "content-type", "content-length", "sec-fetch-site",
                             "sec-fetch-mode", "transfer-encoding", "idempotency-key"}) {
      if (name == once) return std::nullopt;
    }
    at->second += ", " + value;
  }
  return headers;
}

/// The part of a response that all of its bodies share. Values with control characters are our own mistake.
template <class Message>
void set_header(Message& message, const Response& response, bool keep_alive, bool api) {
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  message.keep_alive(keep_alive);
  message.set("Content-Security-Policy", kContentSecurityPolicy);
  message.set("X-Content-Type-Options", "nosniff");
  message.set("Referrer-Policy", "no-referrer");
  message.set("Cross-Origin-Resource-Policy", "same-origin");
  message.set("Cross-Origin-Opener-Policy", "same-origin");
  if (api) message.set("Cache-Control", "no-store");
  message.set("Content-Type", view(std::string_view(response.content_type)));
  for (const auto& [name, value] : response.headers) {
    LUCID_CHECK(std::none_of(value.begin(), value.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }),
                "header {} has a control character", name);
    message.set(view(std::string_view(name)), view(std::string_view(value)));
  }
}

class Connection : public Connected, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, tcp::socket socket)
      : shared_(shared), stream_(std::move(socket)), buffer_(shared.options.limits.header_bytes + (8 << 10)) {
    shared_.connections.insert(this);
  }
  ~Connection() override { shared_.connections.erase(this); }

  void read_request();
  void answer(const Response& response);
  void close_now() override;
  void heartbeat() override;

  bool waits_for(uint64_t number) const { return !closed_ && number == number_; }
  void send_event(const std::string& key, std::string text);
  void end_events();
  Shared& shared() { return shared_; }

 private:
  void read_header();
  void on_header(error_code error);
  std::optional<Problem> fill_request();
  std::optional<Problem> refusal_of_route();
  void read_body();
  void dispatch();
  void run_slow(const Handler& handler);
  void start_events(const EventHandler& handler);
  void serve_file_of_page();
  void refuse(const Problem& problem, bool close);
  void refuse_unreadable(error_code error);
  void send_header_only(const Response& response, uint64_t length);
  void send_file(const Response& response);
  void send_bytes(const Response& response);
  template <class Message>
  void write(std::shared_ptr<Message> message, uint64_t length);
  void on_written(error_code error, bool keep_alive);
  void linger();
  void watch_client();
  void pump_events();
  bool is_api() const { return request_.path.starts_with("/api/"); }

  Shared& shared_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  Request request_;
  Router::Match match_;
  bool head_ = false, keep_alive_ = false, closed_ = false;
  uint64_t number_ = 0;  // of the request that waits for its answer; a later one makes older replies useless
  // A stream of events.
  Mailbox<std::string> events_;
  bool is_event_stream_ = false, writing_event_ = false, ends_events_ = false;
};

class ReplyHandle : public Reply {
 public:
  ReplyHandle(const std::shared_ptr<Connection>& connection, uint64_t number)
      : connection_(connection), number_(number) {}
  ~ReplyHandle() override {
    if (!open()) return;
    send(problem_response({.status = 503,
                           .type = "no-answer",
                           .title = "No answer",
                           .detail = "The server gave this request up. Try again."}));
  }
  void send(Response response) override {
    const auto connection = connection_.lock();
    connection_.reset();
    if (connection && connection->waits_for(number_)) connection->answer(response);
  }
  bool open() const override {
    const auto connection = connection_.lock();
    return connection && connection->waits_for(number_);
  }

 private:
  std::weak_ptr<Connection> connection_;
  uint64_t number_;
};

class EventsHandle : public EventStream {
 public:
  explicit EventsHandle(const std::shared_ptr<Connection>& connection, uint64_t number)
      : connection_(connection), number_(number) {}
  ~EventsHandle() override {
    if (const auto connection = connection_.lock()) connection->end_events();
  }
  using EventStream::send;
  void send(const std::string& event, const std::string& data, const std::string& key) override {
    const auto connection = connection_.lock();
    if (!connection || !connection->waits_for(number_)) return;
    std::string text = "event: " + event + "\n";
    for (size_t at = 0; at <= data.size();) {
      const size_t end = std::min(data.find('\n', at), data.size());
      text += "data: " + data.substr(at, end - at) + "\n";
      at = end + 1;
    }
    connection->send_event(key, text + "\n");
  }
  void close() override {
    if (const auto connection = connection_.lock()) connection->end_events();
    connection_.reset();
  }
  bool open() const override {
    const auto connection = connection_.lock();
    return connection && connection->waits_for(number_);
  }

 private:
  std::weak_ptr<Connection> connection_;
  uint64_t number_;
};

void Connection::close_now() {
  closed_ = true;
  stream_.close();
}

void Connection::read_request() {
  const Limits& limits = shared_.options.limits;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(limits.header_bytes));
  parser_->body_limit(limits.body_bytes);
  request_ = {};
  if (buffer_.size() > 0) return read_header();  // of the next request, sent before our answer
  constexpr size_t kFirstBytes = 4096;
  stream_.expires_after(limits.idle_time);
  stream_.async_read_some(buffer_.prepare(kFirstBytes), [self = shared_from_this()](error_code error, size_t bytes) {
    if (error) return self->close_now();
    self->buffer_.commit(bytes);
    self->read_header();
  });
}

void Connection::read_header() {
  stream_.expires_after(shared_.options.limits.request_time);  // the body too
  bhttp::async_read_header(stream_, buffer_, *parser_,
                           [self = shared_from_this()](error_code error, size_t) { self->on_header(error); });
}

std::optional<Problem> Connection::fill_request() {
  const auto& message = parser_->get();
  head_ = message.method() == bhttp::verb::head;
  switch (message.method()) {
    case bhttp::verb::get:
    case bhttp::verb::head:
      request_.method = Method::kGet;
      break;
    case bhttp::verb::post:
      request_.method = Method::kPost;
      break;
    case bhttp::verb::delete_:
      request_.method = Method::kDelete;
      break;
    default:
      request_.method = Method::kOther;
  }
  auto headers = headers_of(message);
  if (!headers) return bad_request("A header that may stand once is repeated. Send it once.");
  request_.headers = std::move(*headers);
  const std::string transfer = request_.header("transfer-encoding");
  if (!transfer.empty() && (transfer != "chunked" || request_.headers.contains("content-length"))) {
    return bad_request("Send the body with Content-Length or with \"Transfer-Encoding: chunked\", not both.");
  }
  auto target = parse_target(view(message.target()));
  if (!target) return bad_request("The request's target is no path with a query. Check its percent-encoding.");
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  return std::nullopt;
}

std::optional<Problem> Connection::refusal_of_route() {
  match_ = shared_.router.find(request_.method, request_.path);
  const bool upgrade = !request_.header("upgrade").empty();
  const bool web_socket = match_.handler != nullptr && std::holds_alternative<WebSocketHandlers>(*match_.handler);
  const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
  if (web_socket && upgrade) return shared_.guard->refusal_of_web_socket(request_);
  if (auto problem = shared_.guard->refusal(request_, has_body && match_.handler != nullptr, shared_.tickets))
    return problem;
  if (web_socket) {
    return Problem{.status = 426,
                   .type = "upgrade-required",
                   .title = "WebSocket required",
                   .detail = "Open this path as a WebSocket (RFC 6455)."};
  }
  if (match_.handler != nullptr) return std::nullopt;
  if (!is_api() && request_.method == Method::kGet && match_.allowed.empty()) return std::nullopt;  // the page's
  if (match_.allowed.empty() && is_api()) {
    return Problem{.status = 404,
                   .type = "path-not-found",
                   .title = "No such path",
                   .detail = "The API has no such path. /api/v1/openapi.json lists all."};
  }
  return Problem{.status = 405,
                 .type = "method-not-allowed",
                 .title = "Method not allowed",
                 .detail = "This path answers to " + (match_.allowed.empty() ? "GET, HEAD" : match_.allowed) + "."};
}

void Connection::on_header(error_code error) {
  if (error) return refuse_unreadable(error);
  ++number_;
  keep_alive_ = parser_->get().keep_alive();
  auto problem = fill_request();
  if (!problem) problem = refusal_of_route();
  if (problem) return refuse(*problem, !parser_->is_done());
  if (match_.handler != nullptr) {
    if (const auto* web_socket = std::get_if<WebSocketHandlers>(match_.handler)) {
      if (!parser_->is_done()) return refuse(bad_request("A WebSocket's upgrade has no body."), true);
      closed_ = true;  // this object goes; the WebSocket takes the socket
      return serve_web_socket(shared_, std::move(stream_), parser_->get(), *web_socket);
    }
  }
  if (parser_->is_done()) return dispatch();
  read_body();
}

void Connection::read_body() {
  bhttp::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) {
    if (error) return self->refuse_unreadable(error);
    self->dispatch();
  });
}

void Connection::refuse_unreadable(error_code error) {
  if (error == bhttp::error::body_limit) {
    return refuse({.status = 413,
                   .type = "body-too-large",
                   .title = "Body too large",
                   .detail = fmt::format("Send {} bytes at most.", shared_.options.limits.body_bytes)},
                  true);
  }
  if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow) {
    return refuse({.status = 431,
                   .type = "header-too-large",
                   .title = "Header too large",
                   .detail = fmt::format("Send a header of {} bytes at most.", shared_.options.limits.header_bytes)},
                  true);
  }
  const bool syntax = error.category() == make_error_code(bhttp::error::bad_method).category();
  if (!syntax || error == bhttp::error::end_of_stream || error == bhttp::error::partial_message) return close_now();
  refuse(bad_request("The request is not HTTP/1.1 (RFC 9112)."), true);
}

void Connection::refuse(const Problem& problem, bool close) {
  if (close) keep_alive_ = false;
  Response response = problem_response(problem);
  if (problem.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (problem.status == 405) {
    response.headers.emplace_back("Allow", match_.allowed.empty() ? "GET, HEAD" : match_.allowed);
  }
  if (problem.status == 426) response.headers.emplace_back("Upgrade", "websocket");
  answer(response);
}

void Connection::dispatch() {
  request_.body = std::move(parser_->get().body());
  stream_.expires_never();
  if (match_.handler == nullptr) return serve_file_of_page();
  request_.parameters = std::move(match_.parameters);
  const uint64_t number = number_;
  std::shared_ptr<ReplyHandle> reply;  // outlives an exception, so that its own answer does not come first
  try {
    if (const auto* handler = std::get_if<Handler>(match_.handler)) {
      answer((*handler)(request_));
    } else if (const auto* slow = std::get_if<SlowHandler>(match_.handler)) {
      run_slow(slow->handler);
    } else if (const auto* later = std::get_if<LaterHandler>(match_.handler)) {
      watch_client();
      reply = std::make_shared<ReplyHandle>(shared_from_this(), number_);
      (*later)(request_, reply);
    } else if (const auto* events = std::get_if<EventHandler>(match_.handler)) {
      start_events(*events);
    }
  } catch (const std::exception& error) {
    const Problem problem = problem_of(error);
    if (problem.status >= 500) spdlog::error("serve: {} {}: {}", name_of(request_.method), request_.path, error.what());
    if (is_event_stream_) return close_now();  // its header is on its way
    if (waits_for(number)) refuse(problem, false);
  }
}

void Connection::run_slow(const Handler& handler) {
  if (shared_.slow_waiting >= shared_.options.limits.slow_requests) {
    return refuse({.status = 503,
                   .type = "too-busy",
                   .title = "Too many slow requests",
                   .detail = "Wait for the answers to earlier requests, then try again."},
                  false);
  }
  ++shared_.slow_waiting;
  watch_client();
  asio::post(shared_.worker, [self = shared_from_this(), &handler, request = request_, number = number_]() mutable {
    Response response;
    try {
      response = handler(request);
    } catch (const std::exception& error) {
      spdlog::warn("serve: {} {}: {}", name_of(request.method), request.path, error.what());
      response = problem_response(problem_of(error));
    }
    Shared& shared = self->shared();
    --shared.slow_waiting;
    asio::post(shared.io, [self = std::move(self), response = std::move(response), number] {
      if (self->waits_for(number)) self->answer(response);
    });
  });
}

void Connection::serve_file_of_page() {
  if (const auto file = shared_.files.find(request_.path, request_.header("accept-encoding"))) return answer(*file);
  if (shared_.files.empty() && request_.path == "/") {
    return refuse({.status = 404,
                   .type = "page-missing",
                   .title = "The page is not installed",
                   .detail = "Build it with `make web`, which needs Node.js 18 or newer. The API under /api/v1 works "
                             "without it."},
                  false);
  }
  refuse({.status = 404, .type = "path-not-found", .title = "No such path", .detail = "Open the page at /."}, false);
}

void Connection::answer(const Response& response) {
  ++number_;  // handles of this request are done
  try {
    if (response.file) return send_file(response);
    send_bytes(response);
  } catch (const std::exception& error) {
    spdlog::error("serve: {}: {}", request_.path, error.what());
    close_now();
  }
}

void Connection::send_bytes(const Response& response) {
  const auto bytes = response.shared_body ? response.shared_body : std::make_shared<const std::string>(response.body);
  if (head_) return send_header_only(response, bytes->size());
  struct Kept {  // the message points into the bytes
    std::shared_ptr<const std::string> bytes;
    bhttp::response<bhttp::span_body<const char>> message;
  };
  auto kept = std::make_shared<Kept>();
  kept->bytes = bytes;
  kept->message.body() = beast::span<const char>(bytes->data(), bytes->size());
  set_header(kept->message, response, keep_alive_, is_api());
  kept->message.content_length(bytes->size());
  write(std::shared_ptr<bhttp::response<bhttp::span_body<const char>>>(kept, &kept->message), bytes->size());
}

void Connection::send_header_only(const Response& response, uint64_t length) {
  auto message = std::make_shared<bhttp::response<bhttp::empty_body>>();
  set_header(*message, response, keep_alive_, is_api());
  message->content_length(length);
  write(message, 0);
}

void Connection::send_file(const Response& response) {
  const int opened = open_beneath(*response.file);
  if (opened < 0) {
    return refuse({.status = 404,
                   .type = "file-not-found",
                   .title = "No such file",
                   .detail = "The file is not there, or not yet. Ask for the run's state."},
                  false);
  }
  beast::file_posix file;
  file.native_handle(opened);
  auto message = std::make_shared<bhttp::response<bhttp::basic_file_body<beast::file_posix>>>();
  error_code error;
  message->body().reset(std::move(file), error);
  if (error) return close_now();
  const uint64_t length = message->body().size();
  if (head_) return send_header_only(response, length);
  set_header(*message, response, keep_alive_, is_api());
  message->content_length(length);
  write(message, length);
}

template <class Message>
void Connection::write(std::shared_ptr<Message> message, uint64_t length) {
  constexpr uint64_t kFewestBytesPerSecond = 16 << 10;
  stream_.expires_after(shared_.options.limits.write_time + std::chrono::seconds(length / kFewestBytesPerSecond));
  const bool keep_alive = keep_alive_;
  bhttp::async_write(stream_, *message, [self = shared_from_this(), message, keep_alive](error_code error, size_t) {
    self->on_written(error, keep_alive);
  });
}

void Connection::on_written(error_code error, bool keep_alive) {
  if (closed_) return;
  if (error) return close_now();
  if (keep_alive) return read_request();
  error_code ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  closed_ = true;
  stream_.expires_after(std::chrono::seconds(1));
  buffer_.consume(buffer_.size());
  linger();
}

// A socket that is closed while the client still sends answers with a reset, which can destroy our answer on its way.
void Connection::linger() {
  constexpr size_t kChunk = 16 << 10;
  stream_.async_read_some(buffer_.prepare(kChunk), [self = shared_from_this()](error_code error, size_t) {
    if (error) return self->close_now();
    self->linger();
  });
}

// While an answer is awaited: notices that the client has closed the connection. Bytes of a next request stay where
// they are.
void Connection::watch_client() {
  stream_.socket().async_wait(tcp::socket::wait_read, [self = shared_from_this(), number = number_](error_code error) {
    if (error || !self->waits_for(number)) return;
    char byte = 0;
    const auto got = recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) self->close_now();
  });
}

void Connection::start_events(const EventHandler& handler) {
  is_event_stream_ = true;
  auto message = std::make_shared<bhttp::response<bhttp::empty_body>>();
  Response response{.content_type = "text/event-stream"};
  set_header(*message, response, /*keep_alive=*/false, /*api=*/true);
  auto serializer = std::make_shared<bhttp::response_serializer<bhttp::empty_body>>(*message);
  writing_event_ = true;
  watch_client();
  stream_.expires_after(shared_.options.limits.write_time);
  bhttp::async_write_header(stream_, *serializer,
                            [self = shared_from_this(), message, serializer](error_code error, size_t) {
                              self->writing_event_ = false;
                              if (error) return self->close_now();
                              self->stream_.expires_never();
                              self->pump_events();
                            });
  if (head_) {
    ends_events_ = true;
    return;
  }
  handler(request_, std::make_shared<EventsHandle>(shared_from_this(), number_));
}

void Connection::send_event(const std::string& key, std::string text) {
  if (closed_ || ends_events_) return;
  if (!events_.put(key, std::move(text))) return close_now();
  pump_events();
}

void Connection::end_events() {
  ends_events_ = true;
  pump_events();
}

void Connection::heartbeat() {
  if (is_event_stream_ && events_.empty()) send_event(":", ":\n\n");
}

void Connection::pump_events() {
  if (closed_ || writing_event_) return;
  if (events_.empty()) {
    if (ends_events_) close_now();
    return;
  }
  writing_event_ = true;
  auto text = std::make_shared<const std::string>(events_.take());
  stream_.expires_after(shared_.options.limits.write_time);
  asio::async_write(stream_, asio::buffer(*text), [self = shared_from_this(), text](error_code error, size_t) {
    self->writing_event_ = false;
    if (error) return self->close_now();
    self->stream_.expires_never();
    self->pump_events();
  });
}

}  // namespace

void serve_connection(Shared& shared, tcp::socket socket) {
  std::make_shared<Connection>(shared, std::move(socket))->read_request();
}

}  // namespace lucid::serve::http
