// SPDX-License-Identifier: Apache-2.0
// Random tokens from the kernel, their comparison, and tickets.
#include "lucid/serve/http/token.h"

#include <sys/random.h>

#include <array>

#include "lucid/base/error.h"

namespace lucid::serve::http {

std::string random_token() {
  std::array<unsigned char, 16> bytes{};
  LUCID_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()), "getrandom failed");
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference =
        static_cast<unsigned char>(difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  return difference == 0;
}

void Tickets::drop_old(Clock::time_point now) {
  std::erase_if(tickets_, [&](const Ticket& ticket) { return ticket.end <= now; });
}

std::string Tickets::make(const std::string& path, Clock::time_point now) {
  constexpr size_t kMost = 256;
  drop_old(now);
  if (tickets_.size() >= kMost) tickets_.erase(tickets_.begin());
  tickets_.push_back({.word = random_token(), .path = path, .end = now + valid_for_});
  return tickets_.back().word;
}

bool Tickets::redeem(std::string_view ticket, std::string_view path, Clock::time_point now) {
  drop_old(now);
  return std::erase_if(tickets_, [&](const Ticket& known) {
           return known.path == path && equal_in_constant_time(known.word, ticket);
         }) > 0;
}

}  // namespace lucid::serve::http
