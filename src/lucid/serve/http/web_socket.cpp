// SPDX-License-Identifier: Apache-2.0
// One WebSocket: the token as its first message, then text in and newest-wins messages out.
#include <spdlog/spdlog.h>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <nlohmann/json.hpp>

#include "lucid/serve/http/core.h"
#include "lucid/serve/http/mailbox.h"

namespace lucid::serve::http {
namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ws = beast::websocket;
using boost::system::error_code;
using Upgrade = beast::http::request<beast::http::string_body>;

struct Message {
  bool text = true;
  std::shared_ptr<const std::string> bytes;
};

class Session : public Connected, public std::enable_shared_from_this<Session> {
 public:
  Session(Shared& shared, beast::tcp_stream stream, const WebSocketHandlers& handlers)
      : shared_(shared), stream_(std::move(stream)), handlers_(handlers), token_timer_(shared.io) {
    shared_.connections.insert(this);
  }
  ~Session() override { shared_.connections.erase(this); }

  void start(const Upgrade& upgrade);
  void send(const std::string& key, Message message);
  void close(ws::close_code code);
  void close_now() override;
  void drop(const std::string& key) { waiting_.drop(key); }
  bool open() const { return trusted_ && !closed_; }
  bool local() const;

 private:
  void read();
  void on_read(error_code error);
  void check_token(const std::string& text);
  void pump();
  void end();

  Shared& shared_;
  ws::stream<beast::tcp_stream> stream_;
  const WebSocketHandlers& handlers_;
  asio::steady_timer token_timer_;
  beast::flat_buffer buffer_;
  Mailbox<Message> waiting_;
  std::shared_ptr<WebSocket> handle_;  // from the token to the end
  bool trusted_ = false, writing_ = false, closed_ = false;
};

/// What handlers hold. It does not keep the connection alive.
class Handle : public WebSocket {
 public:
  explicit Handle(const std::shared_ptr<Session>& session) : session_(session) {}
  void send_text(const std::string& key, std::string text) override {
    send_message(key, {.text = true, .bytes = std::make_shared<const std::string>(std::move(text))});
  }
  void send_binary(const std::string& key, std::shared_ptr<const std::string> bytes) override {
    send_message(key, {.text = false, .bytes = std::move(bytes)});
  }
  void close() override {
    if (const auto session = session_.lock()) session->close(ws::close_code::normal);
  }
  bool open() const override {
    const auto session = session_.lock();
    return session != nullptr && session->open();
  }
  void drop(const std::string& key) override {
    if (const auto session = session_.lock()) session->drop(key);
  }
  bool local() const override {
    const auto session = session_.lock();
    return session != nullptr && session->local();
  }

 private:
  void send_message(const std::string& key, Message message) {
    if (const auto session = session_.lock()) session->send(key, std::move(message));
  }
  std::weak_ptr<Session> session_;
};

/// Calls a handler of the API. What it throws ends this connection only.
template <class Call>
bool call(const Call& handler) {
  try {
    handler();
    return true;
  } catch (const std::exception& error) {
    spdlog::error("serve: a WebSocket handler failed: {}", error.what());
    return false;
  }
}

void Session::start(const Upgrade& upgrade) {
  ws::stream_base::timeout limits{};
  limits.handshake_timeout = shared_.options.limits.request_time;
  limits.idle_timeout = shared_.options.limits.web_socket_idle_time;
  limits.keep_alive_pings = true;
  stream_.set_option(limits);
  stream_.read_message_max(shared_.options.limits.body_bytes);
  stream_.auto_fragment(false);  // a frame is sent from the shared buffer as it lies
  token_timer_.expires_after(shared_.options.limits.token_time);
  token_timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && !self->trusted_) self->close(ws::close_code::policy_error);
  });
  stream_.async_accept(upgrade, [self = shared_from_this()](error_code error) {
    if (error) return self->end();
    self->read();
  });
}

void Session::read() {
  stream_.async_read(buffer_, [self = shared_from_this()](error_code error, size_t) { self->on_read(error); });
}

void Session::on_read(error_code error) {
  if (error || closed_) return end();
  if (!stream_.got_text()) return close(ws::close_code::unknown_data);
  const std::string text = beast::buffers_to_string(buffer_.data());
  buffer_.consume(buffer_.size());
  if (!trusted_) {
    check_token(text);
  } else if (handlers_.text && !call([&] { handlers_.text(handle_, text); })) {
    close(ws::close_code::internal_error);
  }
  if (!closed_) read();
}

void Session::check_token(const std::string& text) {
  const nlohmann::json message = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto token = message.is_object() ? message.find("token") : message.end();
  if (!message.is_object() || token == message.end() || !token->is_string() ||
      !shared_.guard->is_token(token->get_ref<const std::string&>())) {
    return close(ws::close_code::policy_error);
  }
  trusted_ = true;
  token_timer_.cancel();
  handle_ = std::make_shared<Handle>(shared_from_this());
  if (handlers_.opened && !call([&] { handlers_.opened(handle_); })) close(ws::close_code::internal_error);
}

void Session::send(const std::string& key, Message message) {
  if (!open()) return;
  if (!waiting_.put(key, std::move(message))) return close_now();
  pump();
}

// On a socket of IPv6, an address of IPv4 comes as ::ffff:127.0.0.1.
bool Session::local() const {
  error_code error;
  const asio::ip::address peer = beast::get_lowest_layer(stream_).socket().remote_endpoint(error).address();
  if (error) return false;
  if (peer.is_v6() && peer.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, peer.to_v6()).is_loopback();
  }
  return peer.is_loopback();
}

void Session::pump() {
  if (writing_ || closed_ || waiting_.empty()) return;
  writing_ = true;
  const Message message = waiting_.take();
  stream_.text(message.text);
  stream_.async_write(asio::buffer(*message.bytes),
                      [self = shared_from_this(), bytes = message.bytes](error_code error, size_t) {
                        self->writing_ = false;
                        if (error) return self->end();
                        self->pump();
                      });
}

// Beast allows one write at a time, so a close during a write closes the socket itself.
void Session::close(ws::close_code code) {
  if (closed_) return;
  if (writing_) return close_now();
  closed_ = true;
  stream_.async_close(code, [self = shared_from_this()](error_code) { self->end(); });
}

void Session::close_now() {
  beast::get_lowest_layer(stream_).close();
  end();
}

void Session::end() {
  closed_ = true;
  token_timer_.cancel();
  const auto handle = std::exchange(handle_, nullptr);
  if (handle && handlers_.closed) call([&] { handlers_.closed(handle); });
}

}  // namespace

void serve_web_socket(Shared& shared, beast::tcp_stream stream, const Upgrade& upgrade,
                      const WebSocketHandlers& handlers) {
  stream.expires_never();  // the WebSocket has time limits of its own
  std::make_shared<Session>(shared, std::move(stream), handlers)->start(upgrade);
}

}  // namespace lucid::serve::http
