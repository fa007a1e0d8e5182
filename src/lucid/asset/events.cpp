// SPDX-License-Identifier: Apache-2.0
// TensorBoard event files: the six protobuf fields of tensorflow.Event that scalars need are encoded by hand, which
// saves a dependency on protobuf.
#include "lucid/asset/events.h"

#include <unistd.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

#include "lucid/asset/crc32c.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

void put_little_endian(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
void put_tag(std::string& out, uint64_t field, WireType type) { put_varint(out, field << 3 | type); }

void put_bytes(std::string& out, uint64_t field, std::string_view bytes) {
  put_tag(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

/// The begin of Event { double wall_time = 1; int64 step = 2; … }; the caller appends file_version = 3 or summary = 5.
std::string event_head(int64_t step) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  std::string event;
  put_tag(event, 1, kFixed64);
  put_little_endian(event, std::bit_cast<uint64_t>(now.count()), 8);
  put_tag(event, 2, kVarint);
  put_varint(event, static_cast<uint64_t>(step));
  return event;
}

/// A TFRecord.
std::string framed(std::string_view payload) {
  std::string record;
  put_little_endian(record, payload.size(), 8);
  put_little_endian(record, masked_crc32c(record), 4);
  record += payload;
  put_little_endian(record, masked_crc32c(payload), 4);
  return record;
}

}  // namespace

struct EventWriter::State {
  std::filesystem::path path;
  std::FILE* file = nullptr;

  ~State() {
    if (file != nullptr) std::fclose(file);
  }
  [[noreturn]] void cannot_write(int error) const {
    throw UserError({.what_happened = fmt::format("cannot write: {}", std::strerror(error)), .file = path.string()});
  }
  // Flushes every record, so that TensorBoard sees a running or crashed run's records.
  void append(const std::string& record) {
    if (std::fwrite(record.data(), 1, record.size(), file) != record.size() || std::fflush(file) != 0) {
      cannot_write(errno);
    }
  }
};

EventWriter::EventWriter(const std::filesystem::path& folder) : state_(std::make_unique<State>()) {
  make_folder(folder);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  // Mode "x" fails if the file exists: two writers in the same second must not share a file.
  for (int attempt = 0; state_->file == nullptr; ++attempt) {
    const std::string suffix = attempt == 0 ? "" : fmt::format(".{}", attempt);
    state_->path = folder / fmt::format("events.out.tfevents.{:010}.lucid{}", seconds, suffix);
    state_->file = std::fopen(state_->path.c_str(), "wbxe");
    if (state_->file == nullptr && errno != EEXIST) state_->cannot_write(errno);
  }
  std::string event = event_head(0);
  put_bytes(event, 3, "brain.Event:2");
  state_->append(framed(event));
}

EventWriter::~EventWriter() = default;

void EventWriter::scalar(const std::string& tag, double value, int64_t step) {
  std::string entry;  // Summary.Value { string tag = 1; float simple_value = 2; }
  put_bytes(entry, 1, tag);
  put_tag(entry, 2, kFixed32);
  put_little_endian(entry, std::bit_cast<uint32_t>(static_cast<float>(value)), 4);
  std::string summary;  // Summary { repeated Value value = 1; }
  put_bytes(summary, 1, entry);
  std::string event = event_head(step);
  put_bytes(event, 5, summary);
  state_->append(framed(event));
}

}  // namespace lucid::asset
