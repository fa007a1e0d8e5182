// SPDX-License-Identifier: Apache-2.0
// Tests of read_json_object()'s limits, and of nests_deeper().
#include "lucid/json/json_config.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/json_depth.h"
#include "mistakes.h"

namespace lucid {
namespace {

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(JsonDepth, BracketsCountOutsideTextsOnly) {
  EXPECT_FALSE(nests_deeper(nested(3), 3));
  EXPECT_TRUE(nests_deeper(nested(4), 3));
  EXPECT_TRUE(nests_deeper(R"({"a":[{"b":{}}]})", 3));
  EXPECT_FALSE(nests_deeper(R"({"a":[{"b":1}]},[[[]]])", 3));  // levels end
  EXPECT_FALSE(nests_deeper(R"(["[[[[", "\"[[[[", "\\"])", 1));
  EXPECT_TRUE(nests_deeper(R"(["\\", [["]"]]])", 2));
  EXPECT_FALSE(nests_deeper("\"\\", 0));
}

TEST(JsonFiles, DepthAndSizeAreLimited) {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder.path / "config.json";
  const auto problem = [&](const std::string& text) {
    write_file(file, text);
    return test::mistake_of([&] { read_json_object(file); }).what_happened;
  };
  EXPECT_EQ(problem("{\"a\":" + nested(64) + "}"), "nests deeper than 64 levels");
  // Copying or printing a value of this depth would overflow the stack.
  EXPECT_EQ(problem("{\"a\":" + nested(4'000'000) + "}"), "nests deeper than 64 levels");
  EXPECT_NE(problem("{\"a\":\"" + std::string(1 << 24, 'x') + "\"}").find("bytes"), std::string::npos);
  write_file(file, "{\"a\":" + nested(63) + "}");
  EXPECT_TRUE(JsonConfig(file).has("a"));
}

}  // namespace
}  // namespace lucid
