// SPDX-License-Identifier: Apache-2.0
// Whole runs of the program: a short one end to end, stop and resume, and one clear line for each kind of bad input.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "goldens.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/eval/judge_report.h"
#include "lucid/math/sh.h"
#include "lucid/weights/state_dict.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::test::count_lines;
using lucid::test::expect_one_line;
using lucid::test::lucid_program;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::Process;
using lucid::test::TemporaryFolder;

/// A run of a few steps that still goes through everything.
std::vector<std::string> short_run(const TemporaryFolder& folder, const std::string& workspace,
                                   const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"generate",
                                        "--output",
                                        (folder.path / "out").string(),
                                        "--workspace",
                                        workspace,
                                        "--preset",
                                        "draft",
                                        "--iterations",
                                        "6",
                                        "--refine-iter",
                                        "1",
                                        "--refine-views",
                                        "2",
                                        "--refine-fit-steps",
                                        "2",
                                        "--warmup-iter",
                                        "3",
                                        "--C-batch-size",
                                        "2",
                                        "--init-num-pts",
                                        "500",
                                        "--vis-interval",
                                        "3",
                                        "--pro-frames-num",
                                        "3",
                                        "--turntable-frames",
                                        "4",
                                        "--output-size",
                                        "64",
                                        "--densify-from-iter",
                                        "1",
                                        "--densification-interval",
                                        "2",
                                        "--progress",
                                        "json",
                                        "a red car"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(Cli, AShortRunLeavesEveryFile) {
  const TemporaryFolder folder;
  const Outcome outcome = lucid_run(short_run(folder, "w"), folder);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const fs::path w = folder.path / "out" / "w";
  std::vector<const char*> files = {"effective_config.yaml",
                                    "manifest.json",
                                    "cameras.json",
                                    "init_points3d.ply",
                                    "point_cloud/iteration_7/point_cloud.ply",
                                    "test_six_views/7/sheet.png",
                                    "train_process/iteration_00003.png",
                                    "checkpoints/step_000007.safetensors"};
  if (lucid::asset::can_write_videos()) {
    for (const char* film : {"videos/turntable_rgb.mp4", "videos/turntable_depth.mp4", "process_videos/process.mp4"})
      files.push_back(film);
  }
  for (const char* file : files) EXPECT_TRUE(fs::exists(w / file)) << file;
  bool events = false;
  for (const auto& entry : fs::directory_iterator(w))
    events |= entry.path().filename().string().starts_with("events.out.tfevents");
  EXPECT_TRUE(events);
  const auto manifest = nlohmann::json::parse(lucid::read_file(w / "manifest.json"));
  EXPECT_EQ(manifest["prompt"], "a red car");
  EXPECT_EQ(manifest["iterations"], 7) << "six steps and a round of refining";
  EXPECT_GE(manifest["weights_sha256"].size(), 3u);
  std::istringstream lines(outcome.out);
  int steps = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    if (event.at("event") == "stage") continue;
    ++steps;
    EXPECT_TRUE(event.contains("score") && event.contains("gaussians")) << line;
  }
  EXPECT_EQ(steps, 7);

  expect_one_line(lucid_run(short_run(folder, "w"), folder), {"holds a finished run", "--overwrite"});
  const std::string ply = (w / "point_cloud/iteration_7/point_cloud.ply").string();
  const std::string picture = (folder.path / "r.png").string();
  EXPECT_EQ(lucid_run({"render", ply, "-o", picture, "--size", "100"}, folder).code, 0);
  EXPECT_EQ(lucid::asset::read_png(picture).sizes(), (std::vector<int64_t>{3, 100, 100}));
  EXPECT_EQ(lucid_run({"render", ply, ply, "--sheet", "3", "-o", picture, "--size", "40"}, folder).code, 0);
  EXPECT_EQ(lucid::asset::read_png(picture).sizes(), (std::vector<int64_t>{3, 82, 124}));
  const std::vector<std::string> columns = {"render",    ply, ply,      ply,  "--sheet", "2",
                                            "--columns", "2", "--size", "40", "-o",      picture};
  EXPECT_EQ(lucid_run(columns, folder).code, 0) << "a last row of one";
  EXPECT_EQ(lucid::asset::read_png(picture).sizes(), (std::vector<int64_t>{3, 82, 166}));
  expect_one_line(lucid_run({"render", ply, ply}, folder), {"--sheet"});
}

