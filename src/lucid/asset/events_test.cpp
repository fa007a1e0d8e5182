// SPDX-License-Identifier: Apache-2.0
// Tests of the TensorBoard event files, read back by an independent reader of TFRecord and protobuf.
#include "lucid/asset/events.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "goldens.h"
#include "lucid/asset/crc32c.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

template <class T>
T take(std::string_view& bytes) {
  T value{};
  if (bytes.size() < sizeof(T)) throw std::runtime_error("cut short");
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return value;
}

uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<uint8_t>(bytes);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

/// The fields of a protobuf message by number: their bytes, varints as 8 bytes. Each field occurs once.
std::map<uint64_t, std::string> fields(std::string_view message) {
  std::map<uint64_t, std::string> out;
  while (!message.empty()) {
    const uint64_t tag = take_varint(message);
    uint64_t varint = 0;
    size_t size = 0;
    switch (tag & 7) {
      case 0:
        varint = take_varint(message);
        out[tag >> 3] = std::string(reinterpret_cast<const char*>(&varint), 8);
        continue;
      case 1:
        size = 8;
        break;
      case 2:
        size = take_varint(message);
        break;
      case 5:
        size = 4;
        break;
      default:
        throw std::runtime_error("wire type");
    }
    if (size > message.size()) throw std::runtime_error("cut short");
    out[tag >> 3] = std::string(message.substr(0, size));
    message.remove_prefix(size);
  }
  return out;
}

template <class T>
T as(const std::string& bytes) {
  std::string_view view = bytes;
  return take<T>(view);
}

std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> out;
  std::string_view rest = file;
  while (!rest.empty()) {
    const std::string_view length_bytes = rest.substr(0, 8);
    const auto length = take<uint64_t>(rest);
    EXPECT_EQ(take<uint32_t>(rest), masked_crc32c(length_bytes));
    out.emplace_back(rest.substr(0, length));
    rest.remove_prefix(length);
    EXPECT_EQ(take<uint32_t>(rest), masked_crc32c(out.back()));
  }
  return out;
}

std::filesystem::path only_file(const std::filesystem::path& folder) {
  return std::filesystem::directory_iterator(folder)->path();
}

TEST(Crc32c, KnownAnswers) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);    // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);  // RFC 3720, B.4
}

TEST(Events, AreReadBackBeforeTheWriterIsGone) {
  const lucid::test::TemporaryFolder folder;
  EventWriter writer(folder.path / "run");
  writer.scalar("loss/tv", 0.25, 7);
  writer.scalar("score/norm", -1e-3, int64_t{1} << 40);
  writer.scalar("bad", NAN, 0);
  const auto file = only_file(folder.path / "run");
  EXPECT_EQ(file.filename().string().find("events.out.tfevents."), 0u);
  const auto all = records(read_file(file));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(fields(all[0]).at(3), "brain.Event:2");
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(as<double>(fields(all[0]).at(1)), now, 100);

  const auto check = [&](size_t i, const std::string& tag, int64_t step) {
    const auto event = fields(all[i]);
    EXPECT_EQ(as<int64_t>(event.at(2)), step);
    const auto value = fields(fields(event.at(5)).at(1));
    EXPECT_EQ(value.at(1), tag);
    return as<float>(value.at(2));
  };
  EXPECT_EQ(check(1, "loss/tv", 7), 0.25f);
  EXPECT_EQ(check(2, "score/norm", int64_t{1} << 40), -1e-3f);
  EXPECT_TRUE(std::isnan(check(3, "bad", 0)));
}

TEST(Events, TwoWritersInOneSecondDoNotMix) {
  const lucid::test::TemporaryFolder folder;
  EventWriter a(folder.path), b(folder.path);
  a.scalar("x", 1, 1);
  b.scalar("x", 2, 1);
  EXPECT_EQ(test::files_in(folder.path), 2u);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
    EXPECT_EQ(records(read_file(entry.path())).size(), 2u);
  }
}

TEST(Events, UnwritableOrFullIsTheUsersMistake) {
  EXPECT_THROW(EventWriter("/proc/lucid"), UserError);
  const lucid::test::TemporaryFolder folder;
  EventWriter writer(folder.path);
  const test::SmallDisk disk(200);
  const auto write_much = [&] {
    for (int i = 0; i < 100; ++i) writer.scalar("x", i, i);
  };
  EXPECT_THROW(write_much(), UserError);
}

TEST(Events, AreCutOffWhereAResumedRunGoesOn) {
  const lucid::test::TemporaryFolder folder;
  EventWriter writer(folder.path);
  for (int64_t step = 1; step <= 5; ++step) {
    writer.scalar("a", 0.5, step);
    writer.scalar("b", 1.5, step);
  }
  writer.sync();
  const auto file = only_file(folder.path);
  const std::string whole = read_file(file);
  cut_events(folder.path, 5);
  EXPECT_EQ(read_file(file), whole);
  write_file(folder.path / "other.txt", "stays");
  std::filesystem::resize_file(file, whole.size() - 3);  // a torn record
  cut_events(folder.path, 5);
  EXPECT_EQ(records(read_file(file)).size(), 1u + 9u);
  cut_events(folder.path, 3);
  const auto kept = records(read_file(file));
  ASSERT_EQ(kept.size(), 1u + 6u);
  EXPECT_EQ(as<int64_t>(fields(kept.back()).at(2)), 3);
  writer.scalar("a", 0.5, 4);  // a writer that is still open goes on behind the cut
  EXPECT_EQ(records(read_file(file)).size(), 1u + 7u);
  cut_events(folder.path, 0);
  EXPECT_FALSE(std::filesystem::exists(file)) << "nothing of it is left";
  EXPECT_TRUE(std::filesystem::exists(folder.path / "other.txt"));
}

TEST(Events, LongStepsAreReadRightWhenCut) {
  const lucid::test::TemporaryFolder folder;
  EventWriter writer(folder.path);
  for (const int64_t step : {int64_t{127}, int64_t{128}, int64_t{300}, int64_t{1} << 40}) writer.scalar("a", 1, step);
  cut_events(folder.path, 300);
  EXPECT_EQ(records(read_file(only_file(folder.path))).size(), 1u + 3u);
  cut_events(folder.path, 127);
  EXPECT_EQ(records(read_file(only_file(folder.path))).size(), 1u + 1u);
}

}  // namespace
}  // namespace lucid::asset
