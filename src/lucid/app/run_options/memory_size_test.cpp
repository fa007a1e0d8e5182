// SPDX-License-Identifier: Apache-2.0
// Amounts of memory as users type them.
#include "lucid/app/run_options/memory_size.h"

#include <gtest/gtest.h>

#include "lucid/base/error.h"

namespace lucid::app {
namespace {

TEST(MemorySize, IsReadInTheUsualSpellings) {
  constexpr double kGiga = 1 << 30, kMega = 1 << 20;
  EXPECT_EQ(bytes_of(""), 0);
  for (const char* text : {"3G", "3g", "3GB", "3GiB"}) EXPECT_EQ(bytes_of(text), 3 * kGiga) << text;
  EXPECT_EQ(bytes_of("1.5G"), 1.5 * kGiga);
  EXPECT_EQ(bytes_of("800M"), 800 * kMega);
  for (const char* text : {"3", "G", "-1G", "0G", "3T", "3 G", "nanG", "1e99G", "3Gx"})
    EXPECT_THROW(bytes_of(text), UserError) << text;
  EXPECT_EQ(size_text(1.5 * kGiga), "1.5G");
  EXPECT_EQ(size_text(820 * kMega), "820M");
}

}  // namespace
}  // namespace lucid::app
