// SPDX-License-Identifier: Apache-2.0
// Training of a multi-view U-Net: its groups and cameras, its first step, its resumes, what it has learnt, its folder.
#include <gtest/gtest.h>

#include <fstream>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/camera/multi_view.h"
#include "lucid/pretrain/latents.h"
#include "lucid/pretrain/multi_view/cameras.h"
#include "lucid/pretrain/multi_view/first_unet.h"
#include "lucid/pretrain/sampler.h"
#include "lucid/pretrain/toy_corpus_test.h"
#include "lucid/pretrain/unet_trainer.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/weights/state_dict.h"
#include "mistakes.h"

namespace lucid::pretrain {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kGroups = 12;  // of each item

/// A corpus with groups, a plain prior, and a multi-view prior trained from it; shared by the tests.
class MultiViewTraining : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new lucid::test::TemporaryFolder;
    test::write_toy_corpus(corpus(), kGroups);
    ASSERT_TRUE(train_prior(test::tiny_options(corpus(), plain())));
    write_file(plain() / "presets/learned/draft.yaml", "OptimizationParams:\n  iterations: 5\n");
    ASSERT_TRUE(train_prior(options(out())));
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static fs::path corpus() { return folder_->path / "corpus"; }
  static fs::path plain() { return folder_->path / "plain"; }
  static fs::path out() { return folder_->path / "multi-view"; }
  static TrainOptions options(const fs::path& folder) {
    TrainOptions options = test::tiny_options(corpus(), folder);
    options.from = plain();
    options.multi_view = true;
    options.unet_steps = 150;
    return options;
  }
  /// The last value of `key` in the log of the U-Net's stage.
  static double last(const std::string& key, const fs::path& prior = out()) {
    double value = std::nan("");
    std::ifstream in(prior / "progress/log.jsonl");
    for (std::string line; std::getline(in, line);) {
      const auto json = nlohmann::json::parse(line);
      if (json.at("stage") == "unet" && json.contains(key)) value = json.at(key);
    }
    return value;
  }

 private:
  static lucid::test::TemporaryFolder* folder_;
};
lucid::test::TemporaryFolder* MultiViewTraining::folder_ = nullptr;

TEST(MultiViewData, GroupsAreDrawnWholeAndHeldOutWhole) {
  const lucid::test::TemporaryFolder folder;
  test::write_toy_corpus(folder.path, kGroups);
  const corpus::Corpus corpus(folder.path);
  const Split split = split_of(corpus);
  ASSERT_FALSE(split.unseen_groups.empty());
  EXPECT_EQ(split.unseen_items_groups.size(), static_cast<size_t>(kGroups));
  const std::set<int64_t> train(split.train.begin(), split.train.end());
  for (const int64_t first : split.unseen_groups) {
    for (int64_t i = 0; i < corpus::kGroupViews; ++i) EXPECT_FALSE(train.contains(first + i));
  }
  int empty = 0, mirrored = 0, with_view_words = 0;
  const std::vector<Row> rows = draw_groups(corpus, split, Rng(1, "groups"), 1000);
  ASSERT_EQ(rows.size(), 4000u);
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row &row = rows[i], &first = rows[i - i % 4];
    EXPECT_TRUE(train.contains(row.view));
    const corpus::Item& item = corpus.items()[static_cast<size_t>(split.item_of[static_cast<size_t>(row.view)])];
    EXPECT_EQ((first.view - item.first_grouped_view()) % 4, 0);
    EXPECT_GE(first.view, item.first_grouped_view());
    EXPECT_EQ(row.view, first.view + static_cast<int64_t>(i % 4));
    EXPECT_EQ(row.caption, first.caption);
    EXPECT_EQ(row.mirrored, first.mirrored);
    EXPECT_EQ(row.view_words, first.view_words);
    with_view_words += row.view_words;
    empty += row.caption.empty();
    mirrored += row.mirrored;
  }
  EXPECT_NEAR(empty, 4000 * kEmptyPrompts, 160);
  EXPECT_GT(mirrored, 400);
  EXPECT_NEAR(with_view_words, 4000 * kGroupsWithViewWords, 250);
}

TEST(MultiViewData, AGroupHasOneTimestepAndNoiseForEachView) {
  const NoisyBatch batch =
      add_noise(diffusion::Schedule(noise_schedule()), torch::zeros({12, 2, 3, 3}), Rng(3, "noise"), 4);
  const torch::Tensor times = batch.timesteps.view({3, 4}), weights = batch.weights.view({3, 4});
  EXPECT_TRUE(torch::equal(times, times.slice(1, 0, 1).expand_as(times)));
  EXPECT_TRUE(torch::equal(weights, weights.slice(1, 0, 1).expand_as(weights)));
  EXPECT_NE(times[0][0].item<int64_t>(), times[1][0].item<int64_t>());
  EXPECT_FALSE(torch::equal(batch.noise[0], batch.noise[1]));
}

