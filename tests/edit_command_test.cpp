// SPDX-License-Identifier: Apache-2.0
// `lucid edit` as a process: the run of a small edit, its stop and resume, its mask, and one clear line for each
// mistake.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "goldens.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/gaussians/starts.h"
#include "lucid/weights/state_dict.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::read_file;
using lucid::gaussians::Cloud;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::Process;
using lucid::test::TemporaryFolder;
using Words = std::vector<std::string>;

/// A ball of red Gaussians in a run's folder, and edits of a few steps.
class EditCommand : public ::testing::Test {
 protected:
  EditCommand() {
    ball_ = lucid::gaussians::make_start({.count = 1500, .radius = 0.6, .opacity = 0.8});
    ball_.sh_dc = ball_.sh_dc * 0 + torch::tensor({1.2F, -1.2F, -2.2F});  // blue is below 0, which is shown as 0
    ball_.log_scales.fill_(-3);
    fs::create_directories(folder_.path / "a_red_car");
    lucid::asset::write_splats(lucid::asset::Format::kSplatPly, asset(), ball_);
    lucid::write_file(folder_.path / "a_red_car" / "manifest.json", R"({"prompt": "a red car"})");
  }
  fs::path asset() const { return folder_.path / "a_red_car" / "a_red_car.ply"; }
  fs::path out(const std::string& name) const { return folder_.path / "out" / name; }
  Words words(const std::string& name, const Words& more = {}) const {
    Words all = {"edit",
                 asset().string(),
                 "--to",
                 "a blue car",
                 "--iterations",
                 "6",
                 "--output",
                 (folder_.path / "out").string(),
                 "--workspace",
                 name,
                 "--progress",
                 "json",
                 "--no-save-process",
                 "--no-save-video",
                 "--output-size",
                 "64",
                 "--batch-size",
                 "1",
                 "--checkpoint-interval",
                 "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Cloud result(const std::string& name) const {
    return lucid::asset::read_splats(out(name) / "point_cloud" / "iteration_6" / "point_cloud.ply");
  }
  nlohmann::json manifest(const std::string& name) const {
    return nlohmann::json::parse(read_file(out(name) / "manifest.json"));
  }

  TemporaryFolder folder_;
  Cloud ball_;
};

TEST_F(EditCommand, ChangesAnAssetWithThePromptOfItsManifest) {
  const Outcome outcome = lucid_run(words("blue", {"--strength", "2"}), folder_);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json made = manifest("blue");
  EXPECT_EQ(made.at("prompt"), "a blue car");
  EXPECT_EQ(made.at("score"), "dds");
  EXPECT_EQ(made.at("start").at("from"), "a red car");
  EXPECT_EQ(made.at("start").at("file"), "a_red_car.ply");
  EXPECT_GT(made.at("edit").at("object_change"), 0.001);
  EXPECT_LT(made.at("edit").at("ground_change"), 0.02);
  EXPECT_FALSE(made.at("edit").contains("outside_change"));
  EXPECT_TRUE(fs::exists(out("blue") / "before_after.png"));
  // Blue was below 0, where a colour has no gradient. It is changed all the same, as red is.
  constexpr double kBlack = (1e-3 - 0.5) / 0.28209479;
  const torch::Tensor now = result("blue").sh_dc.view({-1, 3});
  EXPECT_GT((now.select(1, 2) - kBlack).abs().mean().item<double>(), 0.02);
  EXPECT_LT((now.select(1, 2) - kBlack).abs().max().item<double>(), 0.4) << "left at -2.2";
  EXPECT_GT((now.select(1, 0) - 1.2).abs().mean().item<double>(), 0.02);

  // A twentieth of the strength goes less far.
  ASSERT_EQ(lucid_run(words("weak", {"--strength", "0.1"}), folder_).code, 0);
  EXPECT_LT(manifest("weak").at("edit").at("object_change").get<double>(),
            0.5 * made.at("edit").at("object_change").get<double>());
}

TEST_F(EditCommand, ChangeShapeFreesTheGeometryAndRefinesUnlessThereIsAMask) {
  const Words shape = {"--change", "shape", "--refine-iter", "1", "--refine-views", "2", "--refine-fit-steps", "2"};
  ASSERT_EQ(lucid_run(words("shape", shape), folder_).code, 0);
  const nlohmann::json made = manifest("shape");
  EXPECT_EQ(made.at("options").at("keep"), 0);
  EXPECT_EQ(made.at("options").at("keep_shape"), 0);
  EXPECT_EQ(made.at("iterations"), 7) << "six steps and a round";
  Words masked = shape;
  masked.insert(masked.end(), {"--mask-sphere", "0,0,0,0.4"});
  ASSERT_EQ(lucid_run(words("masked", masked), folder_).code, 0);
  EXPECT_EQ(manifest("masked").at("iterations"), 6) << "a round would repaint what is to stay";
}

TEST_F(EditCommand, AnotherRunOfItsOwnConfigurationAndAResumedOneGiveTheSameBytes) {
  ASSERT_EQ(lucid_run(words("whole"), folder_).code, 0);
  const auto bytes = [&](const std::string& name) {
    return read_file(out(name) / "point_cloud" / "iteration_6" / "point_cloud.ply");
  };
  const fs::path printed = folder_.path / "stdout.txt";
  fs::remove(printed);
  const Process process(words("broken"), folder_);
  for (int i = 0; i < 600 && (!fs::exists(printed) || read_file(printed).empty()); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  process.signal(SIGINT);
  const Outcome stopped = process.wait();
  ASSERT_EQ(stopped.code, 130) << stopped.err;
  const Outcome resumed = lucid_run(words("broken", {"--resume"}), folder_);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(bytes("broken") == bytes("whole"));

  // effective_config.yaml holds the asset as well, so it makes the edit again.
  const Outcome again = lucid_run({"generate", "--config", (out("whole") / "effective_config.yaml").string(),
                                   "--workspace", "again", "--progress", "off"},
                                  folder_);
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(bytes("again") == bytes("whole"));

  // Another asset does not continue that run.
  Cloud other = ball_;
  other.means = ball_.means * 0.9;
  lucid::asset::write_splats(lucid::asset::Format::kSplatPly, asset(), other);
  expect_one_line(lucid_run(words("whole", {"--resume"}), folder_), {"other options"});
}

TEST_F(EditCommand, OutsideTheMaskNothingMoves) {
  for (const auto& [name, flag, value] :
       {std::tuple{"box", "--mask-box", "-1,-1,0.1,1,1,1"}, std::tuple{"sphere", "--mask-sphere", "0,0.4,0,0.3"}}) {
    const Outcome outcome = lucid_run(words(name, {flag, value, "--strength", "5"}), folder_);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const nlohmann::json change = manifest(name).at("edit");
    EXPECT_LE(change.at("outside_change"), 0.5 / 255) << name;
    EXPECT_GT(change.at("object_change"), 0.001) << name;
    const Cloud after = result(name);
    const torch::Tensor inside = std::string(name) == "box"
                                     ? ball_.means.select(1, 2) >= 0.1
                                     : (ball_.means - torch::tensor({0.0F, 0.4F, 0.0F})).norm(2, 1) <= 0.3;
    const torch::Tensor outside = inside.logical_not();
    const int64_t held = outside.sum().item<int64_t>();
    ASSERT_GT(held, 100);
    // The file ends with the held Gaussians, unchanged.
    EXPECT_TRUE(after.means.slice(0, after.count() - held).equal(ball_.means.index({outside}))) << name;
    EXPECT_TRUE(after.sh_dc.slice(0, after.count() - held).equal(ball_.sh_dc.index({outside}))) << name;
  }
}

TEST_F(EditCommand, PicturesMarkWhatMayChange) {
  const fs::path pictures = folder_.path / "painted";
  fs::create_directories(pictures);
  torch::Tensor left = torch::zeros({3, 64, 64});  // of the front view: x > 0
  left.slice(2, 0, 32).fill_(1);
  lucid::asset::write_png(pictures / "polar80_azimuth000.png", left);
  const Words more = {"--mask-images", pictures.string(), "--strength", "5"};
  const Outcome outcome = lucid_run(words("painted", more), folder_);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Cloud after = result("painted");
  EXPECT_GT(manifest("painted").at("edit").at("object_change"), 0.001);
  EXPECT_LE(manifest("painted").at("edit").at("outside_change"), 1.0 / 255);
  int64_t unchanged = 0;  // Gaussians at the end of the file that are as they were
  for (int64_t i = after.count() - 1; i >= 0; --i, ++unchanged) {
    if ((ball_.means == after.means[i]).all(1).sum().item<int64_t>() != 1) break;
  }
  EXPECT_GT(unchanged, 500);
  EXPECT_LT(unchanged, 1100);
  // Other pictures are another edit.
  lucid::asset::write_png(pictures / "polar80_azimuth000.png", left.flip({2}));
  Words resumed = more;
  resumed.emplace_back("--resume");
  const Outcome refused = lucid_run(words("painted", resumed), folder_);
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("other options"), std::string::npos) << refused.err;
}

TEST_F(EditCommand, AMaskByAWordIsFoundKeptAndResumed) {
  const Words word = {"--mask-word", "car", "--mask-threshold", "0.8"};
  const Outcome outcome = lucid_run(words("word", word), folder_);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("the mask holds"), std::string::npos) << outcome.err;
  EXPECT_TRUE(fs::exists(out("word") / "mask" / "polar80_azimuth045.png"));
  EXPECT_TRUE(manifest("word").at("start").contains("mask_sha256"));
  EXPECT_LE(manifest("word").at("edit").at("outside_change"), 1.0 / 255);
  // The mask of the run, given as pictures, is the same mask.
  const std::string pictures = (out("word") / "mask").string();
  ASSERT_EQ(lucid_run(words("pictures", {"--mask-images", pictures}), folder_).code, 0);
  EXPECT_EQ(manifest("pictures").at("start").at("mask_sha256"), manifest("word").at("start").at("mask_sha256"));
  EXPECT_TRUE(result("pictures").sh_dc.equal(result("word").sh_dc));
  expect_one_line(lucid_run(words("none", {"--mask-word", "hat"}), folder_), {"hat", "a red car"});
  expect_one_line(lucid_run(words("two", {"--mask-word", "car", "--mask-sphere", "0,0,0,1"}), folder_), {"two masks"});
}

