// SPDX-License-Identifier: Apache-2.0
// Tests of single_file.h: a single file gives the same prior as the folder of that model.
#include "lucid/text_to_image/single_file.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/nn/layout.h"
#include "mistakes.h"

namespace lucid::text_to_image {
namespace {

namespace fs = std::filesystem;

fs::path sd() { return lucid::test::goldens() / "sd"; }
fs::path merges() { return lucid::test::source_dir() / "models/clip/merges.txt.gz"; }

void expect_same_prior(Prior& a, Prior& b) {
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(a.picture_size, b.picture_size);
  EXPECT_TRUE(torch::equal(a.schedule.alphas_cumprod(), b.schedule.alphas_cumprod()));
  EXPECT_EQ(a.schedule.config().prediction, b.schedule.config().prediction);
  const torch::Tensor prompt = embed(a, "a red car");
  EXPECT_TRUE(torch::equal(prompt, embed(b, "a red car")));
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({1, 4, 8, 8}), t = torch::tensor({int64_t{300}}),
                      rgb = torch::rand({1, 3, 64, 64});
  EXPECT_TRUE(torch::equal(a.unet->forward(x, t, prompt), b.unet->forward(x, t, prompt)));
  EXPECT_TRUE(torch::equal(a.vae->encode_moments(rgb), b.vae->encode_moments(rgb)));
  EXPECT_TRUE(torch::equal(a.vae->decode(x), b.vae->decode(x)));
}

TEST(SingleFileGolden, EveryLayoutGivesEqualBits) {
  for (const auto& [folder, file] :
       {std::pair("tiny-sd1", "tiny-sd1-fp16.safetensors"), std::pair("tiny-sd1", "tiny-sd1.ckpt"),
        std::pair("tiny-sd2-base", "tiny-sd2-base-fp16.safetensors")}) {
    SCOPED_TRACE(file);
    Prior whole = load_prior(sd() / folder);
    Prior single = load_single_file(sd() / "single" / file, {.merges = merges(), .configs = sd() / folder});
    expect_same_prior(whole, single);
    EXPECT_EQ(single.weight_files, std::vector<fs::path>{sd() / "single" / file});
  }
}

TEST(SingleFileGolden, SizesFollowFromShapes) {
  for (const auto& [folder, file] : {std::pair("tiny-sd1", "tiny-sd1-fp16.safetensors"),
                                     std::pair("tiny-sd2-base", "tiny-sd2-base-fp16.safetensors")}) {
    const weights::LdmParts parts = weights::split_ldm(weights::read_safetensors(sd() / "single" / file));
    const auto unet = diffusion::UNetConfig::from_file(sd() / folder / "unet/config.json"),
               found = unet_config_of(parts);
    EXPECT_EQ(found.block_out_channels, unet.block_out_channels);
    EXPECT_EQ(found.down_block_types, unet.down_block_types);
    EXPECT_EQ(found.up_block_types, unet.up_block_types);
    EXPECT_EQ(found.layers_per_block, unet.layers_per_block);
    EXPECT_EQ(found.cross_attention_dim, unet.cross_attention_dim);
    EXPECT_EQ(found.use_linear_projection, unet.use_linear_projection);
    const auto vae = diffusion::VaeConfig::from_file(sd() / folder / "vae/config.json"),
               vae_found = vae_config_of(parts);
    EXPECT_EQ(vae_found.block_out_channels, vae.block_out_channels);
    EXPECT_EQ(vae_found.layers_per_block, vae.layers_per_block);
    EXPECT_EQ(vae_found.latent_channels, vae.latent_channels);
    const auto text = text::EncoderConfig::from_file(sd() / folder / "text_encoder/config.json");
    const auto text_found = encoder_config_of(parts);
    EXPECT_EQ(text_found.layers, text.layers);
    EXPECT_EQ(text_found.hidden_size, text.hidden_size);
    EXPECT_EQ(text_found.intermediate_size, text.intermediate_size);
    EXPECT_EQ(text_found.vocab_size, text.vocab_size);
    EXPECT_EQ(text_found.activation, text.activation);
  }
}

/// The exact model of a data set that is one grey image, as epsilon or v model.
class OnePicture final : public diffusion::Denoiser {
 public:
  explicit OnePicture(bool velocity) : velocity_(velocity) {}
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& t, const nn::PromptMix&) override {
    EXPECT_EQ(t.item<int64_t>(), 999);
    constexpr double kAlpha = 0.0047, kPicture = 0.3;
    const torch::Tensor noise = (x - std::sqrt(kAlpha) * kPicture) / std::sqrt(1 - kAlpha);
    return velocity_ ? std::sqrt(kAlpha) * noise - std::sqrt(1 - kAlpha) * kPicture : noise;
  }

 private:
  bool velocity_;
};

TEST(SingleFile, DetectsEpsilonAndVPrediction) {
  OnePicture noise(false), velocity(true);
  const torch::Tensor prompt = torch::zeros({1, 2, 3});
  EXPECT_EQ(detect_prediction(noise, 4, prompt), diffusion::Prediction::kEpsilon);
  EXPECT_EQ(detect_prediction(velocity, 4, prompt), diffusion::Prediction::kV);
}

TEST(SingleFile, OtherFilesAreRejected) {
  const SingleFileOptions options{.merges = merges()};
  const auto refused = [&](const fs::path& file) {
    return lucid::test::mistake_of([&] { load_single_file(file, options); });
  };
  EXPECT_NE(
      refused(sd() / "tiny-sd1/unet/diffusion_pytorch_model.safetensors").what_happened.find("model.diffusion_model"),
      std::string::npos);
  EXPECT_NE(refused(sd() / "no-such.ckpt").what_happened, "");
  EXPECT_NE(refused(sd() / "single/tiny-sd1.ckpt").hint.find("prior_config"), std::string::npos) << "8 channels";
}

}  // namespace
}  // namespace lucid::text_to_image
