// SPDX-License-Identifier: Apache-2.0
// Tests of ldm.h: single-file checkpoints give the same tensors, bit for bit, as the diffusers folders of those models.
#include "lucid/weights/ldm.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/weights/torch_file.h"
#include "mistakes.h"

namespace lucid::weights {
namespace {

namespace fs = std::filesystem;

fs::path sd() { return test::goldens() / "sd"; }

// tiny-sd1's folder has the names that older versions of diffusers gave to the VAE's attention.
std::string current_name(std::string name) {
  for (const auto& [old, now] : std::map<std::string, std::string>{
           {".query.", ".to_q."}, {".key.", ".to_k."}, {".value.", ".to_v."}, {".proj_attn.", ".to_out.0."}}) {
    const size_t at = name.find(old);
    if (at != std::string::npos) name.replace(at, old.size(), now);
  }
  return name;
}

void expect_part(const StateDict& found, const fs::path& folder, const std::string& stem) {
  const StateDict wanted = read_part(folder, stem);
  size_t compared = 0;
  for (const auto& [name, tensor] : wanted.tensors) {
    if (name.ends_with("position_ids")) continue;
    const auto it = found.tensors.find(current_name(name));
    ASSERT_NE(it, found.tensors.end()) << name;
    EXPECT_TRUE(it->second.to(torch::kFloat).equal(tensor.to(torch::kFloat))) << name;
    ++compared;
  }
  EXPECT_EQ(compared, found.tensors.size());
}

void expect_pipeline(const LdmParts& parts, const fs::path& folder) {
  expect_part(parts.unet, folder / "unet", "diffusion_pytorch_model");
  expect_part(parts.vae, folder / "vae", "diffusion_pytorch_model");
  expect_part(parts.text, folder / "text_encoder", "model");
  EXPECT_TRUE(parts.unknown.empty()) << parts.unknown.front();
}

TEST(LdmGolden, StableDiffusion1) {
  const LdmParts parts = split_ldm(read_safetensors(sd() / "single/tiny-sd1-fp16.safetensors"));
  EXPECT_FALSE(parts.open_clip);
  expect_pipeline(parts, sd() / "tiny-sd1");
}

TEST(LdmGolden, StableDiffusion1AsAPickle) {
  expect_pipeline(split_ldm(read_weights(sd() / "single/tiny-sd1.ckpt")), sd() / "tiny-sd1");
}

TEST(LdmGolden, StableDiffusion2WithOpenClip) {
  const LdmParts parts = split_ldm(read_safetensors(sd() / "single/tiny-sd2-base-fp16.safetensors"));
  EXPECT_TRUE(parts.open_clip);
  expect_pipeline(parts, sd() / "tiny-sd2-base");
}

TEST(Ldm, TheAveragedWeightsAreThoseOfInstructPix2PixAlone) {
  StateDict file = read_safetensors(sd() / "single/tiny-sd1-fp16.safetensors");
  file.tensors["model_ema.diffusion_modelout2bias"] = torch::full({4}, 7.0);
  const auto last_bias = [&] { return split_ldm(file).unet.tensors.at("conv_out.bias")[0].item<float>(); };
  const float trained = last_bias();
  EXPECT_NE(trained, 7);
  torch::Tensor& first = file.tensors.at("model.diffusion_model.input_blocks.0.0.weight");
  first = torch::cat({first, first}, 1);  // eight channels
  EXPECT_EQ(last_bias(), 7);
  file.tensors.erase("model_ema.diffusion_modelout2bias");  // a file without averages
  EXPECT_EQ(last_bias(), trained);
}

TEST(Ldm, MissingPartsAndUnknownTensorsAreReported) {
  const StateDict whole = read_safetensors(sd() / "single/tiny-sd1-fp16.safetensors");
  for (const std::string part : {"model.diffusion_model.", "first_stage_model.", "cond_stage_model."}) {
    StateDict rest = whole;
    std::erase_if(rest.tensors, [&](const auto& entry) { return entry.first.starts_with(part); });
    EXPECT_NE(test::mistake_of([&] { split_ldm(rest); }).what_happened.find(part), std::string::npos) << part;
  }
  StateDict strange = whole;
  strange.tensors["model.diffusion_model.output_blocks.3.7.x"] = torch::ones({1});
  strange.tensors["lora.up"] = torch::ones({1});
  EXPECT_EQ(split_ldm(strange).unknown.size(), 2u);
  StateDict without_steps = whole;
  std::erase_if(without_steps.tensors,
                [&](const auto& entry) { return entry.first.find(".op.") != std::string::npos; });
  EXPECT_NE(test::mistake_of([&] { split_ldm(without_steps); }).what_happened, "");
}

}  // namespace
}  // namespace lucid::weights