/// InstructPix2Pix of toy size: a tiny Stable Diffusion whose first layer takes four channels more.
fs::path toy_instruct_pix2pix(const fs::path& folder) {
  fs::copy(lucid::test::goldens() / "sd/tiny-sd1", folder, fs::copy_options::recursive);
  const fs::path config = folder / "unet/config.json", file = folder / "unet/diffusion_pytorch_model.safetensors";
  for (const fs::path& copied : {config, file}) fs::permissions(copied, fs::perms::owner_write, fs::perm_options::add);
  nlohmann::json json = nlohmann::json::parse(read_file(config));
  json["in_channels"] = 8;
  lucid::write_file(config, json.dump());
  auto tensors = lucid::weights::read_safetensors(file).tensors;
  torch::Tensor& conv_in = tensors.at("conv_in.weight");
  conv_in = torch::cat({conv_in, 0.3 * conv_in.flip({1})}, 1).contiguous();
  for (auto& [name, tensor] : tensors) tensor = tensor.clone();  // off the file, which is replaced
  lucid::weights::write_safetensors(file, {tensors.begin(), tensors.end()});
  return folder;
}

TEST_F(EditCommand, AnInstructionIsObeyedByAPriorThatSeesTheAsset) {
  const std::string prior = toy_instruct_pix2pix(folder_.path / "ip2p").string();
  fs::remove(folder_.path / "a_red_car" / "manifest.json");  // the prompt of the asset is not needed
  const Words small = {"--prior",
                       prior,
                       "--image-w",
                       "32",
                       "--image-h",
                       "32",
                       "--refine-iter",
                       "1",
                       "--refine-views",
                       "2",
                       "--refine-fit-steps",
                       "2",
                       "--refine-denoise-steps",
                       "2"};
  const auto told = [&](const std::string& name, const Words& more) {
    Words all = words(name, small);
    *(std::ranges::find(all, "--to") + 1) = "make it blue";
    all.insert(all.end(), {"--score", "ip2p"});
    all.insert(all.end(), more.begin(), more.end());
    return lucid_run(all, folder_);
  };
  const Outcome outcome = told("told", {});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(manifest("told").at("score"), "ip2p");
  EXPECT_EQ(manifest("told").at("iterations"), 7);  // six steps and one round
  EXPECT_GT(manifest("told").at("edit").at("object_change"), 1e-4);
  // The picture of the source acts: with more guidance towards it the result is another.
  ASSERT_EQ(told("firmer", {"--image-guidance-scale", "6"}).code, 0);
  EXPECT_NE(manifest("firmer").at("edit").at("object_change"), manifest("told").at("edit").at("object_change"));

  // Other scores do not go with it, nor other commands, nor ip2p with other priors.
  expect_one_line(lucid_run(words("dds", {"--prior", prior, "--from", "a red car"}), folder_),
                  {"InstructPix2Pix", "--score ip2p"});
  expect_one_line(lucid_run({"generate", "--prior", prior, "--output", out("x").string(), "a car"}, folder_),
                  {"InstructPix2Pix", "lucid edit"});
  expect_one_line(lucid_run(words("mini", {"--score", "ip2p"}), folder_), {"mini", "16 channels", "--score dds"});
  expect_one_line(lucid_run({"generate", "--score", "ip2p", "a car"}, folder_), {"ip2p", "lucid edit"});
  EXPECT_FALSE(fs::exists(out("dds")) || fs::exists(out("mini")));
}

