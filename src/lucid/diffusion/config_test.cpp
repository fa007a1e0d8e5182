// SPDX-License-Identifier: Apache-2.0
// config.json files: defaults for absent keys, and a UserError with file, key and value for unsupported values.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"

namespace lucid::diffusion {
namespace {

using nlohmann::json;

template <class Config>
Config parse(const json& content) {
  const lucid::test::TemporaryFolder folder;
  write_file(folder.path / "config.json", content.dump());
  return Config::from_file(folder.path / "config.json");
}

// Each change alone must be refused, naming its key, the file and the value.
template <class Config>
void expect_refusals(const json& good, const json& changes) {
  EXPECT_NO_THROW(parse<Config>(good));
  for (const auto& change : changes) {
    const std::string key = change[0];
    json bad = good;
    bad[key] = change[1];
    try {
      parse<Config>(bad);
      ADD_FAILURE() << key << " = " << change[1] << " was accepted";
    } catch (const UserError& error) {
      EXPECT_EQ(error.mistake().key, key) << change[1];
      EXPECT_TRUE(error.mistake().file.ends_with("config.json")) << error.mistake().file;
      EXPECT_TRUE(error.mistake().what_happened.starts_with(change[1].dump())) << error.mistake().what_happened;
    }
  }
}

TEST(UNetConfig, AbsentKeysTakeTheDefaultsOfDiffusers) {
  for (const json& content : {json::object(), json{{"mid_block_type", "UNetMidBlock2DCrossAttn"},
                                                   {"class_embed_type", nullptr},
                                                   {"only_cross_attention", {false, false, false, false}},
                                                   {"transformer_layers_per_block", {1, 1, 1, 1}},
                                                   {"resnet_out_scale_factor", 1.0}}}) {
    const UNetConfig config = parse<UNetConfig>(content);
    EXPECT_EQ(config.block_out_channels, (std::vector<int64_t>{320, 640, 1280, 1280}));
    EXPECT_EQ(config.heads_per_block, (std::vector<int64_t>{8, 8, 8, 8}));
    EXPECT_EQ(config.down_block_types.back(), "DownBlock2D");
    EXPECT_EQ(config.up_block_types.front(), "UpBlock2D");
    EXPECT_EQ(config.layers_per_block, 2);
    EXPECT_EQ(config.cross_attention_dim, 1280);
    EXPECT_EQ(config.norm_num_groups, 32);
    EXPECT_EQ(config.norm_eps, 1e-5);
    EXPECT_FALSE(config.use_linear_projection);
    EXPECT_TRUE(config.mid_cross_attention);
  }
}

TEST(UNetConfig, DepthsAndTheAddedVector) {
  EXPECT_EQ(parse<UNetConfig>({{"transformer_layers_per_block", 2}}).transformer_depths,
            (std::vector<int64_t>{2, 2, 2, 2}));
  EXPECT_EQ(parse<UNetConfig>({{"transformer_layers_per_block", {1, 2, 10, 1}}}).transformer_depths,
            (std::vector<int64_t>{1, 2, 10, 1}));
  EXPECT_EQ(parse<UNetConfig>(json::object()).vector_width, 0);
  const UNetConfig xl = parse<UNetConfig>({{"addition_embed_type", "text_time"}});
  EXPECT_EQ(xl.vector_width, 2816);
  EXPECT_EQ(xl.size_width, 256);
  EXPECT_EQ(xl.pooled_width(), 1280);
  const json sizes_alone{{"addition_embed_type", "text_time"}, {"projection_class_embeddings_input_dim", 1536}};
  EXPECT_THROW(parse<UNetConfig>(sizes_alone), UserError);
}

TEST(UNetConfig, Heads) {
  EXPECT_EQ(parse<UNetConfig>({{"attention_head_dim", {5, 10, 20, 20}}}).heads_per_block,
            (std::vector<int64_t>{5, 10, 20, 20}));
  EXPECT_EQ(parse<UNetConfig>({{"attention_head_dim", 64}, {"num_attention_heads", 4}}).heads_per_block,
            (std::vector<int64_t>{4, 4, 4, 4}));
  EXPECT_EQ(parse<UNetConfig>({{"attention_head_dim", 10}, {"num_attention_heads", nullptr}}).heads_per_block,
            (std::vector<int64_t>{10, 10, 10, 10}));
}

TEST(UNetConfig, RefusesUnsupportedValues) {
  expect_refusals<UNetConfig>(json::object(), json::parse(R"([
    ["_class_name", "UNet3DConditionModel"], ["act_fn", "gelu"], ["addition_embed_type", "text"],
    ["attention_head_dim", 7], ["attention_head_dim", [8, 8]], ["attention_head_dim", 0], ["attention_head_dim", "8"],
    ["block_out_channels", []], ["block_out_channels", [-320, 640, 1280, 1280]], ["block_out_channels", 320],
    ["center_input_sample", true], ["class_embed_type", "timestep"], ["num_class_embeds", 10],
    ["conv_in_kernel", 5], ["cross_attention_dim", [1, 2, 3, 4]], ["cross_attention_norm", "layer_norm"],
    ["down_block_types", ["DownBlock2D"]], ["down_block_types", ["AttnDownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D"]],
    ["up_block_types", ["UpBlock2D", "UpBlock2D", "UpBlock2D", "ResnetUpsampleBlock2D"]],
    ["downsample_padding", 0], ["dual_cross_attention", true], ["encoder_hid_dim", 1024], ["flip_sin_to_cos", false],
    ["freq_shift", 1], ["in_channels", 9], ["layers_per_block", [2, 1, 2, 2]], ["layers_per_block", 0],
    ["mid_block_type", "UNetMidBlock2DSimpleCrossAttn"], ["mid_block_type", null], ["norm_eps", 0], ["norm_eps", "x"],
    ["norm_num_groups", 33], ["only_cross_attention", true], ["only_cross_attention", [true, false, false, false]],
    ["resnet_time_scale_shift", "scale_shift"], ["time_cond_proj_dim", 256], ["time_embedding_type", "fourier"],
    ["transformer_layers_per_block", 0], ["transformer_layers_per_block", [1, 2]], ["transformer_layers_per_block", [1, 2, 1, 65]],
    ["use_linear_projection", 1]])"));
}

TEST(VaeConfig, DefaultsAndRefusals) {
  const json good = {{"block_out_channels", {128, 256, 512, 512}},
                     {"down_block_types", json::array({"DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D",
                                                       "DownEncoderBlock2D"})},
                     {"up_block_types",
                      json::array({"UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"})}};
  const VaeConfig config = parse<VaeConfig>(good);
  EXPECT_EQ(config.latent_channels, 4);
  EXPECT_EQ(config.scaling_factor, 0.18215);
  EXPECT_EQ(config.downscale(), 8);
  expect_refusals<VaeConfig>(good, json::parse(R"([
    ["_class_name", "AsymmetricAutoencoderKL"], ["act_fn", "relu"], ["in_channels", 4], ["latents_mean", [0.1]],
    ["latent_channels", 0], ["mid_block_add_attention", false], ["norm_num_groups", 3], ["scaling_factor", 0],
    ["shift_factor", 0.1], ["use_quant_conv", false], ["block_out_channels", [128, 256.5]],
    ["down_block_types", ["DownEncoderBlock2D"]], ["up_block_types", ["AttnUpDecoderBlock2D"]]])"));
}

TEST(ScheduleConfig, DefaultsAndRefusals) {
  const ScheduleConfig config = parse<ScheduleConfig>(json::object());
  EXPECT_EQ(config.num_train_timesteps, 1000);
  EXPECT_EQ(config.steps_offset, 0);
  EXPECT_EQ(config.beta_schedule, "linear");
  EXPECT_TRUE(config.set_alpha_to_one);
  EXPECT_EQ(config.prediction, Prediction::kEpsilon);
  EXPECT_EQ(Schedule(config).alpha_bar(-1), 1);
  EXPECT_NO_THROW(parse<ScheduleConfig>({{"_class_name", "PNDMScheduler"}, {"skip_prk_steps", true}}));
  // SDXL's file: how its sampler steps does not matter, and it ends at the first alpha.
  const ScheduleConfig euler =
      parse<ScheduleConfig>({{"_class_name", "EulerDiscreteScheduler"}, {"timestep_spacing", "trailing"}});
  EXPECT_FALSE(euler.set_alpha_to_one);
  expect_refusals<ScheduleConfig>(json::object(), json::parse(R"([
    ["_class_name", "FlowMatchEulerDiscreteScheduler"], ["beta_schedule", "squaredcos_cap_v2"], ["beta_start", 0],
    ["beta_end", 1.5], ["clip_sample", true], ["num_train_timesteps", 0], ["prediction_type", "sample"],
    ["rescale_betas_zero_snr", true], ["set_alpha_to_one", 1], ["steps_offset", -1], ["steps_offset", 0.5],
    ["thresholding", true], ["timestep_spacing", "trailing"], ["trained_betas", [0.1]]])"));
}

TEST(Config, BrokenFilesAreErrorsWithTheirPath) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "config.json";
  EXPECT_THROW(UNetConfig::from_file(file), UserError);  // not there
  for (const char* content : {"", "[1]", "{\"a\": ", "null"}) {
    write_file(file, content);
    try {
      VaeConfig::from_file(file);
      ADD_FAILURE() << content;
    } catch (const UserError& error) {
      EXPECT_EQ(error.mistake().file, file.string());
    }
  }
}

/// What reading a config.json of the port with one key changed says; "" if it is taken.
std::string said_of_port(const std::string& key, const nlohmann::json& value) {
  const lucid::test::TemporaryFolder folder;
  nlohmann::json config = {{"_class_name", "MultiViewUNetModel"},
                           {"model_channels", 32},
                           {"channel_mult", {1, 2}},
                           {"attention_resolutions", {1}},
                           {"num_res_blocks", 1},
                           {"num_head_channels", 16},
                           {"context_dim", 32},
                           {"camera_dim", 16}};
  config[key] = value;
  const auto file = folder.path / "config.json";
  write_file(file, config.dump());
  try {
    UNetConfig::from_file(file);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(MultiViewConfig, OfThePortIsReadOrRefusedByKey) {
  EXPECT_EQ(said_of_port("use_checkpoint", true), "") << "concerns training alone";
  for (const auto& [key, value, message] : std::vector<std::tuple<std::string, nlohmann::json, std::string>>{
           {"ip_dim", 16, "ImageDream"},
           {"camera_dim", 12, "must be 16"},
           {"camera_dim", nullptr, "must be 16"},
           {"transformer_depth", 2, "transformer_depth"},
           {"num_head_channels", 7, "must divide"},
           {"num_head_channels", -1, "num_head_channels"},
           {"model_channels", 48, "multiple of 32"},
           {"num_res_blocks", "one", "num_res_blocks"},
           {"channel_mult", nlohmann::json::array(), "channel_mult"},
           {"adm_in_channels", 4, "adm_in_channels"}}) {
    EXPECT_NE(said_of_port(key, value).find(message), std::string::npos) << key << ": " << said_of_port(key, value);
  }
}

TEST(MultiViewConfig, WithoutSizesIsMvdreams) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "config.json";
  write_file(file, R"({"_class_name": "MultiViewUNetModel", "camera_dim": 16})");
  const UNetConfig config = UNetConfig::from_file(file);
  EXPECT_EQ(config.block_out_channels, UNetConfig{}.block_out_channels);
  EXPECT_EQ(config.down_block_types, UNetConfig{}.down_block_types);
  EXPECT_EQ(config.up_block_types, UNetConfig{}.up_block_types);
  EXPECT_EQ(config.heads_per_block, (std::vector<int64_t>{5, 10, 20, 20}));
  EXPECT_EQ(config.layers_per_block, 2);
  EXPECT_EQ(config.cross_attention_dim, 1024);
  EXPECT_EQ(config.views, 4);
  EXPECT_TRUE(config.use_linear_projection);
}

}  // namespace
}  // namespace lucid::diffusion
