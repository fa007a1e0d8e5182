// SPDX-License-Identifier: Apache-2.0
// Runs with a multi-view prior as processes: ten steps of its folder and of its checkpoint, a run that goes on with
// Stable Diffusion, its stops and resumes, and one clear line for each mistake.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "lucid/asset/splats/splats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/gaussians/starts.h"
#include "multi_view_prior.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::read_file;
using lucid::test::count_lines;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::multi_view_checkpoint;
using lucid::test::Outcome;
using lucid::test::Process;
using lucid::test::TemporaryFolder;
using Words = std::vector<std::string>;

constexpr const char* kResult = "point_cloud/iteration_10/point_cloud.ply";

class MultiViewCommand : public ::testing::Test {
 protected:
  MultiViewCommand() : prior_(lucid::test::make_multi_view_folder(folder_.path / "mvdream")) {
    lucid::write_file(small_, "GenerateCamParams:\n  image_w: 64\n  image_h: 64\n");
  }
  fs::path out(const std::string& name) const { return folder_.path / "out" / name; }
  /// Ten steps on small pictures.
  Words words(const std::string& name, const Words& more = {}) const {
    Words all = {"generate",
                 "a red car",
                 "--preset",
                 "draft",
                 "--iterations",
                 steps_,
                 "--init-num-pts",
                 "200",
                 "--output",
                 (folder_.path / "out").string(),
                 "--workspace",
                 name,
                 "--progress",
                 "json",
                 "--no-save-process",
                 "--no-save-video",
                 "--output-size",
                 "32",
                 "--vis-interval",
                 "5",
                 "--checkpoint-interval",
                 "0",
                 "--multi-view-config",
                 small_.string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Words with_folder() const { return {"--prior", prior_.string()}; }
  Words with_checkpoint() const {
    return {"--prior", multi_view_checkpoint().string(), "--prior-config", prior_.string()};
  }
  static Words joined(Words a, const Words& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
  Words two_priors(const Words& more = {}) const {
    Words all = with_checkpoint();
    for (const std::string& word : {std::string("--refine-prior"), stable_.string(), std::string("--image-w"),
                                    std::string("128"), std::string("--image-h"), std::string("128")})
      all.push_back(word);
    return joined(all, more);
  }
  nlohmann::json manifest(const std::string& name) const {
    return nlohmann::json::parse(read_file(out(name) / "manifest.json"));
  }
  /// Runs until `lines` of progress are out, then interrupts.
  Outcome interrupted(const Words& arguments, int lines) const {
    const fs::path progress = folder_.path / "stdout.txt";
    fs::remove(progress);
    const Process process(arguments, folder_);
    for (int i = 0; i < 500 && (!fs::exists(progress) || count_lines(read_file(progress)) < lines); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    process.signal(SIGINT);
    return process.wait();
  }

  TemporaryFolder folder_;
  std::string steps_ = "10";
  fs::path prior_, small_ = folder_.path / "small.yaml", stable_ = lucid::test::goldens() / "sd/tiny-sd2-base";
};

TEST_F(MultiViewCommand, TenStepsOfEachLayoutTakeItsOwnDefaults) {
  for (const auto& [name, prior] : {std::pair("folder", with_folder()), std::pair("checkpoint", with_checkpoint())}) {
    SCOPED_TRACE(name);
    const Outcome outcome = lucid_run(words(name, prior), folder_);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(fs::exists(out(name) / kResult));
    const nlohmann::json options = manifest(name).at("options");
    EXPECT_EQ(options.at("score"), "ism");
    EXPECT_EQ(options.at("guidance_scale"), 7.5);
    EXPECT_EQ(options.at("C_batch_size"), 4);
    EXPECT_EQ(options.at("perpneg"), false);
    EXPECT_EQ(options.at("flip_ratio"), 0);
    EXPECT_EQ(options.at("theta_range"), nlohmann::json({60, 90}));
    EXPECT_EQ(options.at("relative_radius"), true);
    EXPECT_EQ(options.at("image_w"), 64) << "of --multi-view-config";
    EXPECT_NE(options.at("negative").get<std::string>().find("pixelated"), std::string::npos);
    EXPECT_FALSE(manifest(name).contains("first_prior"));
  }
}

TEST_F(MultiViewCommand, EveryScoreTakesASetOfViews) {
  steps_ = std::string("2");  // GCC 12 warns of a plain literal
  for (const char* score : {"sds", "recon", "tsm", "sdi", "csd", "nfsd", "asd"}) {
    SCOPED_TRACE(score);
    const Outcome outcome = lucid_run(
        words(score, joined(with_folder(), {"--score", score, "--batch-size", "8", "--prompt-suffix", ", 3d asset"})),
        folder_);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
  const Outcome refined = lucid_run(
      words("refined", joined(with_folder(), {"--refine-iter", "1", "--refine-views", "8", "--refine-fit-steps", "2"})),
      folder_);
  EXPECT_EQ(refined.code, 0) << refined.err;
}

TEST_F(MultiViewCommand, StableDiffusionGoesOn) {
  const Outcome outcome = lucid_run(words("two", two_priors()), folder_);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json result = manifest("two");
  EXPECT_EQ(result.at("first_steps"), 4) << "40 % of ten";
  EXPECT_EQ(result.at("first_prior"), "mvdream-tiny.pt");
  EXPECT_EQ(result.at("prior"), "tiny-sd2-base");
  EXPECT_EQ(result.at("first_options").at("image_w"), 64);
  EXPECT_EQ(result.at("first_options").at("perpneg"), false);
  EXPECT_EQ(result.at("options").at("image_w"), 128);
  EXPECT_EQ(result.at("options").at("perpneg"), true);
  EXPECT_EQ(result.at("options").at("theta_range"), nlohmann::json({45, 105}));
  EXPECT_TRUE(result.at("weights_sha256").contains("first/mvdream-tiny.pt"));
  EXPECT_TRUE(fs::exists(out("two") / "multi_view_config.yaml"));
  for (const char* file : {"mvdream-tiny.pt", "tiny-sd2-base/unet/diffusion_pytorch_model.safetensors"}) {
    bool found = false;
    for (const auto& [path, digest] : result.at("inputs_sha256").items()) found = found || path.ends_with(file);
    EXPECT_TRUE(found) << file << " is an input";
  }
  // The first prior matters, and so does its share.
  for (const auto& [name, more] :
       {std::pair("less", Words{"--multi-view-share", "0.2"}), {"none", {"--multi-view-share", "0"}}}) {
    ASSERT_EQ(lucid_run(words(name, two_priors(more)), folder_).code, 0);
    EXPECT_NE(read_file(out(name) / kResult), read_file(out("two") / kResult));
  }
}

TEST_F(MultiViewCommand, AResumedRunOfTwoPriorsEqualsAnUnbrokenOneByteForByte) {
  ASSERT_EQ(lucid_run(words("whole", two_priors()), folder_).code, 0);
  const Words resume = words("broken", two_priors({"--resume"}));
  int stops = 0;
  for (const int lines : {1, 2, 3, 2}) stops += interrupted(resume, lines).code == 130 ? 1 : 0;
  EXPECT_GT(stops, 0);
  const Outcome resumed = lucid_run(resume, folder_);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(read_file(out("whole") / kResult) == read_file(out("broken") / kResult));
  lucid::write_file(small_, "GenerateCamParams:\n  image_w: 64\n  image_h: 64\nGuidanceParams:\n  guidance_scale: 9\n");
  expect_one_line(lucid_run(resume, folder_), {"other options"});
}

TEST_F(MultiViewCommand, MistakesAreOneLineEach) {
  const std::string stable = stable_.string();
  for (const auto& [more, parts] : std::vector<std::pair<Words, Words>>{
           {joined(with_folder(), {"--batch-size", "5"}), {"C_batch_size", "multiple of 4"}},
           {joined(with_folder(), {"--batch-size", "2"}), {"C_batch_size", "multiple of 4"}},
           {joined(with_folder(), {"--perpneg"}), {"perpneg", "view words"}},
           {joined(with_folder(), {"--view-guidance", "1"}), {"view_guidance", "view words"}},
           {joined(with_folder(), {"--flip-ratio", "0.5"}), {"flip_ratio", "cameras"}},
           {joined(with_folder(), {"--refine-iter", "1", "--refine-views", "6"}), {"refine_views", "multiple of 4"}},
           {joined(with_folder(), {"--controlnet", (lucid::test::goldens() / "adapters/controlnet").string()}),
            {"4 views at once", "ControlNet"}},
           {joined(with_folder(), {"--refine-prior", prior_.string()}), {"refine_prior", "multi-view prior itself"}},
           {joined(with_folder(), {"--refine-prior", "/nowhere"}), {"refine_prior", "/nowhere", "not on this machine"}},
           {{"--prior", stable, "--refine-prior", stable}, {"refine_prior", "--prior"}},
           {{"--refine-prior", stable}, {"refine_prior", "--prior"}}}) {
    expect_one_line(lucid_run(words("mistake", more), folder_), parts);
  }
  lucid::write_file(small_, "GuidanceParams:\n  C_batch_size: 6\n");
  expect_one_line(lucid_run(words("mistake", two_priors()), folder_), {"C_batch_size", "multiple of 4"});
}

TEST_F(MultiViewCommand, CommandsWithoutAUseForItSaySo) {
  const fs::path ball = folder_.path / "ball.ply";
  lucid::asset::write_splats(lucid::asset::Format::kSplatPly, ball, lucid::gaussians::make_start({.count = 100}));
  const std::string prior = prior_.string(), file = (folder_.path / "new.safetensors").string();
  for (const auto& [arguments, part] : std::vector<std::pair<Words, std::string>>{
           {{"edit", ball.string(), "--from", "a car", "--to", "a bus", "--prior", prior}, "lucid edit"},
           {{"avatar", "a knight", "--prior", prior}, "lucid avatar"},
           {{"personalise", folder_.path.string(), "--word", "<it>", "-o", file, "--prior", prior},
            "lucid personalise"},
       }) {
    expect_one_line(lucid_run(arguments, folder_), {part, "4 views at once"});
  }
}

TEST_F(MultiViewCommand, DrawsWholeGroups) {
  const std::string sheet = (folder_.path / "sheet.png").string();
  const auto sampled = [&](const char* views) {
    return lucid_run(
        {"prior", "sample", "a car", "--prior", prior_.string(), "-o", sheet, "--steps", "2", "--views", views},
        folder_);
  };
  expect_one_line(sampled("6"), {"--views", "4"});
  EXPECT_FALSE(fs::exists(sheet));
  const Outcome outcome = sampled("8");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(sheet));
}

TEST_F(MultiViewCommand, CheckAndInfoNameIt) {
  for (const Words& arguments :
       {Words{"prior", "check", prior_.string()},
        Words{"prior", "check", multi_view_checkpoint().string(), "--prior-config", prior_.string()}}) {
    const Outcome outcome = lucid_run(arguments, folder_);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    for (const char* part :
         {"MVDream (Stable Diffusion 2.x with cameras, 4 views at once)", "usable", "lucid generate"})
      EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " in " << outcome.out;
    EXPECT_EQ(outcome.out.find("--prediction-type"), std::string::npos) << outcome.out;
  }
  const Outcome info = lucid_run({"info", multi_view_checkpoint().string()}, folder_);
  EXPECT_NE(info.out.find("MVDream"), std::string::npos) << info.out << info.err;
  nlohmann::json config = nlohmann::json::parse(read_file(prior_ / "unet/config.json"));
  config["ip_dim"] = 16;
  lucid::write_file(prior_ / "unet/config.json", config.dump());
  expect_one_line(lucid_run({"generate", "a car", "--prior", prior_.string()}, folder_), {"ImageDream"});
  const Outcome refused = lucid_run({"prior", "check", prior_.string()}, folder_);
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("ImageDream: not supported"), std::string::npos) << refused.err;
}

}  // namespace