TEST(MultiViewData, CamerasAreThoseOfDistillation) {
  ViewOptions views;  // as in models/mini/presets
  views.joint_views = 4;
  views.theta = {50, 92};
  views.radius = {3.2, 3.2};
  views.fovy = {0.68, 0.68};
  Rng rng(5, "camera");
  const std::vector<Camera> cameras = sample_views(views, 8, rng);
  LatentSet set{.plain = torch::zeros({8, 1, 1, 1}),
                .mirrored_row = torch::zeros({8}, torch::kLong),
                .azimuth = torch::empty({8}),
                .elevation = torch::empty({8})};
  std::vector<Row> rows, mirrored;
  for (int64_t i = 0; i < 8; ++i) {
    const Camera& camera = cameras[static_cast<size_t>(i)];
    set.azimuth[i] = camera.phi;
    set.elevation[i] = 90 - camera.theta;
    rows.push_back({.view = i});
    mirrored.push_back({.view = i, .mirrored = true});
  }
  const torch::Tensor found = set.cameras_of(rows), turned = set.cameras_of(mirrored);
  ASSERT_EQ(found.sizes(), torch::IntArrayRef({8, 16}));
  for (int64_t i = 0; i < 8; ++i) {
    const auto expected = multi_view_camera(cameras[static_cast<size_t>(i)]);
    for (int64_t k = 0; k < 16; ++k)
      EXPECT_NEAR(found[i][k].item<double>(), expected[static_cast<size_t>(k)], 1e-6) << i << " " << k;
    // Of the mirrored picture's camera the position is mirrored: y in MVDream's world, whose front is +x.
    EXPECT_NEAR(turned[i][3].item<double>(), expected[3], 1e-6);
    EXPECT_NEAR(turned[i][7].item<double>(), -expected[7], 1e-6);
    EXPECT_NEAR(turned[i][11].item<double>(), expected[11], 1e-6);
  }
}

TEST_F(MultiViewTraining, BeginsAsThePlainNetworkWithJointAttention) {
  text_to_image::Prior prior = text_to_image::load_prior(plain());
  torch::manual_seed(1);
  diffusion::UNet unet = further_unet(prior.unet, /*multi_view=*/true);
  EXPECT_TRUE(unet->config().is_multi_view());
  const torch::Tensor x = torch::randn({8, 4, 8, 8}), t = torch::full({8}, 300, torch::kLong);
  const torch::Tensor context = text_to_image::embed(prior, "a red disc").expand({8, -1, -1});
  const torch::Tensor cameras =
      cameras_at({{0, 10}, {90, 10}, {180, 10}, {-90, 10}, {45, 0}, {135, 0}, {-135, 0}, {-45, 0}}, torch::kCPU);
  {
    const torch::NoGradGuard no_grad;
    // Rounding alone: with newer releases of libtorch a frozen network and one to be trained may differ in it.
    const auto same = [](const torch::Tensor& a, const torch::Tensor& b) { return torch::allclose(a, b, 1e-5, 1e-5); };
    const torch::Tensor with = unet->forward(x, t, context, {.cameras = cameras, .views = 4});
    EXPECT_TRUE(same(with, prior.unet->forward(x, t, context, {.views = 4})));
    EXPECT_TRUE(same(unet->forward(x, t, context), prior.unet->forward(x, t, context)));
    EXPECT_FALSE(torch::allclose(with, prior.unet->forward(x, t, context), 1e-3, 1e-4));
  }
  unet->forward(x, t, context, {.cameras = cameras, .views = 4}).square().mean().backward();
  EXPECT_GT(unet->named_parameters()["camera_embedding.linear_2.weight"].grad().norm().item<double>(), 0);
}

TEST_F(MultiViewTraining, LearnsGroupsAndKeepsSinglePictures) {
  EXPECT_LT(last("groups"), 0.6);  // a prediction of 0 has error 1
  EXPECT_LT(last("groups_of_unseen_items"), 0.6);
  EXPECT_LT(last("groups_with_view_words"), 0.6);
  for (const char* rise : {"without_prompt", "turned", "apart"})
    EXPECT_TRUE(std::isfinite(last(std::string("groups_rise_") + rise))) << rise;
  EXPECT_LT(last("unseen_views"), last("unseen_views", plain()));
  EXPECT_TRUE(fs::exists(out() / "progress/groups_000150.png"));
  const auto weights = weights::read_safetensors(out() / "unet/diffusion_pytorch_model.safetensors").tensors;
  EXPECT_GT(weights.at("camera_embedding.linear_2.weight").to(torch::kFloat).norm().item<double>(), 0);
}

