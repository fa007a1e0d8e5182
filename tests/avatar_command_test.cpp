// SPDX-License-Identifier: Apache-2.0
// `lucid avatar` as a process: a run from the body, with and without a ControlNet; its pictures of the body; and one
// clear line for each mistake.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/splats/splats.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::read_file;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::TemporaryFolder;
using Words = std::vector<std::string>;

class AvatarCommand : public ::testing::Test {
 protected:
  /// A run of four steps on a few points.
  Words words(const std::string& name, const Words& more = {}) const {
    Words all = {"avatar",
                 "a man",
                 "--iterations",
                 "4",
                 "--warmup-iter",
                 "2",
                 "--init-num-pts",
                 "400",
                 "--output",
                 (folder_.path / "out").string(),
                 "--workspace",
                 name,
                 "--progress",
                 "off",
                 "--no-save-process",
                 "--no-save-video",
                 "--batch-size",
                 "2",
                 "--vis-interval",
                 "0",
                 "--output-size",
                 "64",
                 "--refine-iter",
                 "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  fs::path out(const std::string& name) const { return folder_.path / "out" / name; }
  std::string cloud_of(const std::string& name, const Words& more) const {
    const Outcome outcome = lucid_run(words(name, more), folder_);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_file(out(name) / "point_cloud/iteration_4/point_cloud.ply");
  }
  nlohmann::json manifest(const std::string& name) const {
    return nlohmann::json::parse(read_file(out(name) / "manifest.json"));
  }
  static fs::path body() { return lucid::test::source_dir() / "models/body/body.glb"; }

  TemporaryFolder folder_;
};

TEST_F(AvatarCommand, StartsFromTheBodyInItsPose) {
  cloud_of("a", {});
  cloud_of("t", {"--pose", "t"});
  const auto reach = [&](const std::string& name) {  // in x, as a share of the height
    const auto cloud = lucid::asset::read_splats(out(name) / "point_cloud/iteration_4/point_cloud.ply");
    const torch::Tensor size = std::get<0>(cloud.means.max(0)) - std::get<0>(cloud.means.min(0));
    return size[0].item<double>() / size[2].item<double>();
  };
  EXPECT_NEAR(reach("a"), 0.6, 0.1);
  EXPECT_NEAR(reach("t"), 1, 0.15);
  EXPECT_EQ(manifest("a")["start"]["body"], "body.glb");
  EXPECT_EQ(manifest("a")["options"]["init_radius"], 0.95) << "the avatar's own preset, over the usual one";
  EXPECT_EQ(manifest("a")["options"]["image_w"], 128);
}

TEST_F(AvatarCommand, APoseFileIsPartOfTheRun) {
  lucid::write_file(folder_.path / "pose.json", R"({"head": [0, 0, 40]})");
  const std::string pose = (folder_.path / "pose.json").string();
  cloud_of("posed", {"--pose", pose});
  EXPECT_TRUE(manifest("posed")["start"].contains("pose_sha256"));
}

TEST_F(AvatarCommand, AControlNetSeesTheBody) {
  const fs::path goldens = lucid::test::goldens(), prior = folder_.path / "prior";
  fs::create_directories(prior);
  for (const char* part : {"model_index.json", "unet", "vae", "scheduler"})
    fs::copy(goldens / "distill" / part, prior / part, fs::copy_options::recursive);
  for (const char* part : {"tokenizer", "text_encoder"})
    fs::copy(goldens / "adapters" / part, prior / part, fs::copy_options::recursive);
  fs::copy(goldens / "adapters/controlnet", folder_.path / "tiny-openpose", fs::copy_options::recursive);
  fs::copy(goldens / "adapters/controlnet", folder_.path / "tiny-depth", fs::copy_options::recursive);
  fs::copy(goldens / "adapters/controlnet", folder_.path / "tiny", fs::copy_options::recursive);
  const Words tiny = {"--prior", prior.string(), "--image-w", "64", "--image-h", "64", "--head-from-iter", "0"};
  const auto with = [&](const std::string& net, const Words& more = {}) {
    Words all = tiny;
    if (!net.empty()) all.insert(all.end(), {"--controlnet", (folder_.path / net).string()});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::string without = cloud_of("without", with(""));
  const std::string openpose = cloud_of("openpose", with("tiny-openpose")),
                    depth = cloud_of("depth", with("tiny-depth"));
  EXPECT_TRUE(openpose != without);
  EXPECT_TRUE(depth != without);
  EXPECT_TRUE(openpose != depth) << "the same network, other pictures";
  EXPECT_TRUE(openpose == cloud_of("named", with("tiny", {"--control", "openpose"})));
  EXPECT_TRUE(openpose != cloud_of("t", with("tiny-openpose", {"--pose", "t"})));
  EXPECT_TRUE(without == cloud_of("muted", with("tiny-openpose", {"--controlnet-scale", "0"})));
  EXPECT_TRUE(without != cloud_of("heads", with("", {"--head-rate", "1"})));
  EXPECT_EQ(manifest("openpose")["options"]["head_rate"], 0.25);

  expect_one_line(lucid_run(words("x", with("tiny")), folder_), {"control", "neither depth nor openpose"});
  expect_one_line(lucid_run(words("x", with("tiny-depth", {"--control", "openpose"})), folder_),
                  {"control", "depth ControlNet"});
  lucid::asset::write_mesh_ply(folder_.path / "plain.ply", lucid::asset::read_mesh(body()));
  const std::string plain = (folder_.path / "plain.ply").string();
  expect_one_line(lucid_run(words("x", with("tiny-openpose", {"--body", plain})), folder_),
                  {"plain.ply", "key points"});
}

TEST_F(AvatarCommand, PreviewDrawsTheBody) {
  const fs::path folder = folder_.path / "preview";
  const Outcome outcome = lucid_run({"avatar", "a man", "--preview", folder.string()}, folder_);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"depth_00.png", "depth_23.png", "openpose_00.png", "openpose_23.png", "cameras.json"})
    EXPECT_TRUE(fs::exists(folder / name)) << name;
  const torch::Tensor front = lucid::asset::read_png(folder / "openpose_00.png"),
                      back = lucid::asset::read_png(folder / "openpose_04.png");
  // Pure blue in the upper half: neck to nose, which only the front has.
  const auto nose_line = [](const torch::Tensor& picture) {
    const torch::Tensor p = picture.slice(1, 0, 256);
    return ((p[2] > 0.55) & (p[0] < 0.05) & (p[1] < 0.05)).sum();
  };
  EXPECT_GT(nose_line(front).item<int64_t>(), 50);
  EXPECT_EQ(nose_line(back).item<int64_t>(), 0);
  EXPECT_FALSE(fs::exists(folder_.path / "output")) << "nothing is made";
}

TEST_F(AvatarCommand, MistakesGetOneLine) {
  const auto run = [&](const Words& more) { return lucid_run(words("x", more), folder_); };
  expect_one_line(lucid_run({"avatar"}, folder_), {"text", "no prompt"});
  expect_one_line(run({"--control", "openpose"}), {"control", "--controlnet"});
  expect_one_line(run({"--body", "none.glb"}), {"none.glb"});
  expect_one_line(run({"--pose", "none.json"}), {"none.json"});
  expect_one_line(run({"--init-rotate", "0,0,180"}), {"front is -y", "--init-rotate"});
  lucid::asset::write_mesh_ply(folder_.path / "plain.ply", lucid::asset::read_mesh(body()));
  expect_one_line(run({"--body", (folder_.path / "plain.ply").string(), "--pose", "t"}), {"pose", "skeleton"});
  expect_one_line(lucid_run({"generate", "a man", "--pose", "t"}, folder_), {"pose", "lucid avatar"});
  expect_one_line(lucid_run({"generate", "a man", "--body", "neutral", "--init", body().string()}, folder_),
                  {"init_file", "body"});
  EXPECT_FALSE(fs::exists(out("x")));
}

}  // namespace
