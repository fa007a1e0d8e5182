// SPDX-License-Identifier: Apache-2.0
// The server's address, threads, timers and the acceptance of connections.
#include "lucid/serve/http/http_server.h"

#include <ifaddrs.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "lucid/base/error.h"
#include "lucid/serve/http/core.h"

namespace lucid::serve::http {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kShortestToken = 16;
constexpr int kSendBufferBytes = 256 << 10;  // of the kernel, for each connection: what a slow reader can hold

asio::ip::address parse_address(const std::string& text) {
  if (text == "localhost") return asio::ip::address_v4::loopback();
  error_code error;
  const auto address = asio::ip::make_address(text, error);
  if (error) {
    throw UserError({.what_happened = fmt::format("\"{}\" is no IP address", text),
                     .key = "--listen",
                     .hint = "use 127.0.0.1, ::1, 0.0.0.0 or an address of this machine"});
  }
  return address;
}

std::string checked_token(const std::string& token) {
  if (token.empty()) return random_token();
  const bool plain =
      token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (plain && token.size() >= kShortestToken && token.size() <= 256) return token;
  throw UserError({.what_happened = "the token is too short or has other characters than letters, digits, - and _",
                   .key = "--token",
                   .hint = "give 16 to 256 characters, or none, so that the server makes one"});
}

/// "127.0.0.1", "[::1]": an address as it stands in Host.
std::string in_host(const asio::ip::address& address) {
  return address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
}

/// Addresses of this machine's network interfaces, and its name.
std::set<std::string> own_names() {
  std::set<std::string> names;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) == 0) {
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
      if (at->ifa_addr == nullptr) continue;
      if (at->ifa_addr->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
        names.insert(asio::ip::address_v4(ntohl(v4->sin_addr.s_addr)).to_string());
      } else if (at->ifa_addr->sa_family == AF_INET6) {
        asio::ip::address_v6::bytes_type bytes;
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
        std::copy(std::begin(v6->sin6_addr.s6_addr), std::end(v6->sin6_addr.s6_addr), bytes.begin());
        names.insert("[" + asio::ip::address_v6(bytes).to_string() + "]");
      }
    }
    freeifaddrs(list);
  }
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0') names.insert(name.data());
  return names;
}

std::set<std::string> accepted_hosts(const asio::ip::address& address, uint16_t port,
                                     const std::vector<std::string>& given) {
  std::set<std::string> names = {"127.0.0.1", "localhost", "[::1]"};
  if (address.is_unspecified()) names.merge(own_names());
  if (!address.is_unspecified()) names.insert(in_host(address));
  std::set<std::string> hosts;
  for (const std::string& name : names) {
    hosts.insert(fmt::format("{}:{}", name, port));
    if (port == 80) hosts.insert(name);
  }
  for (const std::string& name : given) {
    hosts.insert(name);
    hosts.insert(fmt::format("{}:{}", name, port));
  }
  std::set<std::string> lower;  // Host is compared in lower case
  for (std::string host : hosts) {
    std::transform(host.begin(), host.end(), host.begin(), [](unsigned char c) { return std::tolower(c); });
    lower.insert(host);
  }
  return lower;
}

/// The answer to connections above the limit.
std::string busy_answer() {
  const Response problem = problem_response({.status = 503,
                                             .type = "too-many-connections",
                                             .title = "Too many connections",
                                             .detail = "Close other pages, or try again in 5 s."});
  return fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: {}\r\nX-Content-Type-Options: nosniff\r\n"
      "Retry-After: 5\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
      problem.content_type, problem.body.size(), problem.body);
}

}  // namespace

struct Server::Core : Shared {
  explicit Core(Options from)
      : Shared(std::move(from)),
        address(parse_address(options.address)),
        token(checked_token(options.token)),
        acceptor(io),
        pause(io) {}

  void accept();
  void repeat(const std::shared_ptr<asio::steady_timer>& timer, std::chrono::milliseconds period,
              const std::shared_ptr<std::function<void()>>& task);
  static void run_task(const std::function<void()>& task);

  asio::ip::address address;
  std::string token;
  uint16_t port = 0;
  tcp::acceptor acceptor;
  asio::steady_timer pause;  // before the next try, when the process has no free descriptor
  bool stopping = false;     // I/O thread
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::thread thread;
};

void Server::Core::accept() {
  acceptor.async_accept([this](error_code error, tcp::socket socket) {
    if (stopping) return;
    if (error) {
      pause.expires_after(std::chrono::milliseconds(100));
      pause.async_wait([this](error_code) {
        if (!stopping) accept();
      });
      return;
    }
    error_code ignored;
    if (connections.size() >= static_cast<size_t>(options.limits.connections)) {
      socket.non_blocking(true, ignored);
      socket.write_some(asio::buffer(busy_answer()), ignored);
      socket.shutdown(tcp::socket::shutdown_send, ignored);
    } else {
      socket.set_option(tcp::no_delay(true), ignored);
      socket.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
      serve_connection(*this, std::move(socket));
    }
    accept();
  });
}

