// SPDX-License-Identifier: Apache-2.0
// NaN and Inf in a run: a prior that gives them on purpose, Gaussians that hold them, and what the trainer does.
#include "lucid/train/numbers.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <utility>

#include "goldens.h"
#include "lucid/gaussians/starts.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/checkpoint.h"
#include "lucid/train/trainer.h"

namespace lucid::train {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

/// A denoiser that answers with its input, and in some of its calls with a bad number in the last row's picture.
class FailingDenoiser final : public diffusion::Denoiser {
 public:
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor&, const nn::PromptMix&) override {
    torch::Tensor answer = 0.5 * x;
    if (++calls > good_calls && calls <= good_calls + bad_calls) answer[-1][0][0][0] = value;
    return answer;
  }
  int calls = 0, good_calls = 0, bad_calls = 0;
  float value = kNan;
};

/// A run of a few steps at 32 x 32.
struct SmallRun {
  TrainOptions options = [] {
    TrainOptions small;
    small.iterations = 6;
    small.batch = 2;
    small.views.width = small.views.height = 32;
    small.score.score = "sds";  // one prediction a step
    small.score.perpneg = false;
    small.start.count = 100;
    small.vis_interval = 0;
    small.save_process = small.save_video = false;
    small.checkpoint_interval = 2;
    return small;
  }();
  text_to_image::Prior prior = text_to_image::load_prior(test::goldens() / "sd/tiny-sd1");
  diffusion::ImageEncoder encoder{prior.vae};
  FailingDenoiser denoiser;
  text_to_image::ViewPrompts prompts = text_to_image::view_prompts(prior, "a mug", "", "");
  std::unique_ptr<distill::Distiller> distiller = distill::make_distiller(options.score);
  test::TemporaryFolder folder;
  std::vector<std::string> warnings;
  TrainCallbacks callbacks;

  SmallRun() {
    callbacks.on_warning = [this](const std::string& text) { warnings.push_back(text); };
  }
  Scene scene() {
    return {.options = options,
            .prior = prior,
            .encoder = encoder,
            .denoiser = denoiser,
            .prompts = prompts,
            .distiller = *distiller};
  }
  Workspace workspace() const { return {folder.path / "run"}; }
  TrainResult train(Begin begin = Begin::kAnew) {
    return lucid::train::train(scene(), workspace(), "key", begin, callbacks);
  }
};

void expect_equal(Model a, Model b) {
  EXPECT_EQ(a.iteration, b.iteration);
  for_each_tensor(a, [&](const std::string& name, torch::Tensor& tensor) {
    torch::Tensor twin;
    for_each_tensor(b, [&](const std::string& n, torch::Tensor& t) { twin = n == name ? t : twin; });
    EXPECT_TRUE(torch::equal(tensor, twin)) << name;
  });
}

TEST(BadNumbersOfAStep, AreNamedAndChangeNothing) {
  SmallRun run;
  run.denoiser.bad_calls = 1;
  Model model = start_model(gaussians::make_start({.count = 100}));
  const Model before = copy_of(model);
  gaussians::ViewRenderer renderer(torch::kCPU);
  try {
    training_step(run.scene(), model, renderer);
    FAIL() << "NaN was not noticed";
  } catch (const NumbersError& error) {
    const BadNumbers& bad = error.bad();
    EXPECT_EQ(bad.step, 1);
    EXPECT_EQ(bad.tensor, "the score");
    EXPECT_EQ(bad.view, 1) << "the last row is the second view's";
    EXPECT_EQ(bad.nan, 1);
    EXPECT_EQ(bad.infinite, 0);
    EXPECT_GT(bad.t, 0);
    EXPECT_TRUE(bad.of_prior);
    EXPECT_EQ(std::string(error.what()).find("step 1: NaN in 1 of"), 0u) << error.what();
  }
  expect_equal(model, before);
  training_step(run.scene(), model, renderer);  // the next call is good
  EXPECT_EQ(model.iteration, 1);
}

TEST(BadNumbersOfAStep, InfIsOneToo) {
  SmallRun run;
  run.denoiser.bad_calls = 1;
  run.denoiser.value = kInf;
  Model model = start_model(gaussians::make_start({.count = 100}));
  gaussians::ViewRenderer renderer(torch::kCPU);
  EXPECT_THROW(training_step(run.scene(), model, renderer), NumbersError);
}