TEST_F(EditCommand, EachMistakeIsOneLine) {
  const std::string ply = asset().string();
  const auto edit = [&](const Words& more) {
    Words all = {"edit", "--output", (folder_.path / "out").string()};
    all.insert(all.end(), more.begin(), more.end());
    return lucid_run(all, folder_);
  };
  expect_one_line(edit({ply}), {"--to"});
  expect_one_line(edit({}), {"asset"});
  expect_one_line(edit({"nowhere.ply", "--from", "a car", "--to", "a blue car"}), {"nowhere.ply"});
  expect_one_line(edit({ply, "--to", "red, car, a"}), {"shows already"});
  expect_one_line(edit({ply, "--to", "teapot"}), {"share no word", "a red car"});
  expect_one_line(edit({ply, "--to", "a blue car", "--mask-sphere", "5,5,5,0.1"}), {"none of the 1500 Gaussians"});
  expect_one_line(edit({ply, "--to", "a blue car", "--mask-box", "1,2,3"}), {"six numbers"});
  expect_one_line(edit({ply, "--to", "a blue car", "--mask-box", "0,0,0,1,1,1", "--mask-sphere", "0,0,0,1"}),
                  {"two masks"});
  expect_one_line(edit({ply, "--to", "a blue car", "--mask-images", folder_.path.string()}), {"polar80_azimuth000"});
  expect_one_line(edit({ply, "--to", "a blue car", "--score", "ism"}), {"ism", "dds"});
  expect_one_line(edit({ply, "--to", "a blue car", "--prior", "nowhere"}), {"nowhere"});
  expect_one_line(edit({ply, "--to", "a blue car", "--init-file", "x.glb"}), {"--init-file"});
  expect_one_line(lucid_run({"generate", "--score", "dds", "a car"}, folder_), {"dds", "lucid edit"});
  expect_one_line(lucid_run({"generate", "--mask-box", "0,0,0,1,1,1", "a car"}, folder_), {"mask_box", "lucid edit"});
  fs::remove(folder_.path / "a_red_car" / "manifest.json");
  expect_one_line(edit({ply, "--to", "a blue car"}), {"no prompt", "--from"});
  EXPECT_FALSE(fs::exists(folder_.path / "out"));
}

}  // namespace
