// SPDX-License-Identifier: Apache-2.0
// Tests of prior.h: loading the shipped prior, its view prompts, and folders with missing or mismatched parts.
#include "lucid/text_to_image/prior.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/distill/toy_denoiser.h"

namespace lucid::text_to_image {
namespace {

namespace fs = std::filesystem;

fs::path mini() { return lucid::test::source_dir() / "models/mini"; }

TEST(Prior, TheShippedOneLoadsFrozenAndKnowsItsSize) {
  const Prior prior = load_prior(mini());
  EXPECT_EQ(prior.picture_size, 128);
  EXPECT_EQ(prior.folder, mini());
  EXPECT_EQ(prior.weight_files.size(), 3u);
  for (const fs::path& file : prior.weight_files) EXPECT_TRUE(fs::is_regular_file(file)) << file;
  for (const auto& parameter : prior.unet->parameters()) EXPECT_FALSE(parameter.requires_grad());
  EXPECT_FALSE(prior.unet->is_training());
  EXPECT_FALSE(prior.vae->is_training());
  EXPECT_FALSE(prior.encoder->is_training());
}

TEST(Prior, ViewPromptsAreTheEmbeddingsOfTheirSentences) {
  const Prior prior = load_prior(mini());
  const ViewPrompts prompts = view_prompts(prior, "a hamburger", "", "");
  const auto& anchors = prompts.anchors().anchors();
  ASSERT_EQ(anchors.size(), 16u) << "the shipped prior's own table";
  EXPECT_EQ(prompts.embeddings().sizes(), (std::vector<int64_t>{16, 77, prior.unet->config().cross_attention_dim}));
  for (size_t k = 0; k < anchors.size(); ++k) {
    EXPECT_TRUE(
        torch::equal(prompts.embeddings()[static_cast<int64_t>(k)], embed(prior, "a hamburger" + anchors[k].words)[0]))
        << anchors[k].words;
  }
  EXPECT_TRUE(torch::equal(prompts.negative(), prompts.inverse()));
  EXPECT_FALSE(torch::equal(prompts.embeddings()[0], prompts.embeddings()[1]));
  EXPECT_FALSE(prompts.embeddings().requires_grad());
}

TEST(Prior, WithoutATableOfItsOwnAPriorHasTheReferencesThreeWords) {
  const ViewPrompts prompts = view_prompts(load_prior(lucid::test::goldens() / "sd/tiny-sd2-base"), "a cat", "", "");
  std::vector<std::string> words;
  for (const ViewAnchor& anchor : prompts.anchors().anchors()) words.push_back(anchor.words);
  EXPECT_EQ(words, (std::vector<std::string>{", side view", ", front view", ", side view", ", back view"}));
}

TEST(Prior, EveryGoldenFolderLoads) {
  int loaded = 0;
  for (const auto& entry : fs::directory_iterator(lucid::test::goldens() / "sd")) {
    if (!fs::is_regular_file(entry.path() / "model_index.json")) continue;
    const Prior prior = load_prior(entry.path());
    EXPECT_GT(prior.picture_size, 0) << entry.path();
    EXPECT_EQ(embed(prior, "a cat").size(2), prior.unet->config().cross_attention_dim);
    ++loaded;
  }
  EXPECT_GE(loaded, lucid::test::goldens_are_committed() ? 3 : 1);
}

TEST(Prior, MissingFilesAreNamed) {
  const lucid::test::TemporaryFolder folder;
  EXPECT_THROW(load_prior(folder.path / "nowhere"), UserError);
  EXPECT_THROW(load_prior(folder.path), UserError);
  const fs::path copy = folder.path / "prior";
  for (const char* part :
       {"model_index.json", "tokenizer/merges.txt", "text_encoder/config.json",
        "unet/diffusion_pytorch_model.safetensors", "vae/config.json", "scheduler/scheduler_config.json"}) {
    SCOPED_TRACE(part);
    fs::remove_all(copy);
    for (const auto& entry : fs::recursive_directory_iterator(mini())) {  // links, because the weights are large
      const fs::path to = copy / fs::relative(entry.path(), mini());
      fs::create_directories(to.parent_path());
      if (entry.is_regular_file()) fs::create_symlink(entry.path(), to);
    }
    fs::remove(copy / part);
    try {
      load_prior(copy);
      FAIL() << "was accepted";
    } catch (const UserError& error) {
      EXPECT_EQ(error.mistake().file, (copy / part).string());
      EXPECT_FALSE(error.mistake().hint.empty());
    }
  }
}

TEST(Prior, PartsOfDifferentModelsAreRefused) {
  const lucid::test::TemporaryFolder folder;
  const fs::path copy = folder.path / "prior";
  fs::copy(mini(), copy, fs::copy_options::recursive);
  ASSERT_NO_THROW(load_prior(copy));
  const fs::path other = lucid::test::goldens() / "distill/unet";
  fs::remove_all(copy / "unet");
  fs::copy(other, copy / "unet", fs::copy_options::recursive);
  EXPECT_THROW(load_prior(copy), UserError);
}

}  // namespace
}  // namespace lucid::text_to_image
