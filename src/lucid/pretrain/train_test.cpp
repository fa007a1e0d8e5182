// SPDX-License-Identifier: Apache-2.0
// Tests with full trainings of the tiny preset: the losses fall, a resumed run equals an unbroken one, the folder
// loads.
#include "lucid/pretrain/train.h"

#include <gtest/gtest.h>

#include <fstream>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/pretrain/sampler.h"
#include "lucid/pretrain/toy_corpus_test.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pretrain {
namespace {
namespace fs = std::filesystem;

/// A corpus and one full training, shared by the tests.
class PriorTraining : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new lucid::test::TemporaryFolder;
    test::write_toy_corpus(corpus());
    ASSERT_TRUE(train_prior(test::tiny_options(corpus(), out())));
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static fs::path corpus() { return folder_->path / "corpus"; }
  static fs::path out() { return folder_->path / "prior"; }

  /// Values of `key` in the log, in order.
  static std::vector<double> logged(const std::string& stage, const std::string& key, const fs::path& folder = out()) {
    std::vector<double> values;
    std::ifstream in(folder / "progress" / "log.jsonl");
    for (std::string line; std::getline(in, line);) {
      const auto json = nlohmann::json::parse(line);
      if (json.at("stage") == stage && json.contains(key)) values.push_back(json.at(key));
    }
    return values;
  }
  static void expect_equal_files(const fs::path& a, const fs::path& b) {
    const auto first = weights::read_safetensors(a), second = weights::read_safetensors(b);
    ASSERT_EQ(first.tensors.size(), second.tensors.size());
    for (const auto& [name, tensor] : first.tensors) EXPECT_TRUE(torch::equal(tensor, second.tensors.at(name))) << name;
  }

 private:
  static lucid::test::TemporaryFolder* folder_;
};
lucid::test::TemporaryFolder* PriorTraining::folder_ = nullptr;

TEST_F(PriorTraining, EveryStageLearns) {
  for (const char* stage : {"text", "vae", "unet"}) {
    const std::vector<double> losses = logged(stage, "loss");
    ASSERT_GE(losses.size(), 2u) << stage;
    EXPECT_LT(losses.back(), 0.85 * losses.front()) << stage;
  }
  EXPECT_GT(logged("vae", "psnr").back(), 12);
  EXPECT_LT(logged("unet", "unseen_views").back(), 0.95);  // a prediction of 0 has error 1
  EXPECT_TRUE(fs::exists(out() / "progress" / "unet_000040.png"));
}

TEST_F(PriorTraining, DifferentCaptionsAndViewsDoNotCollapse) {
  EXPECT_GT(logged("text", "caption_spread_least").back(), 0.15);
  EXPECT_GT(logged("text", "view_spread_least").back(), 0.1);
}

TEST_F(PriorTraining, TheFolderLoadsAndComputesWhatWasTrained) {
  const text_to_image::Prior prior = text_to_image::load_prior(out());
  EXPECT_EQ(prior.picture_size, test::kSize);
  EXPECT_EQ(text_to_image::ViewAnchors::of_prior(out()).anchors().size(), view_anchors().anchors().size());
  EXPECT_EQ(prior.tokenizer.count("a blue disc"), 3);
  EXPECT_LT(fs::file_size(out() / "unet/diffusion_pytorch_model.safetensors"), 4'000'000u);

  // A network with the float32 EMA weights of the checkpoint.
  const auto state = weights::read_safetensors(out() / "checkpoints/unet.safetensors");
  diffusion::UNet trained(prior.unet->config());
  const torch::NoGradGuard no_grad;
  for (auto& item : trained->named_parameters()) item.value().copy_(state.tensors.at("ema." + item.key()));
  torch::manual_seed(3);
  const torch::Tensor x = torch::randn({2, 4, 8, 8}), t = torch::tensor({100, 700}, torch::kLong);
  const torch::Tensor context = text_to_image::embed(prior, "a red disc, front view").expand({2, -1, -1});
  diffusion::UNet loaded = prior.unet;
  EXPECT_LT((loaded->forward(x, t, context) - trained->forward(x, t, context)).abs().max().item<double>(), 0.02);
  EXPECT_GT((loaded->forward(x, t, context)).abs().max().item<double>(), 0.1);

  const torch::Tensor sheet = sample_sheet(prior, {"a red disc", "a green square"}, 3, {.steps = 4});
  EXPECT_EQ(sheet.size(0), 3);
  EXPECT_TRUE(torch::isfinite(sheet).all().item<bool>());
}

