// SPDX-License-Identifier: Apache-2.0
// Tests of every registered score: general properties, and closed forms that fail if a term of the score is lost.
//
// For a point mass mu(prompt) a DDIM step keeps eps. So for ISM x_t = sqrt(a_t) mu_inverse + sqrt(1-a_t) eps_s and
//   d_latents = lambda (mu_inverse - mu_guided),  mu_guided = mu_negative + guidance (mu_view - mu_negative),
// independent of x_0, s and the noise. For SDS d_latents = lambda (x_0 - mu_guided).
#include "lucid/distill/distiller.h"

#include <gtest/gtest.h>

#include "lucid/base/error.h"
#include "lucid/distill/score_table.h"
#include "lucid/distill/toy_denoiser.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::distill {
namespace {

using tensor::relative_error;
using text_to_image::ViewPrompts;
using torch::Tensor;

struct Mus {
  double front = 0.4, side = 0.3, back = -0.2, negative = 0.1, inverse = -0.5;
};

text_to_image::ViewPrompts prompts_of(const Mus& mu) {
  const auto constant = [](double value) { return torch::full({1, 5, 3}, value); };
  return {text_to_image::ViewAnchors::reference(),
          torch::cat({constant(mu.side), constant(mu.front), constant(mu.side), constant(mu.back)}),
          constant(mu.negative), constant(mu.inverse)};
}

class Score : public testing::Test {
 protected:
  Score()
      : schedule({.num_train_timesteps = 1000,
                  .steps_offset = 1,
                  .beta_start = 0.00085,
                  .beta_end = 0.012,
                  .beta_schedule = "scaled_linear",
                  .set_alpha_to_one = false}),
        denoiser(schedule) {
    torch::manual_seed(1);
    latents = torch::randn({2, 4, 6, 6});
    base = torch::randn({2, 4, 6, 6});
    offset = torch::randn({1, 4, 1, 1});
    noise = {.base = [this](at::IntArrayRef) { return base; },
             .offset = [this](at::IntArrayRef) { return offset; },
             .eta = [](at::IntArrayRef shape) { return torch::randn(shape); },
             .uniform = [] { return 0.5; }};
    source_latents = torch::randn({2, 4, 6, 6});
  }

  ScoreOutput run(const ScoreOptions& options, diffusion::Denoiser& with, const Mus& mu = {}) {
    const text_to_image::ViewPrompts prompts = prompts_of(mu);
    const ViewPrompts source_prompts = prompts_of(source);
    ScoreInput input{.latents = latents,
                     .prompts = &prompts,
                     .views = views,
                     .iteration = iteration,
                     .t_index = t_index,
                     .source_latents = source_latents,
                     .source_prompts = &source_prompts};
    if (options.instructed()) input.picture = source_latents;
    const auto distiller = make_distiller(options);
    distiller->want_sheet = want_sheet;
    return distiller->score(with, schedule, input, noise);
  }
  // mu_guided if the view prompt is the front.
  static double guided(const Mus& mu, const ScoreOptions& options) {
    return mu.negative + options.guidance_scale * (mu.front - mu.negative);
  }