/// A ball of small opaque Gaussians, red where x > 0 and blue elsewhere.
fs::path write_ball(const TemporaryFolder& folder) {
  constexpr int64_t kCount = 1500;
  torch::manual_seed(1);
  lucid::gaussians::Cloud cloud;
  const torch::Tensor directions = torch::nn::functional::normalize(torch::randn({kCount, 3}));
  cloud.means = 0.8 * directions;
  const torch::Tensor red = cloud.means.select(1, 0).gt(0).to(torch::kFloat);
  cloud.sh_dc = ((torch::stack({red, torch::zeros({kCount}), 1 - red}, 1) - 0.5) / lucid::kSh0).unsqueeze(1);
  cloud.sh_rest = torch::zeros({kCount, 0, 3});
  cloud.opacity_logits = torch::full({kCount, 1}, 3.0f);
  cloud.log_scales = torch::full({kCount, 3}, std::log(0.06f));
  cloud.quats = torch::tensor({1.0f, 0.0f, 0.0f, 0.0f}).expand({kCount, 4}).contiguous();
  const fs::path file = folder.path / "ball.ply";
  lucid::asset::write_ply(file, cloud);
  return file;
}

TEST(Cli, ExportWritesEveryFormatAndTheFilesReadBack) {
  const TemporaryFolder folder;
  const std::string ball = write_ball(folder).string();
  std::vector<std::string> arguments = {"export",         ball,  "--faces",      "2000",       "--resolution", "64",
                                        "--texture-size", "256", "--watertight", "--progress", "off"};
  for (const auto& row : lucid::asset::kFormats)
    arguments.push_back(
        fmt::format("{0}:{1}", row.name, (folder.path / fmt::format("{}{}", row.name, row.extension)).string()));
  const Outcome outcome = lucid_run(arguments, folder);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(count_lines(outcome.err), static_cast<int>(lucid::asset::kFormats.size())) << outcome.err;
  for (const auto& row : lucid::asset::kFormats) {
    const fs::path file = folder.path / fmt::format("{}{}", row.name, row.extension);
    ASSERT_TRUE(fs::exists(file)) << file;
    if (row.holds == lucid::asset::Holds::kMesh) {
      const lucid::mesh::TriangleMesh mesh = lucid::asset::read_mesh(file);
      EXPECT_GT(mesh.triangles.size(), 500u) << row.name;
      EXPECT_LE(mesh.triangles.size(), 2000u) << row.name;
      EXPECT_TRUE(lucid::mesh::topology(mesh).closed()) << row.name;
      EXPECT_GT(lucid::mesh::signed_volume(mesh), 0) << row.name;
    } else if (row.holds == lucid::asset::Holds::kSplats) {
      EXPECT_EQ(lucid::asset::read_splats(file).count(), 1500) << row.name;
      EXPECT_EQ(lucid_run({"info", file.string()}, folder).code, 0);
    }
  }
  const lucid::mesh::TriangleMesh mesh = lucid::asset::read_mesh(folder.path / "glb.glb");
  ASSERT_EQ(mesh.texture.width, 256);
  EXPECT_EQ(lucid_run({"info", (folder.path / "glb.glb").string()}, folder).code, 0);
}

TEST(Cli, CompactLeavesOutWhatNoViewSees) {
  const TemporaryFolder folder;
  lucid::gaussians::Cloud cloud = lucid::asset::read_ply(write_ball(folder));
  cloud.means.slice(0, 0, 700).mul_(0.2);   // well inside the ball
  cloud.log_scales.fill_(std::log(0.12f));  // the ball of the others is opaque
  const fs::path full = folder.path / "full.ply", out = folder.path / "out.spz";
  lucid::asset::write_ply(full, cloud);
  const Outcome outcome = lucid_run({"export", full.string(), out.string(), "--compact", "--progress", "off"}, folder);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("dB to the original"), std::string::npos) << outcome.err;
  const int64_t left = lucid::asset::read_splats(out).count();
  EXPECT_LT(left, 1500);
  EXPECT_GE(left, 800);
}

