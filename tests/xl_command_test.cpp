// SPDX-License-Identifier: Apache-2.0
// SDXL from the command line, with the goldens' tiny weights: runs from a folder and from a single file, with a LoRA
// and an edit, what `lucid prior check` and `lucid info` say, and one line with exit code 2 where it cannot be used.
#include <gtest/gtest.h>

#include <iterator>
#include <sstream>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::TemporaryFolder;

fs::path xl() { return lucid::test::goldens() / "applications/sdxl"; }
/// Options that keep a test short.
constexpr const char* kSmall =
    " --image-w 64 --image-h 64 --batch-size 2 --vis-interval 0 --no-save-video --no-save-process";

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

std::string single() { return (xl() / "sdxl-tiny.safetensors").string(); }

class XlCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(xl())) GTEST_SKIP() << xl() << " is not there; LUCID_GOLDENS names a folder that has it";
  }
  /// `lucid generate` of `steps` small views.
  Outcome generate(std::vector<std::string> arguments, const std::string& name, int steps = 10) const {
    std::vector<std::string> line =
        words("generate --seed 3 --init-num-pts 200 --precision fp32 --init-shape sphere --output " +
              folder_.path.string() + " --workspace " + name + " --iterations " + std::to_string(steps) + kSmall);
    line.insert(line.end(), arguments.begin(), arguments.end());
    return lucid_run(line, folder_);
  }
  /// The result's file of Gaussians.
  fs::path asset(const std::string& name) const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path / name / "point_cloud"))
      if (entry.path().extension() == ".ply") return entry.path();
    return {};
  }
  std::string cloud(const std::string& name) const { return lucid::read_file(asset(name)); }
  TemporaryFolder folder_;
};

TEST_F(XlCommand, TenStepsFromAFolderAndFromASingleFileAreTheSame) {
  const Outcome folder = generate({"--prior", xl().string(), "a cat"}, "folder");
  ASSERT_EQ(folder.code, 0) << folder.err;
  const Outcome file = generate({"--prior", single(), "--prior-config", xl().string(), "a cat"}, "file");
  ASSERT_EQ(file.code, 0) << file.err;
  EXPECT_FALSE(cloud("folder").empty());
  EXPECT_TRUE(cloud("folder") == cloud("file"));
  // Its own preset: Dreamer-XL's score and gradient clip, and a negative prompt.
  const std::string config = lucid::read_file(folder_.path / "folder/effective_config.yaml");
  for (const char* part : {"score: \"tsm\"", "clip_rgb: 0.05", "clip_depth: 0.01", "warmup_iter: 750"})
    EXPECT_NE(config.find(part), std::string::npos) << part;
}

TEST_F(XlCommand, ALoraAnEditAndRefiningCarryTheVectors) {
  const std::string prior = xl().string();
  ASSERT_EQ(generate({"--prior", prior, "a cat"}, "plain", 2).code, 0);
  const Outcome with_lora =
      generate({"--prior", prior, "--lora", (xl() / "lora_kohya_sgm_names.safetensors").string(), "a cat"}, "lora", 2);
  ASSERT_EQ(with_lora.code, 0) << with_lora.err;
  EXPECT_FALSE(cloud("lora") == cloud("plain"));
  const Outcome refined =
      generate({"--prior", prior, "--refine-iter", "1", "--refine-views", "2", "--refine-fit-steps", "2", "a cat"},
               "refined", 2);
  EXPECT_EQ(refined.code, 0) << refined.err;
  std::vector<std::string> edit = words("edit " + asset("plain").string() + " --prior " + prior + " --output " +
                                        folder_.path.string() + " --workspace edited --iterations 2" + kSmall);
  edit.insert(edit.end(), {"--from", "a cat", "--to", "a dog"});
  const Outcome edited = lucid_run(edit, folder_);
  EXPECT_EQ(edited.code, 0) << edited.err;
}

TEST_F(XlCommand, CheckAndInfoNameIt) {
  const auto said = [&](std::vector<std::string> arguments, const std::vector<std::string>& parts) {
    const Outcome outcome = lucid_run(arguments, folder_);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    for (const std::string& part : parts)
      EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " in:\n" << outcome.out;
  };
  const std::string lora = (xl() / "lora_kohya_diffusers_names.safetensors").string();
  said({"prior", "check", xl().string()}, {"SDXL in diffusers layout", "added vector  72", "picture size  64",
                                           "(1024 x 1024, 4 views)", "--prior " + xl().string()});
  said({"prior", "check", single(), "--prior-config", xl().string()}, {"SDXL checkpoint (single file)", "SHA-256"});
  said({"prior", "check", lora, "--prior", xl().string()}, {"LoRA (kohya) for SDXL", "fits          SDXL"});
  said({"info", xl().string()}, {"SDXL in diffusers layout"});
  said({"info", single()}, {"SDXL checkpoint (single file)"});
}

TEST_F(XlCommand, WhatCannotBeUsedIsOneLine) {
  const std::string prior = xl().string(), sd1 = (lucid::test::goldens() / "sd/tiny-sd1").string(),
                    lora = (xl() / "lora_kohya_sgm_names.safetensors").string();
  expect_one_line(generate({"--prior", sd1, "--lora", lora, "a cat"}, "a"), {"SDXL", "Stable Diffusion 1.x"});
  expect_one_line(generate({"--prior", single(), "a cat"}, "b"), {"sdxl-tiny.safetensors", "prior_config"});
  expect_one_line(generate({"--prior", prior, "--precision", "fp16", "a cat"}, "c"), {"precision"});
  expect_one_line(
      generate({"--prior", prior, "--controlnet", (lucid::test::goldens() / "adapters/controlnet").string(), "a cat"},
               "d"),
      {"ControlNet", "SDXL"});
  const std::string whole = lucid::read_file(single());
  const fs::path cut = folder_.path / "cut.safetensors", copy = folder_.path / "copy";
  lucid::write_file(cut, whole.substr(0, whole.size() / 2));
  expect_one_line(generate({"--prior", cut.string(), "a cat"}, "e"), {"cut.safetensors"});
  expect_one_line(lucid_run({"prior", "check", cut.string()}, folder_), {"cut.safetensors"});
  fs::copy(xl(), copy, fs::copy_options::recursive);
  fs::permissions(copy, fs::perms::owner_all, fs::perm_options::add);
  fs::permissions(copy / "text_encoder", fs::perms::owner_all, fs::perm_options::add);
  fs::rename(copy / "text_encoder", folder_.path / "elsewhere");
  expect_one_line(generate({"--prior", copy.string(), "a cat"}, "f"), {"SDXL's refiner: not supported"});
  expect_one_line(lucid_run({"prior", "check", copy.string()}, folder_), {"SDXL's refiner: not supported"});
}

}  // namespace
