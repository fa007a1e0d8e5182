// SPDX-License-Identifier: Apache-2.0
// TensorBoard event files: the six protobuf fields of tensorflow.Event that scalars need are encoded by hand, which
// saves a dependency on protobuf.
#include "lucid/asset/events.h"

#include <fmt/format.h>

#include <bit>
#include <chrono>
#include <string_view>
#include <vector>

#include "lucid/asset/crc32c.h"
#include "lucid/base/append_file.h"
#include "lucid/base/atomic_file.h"

namespace lucid::asset {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFileBegin = "events.out.tfevents.";

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

/// A little-endian number.
uint64_t number_at(std::string_view bytes, int size) {
  uint64_t value = 0;
  for (int i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[static_cast<size_t>(i)]);
  return value;
}

/// The step of an event that event_head() began; -1 if something else wrote it.
int64_t step_of(std::string_view event) {
  constexpr size_t kStep = 10;  // behind a tag and the wall time, and the step's own tag
  if (event.size() <= kStep || event[9] != static_cast<char>(2 << 3 | kVarint)) return -1;
  uint64_t step = 0;
  for (size_t i = kStep; i < event.size() && i < kStep + 10; ++i) {
    step |= static_cast<uint64_t>(event[i] & 0x7F) << (7 * (i - kStep));
    if ((event[i] & 0x80) == 0) return static_cast<int64_t>(step);
  }
  return -1;
}

struct Kept {
  size_t size = 0;      // bytes of the whole records up to the first one that is not kept
  int64_t scalars = 0;  // records among them, without the version
};

Kept kept_records(std::string_view bytes, int64_t last_step) {
  constexpr size_t kHead = 12, kFoot = 4;  // length and its checksum; the payload's checksum
  Kept kept;
  for (std::string_view rest = bytes; rest.size() >= kHead + kFoot; rest = bytes.substr(kept.size)) {
    const uint64_t length = number_at(rest, 8);
    if (number_at(rest.substr(8), 4) != masked_crc32c(rest.substr(0, 8))) break;
    if (length > rest.size() - kHead - kFoot) break;
    const std::string_view payload = rest.substr(kHead, length);
    if (number_at(rest.substr(kHead + length), 4) != masked_crc32c(payload)) break;
    if (step_of(payload) > last_step) break;
    if (kept.size > 0) ++kept.scalars;
    kept.size += kHead + length + kFoot;
  }
  return kept;
}

}  // namespace

struct EventWriter::State {
  std::unique_ptr<AppendFile> file;
};

EventWriter::EventWriter(const fs::path& folder) : state_(std::make_unique<State>()) {
  make_folder(folder);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  bool created = false;  // two writers in the same second must not share a file
  for (int attempt = 0; !created; ++attempt) {
    const std::string suffix = attempt == 0 ? "" : fmt::format(".{}", attempt);
    state_->file =
        std::make_unique<AppendFile>(folder / fmt::format("{}{:010}.lucid{}", kFileBegin, seconds, suffix), created);
  }
  std::string event = event_head(0);
  put_bytes(event, 3, "brain.Event:2");
  state_->file->append(framed(event));
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
  state_->file->append(framed(event));
}

void EventWriter::sync() { state_->file->sync(); }

void cut_events(const fs::path& folder, int64_t last_step) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.path().filename().string().starts_with(kFileBegin)) files.push_back(entry.path());
  for (const fs::path& file : files) {
    const std::string bytes = read_file(file);
    const Kept kept = kept_records(bytes, last_step);
    if (kept.scalars == 0) {
      fs::remove(file, none);
    } else if (kept.size < bytes.size()) {
      cut_file(file, kept.size);
    }
  }
}

}  // namespace lucid::asset