TEST(Cli, ExportExplainsWhatItCannotDo) {
  const TemporaryFolder folder;
  const std::string ball = write_ball(folder).string(), glb = (folder.path / "x.glb").string();
  expect_one_line(lucid_run({"export", ball, "x.fbx"}, folder), {"x.fbx", "splat-glb"});
  expect_one_line(lucid_run({"export", ball, ball}, folder), {"is the input as well"});
  expect_one_line(lucid_run({"export", ball, glb, "--faces", "3"}, folder), {"--faces"});
  expect_one_line(lucid_run({"export", ball, glb, "--box", "2", "2", "2", "3", "3", "3"}, folder), {"--box"});
  expect_one_line(lucid_run({"export", (folder.path / "none.ply").string(), glb}, folder), {"none.ply"});
  expect_one_line(lucid_run({"generate", "--export", "glb,fbx", "a chair"}, folder), {"export", "fbx"});

  lucid::gaussians::Cloud cloud = lucid::asset::read_ply(ball);
  const fs::path other = folder.path / "other.ply";
  const auto export_of = [&](const lucid::gaussians::Cloud& changed) {
    lucid::asset::write_ply(other, changed);
    return lucid_run({"export", other.string(), glb, "--progress", "off", "--resolution", "48"}, folder);
  };
  lucid::gaussians::Cloud transparent = cloud;
  transparent.opacity_logits = torch::full_like(cloud.opacity_logits, -9);
  expect_one_line(export_of(transparent), {"other.ply", "opaque"});
  lucid::gaussians::Cloud faint = cloud;
  faint.opacity_logits = torch::full_like(cloud.opacity_logits, -5.4f);
  expect_one_line(export_of(faint), {"other.ply", "no surface"});
  lucid::gaussians::Cloud scene = cloud;
  scene.means = cloud.means.clone();
  scene.means.slice(0, 0, 300).mul_(100);
  expect_one_line(export_of(scene), {"other.ply", "scene", "--box"});
  EXPECT_FALSE(fs::exists(glb));

  lucid::gaussians::Cloud one = cloud;  // a cloud of one Gaussian is an ellipsoid
  for (torch::Tensor* parameter : one.parameters()) *parameter = parameter->slice(0, 0, 1).contiguous();
  EXPECT_EQ(export_of(one).code, 0);
  EXPECT_TRUE(lucid::mesh::topology(lucid::asset::read_mesh(glb)).closed());
}

/// Starts a run and interrupts it as soon as its first step is reported.
Outcome interrupted_run(const std::vector<std::string>& arguments, const TemporaryFolder& folder) {
  const fs::path out = folder.path / "stdout.txt";
  fs::remove(out);
  const Process process(arguments, folder);
  for (int i = 0; i < 600 && (!fs::exists(out) || lucid::read_file(out).empty()); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  process.signal(SIGINT);
  return process.wait();
}

TEST(Cli, AResumedRunEqualsAnUnbrokenOneByteForByte) {
  const TemporaryFolder folder;
  ASSERT_EQ(lucid_run(short_run(folder, "whole"), folder).code, 0);
  const Outcome stopped = interrupted_run(short_run(folder, "broken"), folder);
  ASSERT_EQ(stopped.code, 130) << stopped.err;
  const Outcome resumed = lucid_run(short_run(folder, "broken", {"--resume"}), folder);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  const char* ply = "point_cloud/iteration_7/point_cloud.ply";
  EXPECT_TRUE(lucid::read_file(folder.path / "out" / "whole" / ply) ==
              lucid::read_file(folder.path / "out" / "broken" / ply));
  // Other options do not continue that run, whose options stay on record.
  const fs::path record = folder.path / "out" / "broken" / "effective_config.yaml";
  const std::string options = lucid::read_file(record);
  expect_one_line(lucid_run(short_run(folder, "broken", {"--resume", "--seed", "5"}), folder),
                  {"other options", "step_000007", "effective_config.yaml"});
  EXPECT_EQ(lucid::read_file(record), options);
}

TEST(Cli, AStoppedRunIsFinishedWhereItIs) {
  const TemporaryFolder folder;
  const fs::path run = folder.path / "out" / "w";
  expect_one_line(lucid_run(short_run(folder, "w", {"--finish"}), folder), {"finish", "--resume"});
  expect_one_line(lucid_run(short_run(folder, "w", {"--resume", "--finish"}), folder), {"no checkpoint"});
  ASSERT_EQ(interrupted_run(short_run(folder, "w"), folder).code, 130);
  const Outcome finished = lucid_run(short_run(folder, "w", {"--resume", "--finish"}), folder);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("writing results"), std::string::npos) << finished.out;
  const auto manifest = nlohmann::json::parse(lucid::read_file(run / "manifest.json"));
  const auto steps = manifest.at("iterations").get<int64_t>();
  EXPECT_LT(steps, 7);
  EXPECT_TRUE(fs::exists(run / fmt::format("point_cloud/iteration_{}/point_cloud.ply", steps)));
}

TEST(Cli, MoreStepsGoOnFromTheEnd) {
  const TemporaryFolder folder;
  ASSERT_EQ(lucid_run(short_run(folder, "at_once", {"--more-steps", "3"}), folder).code, 0);
  ASSERT_EQ(lucid_run(short_run(folder, "later"), folder).code, 0);
  const Outcome more = lucid_run(short_run(folder, "later", {"--resume", "--more-steps", "3"}), folder);
  ASSERT_EQ(more.code, 0) << more.err;
  const char* ply = "point_cloud/iteration_11/point_cloud.ply";
  EXPECT_TRUE(lucid::read_file(folder.path / "out" / "at_once" / ply) ==
              lucid::read_file(folder.path / "out" / "later" / ply));
}

