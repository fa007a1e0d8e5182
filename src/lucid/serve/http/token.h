// SPDX-License-Identifier: Apache-2.0
// Secrets of the server: the token of a session and the tickets of single downloads.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace lucid::serve::http {

/// 128 bits of getrandom() as 32 hexadecimal digits.
std::string random_token();

/// Takes the same time for all pairs of texts of the same lengths.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Tickets: each stands for the token in one request of one path, for a short time. Not thread-safe.
class Tickets {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Tickets(std::chrono::milliseconds valid_for) : valid_for_(valid_for) {}

  /// The oldest ticket goes when more than 256 are valid.
  std::string make(const std::string& path, Clock::time_point now = Clock::now());
  /// True once for each valid ticket, and only for its path. A ticket for another path stays valid.
  bool redeem(std::string_view ticket, std::string_view path, Clock::time_point now = Clock::now());

 private:
  struct Ticket {
    std::string word, path;
    Clock::time_point end;
  };
  void drop_old(Clock::time_point now);
  std::chrono::milliseconds valid_for_;
  std::vector<Ticket> tickets_;  // oldest first
};

}  // namespace lucid::serve::http