  diffusion::Schedule schedule;
  test::PointMass denoiser;
  Tensor latents, base, offset, source_latents;
  Mus source{.front = 0.25};  // of the untouched asset's prompt
  NoiseSource noise;
  std::vector<text_to_image::Direction> views{{0}, {0}};
  int64_t iteration = 2000, t_index = 450;
  bool want_sheet = false;
};

TEST_F(Score, EveryRegisteredScoreGivesAFiniteGradientOfTheLatentsShape) {
  views = {{30}, {-140}};
  want_sheet = true;
  ASSERT_FALSE(score_names().empty());
  for (const std::string& name : score_names()) {
    for (const bool perpneg : {false, true}) {
      for (const int64_t index : {0, 20, 79, 80, 450, 999}) {
        SCOPED_TRACE(name + " at " + std::to_string(index));
        const bool instructed = find_score(name)->instructed;
        ScoreOptions options;
        options.score = name;
        options.perpneg = perpneg && !instructed;
        options.xs_eta = index == 450 ? 0.3 : 0;
        options.denoise_guidance_scale = index == 450 ? 2 : 1;
        options.apg_eta = index >= 450 && !instructed ? 0 : 1;
        t_index = index;
        const ScoreOutput output = run(options, denoiser);
        EXPECT_EQ(output.d_latents.sizes(), latents.sizes());
        EXPECT_EQ(output.d_latents.scalar_type(), torch::kFloat);
        EXPECT_TRUE(output.d_latents.isfinite().all().item<bool>());
        EXPECT_FALSE(output.d_latents.requires_grad());
        EXPECT_GT(output.d_latents.norm().item<double>(), 0);
        EXPECT_EQ(output.times.t(), name == "pds" ? std::max<int64_t>(index + 1, 3) : index + 1);
        EXPECT_EQ(output.x0_guided.sizes(), latents.sizes());
        EXPECT_EQ(output.x0_uncond.sizes(), latents.sizes());
      }
    }
  }
}

TEST_F(Score, IsmIsZeroWhenThePromptChangesNothing) {
  ScoreOptions options;
  const Mus same{.front = 0.2, .side = 0.2, .back = 0.2, .negative = 0.2, .inverse = 0.2};
  const ScoreOutput output = run(options, denoiser, same);
  EXPECT_LT(output.d_latents.abs().max().item<double>(), 1e-5);
}

TEST_F(Score, IsmFailsIfATermIsDeleted) {
  // The closed form contains prompt, negative prompt, target (inverse prompt), omega(t), lambda and guidance scale.
  for (const double azimuth : {0.0, 90.0, 180.0}) {
    ScoreOptions options;
    options.perpneg = false;
    views = {{azimuth}, {azimuth}};
    const Mus mu;
    const double view = azimuth == 0 ? mu.front : azimuth == 90 ? mu.side : mu.back;
    const double expected = 0.1 * (mu.inverse - mu.negative - 7.5 * (view - mu.negative));
    EXPECT_LT(relative_error(run(options, denoiser, mu).d_latents, torch::full_like(latents, expected)), 1e-4);
  }
}

TEST_F(Score, IsmFailsIfSAndTAreSwapped) {
  test::Recorder recorder(denoiser);
  ScoreOptions options;
  options.perpneg = false;
  const ScoreOutput output = run(options, recorder);
  // Ascending strides with the inverse prompt up to s = t - delta_T, then one call at t with negative and view prompt.
  std::vector<int64_t> asked;
  for (const auto& call : recorder.calls) asked.push_back(call.timestep);
  EXPECT_EQ(asked, (std::vector<int64_t>{1, 201, 371, 451}));
  EXPECT_EQ(output.times.visited, asked);
  for (size_t i = 0; i + 1 < recorder.calls.size(); ++i) {
    EXPECT_EQ(recorder.calls[i].x.size(0), 2);
    EXPECT_NEAR(recorder.calls[i].context.mean().item<double>(), Mus().inverse, 1e-6);
  }
  const Tensor context = recorder.calls.back().context;
  ASSERT_EQ(context.size(0), 4);
  EXPECT_NEAR(context.slice(0, 0, 2).mean().item<double>(), Mus().negative, 1e-6);
  EXPECT_NEAR(context.slice(0, 2, 4).mean().item<double>(), Mus().front, 1e-6);
}

TEST_F(Score, IsmFailsIfPerpNegsProjectionIsDropped) {
  // For a point mass all deltas are parallel, so the extra prompts have no component perpendicular to the view prompt.
  ScoreOptions options;
  options.perpneg = true;
  views = {{30}, {30}};  // both extra prompts have weight
  const Mus mu;
  const double view = mu.front * 2 / 3 + mu.side / 3;
  const double expected = 0.1 * (mu.inverse - mu.negative - 7.5 * (view - mu.negative));
  EXPECT_LT(relative_error(run(options, denoiser, mu).d_latents, torch::full_like(latents, expected)), 1e-4);
}

TEST_F(Score, ViewGuidanceAddsTheDifferenceToTheOppositeViewFromItsTimestepUp) {
  t_index = 450;  // t = 451 of 1000
  const Mus mu;
  for (const bool acts : {true, false}) {
    test::Recorder recorder(denoiser);
    ScoreOptions options;
    options.perpneg = false;
    options.view_guidance = 1.5;
    options.view_guidance_t_low = acts ? 0.451 : 0.4511;
    views = {{180}, {540}};
    const double pull = mu.back - mu.negative + (acts ? 1.5 * (mu.back - mu.front) : 0);
    const Tensor expected = torch::full_like(latents, 0.1 * (mu.inverse - mu.negative - 7.5 * pull));
    EXPECT_LT(relative_error(run(options, recorder, mu).d_latents, expected), 1e-4);
    EXPECT_EQ(recorder.calls.back().context.size(0), 2 * (acts ? 3 : 2)) << "prompts that cost time";
  }
}

TEST_F(Score, ViewGuidanceEndsAfterItsLastIteration) {
  ScoreOptions options;
  options.perpneg = false;
  options.view_guidance_until_iter = 300;
  iteration = 301;
  const Tensor without = run(options, denoiser).d_latents;
  options.view_guidance = 1;
  EXPECT_TRUE(run(options, denoiser).d_latents.equal(without));
  iteration = 300;  // delta_T depends on the iteration; the result for a point mass does not
  EXPECT_GT(relative_error(run(options, denoiser).d_latents, without), 0.1);
}

TEST_F(Score, ViewGuidanceAddsToPerpNeg) {
  views = {{30}, {30}};
  ScoreOptions options;
  const Tensor without = run(options, denoiser).d_latents;
  options.view_guidance = 2;
  const Mus mu;
  const double view = mu.front * 2 / 3 + mu.side / 3, behind = mu.side / 3 + mu.back * 2 / 3;
  const Tensor added = torch::full_like(latents, -0.1 * 7.5 * 2 * (view - behind));
  EXPECT_LT(relative_error(run(options, denoiser).d_latents - without, added), 1e-4);
}

TEST_F(Score, ProjectedGuidanceScalesTheComponentParallelToX0ByEta) {
  // For a point mass guidance is parallel to x_0: both are constant images.
  const Mus mu;
  for (const double eta : {0.0, 0.25, 1.5}) {
    ScoreOptions options;
    options.perpneg = false;
    options.apg_eta = eta;
    const double aim = mu.front + eta * (options.guidance_scale - 1) * (mu.front - mu.negative);
    const Tensor expected = torch::full_like(latents, 0.1 * (mu.inverse - aim));
    EXPECT_LT(relative_error(run(options, denoiser, mu).d_latents, expected), 1e-4) << eta;
  }
}

TEST_F(Score, ProjectedGuidanceIsOrthogonalToX0PerViewForEpsAndV) {
  // A network whose output depends on x and, by a pattern of its own, on each prompt.
  struct Pictures final : diffusion::Denoiser {
    Tensor predict(const Tensor& x, const Tensor&, const nn::PromptMix& prompts) override {
      const Tensor pattern = torch::linspace(-1, 1, x[0].numel()).view_as(x[0]);
      return 0.5 * x - torch::sin(pattern * 9 * prompts.embeddings().mean({1, 2}).view({-1, 1, 1, 1}));
    }
  } pictures;
  const text_to_image::ViewPrompts prompts = prompts_of({});
  for (const auto prediction : {diffusion::Prediction::kEpsilon, diffusion::Prediction::kV}) {
    diffusion::ScheduleConfig config = schedule.config();
    config.prediction = prediction;
    const diffusion::Schedule with(config);
    ScoreOptions options;
    options.apg_eta = 0;
    views = {{20}, {140}};
    const auto distiller = make_distiller(options);
    distiller->want_trace = true;
    const ScoreInput input{
        .latents = latents, .prompts = &prompts, .views = views, .iteration = iteration, .t_index = t_index};
    const ScoreOutput output = distiller->score(pictures, with, input, noise);
    const auto& trace = output.trace;
    const Tensor alone = trace.eps[0] + trace.delta, added = trace.eps_guided - alone;
    const Tensor x_0 = with.predicted_x0(trace.x_t, alone, output.times.t());
    const auto cosine = [](const Tensor& a, const Tensor& b) {
      return ((a * b).sum().abs() / (a.norm() * b.norm())).item<double>();
    };
    for (int64_t view = 0; view < 2; ++view) {
      EXPECT_LT(cosine(added[view], x_0[view]), 1e-5);
      EXPECT_GT(cosine(trace.delta[view], x_0[view]), 0.05) << "nothing to project";
      EXPECT_GT(cosine(added[view], trace.delta[view]), 0.3);
    }
  }
}

TEST_F(Score, ReverseGuidanceAimsTheTargetAtTheNegativePrompt) {
  ScoreOptions options;
  options.perpneg = false;
  options.denoise_guidance_scale = 2;
  const Mus mu;
  const double target = mu.inverse + 2 * (mu.negative - mu.inverse);
  const Tensor expected = torch::full_like(latents, 0.1 * (target - guided(mu, options)));
  EXPECT_LT(relative_error(run(options, denoiser, mu).d_latents, expected), 1e-4);
}

TEST_F(Score, SdsGradientPointsFromTheGuidedPointToX0) {
  ScoreOptions options;
  options.score = "sds";
  options.perpneg = false;
  const Mus mu;
  EXPECT_LT(relative_error(run(options, denoiser, mu).d_latents, 0.1 * (latents - guided(mu, options))), 1e-4);
}

TEST_F(Score, SdsConvertsAVPredictionToEps) {
  // The point mass as a v model: v = sqrt(a) eps - sqrt(1-a) x_0.
  struct AsV final : diffusion::Denoiser {
    explicit AsV(test::PointMass& inner, const diffusion::Schedule& schedule) : inner(inner), schedule(schedule) {}
    Tensor predict(const Tensor& x, const Tensor& timesteps, const nn::PromptMix& prompts) override {
      const double a = schedule.alpha_bar(timesteps[0].item<int64_t>());
      const Tensor mu = prompts.embeddings().mean({1, 2}).view({-1, 1, 1, 1});
      return std::sqrt(a) * inner.predict(x, timesteps, prompts) - std::sqrt(1 - a) * mu;
    }
    test::PointMass& inner;
    const diffusion::Schedule& schedule;
  } as_v(denoiser, schedule);
  diffusion::ScheduleConfig config = schedule.config();
  config.prediction = diffusion::Prediction::kV;
  const diffusion::Schedule v_schedule(config);
  ScoreOptions options;
  options.score = "sds";
  options.perpneg = false;
  const Mus mu;
  const text_to_image::ViewPrompts prompts = prompts_of(mu);
  const ScoreInput input{
      .latents = latents, .prompts = &prompts, .views = views, .iteration = iteration, .t_index = t_index};
  const ScoreOutput output = make_distiller(options)->score(as_v, v_schedule, input, noise);
  EXPECT_LT(relative_error(output.d_latents, 0.1 * (latents - guided(mu, options))), 1e-4);
}

TEST_F(Score, ANonFinitePredictionDoesNotReachThePicture) {
  struct Broken final : diffusion::Denoiser {
    Tensor predict(const Tensor& x, const Tensor&, const nn::PromptMix&) override {
      return torch::full_like(x, std::numeric_limits<float>::quiet_NaN());
    }
  } broken;
  EXPECT_EQ(run({}, broken).d_latents.abs().max().item<float>(), 0);
}

TEST_F(Score, TheLastTimestepIsClampedToTheTrainedOnes) {
  test::Recorder recorder(denoiser);
  t_index = 999;
  run({}, recorder);
  EXPECT_EQ(recorder.calls.back().timestep, 999);  // index 999 + offset 1 = 1000 is outside the table
}

TEST_F(Score, EtaDrawsOneNoiseAStrideAndOnlyUpToS) {
  int draws = 0;
  noise.eta = [&draws](at::IntArrayRef shape) {
    ++draws;
    return torch::zeros(shape);
  };
  ScoreOptions options;
  options.xs_eta = 0.4;
  run(options, denoiser);  // 1 -> 201 -> 371, then t
  EXPECT_EQ(draws, 2);
}

TEST_F(Score, TsmWithGammaOneIsIsmToTheBit) {
  views = {{30}, {-140}};
  ScoreOptions ism, tsm;
  tsm.score = "tsm";
  tsm.tsm_gamma = 1;
  const Tensor of_ism = run(ism, denoiser).d_latents;
  EXPECT_TRUE(run(tsm, denoiser).d_latents.equal(of_ism));
  test::Recorder recorder(denoiser);
  run(tsm, recorder);
  const size_t calls = recorder.calls.size();
  tsm.tsm_gamma = 0.3;
  run(tsm, recorder);
  EXPECT_EQ(recorder.calls.size(), 2 * calls + 1) << "TSM asks about x_mu as well";
}

TEST_F(Score, SdiIsZeroWhenThePromptIsThePicture) {
  // A picture that the prior would draw is where the score comes to rest: x_0 predicted from any x_t is mu.
  ScoreOptions options;
  options.score = "sdi";
  options.perpneg = false;
  options.sdi_eta = 0;
  const Mus same{.front = 0.2, .side = 0.2, .back = 0.2, .negative = 0.2, .inverse = 0.2};
  EXPECT_LT(relative_error(run(options, denoiser, same).d_latents, 0.1 * (latents - 0.2)), 1e-3);
  latents = torch::full_like(latents, 0.2);
  EXPECT_LT(run(options, denoiser, same).d_latents.abs().max().item<double>(), 1e-4);
}

TEST_F(Score, CsdGoesFromTheEmptyToTheNegativePrompt) {
  ScoreOptions options;
  options.score = "csd";
  options.perpneg = false;
  options.csd_steps = 4000;
  const Mus mu;
  const double a = schedule.alpha_bar(t_index + 1);
  // (1 - a) (eps_y - eps_r), eps = (x - sqrt(a) mu) / sqrt(1 - a)
  const auto expected = [&](double reference) {
    return torch::full_like(latents, 0.1 * std::sqrt((1 - a) * a) * (reference - mu.front));
  };
  for (const double share : {0.25, 1.0}) {
    iteration = std::llround(4000 * share);
    EXPECT_LT(
        relative_error(run(options, denoiser, mu).d_latents, expected(share * mu.negative + (1 - share) * mu.inverse)),
        1e-3);
  }
}

TEST_F(Score, ScoresWithASourceAreExactlyZeroWhereNothingChanged) {
  views = {{30}, {-140}};
  const ViewPrompts prompts = prompts_of({});
  ScoreInput input{.latents = latents,
                   .prompts = &prompts,
                   .views = views,
                   .iteration = iteration,
                   .t_index = t_index,
                   .source_latents = latents,
                   .source_prompts = &prompts};
  int scores = 0;
  for (const ScoreInfo& info : kScores) {
    if (!info.needs_source) continue;
    ++scores;
    for (const bool perpneg : {false, true}) {
      SCOPED_TRACE(info.name);
      ScoreOptions options;
      options.score = info.name;
      options.perpneg = perpneg;
      options.xs_eta = 0.3;
      options.view_guidance = 1;
      options.apg_eta = 0;
      options.keep = 0.2;
      const auto distiller = make_distiller(options);
      input.source_latents = latents;
      EXPECT_EQ(distiller->score(denoiser, schedule, input, noise).d_latents.abs().max().item<float>(), 0);
      input.source_latents = source_latents;
      EXPECT_GT(distiller->score(denoiser, schedule, input, noise).d_latents.abs().max().item<float>(), 1e-3);
    }
  }
  EXPECT_EQ(scores, 3);
}

TEST_F(Score, KeepPullsTowardsTheSource) {
  for (const char* name : {"dds", "pds", "delta-ism"}) {
    ScoreOptions options;
    options.score = name;
    options.xs_eta = 0;
    const Tensor without = run(options, denoiser).d_latents;
    options.keep = 0.5;
    EXPECT_LT(relative_error(run(options, denoiser).d_latents - without, 0.05 * (latents - source_latents)), 1e-4);
  }
}

TEST_F(Score, SharedTablesOfPromptsChangeNothing) {
  views = {{30}, {-140}};
  for (const char* name : {"dds", "pds", "delta-ism"}) {
    ScoreOptions options;
    options.score = name;
    ViewPrompts target = prompts_of({}), of_source = prompts_of(source);
    const auto gradient = [&] {
      const ScoreInput input{.latents = latents,
                             .prompts = &target,
                             .views = views,
                             .iteration = iteration,
                             .t_index = t_index,
                             .source_latents = source_latents,
                             .source_prompts = &of_source};
      return make_distiller(options)->score(denoiser, schedule, input, noise).d_latents;
    };
    const Tensor apart = gradient();
    ViewPrompts::share_table(target, of_source);
    EXPECT_TRUE(target.table().is_same(of_source.table()));
    EXPECT_TRUE(gradient().equal(apart)) << name;
  }
}

TEST(ScoreRegistry, EveryScoreIsDescribed) {
  for (const ScoreInfo& info : kScores) {
    SCOPED_TRACE(info.name);
    EXPECT_EQ(find_score(info.name), &info);
    EXPECT_FALSE(info.title.empty() || info.formula.empty() || info.paper.empty() || info.options.empty());
    EXPECT_GE(info.passes, 2);
  }
  EXPECT_EQ(find_score("vsd2"), nullptr);
  EXPECT_NEAR(steps_for_one_of_ism(*find_score("sds")), 1.9, 0.01) << "as measured";
}

TEST_F(Score, ThePassesOfTheTableAreThoseOfTheScores) {
  for (const ScoreInfo& info : kScores) {
    test::Recorder recorder(denoiser);
    ScoreOptions options;
    options.score = info.name;
    options.perpneg = false;
    options.delta_t = 50;
    size_t passes = 0;
    constexpr int kTimes = 78;
    for (int i = 0; i < kTimes; ++i) {  // 20 to 790, as the embedded prior's presets
      t_index = 20 + 10 * i;
      run(options, recorder);
    }
    for (const auto& call : recorder.calls) passes += static_cast<size_t>(call.x.size(0));
    EXPECT_NEAR(static_cast<double>(passes) / kTimes / 2, info.passes, 0.3) << info.name;
  }
}

TEST(ScoreRegistry, AnUnknownScoreIsRefusedWithTheKnownOnes) {
  ScoreOptions options;
  options.score = "vsd2";
  try {
    make_distiller(options);
    FAIL() << "was accepted";
  } catch (const UserError& error) {
    for (const std::string& name : score_names()) EXPECT_NE(std::string(error.what()).find(name), std::string::npos);
  }
}

TEST(ScoreRegistry, ImpossibleOptionsAreRefused) {
  const auto refused = [](void (*spoil)(ScoreOptions&)) {
    ScoreOptions options;
    spoil(options);
    EXPECT_THROW(make_distiller(options), UserError);
  };
  refused([](ScoreOptions& o) { o.t_range_low = 0.6; });
  refused([](ScoreOptions& o) { o.t_range_high = 1.5; });
  refused([](ScoreOptions& o) { o.max_t_range = 1.01; });
  refused([](ScoreOptions& o) { o.min_t_range = 0.99; });
  refused([](ScoreOptions& o) { o.delta_t = -1; });
  refused([](ScoreOptions& o) { o.xs_eta = -0.1; });
  refused([](ScoreOptions& o) { o.view_guidance = -1; });
  refused([](ScoreOptions& o) { o.tsm_gamma = 1.1; });
  refused([](ScoreOptions& o) { o.sdi_steps = 0; });
  refused([](ScoreOptions& o) { o.sdi_eta = -1; });
  refused([](ScoreOptions& o) { o.csd_steps = -1; });
  refused([](ScoreOptions& o) { o.asd_shift = -1; });
  refused([](ScoreOptions& o) { o.keep = -1; });
}

}  // namespace
}  // namespace lucid::distill