TEST_F(MultiViewTraining, TheNoiseCanBeReadFromTheCamera) {
  // The wanted noise is the camera's position alone. Without cameras nothing is better than its mean, which is 0.
  torch::manual_seed(2);
  diffusion::UNet unet = further_unet(text_to_image::load_prior(plain()).unet, /*multi_view=*/true);
  Optimiser optimiser(*unet, {.rate = 3e-3});
  const torch::Tensor context = torch::zeros({4, 77, unet->config().cross_attention_dim});
  double error = 0, error_turned = 0;
  for (int64_t step = 0; step < 60; ++step) {
    const double from = 37.0 * static_cast<double>(step);
    const torch::Tensor cameras =
        cameras_at({{from, 0}, {from + 90, 0}, {from + 180, 0}, {from + 270, 0}}, torch::kCPU);
    const torch::Tensor wanted = cameras.index({torch::indexing::Slice(), 3}).view({4, 1, 1, 1}).expand({4, 4, 8, 8});
    const torch::Tensor x = torch::randn({4, 4, 8, 8}), t = torch::full({4}, 500, torch::kLong);
    const torch::Tensor loss =
        (unet->forward(x, t, context, {.cameras = cameras, .views = 4}) - wanted).square().mean();
    loss.backward();
    optimiser.step(step, 1, tensor::Workers(1));
    const torch::NoGradGuard no_grad;
    error = loss.item<double>();
    error_turned = (unet->forward(x, t, context, {.cameras = cameras.roll(2, 0), .views = 4}) - wanted)
                       .square()
                       .mean()
                       .item<double>();
  }
  EXPECT_LT(error, 0.2);  // mean square of `wanted`: 0.5
  EXPECT_GT(error_turned, 1);
}

TEST_F(MultiViewTraining, AResumedRunIsTheUnbrokenOne) {
  const lucid::test::TemporaryFolder broken;
  const fs::path prior = broken.path / "prior";
  TrainOptions broken_off = options(prior);
  std::atomic<bool> stop{true};  // set from the start, so that every run ends after one step
  broken_off.run.stop = &stop;
  fs::create_directories(prior);
  fs::copy(out() / "cache", prior / "cache", fs::copy_options::recursive);
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(train_prior(broken_off));
    broken_off.resume = true;
  }
  stop = false;
  EXPECT_TRUE(train_prior(broken_off));
  const auto first = weights::read_safetensors(out() / "checkpoints/unet.safetensors"),
             second = weights::read_safetensors(prior / "checkpoints/unet.safetensors");
  ASSERT_EQ(first.tensors.size(), second.tensors.size());
  for (const auto& [name, tensor] : first.tensors) EXPECT_TRUE(torch::equal(tensor, second.tensors.at(name))) << name;
}

TEST_F(MultiViewTraining, TheFolderIsAMultiViewPriorWithItsPresets) {
  const text_to_image::Prior prior = text_to_image::load_prior(out());
  EXPECT_TRUE(prior.unet->config().is_multi_view());
  EXPECT_EQ(prior.unet->config().views, 4);
  EXPECT_TRUE(text_to_image::knows_view_words(prior));
  EXPECT_EQ(read_file(out() / "presets/learned/draft.yaml"), read_file(plain() / "presets/learned/draft.yaml"));
  const torch::Tensor sheet = sample_sheet(prior, {"a red disc", "a green square"}, 8, {.steps = 4});
  EXPECT_EQ(sheet.size(2), 8 * test::kSize + 7 * 2);
  EXPECT_TRUE(torch::isfinite(sheet).all().item<bool>());
  EXPECT_THROW(sample_sheet(prior, {"a red disc"}, 6, {.steps = 4}), std::logic_error);

  TrainOptions further = options(out().parent_path() / "further");
  further.from = out();
  further.unet_steps = 2;
  EXPECT_TRUE(train_prior(further));
  EXPECT_NEAR(last("groups", further.run.folder), last("groups"), 0.1 * last("groups"));
}

TEST_F(MultiViewTraining, WhatDoesNotFitIsSaid) {
  const lucid::test::TemporaryFolder folder;
  TrainOptions unfit = options(folder.path / "prior");
  unfit.batch = 6;
  EXPECT_EQ(lucid::test::mistake_of([&] { train_prior(unfit); }).key, "--batch");
  test::write_toy_corpus(folder.path / "corpus");
  unfit = options(folder.path / "other");
  unfit.corpus = folder.path / "corpus";
  EXPECT_NE(lucid::test::mistake_of([&] { train_prior(unfit); }).hint.find("--groups"), std::string::npos);
}

}  // namespace
}  // namespace lucid::pretrain