/// What reads the progress may go away, and the run goes on.
TEST(Cli, ALostReaderOfTheProgressEndsNoRun) {
  const TemporaryFolder folder;
  const std::string code = (folder.path / "code").string();
  std::vector<std::string> words = {"-c", "{ \"$0\" \"$@\"; echo $? >" + code + "; } | true; wait", lucid_program()};
  for (const std::string& word : short_run(folder, "w")) words.push_back(word);
  const Outcome outcome = Process(words, folder, "/bin/sh").wait();
  EXPECT_EQ(lucid::read_file(code), "0\n") << outcome.err;
}

/// Mounts a disk of a few megabytes that only this process and its children see. Returns why not, or nothing.
std::string mount_small_disk(const fs::path& at, const char* options) {
  const auto failed = [](const char* call) { return std::string(call) + ": " + std::strerror(errno); };
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) return failed("unshare");
  if (user != 0) {  // inside the new user namespace, be oneself
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user << ' ' << user << " 1";
    std::ofstream("/proc/self/gid_map") << group << ' ' << group << " 1";
  }
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("mount --make-rprivate /");
  fs::create_directories(at);
  if (mount("none", at.c_str(), "tmpfs", 0, options) != 0) return failed("mount -t tmpfs");
  return "";
}

TEST(Cli, AFullDiskLosesNothing) {
  const TemporaryFolder folder;
  const std::string why_not = mount_small_disk(folder.path / "out", "size=16m");
  if (!why_not.empty()) GTEST_SKIP() << "no small disk can be mounted here: " << why_not;
  const std::vector<std::string> run = short_run(folder, "w"), go_on = short_run(folder, "w", {"--resume"});
  ASSERT_EQ(interrupted_run(run, folder).code, 130);
  const fs::path w = folder.path / "out" / "w";
  std::map<fs::path, std::string> before;
  for (const auto& entry : fs::recursive_directory_iterator(w))
    if (entry.is_regular_file()) before[entry.path()] = lucid::read_file(entry.path());
  ASSERT_FALSE(fs::is_empty(w / "checkpoints"));

  const fs::path filler = folder.path / "out" / "filler";
  for (const size_t room : {size_t{0}, size_t{8} << 10, size_t{64} << 10}) {  // it fails at one file or another
    SCOPED_TRACE(room);
    std::ofstream(filler, std::ios::binary).close();
    fs::resize_file(filler, 0);
    std::ofstream out(filler, std::ios::binary);
    for (const std::string block(4096, 'x'); fs::space(filler).available > room;) out.write(block.data(), 4096).flush();
    out.close();
    expect_one_line(lucid_run(go_on, folder), {"No space left on device", "free some disk space"});
    for (const auto& [file, bytes] : before) {
      // Every start says anew with which options, and appends to the log.
      const std::string name = file.filename().string();
      const bool said_anew = name == "effective_config.yaml" || name.starts_with("events.");
      EXPECT_TRUE(fs::exists(file) && (said_anew || lucid::read_file(file) == bytes)) << file;
    }
    fs::remove(filler);
  }
  const Outcome resumed = lucid_run(go_on, folder);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_TRUE(fs::exists(w / "point_cloud/iteration_7/point_cloud.ply"));
  umount2((folder.path / "out").c_str(), MNT_DETACH);
}

TEST(Cli, BadOptions) {
  const TemporaryFolder folder;
  expect_one_line(lucid_run({"generate", "--guidance-scal", "3", "a mug"}, folder),
                  {"--guidance-scal", "did you mean --guidance-scale?"});
  expect_one_line(lucid_run({"generate", "--xs-eta", "7", "a mug"}, folder), {"xs_eta", "'7'", "[0, 1]"});
  expect_one_line(lucid_run({"generate", "--lambda-tv", "nan", "a mug"}, folder), {"lambda_tv", "nan"});
  expect_one_line(lucid_run({"generate", "--preset", "best", "a mug"}, folder), {"preset", "draft, default, fine"});
  expect_one_line(lucid_run({"generate"}, folder), {"there is no prompt"});
  expect_one_line(lucid_run({"generate", "--device", "cuda", "a mug"}, folder), {"device", "CUDA"});
  expect_one_line(lucid_run({"generate", "--workspace", "../up", "a mug"}, folder), {"workspace"});
  expect_one_line(lucid_run({"generate", "--image-w", "100", "a mug"}, folder), {"image_w", "multiple of 8"});
  expect_one_line(lucid_run({"render"}, folder), {"asset"});
  expect_one_line(lucid_run({"frobnicate"}, folder), {"no command 'frobnicate'", "generate, edit, avatar, batch"});
  expect_one_line(lucid_run({"rendr", "x.ply"}, folder), {"did you mean render?"});
  expect_one_line(lucid_run({}, folder), {"needs a command"});
  expect_one_line(lucid_run({"prior"}, folder), {"lucid prior needs a command", "corpus"});
  expect_one_line(lucid_run({"prior", "trian"}, folder), {"did you mean train?"});
  expect_one_line(lucid_run({"prior", "train", "--unet-stpes", "3"}, folder), {"did you mean --unet-steps?"});
}

