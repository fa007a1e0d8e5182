// SPDX-License-Identifier: Apache-2.0
// Who may include whom (docs/dev/path.md): reads every include of src/lucid and fails on an upward or sideways one.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "goldens.h"

namespace {
namespace fs = std::filesystem;

// A module may include itself, base, and what stands here; a module that is missing here fails the test.
const std::map<std::string, std::set<std::string>> kAllowed = {
    {"base", {}},
    {"math", {}},
    {"config", {}},
    {"weights", {}},
    {"text", {"weights"}},
    {"camera", {"math"}},
    {"render", {"camera", "math"}},
    {"gaussians", {"render", "camera", "math"}},
    {"tensor", {}},
    {"nn", {"tensor", "weights"}},
    {"diffusion", {"nn", "tensor", "weights"}},
    {"text_to_image", {"diffusion", "nn", "tensor", "text", "weights"}},
    {"distill", {"text_to_image", "diffusion", "nn", "tensor", "text", "weights"}},
    {"optim", {"gaussians", "render", "camera", "math"}},
    {"asset", {"gaussians", "render", "camera", "math"}},
    {"corpus", {"asset", "weights", "camera", "math", "config"}},
    {"pretrain",
     {"corpus", "distill", "text_to_image", "asset", "diffusion", "nn", "tensor", "text", "weights", "camera", "math",
      "config"}},
    {"train",
     {"optim", "distill", "text_to_image", "asset", "gaussians", "render", "camera", "math", "diffusion", "nn",
      "tensor", "text", "weights"}},
    {"eval",
     {"corpus", "train", "optim", "distill", "text_to_image", "asset", "gaussians", "render", "camera", "math",
      "diffusion", "nn", "tensor", "text", "weights"}},
    {"app",
     {"eval", "corpus", "train", "optim", "distill", "text_to_image", "asset", "gaussians", "render", "camera", "math",
      "diffusion", "nn", "tensor", "text", "weights", "config"}},
};

// Modules below tensors: no torch header in them.
const std::set<std::string> kWithoutTorch = {"base", "math", "config", "camera", "render"};

bool is_test(const fs::path& file) { return file.filename().string().find("_test.") != std::string::npos; }

TEST(IncludeLayers, NobodyIncludesUpward) {
  const std::regex ours("^\\s*#include \"lucid/([a-z0-9_]+)/"), torch("^\\s*#include <(torch|ATen|c10)/");
  const fs::path root = lucid::test::source_dir() / "src" / "lucid";
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const fs::path& file = entry.path();
    if (!entry.is_regular_file() || is_test(file) || (file.extension() != ".h" && file.extension() != ".cpp")) continue;
    ++files;
    const std::string module = fs::relative(file, root).begin()->string();
    ASSERT_TRUE(kAllowed.contains(module)) << module << " has no place in the layers";
    std::ifstream in(file);
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
      if (std::regex_search(line, match, ours)) {
        const std::string other = match[1];
        EXPECT_TRUE(other == module || other == "base" || kAllowed.at(module).contains(other))
            << file << " includes " << other;
      }
      if (kWithoutTorch.contains(module)) {
        EXPECT_FALSE(std::regex_search(line, torch)) << file << ": " << line;
      }
    }
  }
  EXPECT_GT(files, 50);
}

TEST(IncludeLayers, TheRuleItselfCatchesAnUpwardInclude) {
  EXPECT_FALSE(kAllowed.at("render").contains("diffusion"));
  EXPECT_FALSE(kAllowed.at("diffusion").contains("render"));
  EXPECT_FALSE(kAllowed.at("distill").contains("gaussians"));
}

}  // namespace
