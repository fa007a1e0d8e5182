// SPDX-License-Identifier: Apache-2.0
// What is said of weights: every kind of file, folders that lack one file, models of other kinds, files that are none.
#include "lucid/text_to_image/weights_description.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/text_to_image/prior_checks.h"
#include "lucid/weights/state_dict.h"

namespace lucid::text_to_image {
namespace {
namespace fs = std::filesystem;
using lucid::test::TemporaryFolder;

fs::path golden(const std::string& name) { return lucid::test::goldens() / name; }

/// What check_usable() or the description itself says against it; "" if nothing.
std::string objection(const fs::path& path) {
  try {
    check_usable(describe_weights(path));
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

fs::path copy_of(const std::string& name, const TemporaryFolder& folder) {
  fs::remove_all(folder.path / "prior");
  fs::copy(golden(name), folder.path / "prior", fs::copy_options::recursive);
  return folder.path / "prior";
}

TEST(WeightsDescription, CompleteFolders) {
  for (const auto& [name, model] : {std::pair("sd/tiny-sd1", "Stable Diffusion 1.x, of sizes"),
                                    {"sd/tiny-sd2-base", "Stable Diffusion 2.x base"},
                                    {"sd/tiny-sd2-v", "Stable Diffusion 2.x, v-prediction"}}) {
    const WeightsDescription found = describe_weights(golden(name));
    EXPECT_EQ(found.kind, WeightsKind::kFolder);
    EXPECT_TRUE(found.missing.empty() && found.refusal.empty()) << objection(golden(name));
    EXPECT_EQ(found.files.size(), 3);
    EXPECT_GT(found.numbers(), 100'000) << name;
    EXPECT_PRED2(holds, model_name(load_prior(golden(name))), model);
  }
  EXPECT_EQ(describe_weights(golden("sd/tiny-sd1")).stored.begin()->first, "float32");
}

TEST(WeightsDescription, EachMissingFileIsNamedWhereDiffusersHasIt) {
  const TemporaryFolder folder;
  std::vector<std::string> files(kPriorFiles.begin(), kPriorFiles.end());
  for (const char* file : {"text_encoder/model.safetensors", "unet/diffusion_pytorch_model.safetensors",
                           "vae/diffusion_pytorch_model.safetensors"})
    files.emplace_back(file);
  for (const std::string& file : files) {
    const fs::path prior = copy_of("sd/tiny-sd1", folder);
    fs::remove(prior / file);
    EXPECT_EQ(describe_weights(prior).missing, std::vector{file});
    EXPECT_PRED2(holds, objection(prior), file + " is missing");
  }
  const fs::path prior = copy_of("sd/tiny-sd1", folder);
  fs::remove_all(prior / "vae");
  fs::remove(prior / "unet/config.json");
  EXPECT_PRED2(holds, objection(prior),
               "unet/config.json, vae/config.json, vae/diffusion_pytorch_model.safetensors are missing");
}

TEST(WeightsDescription, AMissingShardIsNamed) {
  const TemporaryFolder folder;
  const fs::path prior = copy_of("sd/tiny-sd1", folder);
  fs::remove(prior / "unet/diffusion_pytorch_model.safetensors");
  const fs::path index = prior / "unet/diffusion_pytorch_model.safetensors.index.json";
  lucid::write_file(index, R"({"weight_map": {"a": "diffusion_pytorch_model-00001-of-00002.safetensors"}})");
  EXPECT_PRED2(holds, objection(prior), "unet/diffusion_pytorch_model-00001-of-00002.safetensors is missing");
  lucid::write_file(index, R"({"weight_map": 3})");
  EXPECT_PRED2(holds, objection(prior), "index.json");
}

TEST(WeightsDescription, SingleFilesAndAdapters) {
  struct Case {
    std::string file;
    WeightsKind kind;
    std::string what;
  };
  for (const Case& c : std::vector<Case>{
           {"sd/single/tiny-sd1.ckpt", WeightsKind::kCheckpoint, "Stable Diffusion 1.x checkpoint"},
           {"sd/single/tiny-sd1-fp16.safetensors", WeightsKind::kCheckpoint, "Stable Diffusion 1.x checkpoint"},
           {"sd/single/tiny-sd2-base-fp16.safetensors", WeightsKind::kCheckpoint, "Stable Diffusion 2.x checkpoint"},
           {"adapters/lora_kohya.safetensors", WeightsKind::kLora, "LoRA (kohya)"},
           {"adapters/lora_peft.safetensors", WeightsKind::kLora, "LoRA (PEFT) for a text encoder 32 wide"},
           {"adapters/lora_pti.safetensors", WeightsKind::kLora, "cloneofsimo"},
           {"adapters/ti_single.safetensors", WeightsKind::kInversion, "textual inversion, width 32"},
           {"adapters/controlnet", WeightsKind::kControlNet, "ControlNet for a text encoder 32 wide"},
           {"adapters/controlnet/diffusion_pytorch_model.safetensors", WeightsKind::kControlNet, "ControlNet"}}) {
    const WeightsDescription found = describe_weights(golden(c.file));
    EXPECT_EQ(found.kind, c.kind) << c.file;
    EXPECT_PRED2(holds, found.what, c.what);
    EXPECT_EQ(objection(golden(c.file)), "") << c.file;
  }
  EXPECT_TRUE(describe_weights(golden("sd/single/tiny-sd1-fp16.safetensors")).stored.contains("float16"));
  EXPECT_FALSE(describe_weights(golden("adapters/ti_single.safetensors")).words.empty());
  EXPECT_FALSE(describe_weights(golden("adapters/lora_pti.safetensors")).words.empty());
  EXPECT_EQ(family_of_width(768), "Stable Diffusion 1.x");
  EXPECT_EQ(family_of_width(1024), "Stable Diffusion 2.x");
}

TEST(WeightsDescription, OtherModelsAreRefusedByName) {
  const TemporaryFolder folder;
  const fs::path prior = copy_of("sd/tiny-sd1", folder);
  const auto said_of = [&](const char* file, const std::string& json) {
    const std::string before = lucid::read_file(prior / file);
    lucid::write_file(prior / file, json);
    const std::string text = objection(prior);
    lucid::write_file(prior / file, before);
    return text;
  };
  const char *index = "model_index.json", *unet = "unet/config.json";
  EXPECT_PRED2(holds, said_of(index, R"({"_class_name": "FluxPipeline"})"), "FLUX: not supported");
  // The U-Net's config alone tells it, where the pipeline's name does not.
  EXPECT_PRED2(holds, said_of(index, R"({"_class_name": "StableDiffusionXLInpaintPipeline"})"),
               "an SDXL inpainting model: not supported");
  // SDXL's U-Net without its second text encoder.
  EXPECT_PRED2(holds, said_of(unet, R"({"addition_embed_type": "text_time"})"), "text_encoder_2/config.json");
  EXPECT_PRED2(holds, said_of(unet, R"({"in_channels": 9})"), "an inpainting model: not supported");
  EXPECT_EQ(said_of(unet, R"({"in_channels": 8})"), "") << "InstructPix2Pix";
  EXPECT_PRED2(holds, said_of(unet, R"({"class_embed_type": "projection"})"), "unCLIP: not supported");
  EXPECT_PRED2(holds, said_of(unet, "{"), "config.json");
  EXPECT_EQ(objection(prior), "");
  const fs::path file = folder.path / "m.safetensors";
  const auto expect = [&](const std::string& tensor, const torch::Tensor& value, const std::string& name) {
    weights::write_safetensors(file, {{tensor, value}});
    EXPECT_PRED2(holds, objection(file), name + ": not supported");
  };
  const torch::Tensor one = torch::ones({2, 2});
  expect("model.diffusion_model.joint_blocks.0.x_block.mlp.fc1.weight", one, "Stable Diffusion 3");
  expect("double_blocks.0.img_attn.proj.weight", one, "FLUX");
  expect("conditioner.embedders.0.model.ln_final.bias", one, "SDXL's refiner");
  expect("model.diffusion_model.label_emb.0.0.weight", one, "unCLIP or upscaling");
}

TEST(WeightsDescription, PartsAndWrongFoldersSayWhatToName) {
  EXPECT_PRED2(holds, objection(golden("sd/tiny-sd1/unet/diffusion_pytorch_model.safetensors")),
               "belongs at unet/diffusion_pytorch_model.safetensors");
  EXPECT_PRED2(holds, objection(golden("sd/tiny-sd1/vae")), "name the folder above it");
  const TemporaryFolder folder;
  EXPECT_PRED2(holds, objection(folder.path), "no model_index.json");
  fs::copy_file(golden("sd/single/tiny-sd1.ckpt"), folder.path / "model.ckpt");
  EXPECT_PRED2(holds, objection(folder.path), (folder.path / "model.ckpt").string());
  fs::create_directories(folder.path / "cache/snapshots/abc");
  lucid::write_file(folder.path / "cache/snapshots/abc/model_index.json", "{}");
  EXPECT_PRED2(holds, objection(folder.path / "cache"), "name " + (folder.path / "cache/snapshots/abc").string());
  EXPECT_PRED2(holds, objection(folder.path / "nowhere"), "does not exist");
}

TEST(WeightsDescription, FilesThatAreNoWeights) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "m.safetensors";
  const auto said_of = [&](const std::string& content) {
    lucid::write_file(file, content);
    return objection(file);
  };
  EXPECT_PRED2(holds, said_of("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n"), "Git LFS");
  EXPECT_PRED2(holds, said_of("<!DOCTYPE html><html>"), "web page");
  EXPECT_PRED2(holds, said_of("These are my notes on weights, nothing else."), "m.safetensors");
  EXPECT_NE(said_of(""), "");
  const std::string whole = lucid::read_file(golden("sd/single/tiny-sd1-fp16.safetensors"));
  for (const size_t size : {size_t{4}, size_t{100}, whole.size() / 2, whole.size() - 1})
    EXPECT_PRED2(holds, said_of(whole.substr(0, size)), "m.safetensors") << size;
  const std::string pickled = lucid::read_file(golden("sd/single/tiny-sd1.ckpt"));
  EXPECT_NE(said_of(pickled.substr(0, pickled.size() / 2)), "");
  weights::write_safetensors(file, {{"some.thing", torch::ones({2, 2})}});
  EXPECT_PRED2(holds, objection(file), "nothing that lucid knows");
  EXPECT_PRED2(holds, objection("/dev/zero"), "neither a file nor a folder");
  // A placeholder inside a folder is told too.
  const fs::path prior = copy_of("sd/tiny-sd1", folder);
  lucid::write_file(prior / "unet/diffusion_pytorch_model.safetensors", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_PRED2(holds, objection(prior), "Git LFS");
}

TEST(WeightsDescription, PublishedFilesAreKnownByTheirHash) {
  EXPECT_PRED2(holds, published_name("fe4efff1e174c627256e44ec2991ba279b3816e364b49f9be2abc0b3ff3f8556"), "1.4");
  EXPECT_EQ(published_name(std::string(64, '0')), "");
}

}  // namespace
}  // namespace lucid::text_to_image