TEST(Cli, BadConfigs) {
  const TemporaryFolder folder;
  const std::string file = (folder.path / "c.yaml").string();
  const auto run_with = [&](const std::string& yaml) {
    lucid::write_file(file, yaml);
    return lucid_run({"generate", "--config", file, "a mug"}, folder);
  };
  expect_one_line(run_with("GuidanceParams:\n  guidance_scale: .nan\n"), {"c.yaml:2", "guidance_scale"});
  expect_one_line(run_with("GuidanceParams:\n  LoRA_path: x.safetensors\n"), {"x.safetensors", "cannot read"});
  expect_one_line(run_with("GuidanceParams:\n  model_key: 'stabilityai/stable-diffusion-2-1-base'\n"),
                  {"model_key", "--prior"});
  expect_one_line(run_with("a: [\n"), {"c.yaml", "not valid YAML"});
  expect_one_line(lucid_run({"generate", "--config", file + ".none", "a mug"}, folder), {"c.yaml.none"});
}

/// Ten steps of a Stable Diffusion of toy size.
std::vector<std::string> tiny_run(const TemporaryFolder& folder, const std::string& workspace,
                                  const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"generate",
                                        "--output",
                                        (folder.path / "out").string(),
                                        "--workspace",
                                        workspace,
                                        "--iterations",
                                        "10",
                                        "--warmup-iter",
                                        "3",
                                        "--init-num-pts",
                                        "300",
                                        "--image-w",
                                        "64",
                                        "--image-h",
                                        "64",
                                        "--vis-interval",
                                        "0",
                                        "--no-save-video",
                                        "--no-save-process",
                                        "--progress",
                                        "off",
                                        "a <thing> of gold"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(Cli, EveryTinyPipelineRunsWithALoraAndAnEmbedding) {
  const fs::path sd = lucid::test::goldens() / "sd";
  const TemporaryFolder folder;
  struct Case {
    std::string name;
    std::vector<std::string> prior;
    int64_t width;  // of the text encoder
  };
  const std::vector<Case> cases = {
      {"sd1", {"--prior", (sd / "tiny-sd1").string()}, 32},
      {"sd2", {"--prior", (sd / "tiny-sd2-base").string()}, 48},
      {"sd2v", {"--prior", (sd / "tiny-sd2-v").string()}, 48},
      {"ckpt", {"--prior", (sd / "single/tiny-sd1.ckpt").string(), "--prior-config", (sd / "tiny-sd1").string()}, 32}};
  const std::string lora = (folder.path / "style.safetensors").string();
  const std::string layer = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v.";
  torch::manual_seed(1);
  lucid::weights::write_safetensors(
      lora, {{layer + "lora_A.weight", torch::randn({2, 16})}, {layer + "lora_B.weight", torch::randn({16, 2})}});
  std::map<std::string, std::string> clouds;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string word = (folder.path / (c.name + "-word.safetensors")).string();
    lucid::weights::write_safetensors(word, {{"<thing>", torch::randn({2, c.width})}});
    for (const std::string scale : {"0.8", "0"}) {
      std::vector<std::string> more = c.prior;
      more.insert(more.end(), {"--lora", lora + ":" + scale, "--textual-inversion", word});
      const std::string workspace = c.name + scale;
      const Outcome outcome = lucid_run(tiny_run(folder, workspace, more), folder);
      ASSERT_EQ(outcome.code, 0) << outcome.err;
      EXPECT_EQ(outcome.err.find("does not use the word"), std::string::npos) << outcome.err;
      const fs::path root = folder.path / "out" / workspace;
      const auto manifest = nlohmann::json::parse(lucid::read_file(root / "manifest.json"));
      EXPECT_TRUE(manifest["weights_sha256"].contains("style.safetensors"));
      clouds[workspace] = lucid::read_file(root / "point_cloud/iteration_10/point_cloud.ply");
    }
    EXPECT_TRUE(clouds[c.name + "0.8"] != clouds[c.name + "0"]) << "the LoRA changes nothing";
  }
}

