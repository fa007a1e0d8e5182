// SPDX-License-Identifier: Apache-2.0
// What a user sees of a run that goes wrong, and of one whose files are looked at again: NaN in the prior, damaged
// checkpoints, unfinished folders, too little memory, `lucid verify` and `lucid reproduce`.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/weights/state_dict.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;

class Reliability : public testing::Test {
 protected:
  lucid::test::TemporaryFolder folder_;

  fs::path run(const std::string& name) const { return folder_.path / "out" / name; }
  fs::path prior() const { return lucid::test::goldens() / "sd/tiny-sd1"; }

  std::vector<std::string> words(const std::string& name, const std::vector<std::string>& more = {},
                                 fs::path prior_folder = {}) const {
    if (prior_folder.empty()) prior_folder = prior();
    std::vector<std::string> arguments = {
        "generate", "--output", (folder_.path / "out").string(), "--workspace", name, "--prior", prior_folder.string()};
    for (const char* word : {"--threads",    "1",   "--iterations",   "4",  "--warmup-iter",   "3",
                             "--image-w",    "32",  "--image-h",      "32", "--init-num-pts",  "60",
                             "--batch-size", "2",   "--vis-interval", "0",  "--no-save-video", "--no-save-process",
                             "--progress",   "off", "a mug"})
      arguments.emplace_back(word);
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  Outcome generate(const std::string& name, const std::vector<std::string>& more = {}) const {
    return lucid_run(words(name, more), folder_);
  }
  /// A copy of the prior whose U-Net's last layer is multiplied by `factor`, in double: 5e38 is no float.
  fs::path scaled_prior(double factor) const {
    const fs::path copy = folder_.path / "prior";
    fs::copy(prior(), copy, fs::copy_options::recursive);
    const fs::path file = copy / "unet/diffusion_pytorch_model.safetensors";
    std::map<std::string, torch::Tensor> tensors;
    for (const auto& [name, tensor] : lucid::weights::read_safetensors(file).tensors)
      tensors[name] =
          name.starts_with("conv_out.weight") ? (tensor.to(torch::kDouble) * factor).to(torch::kFloat) : tensor.clone();
    lucid::weights::write_safetensors(file, tensors);
    return copy;
  }
};

TEST_F(Reliability, APriorThatOverflowsEndsWithAReportAndEverythingSaved) {
  const Outcome outcome = lucid_run(words("w", {"--precision", "fp32"}, scaled_prior(5e38)), folder_);
  EXPECT_EQ(outcome.code, 3) << outcome.err;
  for (const char* part : {"step 1:", "of the score (view 0, t = ", "(3 of 3)", "once too often", "overflow in fp32",
                           "--resume --finish", "failure.json"})
    EXPECT_NE(outcome.err.find(part), std::string::npos) << part << " in: " << outcome.err;
  EXPECT_EQ(outcome.err.find("internal error"), std::string::npos);
  const auto report = nlohmann::json::parse(lucid::read_file(run("w") / "failure.json"));
  EXPECT_EQ(report.at("setbacks").size(), 4u);
  EXPECT_EQ(report.at("saved_step"), 0);
  EXPECT_TRUE(fs::exists(run("w") / "checkpoints/step_000000.safetensors"));
  EXPECT_FALSE(fs::exists(run("w") / "manifest.json"));
}

TEST_F(Reliability, ADamagedCheckpointFallsBackAndSaysSo) {
  ASSERT_EQ(generate("whole").code, 0);
  ASSERT_EQ(generate("w", {"--checkpoint-interval", "1"}).code, 0);
  const fs::path newest = run("w") / "checkpoints/step_000004.safetensors";
  std::string bytes = lucid::read_file(newest);
  bytes[bytes.size() - 9] = static_cast<char>(bytes[bytes.size() - 9] ^ 1);
  lucid::write_file(newest, bytes);
  const Outcome outcome = generate("w", {"--resume"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("step_000004.safetensors: is damaged"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("the checkpoint before it"), std::string::npos) << outcome.err;
  EXPECT_EQ(lucid::read_file(newest), lucid::read_file(run("whole") / "checkpoints/step_000004.safetensors"));
}

TEST_F(Reliability, AnUnfinishedRunIsNotBegunAgainUnasked) {
  ASSERT_EQ(generate("w").code, 0);
  fs::remove(run("w") / "manifest.json");
  expect_one_line(generate("w"), {"has not ended", "--resume", "--overwrite"});
  EXPECT_EQ(generate("w", {"--overwrite"}).code, 0);
}

TEST_F(Reliability, CheckpointsAreSavedByTimeToo) {
  ASSERT_EQ(
      generate("w", {"--checkpoint-interval", "0", "--checkpoint-minutes", "0.00001", "--keep-checkpoints", "3"}).code,
      0);
  int found = 0;
  for (const auto& entry : fs::directory_iterator(run("w") / "checkpoints")) found += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(found, 3);
}

TEST_F(Reliability, MemoryIsKeptOrRefusedWithTheEstimate) {
  expect_one_line(generate("w", {"--memory", "much"}), {"memory", "'much'", "3G"});
  expect_one_line(generate("w", {"--memory", "100M"}), {"memory", "100M", "the run takes about", "--batch-size"});
  EXPECT_FALSE(fs::exists(run("w"))) << "nothing was written";
  EXPECT_EQ(generate("w", {"--memory", "2G"}).code, 0);
  const auto manifest = nlohmann::json::parse(lucid::read_file(run("w") / "manifest.json"));
  EXPECT_GT(manifest.at("estimated_mb").get<int>(), 0);
}

/// The peak of short runs of the embedded prior, with parts of every kind.
TEST_F(Reliability, APeakStaysWithinTheMemory) {
  struct Case {
    const char *side, *memory;
    int64_t most;      // of it, MB
    const char* says;  // in the log; empty: the run computes as it would without a limit
  };
  for (const auto& [side, memory, most, says] : {Case{"256", "560M", 560, ""},
                                                 {"256", "440M", 440, "in smaller parts"},
                                                 {"512", "660M", 660, "in smaller parts"}}) {
    const Outcome outcome = lucid_run({"generate",
                                       "--output",
                                       (folder_.path / "out").string(),
                                       "--workspace",
                                       memory,
                                       "--threads",
                                       "2",
                                       "--iterations",
                                       "2",
                                       "--refine-iter",
                                       "0",
                                       "--image-w",
                                       side,
                                       "--image-h",
                                       side,
                                       "--output-size",
                                       "128",
                                       "--batch-size",
                                       "4",
                                       "--vis-interval",
                                       "0",
                                       "--no-save-video",
                                       "--no-save-process",
                                       "--progress",
                                       "off",
                                       "--memory",
                                       memory,
                                       "a red car"},
                                      folder_);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err.find("in smaller parts") != std::string::npos, *says != '\0') << outcome.err;
    const auto manifest = nlohmann::json::parse(lucid::read_file(run(memory) / "manifest.json"));
    const auto peak = manifest.at("peak_mb").get<int64_t>(), estimate = manifest.at("estimated_mb").get<int64_t>();
    std::printf("  %s x %s in %s: estimate %ld MB, peak %ld MB\n", side, side, memory, estimate, peak);
    EXPECT_LE(peak, most);
  }
}

TEST_F(Reliability, VerifyNoticesEveryChange) {
  ASSERT_EQ(lucid_run(words("w", {}, scaled_prior(1)), folder_).code, 0);
  const std::string name = run("w").string();
  const Outcome good = lucid_run({"verify", name}, folder_);
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_NE(good.out.find("files are as they were"), std::string::npos) << good.out;

  lucid::write_file(run("w") / "cameras.json", "[]");
  fs::remove(run("w") / "test_six_views/4/sheet.png");
  lucid::write_file(folder_.path / "prior/unet/config.json",
                    lucid::read_file(folder_.path / "prior/unet/config.json") + " ");
  const Outcome bad = lucid_run({"verify", name + "/"}, folder_);
  EXPECT_EQ(bad.code, 1) << bad.err;
  for (const char* line : {"changed output cameras.json\n", "missing output test_six_views/4/sheet.png\n"})
    EXPECT_NE(bad.out.find(line), std::string::npos) << bad.out;
  EXPECT_NE(bad.out.find("changed input  "), std::string::npos) << bad.out;
  EXPECT_NE(bad.out.find("unet/config.json\n"), std::string::npos) << bad.out;
  expect_one_line(lucid_run({"reproduce", name}, folder_), {"config.json", "has changed since"});
  expect_one_line(lucid_run({"verify", (folder_.path / "none").string()}, folder_), {"no manifest.json"});
  lucid::write_file(run("w") / "manifest.json", "{\"prompt\": \"a mug\"}");
  expect_one_line(lucid_run({"verify", name}, folder_), {"inputs_sha256"});
}

TEST_F(Reliability, ReproduceMakesTheSameFilesAgain) {
  ASSERT_EQ(generate("w", {"--save-video", "--turntable-frames", "3", "--export", "spz"}).code, 0);
  const std::string name = run("w").string();
  const Outcome same = lucid_run({"reproduce", name, "--progress", "off"}, folder_);
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_TRUE(fs::exists(run("w.again") / "manifest.json"));
  EXPECT_NE(same.out.find("are equal, bit by bit"), std::string::npos) << same.out;
  expect_one_line(lucid_run({"reproduce", name}, folder_), {"w.again", "exists already", "--out"});

  // A run of another seed in its record is told apart, file by file.
  const fs::path record = run("w") / "effective_config.yaml";
  std::string options = lucid::read_file(record);
  options.replace(options.find("seed: 0"), 7, "seed: 1");
  lucid::write_file(record, options);
  const std::string other = (folder_.path / "out/other").string();
  const Outcome differs = lucid_run({"reproduce", name, "--out", other, "--progress", "off"}, folder_);
  EXPECT_EQ(differs.code, 1) << differs.out << differs.err;
  EXPECT_NE(differs.out.find("point_cloud.ply: "), std::string::npos) << differs.out;
  EXPECT_NE(differs.out.find("dB"), std::string::npos) << differs.out;
}

}  // namespace