TEST(BadNumbersOfAStep, AndWhatAdamCannotSquare) {
  SmallRun run;
  run.denoiser.bad_calls = 1;
  run.denoiser.value = 1e30f;
  Model model = start_model(gaussians::make_start({.count = 100}));
  gaussians::ViewRenderer renderer(torch::kCPU);
  try {
    training_step(run.scene(), model, renderer);
    FAIL() << "it was not noticed";
  } catch (const NumbersError& error) {
    EXPECT_EQ(error.bad().large, 1);
    EXPECT_NE(std::string(error.what()).find("values above 1e+16 in 1 of"), std::string::npos) << error.what();
  }
}

TEST(BadNumbersOfAStep, TheGaussiansOwnAreNamed) {
  SmallRun run;
  Model model = start_model(gaussians::make_start({.count = 100}));
  model.cloud.means[7][1] = kNan;
  gaussians::ViewRenderer renderer(torch::kCPU);
  try {
    training_step(run.scene(), model, renderer);
    FAIL() << "NaN was not noticed";
  } catch (const NumbersError& error) {
    EXPECT_EQ(error.bad().tensor, "the Gaussians' means");
    EXPECT_TRUE(error.bad().of_gaussians);
    EXPECT_EQ(error.bad().all, 300);
  }
}

TEST(Setbacks, ARunGoesOnWithOtherNoiseAndHalfTheRates) {
  SmallRun good, bad;
  bad.denoiser.good_calls = 3;
  bad.denoiser.bad_calls = 2;  // in step 4, twice
  const TrainResult wanted = good.train(), found = bad.train();
  EXPECT_FALSE(found.failed);
  EXPECT_EQ(found.model.iteration, 6);
  EXPECT_EQ(found.model.setbacks, 2);
  ASSERT_EQ(found.setbacks.size(), 2u);
  EXPECT_EQ(found.setbacks[0].step, 4);
  EXPECT_EQ(found.setbacks[1].step, 4);
  ASSERT_EQ(bad.warnings.size(), 2u);
  EXPECT_NE(bad.warnings[0].find("going on from step 3"), std::string::npos) << bad.warnings[0];
  EXPECT_FALSE(torch::equal(found.model.cloud.means, wanted.model.cloud.means));
  EXPECT_TRUE(found.model.cloud.means.isfinite().all().item<bool>());
  EXPECT_EQ(rate_after_setbacks(found.model), 0.25);
  // What was saved is the state that the run ended with.
  const Model saved = load_checkpoint(checkpoint_name(bad.workspace().checkpoints(), 6), "key");
  EXPECT_EQ(saved.setbacks, 2);
}

TEST(Setbacks, AfterThreeTheRunStopsWithEverythingSaved) {
  SmallRun run;
  run.denoiser.good_calls = 3;
  run.denoiser.bad_calls = 1000;
  const TrainResult found = run.train();
  EXPECT_TRUE(found.failed);
  EXPECT_EQ(found.setbacks.size(), 4u);
  EXPECT_EQ(found.model.iteration, 3);
  const auto files = checkpoints_in(run.workspace().checkpoints());
  ASSERT_FALSE(files.empty());
  EXPECT_EQ(files.front(), checkpoint_name(run.workspace().checkpoints(), 3));
  expect_equal(load_checkpoint(files.front(), "key"), found.model);
}

TEST(Setbacks, GaussiansThatWentWrongGoBackToTheCheckpoint) {
  SmallRun run;
  bool once = true;
  run.callbacks.on_step = [&](const StepReport&, const Model& model) {
    if (model.iteration == 5 && std::exchange(once, false))
      model.cloud.means.fill_(kNan);  // the step before saved at 4
  };
  const TrainResult found = run.train();
  EXPECT_FALSE(found.failed);
  EXPECT_EQ(found.model.iteration, 6);
  EXPECT_EQ(found.model.setbacks, 1);
  ASSERT_EQ(run.warnings.size(), 1u);
  EXPECT_NE(run.warnings[0].find("going on from step 4"), std::string::npos) << run.warnings[0];
  EXPECT_EQ(found.steps_here, 7) << "the fifth step was taken twice";
}

TEST(Setbacks, EachHasOtherNoise) {
  Model model = start_model(gaussians::make_start({.count = 1}));
  EXPECT_EQ(seed_after_setbacks(7, model), 7u);
  std::set<uint64_t> seeds;
  for (model.setbacks = 0; model.setbacks <= kMostSetbacks; ++model.setbacks)
    seeds.insert(seed_after_setbacks(7, model));
  EXPECT_EQ(seeds.size(), 4u);
}

}  // namespace
}  // namespace lucid::train