TEST(Cli, EveryTinyPipelineRunsWithFiltersRefiningAndCleanAir) {
  const fs::path sd = lucid::test::goldens() / "sd";
  const TemporaryFolder folder;
  for (const char* name : {"tiny-sd1", "tiny-sd2-base", "tiny-sd2-v"}) {
    SCOPED_TRACE(name);
    const auto cloud_of = [&](const std::string& what, const std::string& steps, std::vector<std::string> more) {
      more.insert(more.end(), {"--prior", (sd / name).string()});
      const Outcome outcome = lucid_run(tiny_run(folder, name + what, more), folder);
      EXPECT_EQ(outcome.code, 0) << outcome.err;
      return lucid::read_file(folder.path / "out" / (name + what) / "point_cloud" / ("iteration_" + steps) /
                              "point_cloud.ply");
    };
    const std::string plain = cloud_of("plain", "10", {"--clean-air"});
    const std::string filtered = cloud_of("filtered", "10", {"--clean-air", "--filter-3d", "0.2", "--mip-filter"});
    EXPECT_TRUE(filtered != plain);
    EXPECT_NE(filtered.substr(0, 1000).find("SplatRenderMode: mip"), std::string::npos);
    const std::string refined = cloud_of(
        "refined", "12", {"--clean-air", "--refine-iter", "2", "--refine-views", "4", "--refine-fit-steps", "4"});
    EXPECT_TRUE(refined != plain);
  }
}

TEST(Cli, AControlNetSeesTheRender) {
  const fs::path goldens = lucid::test::goldens();
  const TemporaryFolder folder;
  const fs::path prior = folder.path / "prior";
  fs::create_directories(prior);
  for (const char* part : {"model_index.json", "unet", "vae", "scheduler"}) {
    fs::copy(goldens / "distill" / part, prior / part, fs::copy_options::recursive);
  }
  for (const char* part : {"tokenizer", "text_encoder"}) {
    fs::copy(goldens / "adapters" / part, prior / part, fs::copy_options::recursive);
  }
  const auto cloud_of = [&](const std::string& workspace, std::vector<std::string> more) {
    more.insert(more.end(), {"--prior", prior.string()});
    const Outcome outcome = lucid_run(tiny_run(folder, workspace, more), folder);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return lucid::read_file(folder.path / "out" / workspace / "point_cloud/iteration_10/point_cloud.ply");
  };
  const std::string net = (goldens / "adapters" / "controlnet").string();
  const std::string without = cloud_of("without", {});
  EXPECT_TRUE(cloud_of("with", {"--controlnet", net, "--controlnet-scale", "0.7"}) != without) << "it changes nothing";
  EXPECT_TRUE(cloud_of("muted", {"--controlnet", net, "--controlnet-scale", "0"}) == without);
  // A mesh in place of the render: the same numbers again from the same mesh, others than from the render.
  const std::string mesh = (folder.path / "roof.obj").string();
  lucid::write_file(
      mesh, "v -1 0 -1\nv 1 0 -1\nv 1 0 1\nv -1 0 1\nv 0 1 0\nf 1 2 5\nf 2 3 5\nf 3 4 5\nf 4 1 5\nf 1 3 2\nf 1 4 3\n");
  const std::vector<std::string> with_mesh = {"--controlnet",      net, "--controlnet-scale", "0.7",
                                              "--controlnet-mesh", mesh};
  const std::string roof = cloud_of("roof", with_mesh);
  EXPECT_TRUE(roof == cloud_of("again", with_mesh));
  EXPECT_TRUE(roof != cloud_of("seen", {"--controlnet", net, "--controlnet-scale", "0.7"}));
  expect_one_line(lucid_run(tiny_run(folder, "alone", {"--prior", prior.string(), "--controlnet-mesh", mesh}), folder),
                  {"controlnet_mesh", "--controlnet"});
  expect_one_line(lucid_run(tiny_run(folder, "nowhere",
                                     {"--prior", prior.string(), "--controlnet", net, "--controlnet-mesh", "none.obj"}),
                            folder),
                  {"none.obj"});
  expect_one_line(
      lucid_run(tiny_run(folder, "other", {"--prior", (goldens / "sd/tiny-sd2-base").string(), "--controlnet", net}),
                folder),
      {"controlnet", "config.json"});
}

TEST(Cli, InfoSaysWhatAWeightFileIs) {
  const fs::path goldens = lucid::test::goldens();
  const TemporaryFolder folder;
  for (const auto& [file, what] : std::map<std::string, std::string>{
           {"sd/single/tiny-sd1.ckpt", "Stable Diffusion 1.x checkpoint"},
           {"sd/single/tiny-sd2-base-fp16.safetensors", "Stable Diffusion 2.x checkpoint"},
           {"adapters/lora_kohya.safetensors", "LoRA (kohya)"},
           {"adapters/lora_peft.safetensors", "LoRA (PEFT)"},
           {"adapters/lora_diffusers_old.safetensors", "LoRA (diffusers)"},
           {"adapters/lora_pti.safetensors", "cloneofsimo"},
           {"adapters/ti_a1111.pt", "textual inversion, width 32"},
           {"adapters/ti_single.safetensors", "textual inversion, width 32"},
           {"sd/tiny-sd2-v/vae/diffusion_pytorch_model.bin", "VAE (diffusers)"},
           {"sd/tiny-sd1/unet/diffusion_pytorch_model.safetensors", "U-Net (diffusers)"}}) {
    const Outcome info = lucid_run({"info", (goldens / file).string()}, folder);
    EXPECT_EQ(info.code, 0) << info.err;
    EXPECT_NE(info.out.find(what), std::string::npos) << file << '\n' << info.out;
    EXPECT_NE(info.out.find("SHA-256"), std::string::npos);
  }
}