void Server::Core::run_task(const std::function<void()>& task) {
  try {
    task();
  } catch (const std::exception& error) {
    spdlog::error("serve: a task failed: {}", error.what());
  }
}

void Server::Core::repeat(const std::shared_ptr<asio::steady_timer>& timer, std::chrono::milliseconds period,
                          const std::shared_ptr<std::function<void()>>& task) {
  timer->expires_after(period);
  timer->async_wait([this, timer, period, task](error_code error) {
    if (error || stopping) return;
    run_task(*task);
    repeat(timer, period, task);
  });
}

Server::Server(Options options) : core_(std::make_shared<Core>(std::move(options))) {}

Server::~Server() { stop(); }

void Server::on(Method method, const std::string& pattern, Handler handler) {
  core_->router.add(method, pattern, std::move(handler));
}
void Server::on_slow(Method method, const std::string& pattern, Handler handler) {
  core_->router.add(method, pattern, SlowHandler{std::move(handler)});
}
void Server::on_later(Method method, const std::string& pattern, LaterHandler handler) {
  core_->router.add(method, pattern, std::move(handler));
}
void Server::on_events(const std::string& pattern, EventHandler handler) {
  core_->router.add(Method::kGet, pattern, std::move(handler));
}
void Server::on_web_socket(const std::string& pattern, WebSocketHandlers handlers) {
  core_->router.add(Method::kGet, pattern, std::move(handlers));
}

void Server::start() {
  Core& core = *core_;
  LUCID_CHECK(!core.thread.joinable() && !core.stopping, "a server starts once");
  const tcp::endpoint endpoint(core.address, core.options.port);
  error_code error;
  core.acceptor.open(endpoint.protocol(), error);
  if (!error) core.acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) core.acceptor.bind(endpoint, error);
  if (!error) core.acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    throw UserError({.what_happened = fmt::format("cannot listen on {} port {}: {}", core.options.address,
                                                  core.options.port, error.message()),
                     .key = "--port",
                     .hint = "another program may use the port; give another one, or 0 for any free port"});
  }
  core.port = core.acceptor.local_endpoint().port();
  core.files = StaticFiles(core.options.web_folder);
  core.guard.emplace(accepted_hosts(core.address, core.port, core.options.host_names), core.token);
  core.work.emplace(core.io.get_executor());
  every(core.options.limits.event_stream_heartbeat, [&core] {
    for (Connected* connection : std::vector<Connected*>(core.connections.begin(), core.connections.end())) {
      if (core.connections.contains(connection)) connection->heartbeat();
    }
  });
  core.accept();
  core.thread = std::thread([&core] { core.io.run(); });
}

void Server::stop(std::function<void()> last) {
  Core& core = *core_;
  if (!core.thread.joinable()) return;
  LUCID_CHECK(core.thread.get_id() != std::this_thread::get_id(), "stop() was called from a handler");
  asio::post(core.io, [&core, &last] {
    core.stopping = true;
    error_code ignored;
    core.acceptor.close(ignored);
    for (Connected* connection : std::vector<Connected*>(core.connections.begin(), core.connections.end())) {
      if (core.connections.contains(connection)) connection->close_now();
    }
    if (last) Core::run_task(last);
    core.io.stop();
  });
  core.thread.join();
  core.worker.stop();
  core.worker.join();
}

std::vector<std::string> Server::routes() const { return core_->router.names(); }
uint16_t Server::port() const { return core_->port; }
const std::string& Server::token() const { return core_->token; }

std::string Server::url() const {
  const asio::ip::address& address = core_->address;
  const asio::ip::address shown = address.is_unspecified() ? asio::ip::address_v4::loopback() : address;
  return fmt::format("http://{}:{}/#t={}", in_host(shown), core_->port, core_->token);
}

std::string Server::warning() const {
  if (core_->address.is_loopback()) return {};
  return "other machines can reach this page, and whoever reads the network's traffic sees the token and the pictures; "
         "on a network that you do not trust, listen on 127.0.0.1 and use `ssh -L` or a proxy with TLS";
}

std::string Server::make_ticket(const std::string& path) { return core_->tickets.make(path); }

void Server::post(std::function<void()> task) {
  asio::post(core_->io, [task = std::move(task)] { Core::run_task(task); });
}

void Server::after(std::chrono::milliseconds delay, std::function<void()> task) {
  asio::post(core_->io, [core = core_.get(), delay, task = std::move(task)]() mutable {
    auto timer = std::make_shared<asio::steady_timer>(core->io, delay);
    timer->async_wait([timer, task = std::move(task)](error_code error) {
      if (!error) Core::run_task(task);
    });
  });
}

void Server::every(std::chrono::milliseconds period, std::function<void()> task) {
  asio::post(core_->io, [core = core_.get(), period, task = std::make_shared<std::function<void()>>(std::move(task))] {
    core->repeat(std::make_shared<asio::steady_timer>(core->io), period, task);
  });
}

}  // namespace lucid::serve::http
