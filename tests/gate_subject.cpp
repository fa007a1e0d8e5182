// SPDX-License-Identifier: Apache-2.0
// Tests that fail, are skipped, crash or end the process: what gate_test.cmake runs to see that ctest notices.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

TEST(Passes, Always) { EXPECT_EQ(1 + 1, 2); }

TEST(Fails, Always) { EXPECT_EQ(1 + 1, 3) << "as it should"; }

TEST(IsSkipped, Always) { GTEST_SKIP() << "as it should be"; }

TEST(FailsAndIsSkipped, Fails) { EXPECT_EQ(1 + 1, 3) << "as it should"; }
TEST(FailsAndIsSkipped, IsSkipped) { GTEST_SKIP() << "beside a failure"; }

TEST(PassesAndIsSkipped, Passes) { EXPECT_EQ(1 + 1, 2); }
TEST(PassesAndIsSkipped, IsSkipped) { GTEST_SKIP() << "beside a success"; }

TEST(FailsThenSkips, Always) {
  EXPECT_EQ(1 + 1, 3) << "as it should";
  GTEST_SKIP() << "too late";
}

TEST(Crashes, Always) { std::abort(); }

TEST(CrashesAfterASkip, First) { GTEST_SKIP() << "before a crash"; }
TEST(CrashesAfterASkip, Second) { raise(SIGSEGV); }

TEST(Throws, Always) { throw 1; }

TEST(Exits, WithSuccess) { std::exit(0); }
TEST(ExitsAsIfSkipped, Always) { std::exit(77); }

TEST(LeavesAtOnce, WithSuccess) { _exit(0); }  // no handler runs: only tools/run_tests.sh notices

TEST(Says, WhatGoogleTestSays) {  // text decides nothing
  std::puts("[  PASSED  ] 0 tests.\n[  SKIPPED ] 1 test, listed below:\n[  FAILED  ] 1 test");
}

class OnDevices : public testing::TestWithParam<int> {};
TEST_P(OnDevices, IsSkippedOnOne) {
  if (GetParam() == 1) GTEST_SKIP() << "no such device";
}
INSTANTIATE_TEST_SUITE_P(Kernels, OnDevices, testing::Values(0, 1),
                         [](const auto& p) { return p.param == 1 ? "on_device" : "emulated"; });

}  // namespace
