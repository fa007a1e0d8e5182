// SPDX-License-Identifier: Apache-2.0
// The page's WebSocket. The client sends {"watch": [ids], "serial": n}; the server sends the list of runs once, then
// each change as text, and the live frames of watched runs as binary messages. docs/guide/page.md has the messages.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "lucid/serve/api/api.h"

namespace lucid::serve {
namespace {
using Socket = std::shared_ptr<http::WebSocket>;

constexpr std::chrono::milliseconds kLookPeriod{50};  // between looks at the watched runs' files
constexpr size_t kMostWatched = 4;                    // runs of one page
constexpr size_t kIndexAt = 24, kSerialAt = 28;  // bytes of the frame's header that are the server's (live_frame.h)
constexpr size_t kHeaderBytes = 32;
constexpr std::uintmax_t kMostFrameBytes = 64 << 20;  // 4 million Gaussians

/// Tells one version of a file from another: a new frame is a new file under the same name.
struct Stamp {
  ino_t node = 0;
  int64_t seconds = 0, nanoseconds = 0;
  bool operator==(const Stamp&) const = default;
};

std::optional<Stamp> stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return Stamp{status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

std::string read_frame(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::file_size(file, error) > kMostFrameBytes || error) return {};
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return std::move(bytes).str();
}

class LiveSocket {
 public:
  LiveSocket(http::Server& server, Studio& studio) : studio_(studio) {
    server.every(kLookPeriod, [this] { send_frames(); });
  }

  size_t count() const { return pages_.size(); }

  void opened(const Socket& socket) {
    pages_[socket.get()] = Page{.socket = socket};
    nlohmann::json runs = nlohmann::json::array();
    for (const Run* run : studio_.runs()) runs.push_back(to_json(*run));
    socket->send_text("runs",
                      text_of({{"event", "runs"}, {"revision", studio_.revision()}, {"runs", std::move(runs)}}));
  }

  /// {"watch": [ids], "serial": n}. Anything else closes the socket.
  void received(const Socket& socket, std::string_view text) {
    const auto page = pages_.find(socket.get());
    if (page == pages_.end()) return;
    const nlohmann::json message = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    const nlohmann::json watch = message.is_object() ? message.value("watch", nlohmann::json()) : nlohmann::json();
    const nlohmann::json serial = message.is_object() ? message.value("serial", nlohmann::json(0)) : nlohmann::json();
    const auto is_id = [](const nlohmann::json& id) { return id.is_string(); };
    if (!watch.is_array() || watch.size() > kMostWatched || !std::ranges::all_of(watch, is_id) ||
        !serial.is_number_unsigned()) {
      return socket->close();
    }
    unwatch(page->second);
    page->second.serial = static_cast<uint32_t>(serial.get<uint64_t>());
    for (const nlohmann::json& id : watch) {
      page->second.watched.push_back({.id = id.get<std::string>(), .seen = {}});
      if (is_run(page->second.watched.back().id)) studio_.watch(page->second.watched.back().id);
    }
    send_frames();
  }

  void closed(const Socket& socket) {
    const auto page = pages_.find(socket.get());
    if (page == pages_.end()) return;
    unwatch(page->second);
    pages_.erase(page);
  }

  void changed(const Change& change) {
    std::string key = "run:" + change.id;
    nlohmann::json message = {{"event", "removed"}, {"id", change.id}};
    if (change.run != nullptr) message = {{"event", "run"}, {"run", to_json(*change.run)}};
    if (change.exported != nullptr) {
      key = "export:" + change.id + ":" + change.exported->format;
      message = {{"event", "export"}, {"id", change.id}, {"export", to_json(*change.exported)}};
    }
    if (pages_.empty()) return;
    const std::string text = text_of(message);
    for (const auto& [unused, page] : pages_) page.socket->send_text(key, text);
  }

 private:
  struct Watched {
    std::string id;
    std::optional<Stamp> seen;  // of the frame that was sent last
  };
  struct Page {
    Socket socket;
    uint32_t serial = 0;
    std::vector<Watched> watched = {};
  };

  static std::string text_of(const nlohmann::json& message) {
    return message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  bool is_run(const std::string& id) const {
    return std::ranges::any_of(studio_.runs(), [&](const Run* run) { return run->id == id; });
  }

  void unwatch(Page& page) {
    for (const Watched& each : page.watched) studio_.unwatch(each.id);
    page.watched.clear();
  }

  /// Sends each page the frames of its runs that are newer than those it has. Pages share what they are sent.
  void send_frames() {
    struct File {
      std::filesystem::path path;
      std::optional<Stamp> stamp;
      std::map<std::pair<uint32_t, uint32_t>, std::shared_ptr<const std::string>> sent;  // by index and serial
      std::string bytes;
    };
    std::map<std::string, File> files;
    for (auto& [unused, page] : pages_) {
      for (uint32_t index = 0; index < page.watched.size(); ++index) {
        Watched& watched = page.watched[index];
        if (!files.contains(watched.id)) {
          File file;
          const auto path = is_run(watched.id) ? studio_.frame(watched.id) : std::nullopt;
          if (path) file = {.path = *path, .stamp = stamp_of(*path), .sent = {}, .bytes = {}};
          files.emplace(watched.id, std::move(file));
        }
        File& file = files.at(watched.id);
        if (!file.stamp || watched.seen == file.stamp) continue;
        if (file.bytes.empty()) file.bytes = read_frame(file.path);
        if (file.bytes.size() < kHeaderBytes) continue;
        std::shared_ptr<const std::string>& bytes = file.sent[{index, page.serial}];
        if (bytes == nullptr) {
          std::memcpy(file.bytes.data() + kIndexAt, &index, sizeof(index));
          std::memcpy(file.bytes.data() + kSerialAt, &page.serial, sizeof(page.serial));
          bytes = std::make_shared<const std::string>(file.bytes);
        }
        page.socket->send_binary(fmt::format("frame:{}", index), bytes);
        watched.seen = file.stamp;
      }
    }
  }

  Studio& studio_;
  std::map<http::WebSocket*, Page> pages_;
};

}  // namespace

std::function<size_t()> add_live_socket(http::Server& server, Studio& studio, Changes& changes) {
  const auto live = std::make_shared<LiveSocket>(server, studio);
  changes.listen([live](const Change& change) {
    live->changed(change);
    return true;
  });
  server.on_web_socket("/api/v1/live",
                       {.opened = [live](const Socket& socket) { live->opened(socket); },
                        .text = [live](const Socket& socket, std::string_view text) { live->received(socket, text); },
                        .closed = [live](const Socket& socket) { live->closed(socket); }});
  return [live] { return live->count(); };
}

}  // namespace lucid::serve
