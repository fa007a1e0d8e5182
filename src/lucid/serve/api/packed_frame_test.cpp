// SPDX-License-Identifier: Apache-2.0
// Packed frames are unpacked as a client does.
#include "lucid/serve/api/packed_frame.h"

#include <gtest/gtest.h>

#include "lucid/serve/api/unpack_frame_test.h"

namespace lucid::serve::test {
namespace {

TEST(PackedFrame, GivesBackEveryByte) {
  for (const uint32_t count : {0u, 1u, 1000u}) {
    const std::string first = random_frame(1, count), second = random_frame(2, count);
    const KeyFrame key{.number = 7, .bytes = first};
    const std::string packed_key = pack_key_frame(key), packed_delta = pack_delta(key, second);
    EXPECT_EQ(packed_header(packed_key).kind, PackedKind::kKey);
    EXPECT_EQ(packed_header(packed_delta).kind, PackedKind::kDelta);
    EXPECT_EQ(packed_header(packed_key).key, 7u);
    EXPECT_EQ(packed_header(packed_delta).key, 7u);
    EXPECT_EQ(unpacked(packed_key, ""), first) << count;
    EXPECT_EQ(unpacked(packed_delta, first), second) << count;
  }
}

/// As between frames of a run: part of the bytes move by little.
TEST(PackedFrame, SmallChangesTakeFewBytes) {
  const std::string first = random_frame(1, 10'000);
  std::string second = first;
  for (size_t i = 32; i < second.size(); i += 3) second[i] = static_cast<char>(second[i] + (i % 2 == 0 ? 1 : -1));
  const KeyFrame key{.number = 1, .bytes = first};
  EXPECT_LT(pack_delta(key, second).size(), first.size() / 4);
  EXPECT_LT(pack_key_frame(key).size(), first.size() + first.size() / 100);
}

TEST(PackedFrame, OnlyWholeFramesArePacked) {
  const std::string frame = random_frame(1, 10);
  EXPECT_TRUE(is_whole_frame(frame));
  EXPECT_TRUE(is_whole_frame(random_frame(1, 0)));
  EXPECT_FALSE(is_whole_frame(""));
  EXPECT_FALSE(is_whole_frame(frame.substr(0, 31)));
  EXPECT_FALSE(is_whole_frame(frame.substr(0, frame.size() - 1)));
  EXPECT_FALSE(is_whole_frame(frame + "a"));
  EXPECT_FALSE(is_whole_frame(frame.substr(1) + "a"));
  EXPECT_FALSE(is_whole_frame(pack_key_frame({.number = 1, .bytes = frame})));
  EXPECT_THROW(pack_delta({.number = 1, .bytes = random_frame(1, 9)}, frame), std::logic_error);
}

}  // namespace
}  // namespace lucid::serve::test
