// SPDX-License-Identifier: Apache-2.0
// `lucid points` and `lucid generate --init-shape pointe` as processes, with tiny random weights.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lucid/asset/splats/ply.h"
#include "lucid/pointe/test_weights.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::read_file;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::TemporaryFolder;
using Words = std::vector<std::string>;

class PointsCommand : public ::testing::Test {
 protected:
  PointsCommand() { lucid::pointe::test_weights::write_folder(folder_.path / "weights"); }
  std::string path(const std::string& name) const { return (folder_.path / name).string(); }
  Outcome run(const Words& more) const {
    Words arguments = {"points", "a chair", "--pointe", path("weights"), "--steps", "2", "--progress", "off"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return lucid_run(arguments, folder_);
  }
  void succeed(const Words& more) const {
    const Outcome outcome = run(more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }

  TemporaryFolder folder_;
};

TEST_F(PointsCommand, WritesAColouredPointPlyAndSaysHowLongItTook) {
  const Outcome outcome = run({"-o", path("a.ply"), "--count", "300"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("a.ply: 300 points; "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(" s coarse points, 0.0 s fine points"), std::string::npos) << outcome.out;
  const std::string bytes = read_file(path("a.ply"));
  const std::string header =
      "ply\nformat binary_little_endian 1.0\nelement vertex 300\nproperty float x\nproperty float y\n"
      "property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n";
  EXPECT_TRUE(bytes.starts_with(header)) << bytes.substr(0, header.size());
  EXPECT_EQ(bytes.size(), header.size() + 300 * 15);

  succeed({"-o", path("again.ply"), "--count", "300"});
  EXPECT_EQ(read_file(path("again.ply")), bytes);
  succeed({"-o", path("other.ply"), "--count", "300", "--seed", "1"});
  EXPECT_NE(read_file(path("other.ply")), bytes);
}

TEST_F(PointsCommand, WritesGaussiansThatLucidReads) {
  succeed({"--out", path("splats.ply"), "--count", "1100", "--format", "gaussians"});
  const lucid::gaussians::Cloud cloud = lucid::asset::read_ply(path("splats.ply"));
  EXPECT_EQ(cloud.count(), 1100);
  EXPECT_GT(cloud.sh_dc.std().item<float>(), 0.1F) << "the colours are grey";
}

TEST_F(PointsCommand, MistakesAreOneClearLine) {
  expect_one_line(run({"--count", "0"}), {"--count", "[1, 100000]"});
  expect_one_line(run({"--steps", "1"}), {"--steps"});
  expect_one_line(run({"-o", path("a.obj")}), {"--out", ".ply"});
  expect_one_line(run({"--device", "cuda:99"}), {"--device"});
  expect_one_line(run({"-o", path("weights/base_40m_textvec.safetensors/a.ply")}), {"base_40m_textvec.safetensors"});
  expect_one_line(lucid_run({"points", "a zeppelin"}, folder_), {"--pointe"});
  expect_one_line(lucid_run({"points", "a chair", "--pointe", path("none")}, folder_), {"none", "--pointe names"});
  fs::remove(path("weights") + "/upsample_40m.safetensors");
  expect_one_line(run({"--count", "8"}), {"lacks upsample_40m.pt"});
}

class PointsCommandStart : public PointsCommand {
 protected:
  Outcome generate(const std::string& workspace, const Words& more) const {
    Words arguments = {"generate",
                       "a red car",
                       "--output",
                       path("out"),
                       "--workspace",
                       workspace,
                       "--iterations",
                       "1",
                       "--refine-iter",
                       "0",
                       "--warmup-iter",
                       "1",
                       "--progress",
                       "off",
                       "--image-w",
                       "32",
                       "--image-h",
                       "32",
                       "--no-save-video",
                       "--init-shape",
                       "pointe",
                       "--init-num-pts",
                       "500",
                       "--no-save-process"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return lucid_run(arguments, folder_);
  }
};

TEST_F(PointsCommandStart, ARunStartsFromPointEsCloud) {
  const Outcome outcome = generate("run", {"--pointe", path("weights"), "--init-prompt", "a blue car"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("Point-E: 4096 points for \"a blue car\""), std::string::npos) << outcome.err;
  EXPECT_NE(read_file(path("out/run/init_points3d.ply")).find("element vertex 500\n"), std::string::npos);
  const auto manifest = nlohmann::json::parse(read_file(path("out/run/manifest.json")));
  EXPECT_TRUE(manifest["weights_sha256"].contains("pointe/base_40m_textvec.safetensors"));
  EXPECT_TRUE(manifest["weights_sha256"].contains("pointe/model.safetensors"));
}

TEST_F(PointsCommandStart, WithoutWeightsItWarnsAndStartsFromASphere) {
  const Outcome outcome = generate("sphere", {});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("--pointe DIR"), std::string::npos) << outcome.err;
  expect_one_line(generate("bad", {"--pointe", path("none")}), {"none"});
}

}  // namespace
