// SPDX-License-Identifier: Apache-2.0
// The schedule against diffusers' DDIMScheduler and DDIMInverseScheduler, for every pipeline in the goldens.
#include <gtest/gtest.h>

#include "lucid/diffusion/golden_test.h"
#include "lucid/diffusion/schedule.h"

namespace lucid::diffusion {
namespace {

constexpr double kScheduleLimit = 2e-6, kOriginLimit = 1e-5;  // of the goldens' README; x0 divides by 0.068 at t = 999

ScheduleConfig config_of(const std::string& pipeline) {
  return ScheduleConfig::from_file(test::sd_folder() / pipeline / "scheduler" / "scheduler_config.json");
}

std::vector<int64_t> values(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}

TEST(ScheduleGolden, TableAndTimesteps) {
  for (const std::string& pipeline : test::pipelines()) {
    const test::Tensors golden = test::golden_tensors(pipeline);
    const Schedule schedule(config_of(pipeline));
    test::Comparison comparison(pipeline + " schedule");
    comparison.expect("alphas_cumprod", schedule.alphas_cumprod(), golden.at("sched.alphas_cumprod"), kScheduleLimit);
    comparison.expect("alphas_cumprod_f64", schedule.alphas_cumprod(), golden.at("sched.alphas_cumprod_f64"),
                      kScheduleLimit);
    EXPECT_NEAR(schedule.alpha_bar(-1), golden.at("sched.final_alpha_cumprod").item<double>(), kScheduleLimit);
    for (const int64_t t : {0, 481, 999}) {
      EXPECT_EQ(schedule.alpha_bar(t), schedule.alphas_cumprod()[t].item<double>());
    }
    EXPECT_EQ(schedule.alpha_bar(1000), schedule.alpha_bar(999));  // set_timesteps(1000) with an offset reaches it
    const auto counts = test::cases(golden, "sched.timesteps_", "");
    EXPECT_FALSE(counts.empty());
    for (const std::string& count : counts) {
      const int64_t steps = std::stoll(count);
      EXPECT_EQ(schedule.timesteps(steps), values(golden.at("sched.timesteps_" + count)));
      EXPECT_EQ(schedule.inverse_timesteps(steps), values(golden.at("sched.inverse_timesteps_" + count)));
    }
    const torch::Tensor &x0 = golden.at("sched.add_noise.x0"), &noise = golden.at("sched.add_noise.noise");
    const auto t = values(golden.at("sched.add_noise.t"));
    for (int64_t i = 0; i < x0.size(0); ++i) {
      const torch::Tensor out = schedule.add_noise(x0[i], noise[i], t[static_cast<size_t>(i)]);
      comparison.expect("add_noise", out, golden.at("sched.add_noise.out")[i], kScheduleLimit);
    }
  }
}

TEST(ScheduleGolden, DenoisingAndInversionSteps) {
  for (const std::string& pipeline : test::pipelines()) {
    const test::Tensors golden = test::golden_tensors(pipeline);
    const torch::Tensor &x = golden.at("step.sample"), &output = golden.at("step.model_output");
    for (const auto& [kind, prediction] : {std::pair{"eps", Prediction::kEpsilon}, {"v", Prediction::kV}}) {
      ScheduleConfig config = config_of(pipeline);
      config.prediction = prediction;
      const Schedule schedule(config);
      test::Comparison comparison(fmt::format("{} steps, {}", pipeline, kind));
      const auto row = [&](const std::string& name, int64_t i) { return golden.at(name)[i].unsqueeze(0); };
      const std::string step = fmt::format("step.{}.", kind);
      const auto down = golden.at("step.table").accessor<int64_t, 2>();
      for (int64_t i = 0; i < down.size(0); ++i) {
        const int64_t t = down[i][1], next = down[i][2];
        comparison.expect("eta 0", schedule.ddim_step(x, output, t, next), row(step + "eta0", i), kScheduleLimit);
        comparison.expect("eta 1", schedule.ddim_step(x, output, t, next, 1, golden.at("step.noise")),
                          row(step + "eta1", i), kScheduleLimit);
        comparison.expect("x0", schedule.predicted_x0(x, output, t), row(step + "x0", i), kOriginLimit);
      }
      const auto up = golden.at("invstep.table").accessor<int64_t, 2>();
      for (int64_t i = 0; i < up.size(0); ++i) {
        comparison.expect("up", schedule.ddim_step(x, output, up[i][1], up[i][2]),
                          row(fmt::format("invstep.{}", kind), i), kScheduleLimit);
      }
    }
  }
}

}  // namespace
}  // namespace lucid::diffusion