TEST(Cli, BadPrompts) {
  const TemporaryFolder folder;
  expect_one_line(lucid_run({"generate", "\xff\xfe mug"}, folder), {"UTF-8"});
  expect_one_line(lucid_run({"generate", "quixotry of hambugers"}, folder), {"quixotry", "did you mean hamburger?"});
  expect_one_line(lucid_run({"generate", "a dragon"}, folder), {"dragon", "lucid info words"});
  std::vector<std::string> arguments = short_run(folder, "long");
  arguments.back() = "a mug";
  for (int i = 0; i < 10000; ++i) arguments.back() += " mug";
  const Outcome outcome = lucid_run(arguments, folder);
  EXPECT_EQ(outcome.code, 0) << outcome.err.substr(0, 500);  // cut, with a warning, not lost
  EXPECT_NE(outcome.err.find("tokens"), std::string::npos) << outcome.err.substr(0, 500);
}

TEST(Cli, BadOutputFolder) {
  const TemporaryFolder folder;
  lucid::write_file(folder.path / "file", "x");
  std::vector<std::string> arguments = short_run(folder, "w");
  arguments[2] = (folder.path / "file" / "below").string();
  expect_one_line(lucid_run(arguments, folder), {"cannot make the folder"});
}

TEST(Cli, BadAssets) {
  const TemporaryFolder folder;
  const fs::path ply = folder.path / "lies.ply";
  lucid::write_file(ply,
                    "ply\nformat binary_little_endian 1.0\nelement vertex 4000000000\nproperty float x\nend_header\n");
  expect_one_line(lucid_run({"render", ply.string()}, folder), {"lies.ply"});
  expect_one_line(lucid_run({"render", (folder.path / "none.ply").string()}, folder), {"none.ply"});
  expect_one_line(lucid_run({"info", (folder.path / "none").string()}, folder), {"none", "does not exist"});
}

/// A copy of the embedded prior whose files can be spoilt.
struct SpoiltPrior {
  TemporaryFolder folder;
  fs::path prior = folder.path / "prior";
  SpoiltPrior() { fs::copy(lucid::test::source_dir() / "models" / "mini", prior, fs::copy_options::recursive); }
  Outcome run() const { return lucid_run(short_run(folder, "w", {"--prior", prior.string()}), folder); }
};

TEST(Cli, BadWeights) {
  const SpoiltPrior spoilt;
  const fs::path file = spoilt.prior / "unet" / "diffusion_pytorch_model.safetensors";
  const std::string good = lucid::read_file(file);
  fs::remove(file);
  expect_one_line(spoilt.run(), {"diffusion_pytorch_model.safetensors"});
  lucid::write_file(file, std::string_view(good).substr(0, good.size() / 2));
  expect_one_line(spoilt.run(), {"diffusion_pytorch_model.safetensors"});
  std::string flipped = good;
  flipped[3] = static_cast<char>(flipped[3] ^ 0x40);  // the header's length
  lucid::write_file(file, flipped);
  expect_one_line(spoilt.run(), {"diffusion_pytorch_model.safetensors"});
  flipped = good;
  for (size_t i = good.size() - 64; i < good.size(); ++i)
    flipped[i] = static_cast<char>(0xff);  // NaN in the last tensor
  lucid::write_file(file, flipped);
  expect_one_line(spoilt.run(), {"diffusion_pytorch_model.safetensors"});
  lucid::write_file(file, good);
  const fs::path config = spoilt.prior / "unet" / "config.json";
  std::string other = lucid::read_file(config);
  other.replace(other.find("192"), 3, "160");  // shapes no longer fit the weights
  lucid::write_file(config, other);
  expect_one_line(spoilt.run(), {"unet"});
  lucid::write_file(config, "{");
  expect_one_line(spoilt.run(), {"config.json"});
  EXPECT_FALSE(fs::exists(spoilt.folder.path / "out" / "w"));  // nothing was begun
}

