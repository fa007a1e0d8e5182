// SPDX-License-Identifier: Apache-2.0
// MVDream: its network against the original's, its two layouts against each other, and files that are not MVDream.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/golden_test.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/text_to_image/single_file.h"
#include "lucid/text_to_image/weights_description.h"
#include "lucid/weights/torch_file.h"
#include "mistakes.h"
#include "multi_view_prior.h"

namespace lucid::text_to_image {
namespace {

namespace fs = std::filesystem;
using lucid::test::make_multi_view_folder;
using lucid::test::multi_view_checkpoint;
using torch::Tensor;

/// The message of the UserError that the action throws; fails the test if it throws none.
std::string refusal_of(const std::function<void()>& action) {
  const UserMistake mistake = lucid::test::mistake_of(action);
  return fmt::format("{} {} {}", mistake.key, mistake.what_happened, mistake.hint);
}

constexpr double kForwardLimit = 1e-5;  // of the goldens' README

diffusion::UNet port_unet() { return diffusion::load_unet(lucid::test::multi_view_goldens() / "unet"); }

struct ForwardCase {
  weights::StateDict file = weights::read_safetensors(lucid::test::multi_view_goldens() / "forward.safetensors");
  const Tensor& operator[](const std::string& name) const { return file.tensors.at(name); }
  Tensor context() const { return file.tensors.at("context").repeat_interleave(4, 0); }  // one for each scene