TEST_F(PriorTraining, AResumedRunIsTheUnbrokenOne) {
  for (const auto& [stage, setting] :
       {std::pair{"vae", &TrainOptions::vae_steps}, {"unet", &TrainOptions::unet_steps}}) {
    const lucid::test::TemporaryFolder broken;
    fs::copy(out(), broken.path / "prior", fs::copy_options::recursive);
    fs::remove(broken.path / "prior/checkpoints" / (std::string(stage) + ".safetensors"));
    TrainOptions options = test::tiny_options(corpus(), broken.path / "prior");
    options.resume = true;
    options.stage = stage;
    // The stop flag is set from the start, so every run ends after one step.
    std::atomic<bool> stop{true};
    options.run.stop = &stop;
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(train_prior(options));
    stop = false;
    EXPECT_TRUE(train_prior(options));
    expect_equal_files(out() / "checkpoints" / (std::string(stage) + ".safetensors"),
                       broken.path / "prior/checkpoints" / (std::string(stage) + ".safetensors"));
  }
}

TEST_F(PriorTraining, AUNetIsTrainedFurtherOnItsPriorsTextEncoderAndVae) {
  const lucid::test::TemporaryFolder folder;
  const fs::path further = folder.path / "further";
  TrainOptions options = test::tiny_options(corpus(), further);
  options.from = out();
  options.unet_steps = 4;
  ASSERT_TRUE(train_prior(options));
  for (const char* file : {"text_encoder/model.safetensors", "vae/diffusion_pytorch_model.safetensors"}) {
    expect_equal_files(out() / file, further / file);
  }
  EXPECT_EQ(read_file(out() / "vae/config.json"), read_file(further / "vae/config.json"));
  // A few steps from where the prior's training ended, not from random weights.
  const double before = logged("unet", "unseen_views").back(), after = logged("unet", "unseen_views", further).back();
  EXPECT_NEAR(after, before, 0.1 * before);
  const auto weights = [](const fs::path& prior) {
    return weights::read_safetensors(prior / "unet/diffusion_pytorch_model.safetensors").tensors.at("conv_out.weight");
  };
  EXPECT_FALSE(torch::equal(weights(out()), weights(further)));

  options.resume = true;
  options.from.clear();
  EXPECT_THROW(train_prior(options), UserError);  // another run's checkpoint
  options.from = out();
  options.stage = "vae";
  EXPECT_THROW(train_prior(options), UserError);  // only the U-Net
  fs::copy(out(), folder.path / "other words", fs::copy_options::recursive);
  write_file(folder.path / "other words/tokenizer/merges.txt", read_file(out() / "tokenizer/merges.txt") + "a b\n");
  options.stage = "all";
  options.from = folder.path / "other words";
  EXPECT_THROW(train_prior(options), UserError);
}

TEST_F(PriorTraining, AGpuLearnsTooAndItsPriorLoadsOnTheCpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device can be used here";
  const lucid::test::TemporaryFolder folder;
  const fs::path prior = folder.path / "prior";
  TrainOptions options = test::tiny_options(corpus(), prior);
  options.run.device = torch::Device(torch::kCUDA, 0);
  options.run.threads = 1;
  options.run.low_precision = true;
  ASSERT_TRUE(train_prior(options));
  for (const char* stage : {"text", "vae", "unet"}) {
    const std::vector<double> losses = logged(stage, "loss", prior);
    ASSERT_GE(losses.size(), 2u) << stage;
    EXPECT_LT(losses.back(), losses.front()) << stage;
  }
  EXPECT_GT(logged("vae", "psnr", prior).back(), 12);
  EXPECT_LT(logged("unet", "unseen_views", prior).back(), 0.95);
  const torch::Tensor sheet = sample_sheet(text_to_image::load_prior(prior), {"a red disc"}, 2, {.steps = 4});
  EXPECT_TRUE(torch::isfinite(sheet).all().item<bool>());

  options.resume = true;
  options.unet_steps = 60;
  EXPECT_TRUE(train_prior(options));
  options.run.device = torch::kCPU;
  EXPECT_THROW(train_prior(options), UserError);  // another device's checkpoints
}

TEST_F(PriorTraining, InvalidOptionsAndFoldersAreRejected) {
  TrainOptions options = test::tiny_options(corpus(), out());
  EXPECT_THROW(train_prior(options), UserError);  // holds a run, no resume
  options.resume = true;
  options.run.seed = 8;
  EXPECT_THROW(train_prior(options), UserError);  // another run's checkpoints
  options = test::tiny_options(corpus(), out().parent_path() / "other");
  options.stage = "unet";
  EXPECT_THROW(train_prior(options), UserError);  // the stages before it are missing
  options.stage = "nothing";
  EXPECT_THROW(train_prior(options), UserError);
  options.preset = "default";
  options.stage = "all";
  EXPECT_THROW(train_prior(options), UserError);  // 16 pixels are too few for it
}

}  // namespace
}  // namespace lucid::pretrain
