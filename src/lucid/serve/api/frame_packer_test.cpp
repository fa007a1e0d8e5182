// SPDX-License-Identifier: Apache-2.0
// Which frames are packed, as what, and what becomes of those of a run that nobody watches any more.
#include "lucid/serve/api/frame_packer.h"

#include <gtest/gtest.h>

#include "lucid/serve/api/unpack_frame_test.h"

namespace lucid::serve::test {
namespace {

const std::string kId = "a_mug";

Stamp stamp(int64_t number) { return {.node = 1, .seconds = number, .nanoseconds = 0}; }

/// The newest packed frame of the run once it is another than that with the stamp `before`.
FramePacker::Packed next_packed(FramePacker& packer, const Stamp& before = {}) {
  for (int i = 0; i < 10'000; ++i) {
    packer.collect();
    const FramePacker::Packed* newest = packer.newest(kId);
    if (newest != nullptr && newest->stamp != before) return *newest;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

TEST(FramePacker, WantsEachFrameOnceAndOneAtATime) {
  FramePacker packer;
  EXPECT_TRUE(packer.wants(kId, stamp(1)));
  packer.pack(kId, stamp(1), random_frame(1, 100));
  EXPECT_FALSE(packer.wants(kId, stamp(1)));
  EXPECT_FALSE(packer.wants(kId, stamp(2))) << "before the first is collected";
  EXPECT_TRUE(packer.wants("another", stamp(1)));
  EXPECT_EQ(packer.newest(kId), nullptr);
  const FramePacker::Packed first = next_packed(packer);
  EXPECT_EQ(first.stamp, stamp(1));
  EXPECT_EQ(first.delta, nullptr);
  EXPECT_FALSE(packer.wants(kId, stamp(1)));
  EXPECT_TRUE(packer.wants(kId, stamp(2)));
  packer.pack(kId, stamp(2), "no frame");
  EXPECT_FALSE(packer.wants(kId, stamp(2)));
  packer.collect();
  EXPECT_EQ(packer.newest(kId)->stamp, stamp(1));
  EXPECT_TRUE(packer.wants(kId, stamp(3))) << "after one that cannot be packed";
}

TEST(FramePacker, ARunThatWasDroppedBeginsAnew) {
  FramePacker packer;
  packer.pack(kId, stamp(1), random_frame(1, 100));
  const uint32_t first = next_packed(packer).key_number;
  packer.pack(kId, stamp(2), random_frame(2, 200'000));  // takes a while, as does the next
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  packer.keep_only({});
  EXPECT_EQ(packer.newest(kId), nullptr);
  const std::string frame = random_frame(3, 100'000);
  packer.pack(kId, stamp(3), frame);
  const FramePacker::Packed packed = next_packed(packer);
  EXPECT_EQ(packed.stamp, stamp(3)) << "a frame from before";
  EXPECT_GT(packed.key_number, first);
  ASSERT_NE(packed.key, nullptr);
  EXPECT_EQ(packed.delta, nullptr);
  EXPECT_TRUE(unpacked(*packed.key, "") == frame);
}

}  // namespace
}  // namespace lucid::serve::test
