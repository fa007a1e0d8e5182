// SPDX-License-Identifier: Apache-2.0
// Messages that wait for a slow reader: one for each key, the newest.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace lucid::serve::http {

template <class Message>
class Mailbox {
 public:
  static constexpr size_t kMostKeys = 64;

  /// Replaces the message with the same key, which keeps its place in the queue. False if there are too many keys.
  bool put(const std::string& key, Message message) {
    const auto same =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& item) { return item.first == key; });
    if (same != waiting_.end()) {
      same->second = std::move(message);
      return true;
    }
    if (waiting_.size() >= kMostKeys) return false;
    waiting_.emplace_back(key, std::move(message));
    return true;
  }
  void drop(const std::string& key) {
    std::erase_if(waiting_, [&](const auto& item) { return item.first == key; });
  }
  bool empty() const { return waiting_.empty(); }
  Message take() {
    Message first = std::move(waiting_.front().second);
    waiting_.erase(waiting_.begin());
    return first;
  }

 private:
  std::vector<std::pair<std::string, Message>> waiting_;  // oldest first
};

}  // namespace lucid::serve::http