TEST(Cli, AnEvaluationGoesOnWhereItStopped) {
  const TemporaryFolder folder;
  // A judge that knows nothing still gives numbers; whether a trained one can be believed is eval/'s own test.
  lucid::eval::Judge judge(lucid::eval::JudgeConfig{.words = {"car", "mug"}, .colours = {"red", "blue"}, .width = 4});
  lucid::eval::save_judge(folder.path / "judge", judge, lucid::eval::to_json(lucid::eval::JudgeReport{}));
  const fs::path config = folder.path / "few.yaml";
  lucid::write_file(config,
                    "GenerateCamParams:\n  init_num_pts: 200\nOptimizationParams:\n  iterations: 2\n  warmup_iter: 1\n"
                    "GuidanceParams:\n  C_batch_size: 1\n");
  const Outcome list =
      lucid_run({"eval", "--list", "--count", "2", "--judge", (folder.path / "judge").string()}, folder);
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_EQ(count_lines(list.out), 2) << list.out;
  const fs::path out = folder.path / "eval";
  const std::vector<std::string> arguments = {
      "eval",     "--out",         out.string(), "--judge", (folder.path / "judge").string(),
      "--config", config.string(), "--count",    "2",       "--compare",
      "ism,sds",  "--json"};
  const Outcome first = lucid_run(arguments, folder);
  ASSERT_EQ(first.code, 0) << first.err;
  std::istringstream lines(first.out);
  std::string line;
  for (const char* score : {"ism", "sds"}) {
    ASSERT_TRUE(std::getline(lines, line));
    const auto summary = nlohmann::json::parse(line);
    EXPECT_EQ(summary.at("score"), score);
    EXPECT_EQ(summary.at("prompts"), 2);
    for (const char* key : {"r_precision_1", "r_precision_5", "view_accuracy", "janus_rate", "judge_accuracy",
                            "sharpness_ratio", "seconds_per_asset", "peak_mb"})
      EXPECT_TRUE(summary.contains(key)) << key;
  }
  const auto report = nlohmann::json::parse(lucid::read_file(out / "report.json"));
  EXPECT_EQ(report.at("assets").size(), 4u);
  EXPECT_EQ(report.at("comparison").at("sharpness").at("pairs"), 2);
  EXPECT_TRUE(fs::exists(out / report.at("assets")[0].at("picture").get<std::string>()));
  EXPECT_TRUE(fs::exists(out / "report.html"));

  // One asset's numbers are gone: only they are made again.
  const fs::path run = out / "runs" / "ism" / "a_car_s0";
  fs::remove(run / "eval.json");
  const auto before = fs::last_write_time(out / "runs" / "sds" / "a_car_s0" / "eval.json");
  ASSERT_EQ(lucid_run(arguments, folder).code, 0);
  EXPECT_TRUE(fs::exists(run / "eval.json"));
  EXPECT_EQ(fs::last_write_time(out / "runs" / "sds" / "a_car_s0" / "eval.json"), before);
  EXPECT_EQ(nlohmann::json::parse(lucid::read_file(out / "report.json")).at("assets"), report.at("assets"));

  // Another judge is asked anew; assets of other options or another prior are not taken for these.
  lucid::eval::save_judge(folder.path / "judge", lucid::eval::Judge(lucid::eval::JudgeConfig{judge->config()}),
                          lucid::eval::to_json(lucid::eval::JudgeReport{}));
  ASSERT_EQ(lucid_run(arguments, folder).code, 0);
  EXPECT_NE(fs::last_write_time(out / "runs" / "sds" / "a_car_s0" / "eval.json"), before);
  std::vector<std::string> finer = arguments;
  finer.insert(finer.end(), {"--preset", "fine"});
  expect_one_line(lucid_run(finer, folder), {"manifest.json", "lambda_alpha 0.0, not 10.0", "--out"});
  auto manifest = nlohmann::json::parse(lucid::read_file(run / "manifest.json"));
  manifest.at("weights_sha256").at("views.json") = "0";
  lucid::write_file(run / "manifest.json", manifest.dump());
  expect_one_line(lucid_run(arguments, folder), {"manifest.json", "another prior"});

  // A key that a run rewrites (sds: true chooses the score) is no other option.
  const fs::path rewritten = folder.path / "rewritten.yaml";
  lucid::write_file(rewritten, lucid::read_file(config) + "  sds: true\n");
  for (int run_again = 0; run_again < 2; ++run_again) {
    const Outcome again = lucid_run({"eval", "--out", (folder.path / "again").string(), "--judge",
                                     (folder.path / "judge").string(), "--config", rewritten.string(), "--count", "1"},
                                    folder);
    EXPECT_EQ(again.code, 0) << again.err;
  }

  expect_one_line(lucid_run({"eval", "--compare", "ism,dpo"}, folder), {"dpo", "sds"});
  expect_one_line(lucid_run({"eval", "--judge", "nowhere"}, folder), {"judge.json"});
}

}  // namespace
