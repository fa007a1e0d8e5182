// SPDX-License-Identifier: Apache-2.0
// The page's WebSocket. The client sends {"watch": [ids], "serial": n}; the server sends the list of runs once, then
// each change as text, and the live frames of watched runs as binary messages: as they are to clients on this machine,
// packed to others. docs/guide/page.md has the messages.
#include <fmt/format.h>

#include <cstring>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "lucid/asset/live_frame_header.h"
#include "lucid/serve/api/api.h"
#include "lucid/serve/api/frame_file.h"
#include "lucid/serve/api/frame_packer.h"

namespace lucid::serve {
namespace {
using Socket = std::shared_ptr<http::WebSocket>;

constexpr std::chrono::milliseconds kLookPeriod{50};  // between looks at the watched runs' files
constexpr size_t kMostWatched = 4;                    // runs of one page

/// Frames with the place in a client's list in their header. Clients with the same place share what they are sent.
class AddressedFrames {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  /// `frame` must stay where it is.
  Bytes get(const std::string& frame, uint32_t index, uint32_t serial) {
    Bytes& bytes = made_[{&frame, index, serial}];
    if (bytes == nullptr) {
      std::string copy = frame;
      std::memcpy(copy.data() + offsetof(asset::LiveFrameHeader, index), &index, sizeof(index));
      std::memcpy(copy.data() + offsetof(asset::LiveFrameHeader, serial), &serial, sizeof(serial));
      bytes = std::make_shared<const std::string>(std::move(copy));
    }
    return bytes;
  }

 private:
  std::map<std::tuple<const std::string*, uint32_t, uint32_t>, Bytes> made_;
};

class LiveSocket {
 public:
  LiveSocket(http::Server& server, Studio& studio) : studio_(studio) {
    server.every(kLookPeriod, [this] { send_frames(); });
  }

  size_t count() const { return pages_.size(); }

  void opened(const Socket& socket) {
    pages_[socket.get()] = Page{.socket = socket};
    nlohmann::json message = to_json(studio_);
    message["event"] = "runs";
    socket->send_text("runs", text_of(message));
  }

  /// {"watch": [ids], "serial": n}, and "packed": true or false if the client wants to choose. Anything else closes the
  /// socket.
  void received(const Socket& socket, std::string_view text) {
    const auto page = pages_.find(socket.get());
    if (page == pages_.end()) return;
    const nlohmann::json message = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    const auto field = [&](const char* name, const nlohmann::json& otherwise) {
      return message.is_object() ? message.value(name, otherwise) : nlohmann::json();
    };
    const nlohmann::json watch = field("watch", {}), serial = field("serial", 0u);
    const nlohmann::json packed = field("packed", !socket->local());
    const auto is_id = [](const nlohmann::json& id) { return id.is_string(); };
    if (!watch.is_array() || watch.size() > kMostWatched || !std::ranges::all_of(watch, is_id) ||
        !serial.is_number_unsigned() || !packed.is_boolean()) {
      return socket->close();
    }
    unwatch(page->second);
    page->second.serial = static_cast<uint32_t>(serial.get<uint64_t>());
    page->second.packed = packed.get<bool>();
    for (const nlohmann::json& id : watch) {
      page->second.watched.push_back({.id = id.get<std::string>()});
      if (studio_.find(page->second.watched.back().id) != nullptr) studio_.watch(page->second.watched.back().id);
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
    std::string id = {};
    std::optional<Stamp> seen = {};  // of the frame that was sent last
    uint32_t key_number = 0;         // of the key frame that was sent last; 0: none
  };
  struct Page {
    Socket socket;
    uint32_t serial = 0;
    bool packed = false;
    std::vector<Watched> watched = {};
  };

  static std::string text_of(const nlohmann::json& message) {
    return message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  void unwatch(Page& page) {
    for (const Watched& each : page.watched) studio_.unwatch(each.id);
    page.watched.clear();
  }

  /// Sends each page the frames of its runs that are newer than those it has.
  void send_frames() {
    struct File {
      std::filesystem::path path = {};
      std::optional<Stamp> stamp = {};
      std::string bytes = {};
      const std::string& read() { return bytes.empty() ? bytes = read_frame(path) : bytes; }
    };
    std::map<std::string, File> files;
    AddressedFrames addressed;
    std::set<std::string> packed;
    packer_.collect();
    for (auto& [unused, page] : pages_) {
      for (uint32_t index = 0; index < page.watched.size(); ++index) {
        Watched& watched = page.watched[index];
        if (!files.contains(watched.id)) {
          const auto path = studio_.find(watched.id) != nullptr ? studio_.frame(watched.id) : std::nullopt;
          files.emplace(watched.id, path ? File{.path = *path, .stamp = stamp_of(*path)} : File{});
        }
        File& file = files.at(watched.id);
        if (!file.stamp) continue;
        if (page.packed) {
          packed.insert(watched.id);
          if (packer_.wants(watched.id, *file.stamp)) packer_.pack(watched.id, *file.stamp, file.read());
          send_packed(page, index, addressed);
        } else if (watched.seen != file.stamp && asset::live_frame_header(file.read())) {
          page.socket->send_binary(fmt::format("frame:{}", index), addressed.get(file.bytes, index, page.serial));
          watched.seen = file.stamp;
        }
      }
    }
    packer_.keep_only(packed);
  }

  /// A delta is sent after the key frame that it needs, and never waits before it.
  void send_packed(Page& page, uint32_t index, AddressedFrames& addressed) const {
    Watched& watched = page.watched[index];
    const FramePacker::Packed* newest = packer_.newest(watched.id);
    if (newest == nullptr || watched.seen == newest->stamp) return;
    const std::string frame = fmt::format("frame:{}", index);
    if (watched.key_number != newest->key_number) {
      page.socket->drop(frame);
      page.socket->send_binary(fmt::format("key:{}", index), addressed.get(*newest->key, index, page.serial));
      watched.key_number = newest->key_number;
    }
    if (newest->delta) page.socket->send_binary(frame, addressed.get(*newest->delta, index, page.serial));
    watched.seen = newest->stamp;
  }

  Studio& studio_;
  FramePacker packer_;
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