  void expect(const Tensor& found, const std::string& name) const {
    EXPECT_LE(tensor::relative_error(found, file.tensors.at(name)), kForwardLimit) << name;
  }
};

TEST(MultiViewGolden, NetworkIsMvdreams) {
  const torch::NoGradGuard no_grad;
  const ForwardCase golden;
  diffusion::UNet unet = port_unet();
  EXPECT_EQ(unet->config().views, 4);
  std::map<std::string, Tensor> seen;
  unet->on_activation = [&](const std::string& name, const Tensor& output) { seen[name] = output.clone(); };
  const auto forward = [&](const diffusion::UNetExtras& extras) {
    return unet->forward(golden["sample"], golden["timestep"], golden.context(), extras);
  };
  golden.expect(forward({.cameras = golden["camera"], .views = 4}), "out");
  golden.expect(seen.at("time_embedding"), "time_embedding");
  golden.expect(seen.at("camera_embedding"), "camera_embedding");
  golden.expect(forward({.cameras = golden["camera"]}), "out_camera_one_view");
  golden.expect(forward({}), "out_no_camera_one_view");
}

TEST(MultiViewGolden, DenoiserKeepsTheViewsOfAnObjectTogether) {
  const torch::NoGradGuard no_grad;
  const ForwardCase golden;
  for (const int64_t workers : {1, 2, 3}) {
    diffusion::UNetDenoiser denoiser(port_unet(), {.workers = workers});
    EXPECT_EQ(denoiser.joint_views(), 4);
    denoiser.set_cameras(golden["camera"]);
    golden.expect(denoiser.predict(golden["sample"], golden["timestep"], golden.context()), "out");
    // Two prompts for each of four views: the cameras repeat.
    denoiser.set_cameras(golden["camera"].slice(0, 0, 4));
    const Tensor once = golden["sample"].slice(0, 0, 4), steps = golden["timestep"].slice(0, 0, 4),
                 context = golden.context().slice(0, 0, 4);
    const Tensor both = denoiser.predict(once.repeat({2, 1, 1, 1}), steps.repeat({2}), context.repeat({2, 1, 1}));
    for (const Tensor& half : both.chunk(2))
      EXPECT_LE(tensor::relative_error(half, golden["out"].slice(0, 0, 4)), kForwardLimit);
  }
}

/// What both layouts must agree on.
void expect_same_network(Prior& a, Prior& b) {
  const torch::NoGradGuard no_grad;
  const ForwardCase golden;
  EXPECT_EQ(a.picture_size, b.picture_size);
  EXPECT_TRUE(torch::equal(a.schedule.alphas_cumprod(), b.schedule.alphas_cumprod()));
  EXPECT_TRUE(torch::equal(embed(a, "a red car"), embed(b, "a red car")));
  const auto forward = [&](Prior& prior) {
    return prior.unet->forward(golden["sample"], golden["timestep"], golden.context(),
                               {.cameras = golden["camera"], .views = prior.unet->config().views});
  };
  EXPECT_TRUE(torch::equal(forward(a), forward(b)));
}

TEST(MultiViewGolden, FolderAndCheckpointGiveEqualBits) {
  const lucid::test::TemporaryFolder temporary;
  const fs::path folder = make_multi_view_folder(temporary.path / "mvdream");
  Prior port = load_prior(folder);
  Prior official = load_single_file(multi_view_checkpoint(), {.merges = {}, .configs = folder});
  expect_same_network(port, official);
  EXPECT_EQ(port.picture_size, 64);

  // The same network in diffusers' own layout, as `lucid` would write one.
  const weights::StateDict named = weights::ldm_unet(weights::read_part(folder / "unet", "diffusion_pytorch_model"));
  weights::write_safetensors(folder / "unet/diffusion_pytorch_model.safetensors", named.tensors);
  write_file(folder / "unet/config.json", nlohmann::json({{"_class_name", "UNet2DConditionModel"},
                                                          {"block_out_channels", {32, 64}},
                                                          {"down_block_types", {"CrossAttnDownBlock2D", "DownBlock2D"}},
                                                          {"up_block_types", {"UpBlock2D", "CrossAttnUpBlock2D"}},
                                                          {"layers_per_block", 1},
                                                          {"attention_head_dim", {2, 4}},
                                                          {"cross_attention_dim", 32},
                                                          {"use_linear_projection", true},
                                                          {"camera_dim", 16},
                                                          {"sample_size", 8}})
                                              .dump());
  Prior own = load_prior(folder);
  expect_same_network(port, own);
}

TEST(MultiViewGolden, SizesFollowFromShapes) {
  const weights::LdmParts parts = weights::split_ldm(weights::read_weights(multi_view_checkpoint()));
  EXPECT_TRUE(parts.unknown.empty()) << parts.unknown.front();
  const auto port = diffusion::UNetConfig::from_file(lucid::test::multi_view_goldens() / "unet/config.json"),
             found = unet_config_of(parts);
  EXPECT_EQ(found.camera_dim, 16);
  EXPECT_EQ(found.views, 4);
  EXPECT_EQ(found.block_out_channels, port.block_out_channels);
  EXPECT_EQ(found.down_block_types, port.down_block_types);
  EXPECT_EQ(found.up_block_types, port.up_block_types);
  EXPECT_EQ(found.layers_per_block, port.layers_per_block);
  EXPECT_EQ(found.cross_attention_dim, port.cross_attention_dim);
  EXPECT_EQ(found.use_linear_projection, port.use_linear_projection);
  EXPECT_EQ(encoder_config_of(parts).layers, 2);  // of three: the last is unused
}

TEST(MultiViewGolden, DescriptionsNameIt) {
  const WeightsDescription file = describe_weights(multi_view_checkpoint());
  EXPECT_TRUE(file.what.starts_with("MVDream (Stable Diffusion 2.x with cameras, 4 views at once) checkpoint"))
      << file.what;
  EXPECT_EQ(file.kind, WeightsKind::kCheckpoint);
  EXPECT_TRUE(file.refusal.empty()) << file.refusal;
  const lucid::test::TemporaryFolder temporary;
  const fs::path folder = make_multi_view_folder(temporary.path / "mvdream");
  const WeightsDescription described = describe_weights(folder);
  EXPECT_EQ(described.kind, WeightsKind::kFolder);
  EXPECT_TRUE(described.refusal.empty() && described.missing.empty()) << described.refusal;
  EXPECT_TRUE(model_name(load_prior(folder)).starts_with("MVDream (Stable Diffusion 2.x with cameras"));
}

/// The checkpoint's tensors, changed, as a file.
template <class Change>
fs::path changed_checkpoint(const fs::path& folder, const Change& change) {
  std::map<std::string, Tensor> tensors = weights::read_weights(multi_view_checkpoint()).tensors;
  change(tensors);
  const fs::path file = folder / "changed.safetensors";
  weights::write_safetensors(file, tensors);
  return file;
}

TEST(MultiViewGolden, FilesThatDoNotFitAreRefused) {
  const lucid::test::TemporaryFolder temporary;
  const fs::path folder = make_multi_view_folder(temporary.path / "mvdream");
  const std::string embed = "model.diffusion_model.camera_embed.";
  using Tensors = std::map<std::string, Tensor>;
  const auto refusal = [&](const auto& change) {
    const fs::path file = changed_checkpoint(temporary.path, change);
    return refusal_of([&] { load_single_file(file, {.merges = {}, .configs = folder}); });
  };
  const auto without_configs = [&](const auto& change) {
    const fs::path file = changed_checkpoint(temporary.path, change);
    return refusal_of([&] { describe_weights(file); });
  };
  const auto wider = [&](Tensors& t) { t[embed + "0.weight"] = torch::zeros({128, 17}); };
  EXPECT_NE(refusal(wider).find("camera_embedding.linear_1.weight"), std::string::npos) << refusal(wider);
  EXPECT_NE(without_configs(wider).find("takes 17 numbers"), std::string::npos) << without_configs(wider);
  const auto flat = [&](Tensors& t) { t[embed + "0.weight"] = torch::zeros({128}); };
  EXPECT_NE(without_configs(flat).find("unexpected shape"), std::string::npos) << without_configs(flat);
  const auto half = [&](Tensors& t) { t.erase(embed + "2.weight"); };
  EXPECT_NE(refusal(half).find("camera_embedding.linear_2.weight"), std::string::npos) << refusal(half);
  const auto none = [&](Tensors& t) {
    for (const char* end : {"0.weight", "0.bias", "2.weight", "2.bias"}) t.erase(embed + end);
  };
  EXPECT_NE(refusal(none).find("camera_embedding"), std::string::npos) << refusal(none);
  const auto picture = [](Tensors& t) { t["model.diffusion_model.image_embed.latents"] = torch::zeros({1, 16, 32}); };
  EXPECT_NE(refusal(picture).find("ImageDream: not supported"), std::string::npos) << refusal(picture);
  EXPECT_EQ(describe_weights(changed_checkpoint(temporary.path, picture)).what, "ImageDream");
}

TEST(MultiViewGolden, FoldersThatDoNotFitAreRefused) {
  const lucid::test::TemporaryFolder temporary;
  const fs::path folder = make_multi_view_folder(temporary.path / "mvdream"), config = folder / "unet/config.json";
  const nlohmann::json good = nlohmann::json::parse(read_file(config));
  const auto refusal = [&](const std::string& key, const nlohmann::json& value) {
    nlohmann::json changed = good;
    changed[key] = value;
    write_file(config, changed.dump());
    return refusal_of([&] { load_prior(folder); });
  };
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
           {"context_dim", 48, ""},
           {"adm_in_channels", 4, "adm_in_channels"}}) {
    const std::string found = refusal(key, value);
    EXPECT_FALSE(found.empty()) << key;
    EXPECT_NE(found.find(message), std::string::npos) << found;
  }
  EXPECT_EQ(describe_weights([&] {
              refusal("ip_dim", 16);
              return folder;
            }())
                .what,
            "ImageDream");
}

}  // namespace
}  // namespace lucid::text_to_image
