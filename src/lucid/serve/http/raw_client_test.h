// SPDX-License-Identifier: Apache-2.0
// A plain socket for tests of the server: sends any bytes, reads with a time limit.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace lucid::serve::http::test {

class RawClient {
 public:
  /// `to`: an IPv4 address in network byte order.
  explicit RawClient(uint16_t port, int receive_buffer = 0, in_addr_t to = htonl(INADDR_LOOPBACK))
      : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = to;
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawClient() { close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  /// False if the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void end_of_sending() { shutdown(socket_, SHUT_WR); }

  /// Reads until `text` holds `mark`, or the end, or the time limit.
  const std::string& read_until(std::string_view mark, int milliseconds = 5000) {
    while (text.find(mark) == std::string::npos && read_some(milliseconds)) {
    }
    return text;
  }
  const std::string& read_to_end(int milliseconds = 5000) {
    while (read_some(milliseconds)) {
    }
    return text;
  }
  /// At least `count` bytes in `text`, unless the connection ends.
  bool read_bytes(size_t count, int milliseconds = 5000) {
    while (text.size() < count && read_some(milliseconds)) {
    }
    return text.size() >= count;
  }

  std::string text;    // what has been read and not been taken out
  bool ended = false;  // by the server

 private:
  bool read_some(int milliseconds) {
    pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, milliseconds) <= 0) return false;
    char bytes[65536];
    const ssize_t got = recv(socket_, bytes, sizeof(bytes), 0);
    if (got <= 0) ended = true;
    if (got > 0) text.append(bytes, static_cast<size_t>(got));
    return got > 0;
  }
  int socket_;
  bool connected_ = false;
};

}  // namespace lucid::serve::http::test
