// SPDX-License-Identifier: Apache-2.0
// The configuration files of the reference system run as they are: the nine that it ships, written anew from what they
// say, and every key that its options have.
#include "lucid/app/options.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <set>
#include <tuple>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "mistakes.h"

namespace lucid::app {
namespace {

struct Shipped {
  const char* workspace;
  const char* text;
  const char* start;
  const char* guidance = "";  // lines that only this file has
};

constexpr Shipped kShipped[] = {
    {"hamburger", "A delicious hamburger.", "sphere"},
    {"bagel", "a DSLR photo of a bagel filled with cream cheese and lox.", "pointe"},
    {"crown", "a DSLR photo of the Imperial State Crown of England.", "pointe"},
    {"viking_axe", "Viking axe, fantasy, weapon, blender, 8k, HDR.", "pointe", "  accum: false\n"},
    {"football_helmet", "a DSLR photo of a football helmet.", "pointe", "  accum: false\n"},
    {"cat_armor", "a DSLR photo of a cat wearing armor.", "pointe"},
    {"white_hair_IRONMAN", "A portrait of IRONMAN, white hair, head, photorealistic, 8K, HDR.", "pointe"},
    {"zombie_joker", "Zombie JOKER, head, photorealistic, 8K, HDR.", "pointe"},
    {"TS_lora", "A <someone> wearing sunglasses.", "pointe", "  LoRA_path: \"lora/step_inv_1000.safetensors\"\n"},
};

std::string yaml_of(const Shipped& file) {
  return fmt::format(R"(port: 2355
save_video: true
seed: 0
PipelineParams:
  convert_SHs_python: False
ModelParams:
  workspace: {}
  sh_degree: 0
  bg_aug_ratio: 0.66
GuidanceParams:
  model_key: 'stabilityai/stable-diffusion-2-1-base'
  text: '{}'
{}  negative: 'unrealistic, blurry'
  inverse_text: ''
  perpneg: true
  C_batch_size: 4
  t_range: [0.02, 0.5]
  max_t_range: 0.98
  lambda_guidance: 0.1
  guidance_scale: 7.5
  denoise_guidance_scale: 1.0
  noise_seed: 0
  ddim_inv: true
  annealing_intervals: true
  xs_delta_t: 200
  xs_inv_steps: 5
  xs_eta: 0.0
  delta_t: 50
  delta_t_start: 100
GenerateCamParams:
  init_shape: '{}'
  init_prompt: 'a rough object.'
  use_pointe_rgb: false
  init_num_pts: 100_000
  phi_range: [-180, 180]
  max_phi_range: [-180, 180]
  rand_cam_gamma: 1.
  theta_range: [45, 105]
  max_theta_range: [45, 105]
  radius_range: [5.2, 5.5]
  max_radius_range: [3.5, 5.0]
  default_radius: 3.5
  default_fovy: 0.55
  fovy_range: [0.32, 0.60]
  max_fovy_range: [0.16, 0.60]
OptimizationParams:
  iterations: 5000
  save_process: True
  pro_frames_num: 600
  pro_render_45: False
  warmup_iter: 1500
  as_latent_ratio : 0.2
  geo_iter : 0
  densify_from_iter: 100
  densify_until_iter: 3000
  percent_dense: 0.003
  densify_grad_threshold: 0.00075
  progressive_view_iter: 500
  opacity_reset_interval: 300
  scale_up_cameras_iter: 500
  fovy_scale_up_factor: [0.75, 1.1]
  phi_scale_up_factor: 1.5
)",
                     file.workspace, file.text, file.guidance, file.start);
}

RunOptions options_of(const std::string& yaml) {
  const test::TemporaryFolder folder;
  write_file(folder.path / "c.yaml", yaml);
  RunOptions options;
  auto table = make_table(options);
  table.set_from_yaml(folder.path / "c.yaml", "config");
  finish_options(options, table);
  return options;
}

/// The keys of a file that are ignored with a note.
std::set<std::string> ignored_in(const std::string& yaml) {
  const test::TemporaryFolder folder;
  write_file(folder.path / "c.yaml", yaml);
  BoundOptions bound;
  bound.table.set_from_yaml(folder.path / "c.yaml", "config");
  std::set<std::string> names;
  for (const config::ForeignKey* key : bound.table.ignored()) names.insert(key->shown_name());
  return names;
}

TEST(ReferenceConfigs, TheNineThatItShipsSayTheSameHere) {
  for (const Shipped& file : kShipped) {
    SCOPED_TRACE(file.workspace);
    const RunOptions options = options_of(yaml_of(file));
    EXPECT_EQ(options.text, file.text);
    EXPECT_EQ(options.workspace, file.workspace);
    EXPECT_EQ(options.model_key, "stabilityai/stable-diffusion-2-1-base");
    EXPECT_EQ(options.lora_path.empty(), std::string(file.workspace) != "TS_lora");
    EXPECT_EQ(options.negative, "unrealistic, blurry");
    const train::TrainOptions& t = options.train;
    EXPECT_EQ(t.start.kind, "sphere") << "Point-E's weights are not given";
    EXPECT_EQ(t.start.count, 100000);
    EXPECT_EQ(t.iterations, 5000);
    EXPECT_EQ(t.batch, 4);
    EXPECT_EQ(t.score.score, "ism");
    EXPECT_TRUE(t.score.perpneg && t.score.annealing_intervals);
    EXPECT_EQ(t.score.t_range_low, 0.02);
    EXPECT_EQ(t.score.t_range_high, 0.5);
    EXPECT_EQ(t.score.max_t_range, 0.98);
    EXPECT_EQ(t.score.lambda_guidance, 0.1);
    EXPECT_EQ(t.score.guidance_scale, 7.5);
    EXPECT_EQ(t.score.warmup_iter, 1500);
    EXPECT_EQ(t.score.delta_t, 50);
    EXPECT_EQ(t.score.delta_t_start, 100);
    EXPECT_EQ(t.score.xs_delta_t, 200);
    EXPECT_EQ(t.score.xs_inv_steps, 5);
    EXPECT_EQ(t.views.radius.low, 5.2);
    EXPECT_EQ(t.views.max_radius.high, 5.0);
    EXPECT_EQ(t.views.theta.high, 105);
    EXPECT_EQ(t.views.fovy.low, 0.32);
    EXPECT_EQ(t.views.default_radius, 3.5);
    EXPECT_EQ(t.augment.bg_aug_ratio, 0.66);
    EXPECT_EQ(t.loss.as_latent_ratio, 0.2);
    EXPECT_EQ(t.densify.percent_dense, 0.003);
    EXPECT_EQ(t.pro_frames_num, 600);
  }
}

TEST(ReferenceConfigs, EveryKeyOfItsOptionsIsKnown) {
  const std::map<std::string, std::map<std::string, std::string>> defaults = {
      {"PipelineParams", {{"convert_SHs_python", "False"}, {"compute_cov3D_python", "False"}, {"debug", "False"}}},
      {"ModelParams",
       {{"sh_degree", "0"},
        {"workspace", "debug"},
        {"batch", "10"},
        {"data_device", "cuda"},
        {"eval", "False"},
        {"opt_path", "null"},
        {"pretrained_model_path", "null"},
        {"sh_deg_aug_ratio", "0.1"},
        {"bg_aug_ratio", "0.5"},
        {"shs_aug_ratio", "0.0"},
        {"scale_aug_ratio", "1.0"}}},
      {"GuidanceParams",
       {{"guidance", "SD"},
        {"g_device", "cuda"},
        {"model_key", "null"},
        {"is_safe_tensor", "False"},
        {"base_model_key", "null"},
        {"controlnet_model_key", "null"},
        {"perpneg", "True"},
        {"negative_w", "-2."},
        {"front_decay_factor", "2."},
        {"side_decay_factor", "10."},
        {"vram_O", "False"},
        {"fp16", "True"},
        {"hf_key", "null"},
        {"t_range", "[0.02, 0.5]"},
        {"max_t_range", "0.98"},
        {"scheduler_type", "DDIM"},
        {"num_train_timesteps", "null"},
        {"sds", "False"},
        {"fix_noise", "False"},
        {"noise_seed", "0"},
        {"ddim_inv", "False"},
        {"delta_t", "80"},
        {"delta_t_start", "100"},
        {"annealing_intervals", "True"},
        {"inverse_text", "''"},
        {"textual_inversion_path", "null"},
        {"LoRA_path", "null"},
        {"controlnet_ratio", "0.5"},
        {"negative", "''"},
        {"guidance_scale", "7.5"},
        {"denoise_guidance_scale", "1.0"},
        {"lambda_guidance", "1."},
        {"xs_delta_t", "200"},
        {"xs_inv_steps", "5"},
        {"xs_eta", "0.0"},
        {"C_batch_size", "1"},
        {"vis_interval", "100"}}},
      {"GenerateCamParams",
       {{"init_shape", "sphere"},
        {"init_prompt", "''"},
        {"use_pointe_rgb", "False"},
        {"radius_range", "[5.2, 5.5]"},
        {"max_radius_range", "[3.5, 5.0]"},
        {"default_radius", "3.5"},
        {"theta_range", "[45, 105]"},
        {"max_theta_range", "[45, 105]"},
        {"phi_range", "[-180, 180]"},
        {"max_phi_range", "[-180, 180]"},
        {"fovy_range", "[0.32, 0.60]"},
        {"max_fovy_range", "[0.16, 0.60]"},
        {"rand_cam_gamma", "1.0"},
        {"angle_overhead", "30"},
        {"angle_front", "60"},
        {"render_45", "True"},
        {"uniform_sphere_rate", "0"},
        {"image_w", "512"},
        {"image_h", "512"},
        {"SSAA", "1"},
        {"init_num_pts", "100_000"},
        {"default_polar", "90"},
        {"default_azimuth", "0"},
        {"default_fovy", "0.55"},
        {"jitter_pose", "True"},
        {"jitter_center", "0.05"},
        {"jitter_target", "0.05"},
        {"jitter_up", "0.01"},
        {"device", "cuda"}}},
      {"OptimizationParams",
       {{"iterations", "5000"},
        {"position_lr_init", "0.00016"},
        {"position_lr_final", "0.0000016"},
        {"position_lr_delay_mult", "0.01"},
        {"position_lr_max_steps", "30000"},
        {"feature_lr", "0.0050"},
        {"feature_lr_final", "0.0030"},
        {"opacity_lr", "0.05"},
        {"scaling_lr", "0.005"},
        {"rotation_lr", "0.001"},
        {"geo_iter", "0"},
        {"as_latent_ratio", "0.2"},
        {"resnet_lr", "0.0001"},
        {"resnet_lr_init", "0.002"},
        {"resnet_lr_final", "0.00005"},
        {"scaling_lr_final", "0.001"},
        {"rotation_lr_final", "0.0002"},
        {"percent_dense", "0.003"},
        {"densify_grad_threshold", "0.00075"},
        {"lambda_tv", "1.0"},
        {"lambda_bin", "10.0"},
        {"lambda_scale", "1.0"},
        {"lambda_sat", "1.0"},
        {"lambda_radius", "1.0"},
        {"densification_interval", "100"},
        {"opacity_reset_interval", "300"},
        {"densify_from_iter", "100"},
        {"densify_until_iter", "3000"},
        {"use_control_net_iter", "10000000"},
        {"warmup_iter", "1500"},
        {"use_progressive", "False"},
        {"save_process", "True"},
        {"pro_frames_num", "600"},
        {"pro_render_45", "False"},
        {"progressive_view_iter", "500"},
        {"progressive_view_init_ratio", "0.2"},
        {"scale_up_cameras_iter", "500"},
        {"scale_up_factor", "0.95"},
        {"fovy_scale_up_factor", "[0.75, 1.1]"},
        {"phi_scale_up_factor", "1.5"}}}};
  for (const auto& [group, keys] : defaults) {
    for (const auto& [key, value] : keys) {
      SCOPED_TRACE(group + "." + key);
      std::string yaml = group == "GuidanceParams" ? "" : "GuidanceParams:\n  text: a mug\n";
      yaml += group + ":\n" + (group == "GuidanceParams" ? "  text: a mug\n" : "");
      yaml += "  " + key + ": " + value + "\n";
      EXPECT_NO_THROW(options_of(yaml));
      EXPECT_TRUE(ignored_in(yaml).empty()) << "at its default";
    }
  }
}

/// The options of the embedded prior's draft preset with these set by the user.
RunOptions draft_with(const std::map<std::string, std::string>& given) {
  RunOptions options;
  auto table = make_table(options);
  apply_given(table, "", given);
  finish_options(options, table);
  return options;
}

TEST(StartPreset, ALearnedStartHasItsOwnTimestepsUnlessTheUserSetsThem) {
  const RunOptions sphere = draft_with({{"text", "a chair"}, {"preset", "draft"}, {"init_shape", "sphere"}});
  EXPECT_EQ(sphere.train.start.kind, "sphere");
  EXPECT_EQ(sphere.train.iterations, 360);
  EXPECT_GT(sphere.train.score.max_t_range, 0.9);
  const RunOptions learned = draft_with({{"text", "a chair"}, {"preset", "draft"}});
  EXPECT_EQ(learned.train.start.kind, "learned");
  EXPECT_EQ(learned.train.iterations, 180);
  EXPECT_EQ(learned.train.rates.iterations, 180);
  EXPECT_LT(learned.train.score.max_t_range, 0.7);
  EXPECT_LT(learned.train.refine.t_first, sphere.train.refine.t_first);
  const RunOptions asked = draft_with({{"text", "a chair"}, {"preset", "draft"}, {"iterations", "90"}});
  EXPECT_EQ(asked.train.iterations, 90);
  EXPECT_EQ(asked.train.score.max_t_range, learned.train.score.max_t_range);
  // The shape model does not know the word: all of the preset is for a sphere.
  const RunOptions unknown = draft_with({{"text", "a <press>"}, {"preset", "draft"}});
  EXPECT_EQ(unknown.train.start.kind, "sphere");
  EXPECT_EQ(unknown.train.iterations, 360);
}

// A checkpoint is continued only where these bytes are the same: a new option changes them, and so does a renamed one.
TEST(RunKey, EqualOptionsHaveTheKeyOfEarlierVersions) {
  RunOptions options;
  auto table = make_table(options);
  apply_preset(table, test::source_dir() / "models/mini", "default");
  for (const auto& [name, value] : {std::pair{"text", "a red car"}, {"seed", "3"}, {"iterations", "1"}})
    table.set(name, value, "flag");
  table.set("vis_interval", "0", "flag");
  for (const auto& [name, value] : {std::pair{"output", "elsewhere"}, {"threads", "7"}, {"turntable_frames", "9"}})
    table.set(name, value, "flag");  // these do not count
  finish_options(options, table);
  EXPECT_EQ(sha256_of_bytes(table.dump_result_json().dump()),
            "881e032a800180f910ac1c963e0f81f76841160694247f3927df328b279c36a4");
}

TEST(RunKey, WhereAndHowToRunDoesNotCount) {
  RunOptions options;
  const auto table = make_table(options);
  std::set<std::string> free;
  for (const config::Option& option : table.options()) {
    if (!option.affects_result) free.insert(option.name);
  }
  EXPECT_EQ(free, (std::set<std::string>{"export",
                                         "live",
                                         "resume",
                                         "finish",
                                         "watch",
                                         "more_steps",
                                         "progress",
                                         "threads",
                                         "output",
                                         "overwrite",
                                         "workspace",
                                         "preset",
                                         "save_video",
                                         "model_key",
                                         "checkpoint_interval",
                                         "vram_O",
                                         "output_size",
                                         "turntable_frames",
                                         "save_process",
                                         "pro_frames_num",
                                         "pointe",
                                         "render_45",
                                         "pro_render_45",
                                         "asset",
                                         "change",
                                         "body",
                                         "avatar_preview",
                                         "refine_prior",
                                         "multi_view_config",
                                         "checkpoint_minutes",
                                         "keep_checkpoints",
                                         "memory"}));
}

TEST(OptionRows, TheDumpOfARunReadsBack) {
  const test::TemporaryFolder folder;
  RunOptions options, again;
  auto table = make_table(options);
  apply_preset(table, test::source_dir() / "models/mini", "fine");
  for (const auto& [name, value] : {std::pair{"text", "a \"red\" car: # 1"}, {"LoRA_path", "a.safetensors:0.5"}})
    table.set(name, value, "flag");
  write_file(folder.path / "effective_config.yaml", table.dump_yaml());
  auto other = make_table(again);
  other.set_from_yaml(folder.path / "effective_config.yaml", "config");
  EXPECT_EQ(other.dump_json(), table.dump_json());
}

TEST(OptionRows, EachIsDescribedInOneSentenceUnderAHeading) {
  RunOptions options;
  const auto table = make_table(options);
  int common = 0;
  for (const config::Option& option : table.options()) {
    SCOPED_TRACE(option.name);
    EXPECT_FALSE(option.group.empty());
    EXPECT_TRUE(option.help.size() > 10 && option.help.size() < 180) << option.help;
    EXPECT_TRUE(option.help.ends_with('.') && std::isupper(option.help.front())) << option.help;
    EXPECT_EQ(option.help.find("  "), std::string::npos) << option.help;
    common += option.common ? 1 : 0;
  }
  EXPECT_TRUE(common >= 10 && common <= 18) << common << " in the short help";
}

TEST(ReferenceConfigs, VramOSavesMemory) {
  EXPECT_TRUE(compute_options(options_of("GuidanceParams:\n  text: a mug\n  vram_O: true\n")).low_memory);
  EXPECT_FALSE(compute_options(options_of("GuidanceParams:\n  text: a mug\n")).low_memory);
}

TEST(ReferenceConfigs, Fp16OffIsFp32) {
  EXPECT_EQ(options_of("GuidanceParams:\n  text: a mug\n  fp16: false\n").precision, "fp32");
  EXPECT_EQ(options_of("GuidanceParams:\n  text: a mug\n  fp16: true\n").precision, "auto");
  EXPECT_EQ(options_of("precision: bf16\nGuidanceParams:\n  text: a mug\n  fp16: false\n").precision, "bf16");
}

TEST(ReferenceConfigs, CamerasWidenUnlessTurnedOff) {
  EXPECT_TRUE(options_of("GuidanceParams:\n  text: a mug\n").train.use_progressive) << "as in the reference";
  RunOptions options;
  auto table = make_table(options);
  apply_preset(table, test::source_dir() / "models/mini", "default");
  EXPECT_FALSE(options.train.use_progressive) << "the embedded prior's ranges are those that it was trained on";
}

TEST(ReferenceConfigs, WhatCannotBeHonouredIsRefusedByName) {
  for (const auto& [group, key, value] : {std::tuple{"GuidanceParams", "guidance", "IF"},
                                          {"GuidanceParams", "num_train_timesteps", "500"},
                                          {"GenerateCamParams", "SSAA", "2"}}) {
    const auto mistake = test::mistake_of(
        [&] { options_of(fmt::format("GuidanceParams:\n  text: a mug\n{}:\n  {}: {}\n", group, key, value)); });
    EXPECT_EQ(mistake.key, fmt::format("{}.{}", group, key));
    EXPECT_EQ(mistake.line, 4);
    EXPECT_GT(mistake.hint.size(), 20U) << "what it does, and what there is in its place";
  }
}

TEST(ReferenceConfigs, WhatIsIgnoredIsNoted) {
  for (const Shipped& file : kShipped) EXPECT_TRUE(ignored_in(yaml_of(file)).empty()) << file.workspace;
  EXPECT_EQ(
      ignored_in("port: 9\nPipelineParams:\n  debug: true\n  convert_SHs_python: True\nModelParams:\n  batch: 20\n"
                 "  eval: true\nGuidanceParams:\n  controlnet_ratio: 0.9\n  accum: true\n"),
      (std::set<std::string>{"PipelineParams.debug", "PipelineParams.convert_SHs_python", "ModelParams.batch",
                             "GuidanceParams.controlnet_ratio"}));
}

TEST(ExampleConfigs, LoadWithoutAWarning) {
  std::set<std::string> prompts;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() / "examples/configs")) {
    SCOPED_TRACE(entry.path().string());
    EXPECT_TRUE(ignored_in(read_file(entry.path())).empty());
    const RunOptions options = options_of(read_file(entry.path()));
    EXPECT_TRUE(prompts.insert(options.text).second);
    BoundOptions bound;
    bound.table.set_from_yaml(entry.path(), "config");
    EXPECT_NE(bound.options.train.start.kind, kPointE) << "warns where its weights are not given";
  }
  std::set<std::string> wanted;
  for (const Shipped& file : kShipped) wanted.insert(file.text);
  EXPECT_EQ(prompts, wanted);
}

TEST(StartOptions, AFileTakesThePlaceOfAShape) {
  const RunOptions options =
      options_of("GuidanceParams:\n  text: a mug\nGenerateCamParams:\n  init_shape: pointe\n  init_file: a.obj\n");
  EXPECT_EQ(options.train.start.file, "a.obj");
  EXPECT_EQ(options.train.start.kind, "sphere") << "and Point-E is not missed";
  const auto mistake = test::mistake_of([] {
    options_of(
        "GuidanceParams:\n  text: a mug\nGenerateCamParams:\n  init_file: a.obj\nModelParams:\n"
        "  pretrained_model_path: b.ply\n");
  });
  EXPECT_EQ(mistake.key, "init_file");
}

TEST(StartOptions, AKeptShapeDoesNotFade) {
  EXPECT_EQ(options_of("GuidanceParams:\n  text: a mug\n").train.densify.opacity_reset_interval, 300);
  EXPECT_GT(options_of("GuidanceParams:\n  text: a mug\nOptimizationParams:\n  keep_shape: 1\n")
                .train.densify.opacity_reset_interval,
            1000000);
}

}  // namespace
}  // namespace lucid::app
