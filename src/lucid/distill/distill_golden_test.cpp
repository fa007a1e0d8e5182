// SPDX-License-Identifier: Apache-2.0
// Golden tests of the scores: every case that the Python reference recorded (goldens/distill), from images to the
// gradient of the loss in them.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/diffusion/vae.h"
#include "lucid/distill/distiller.h"
#include "lucid/distill/guidance.h"
#include "lucid/distill/perp_neg.h"
#include "lucid/distill/toy_denoiser.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::distill {
namespace {

using nlohmann::json;
using torch::Tensor;

std::filesystem::path folder() { return lucid::test::goldens() / "distill"; }

json read_cases() {
  std::ifstream file(folder() / "cases.json");
  return json::parse(file);
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  const json cases = read_cases();
  for (const auto& [name, unused] : cases.items()) names.push_back(name);
  return names;
}

ScoreOptions options_of(const json& c) {
  const auto or_null = [&](const char* key) { return c.at(key).is_null() ? int64_t{0} : c.at(key).get<int64_t>(); };
  ScoreOptions options;
  options.score = c.at("mode");
  options.guidance_scale = c.at("guidance_scale");
  options.denoise_guidance_scale = c.at("denoise_guidance_scale");
  options.lambda_guidance = c.at("lambda_guidance");
  options.t_range_low = c.at("t_range").at(0);
  options.t_range_high = c.at("t_range").at(1);
  options.max_t_range = c.at("max_t_range");
  options.delta_t = c.at("delta_t");
  options.delta_t_start = c.at("delta_t_start");
  options.annealing_intervals = c.at("annealing_intervals");
  options.xs_delta_t = or_null("xs_delta_t");
  options.xs_inv_steps = or_null("xs_inv_steps");
  options.xs_eta = c.at("xs_eta");
  options.perpneg = c.at("perpneg").get<int>() != 0;
  return options;
}

NoiseSource recorded(const std::map<std::string, Tensor>& tensors) {
  auto strides = std::make_shared<int64_t>(0);
  return {.base = [&tensors](at::IntArrayRef) { return tensors.at("noise_base"); },
          .offset = [&tensors](at::IntArrayRef) { return tensors.at("noise_offset"); },
          .eta = [&tensors, strides](at::IntArrayRef) { return tensors.at("eta_noise")[(*strides)++]; }};
}

// Our tensors, under the names of a case's golden file.
struct Result {
  std::map<std::string, Tensor> tensors;
  ScoreOutput score;
  size_t unet_calls = 0;
};

Result run(const json& c, const std::map<std::string, Tensor>& recorded_tensors) {
  const auto common = weights::read_safetensors(folder() / "common.safetensors").tensors;
  const bool v = c.at("prediction_type") == "v_prediction";
  const diffusion::Schedule schedule(
      diffusion::ScheduleConfig::from_file(folder() / (v ? "scheduler_v" : "scheduler") / "scheduler_config.json"));
  diffusion::Vae vae = diffusion::load_vae(folder() / "vae");
  diffusion::UNetDenoiser unet(diffusion::load_unet(folder() / "unet"));
  test::Recorder recorder(unet);

  // Image (or disparity as three channels) -> flip -> VAE moments -> latents.
  const Tensor images = common.at("images").clone().requires_grad_();
  const Tensor disparity = common.at("disparity").clone().requires_grad_();
  Tensor picture = c.at("as_latent").get<int>() != 0 ? disparity.repeat({1, 3, 1, 1}) : images;
  if (c.at("flip").get<int>() != 0) picture = picture.flip(3);
  const Tensor moments = vae->encode_moments(picture * 2 - 1);
  const Tensor latents =
      diffusion::sample_latents(moments, recorded_tensors.at("vae_noise"), vae->config().scaling_factor);

  const text_to_image::ViewPrompts prompts(
      text_to_image::ViewAnchors::reference(),
      torch::cat({common.at("emb_side"), common.at("emb_front"), common.at("emb_side"), common.at("emb_back")}),
      common.at("emb_uncond"), common.at("emb_inverse_text"));
  const Tensor azimuths = recorded_tensors.at("azimuths").to(torch::kDouble);
  std::vector<text_to_image::Direction> views;
  for (int64_t i = 0; i < azimuths.numel(); ++i) views.push_back({.azimuth = azimuths[i].item<double>()});
  const ScoreInput input{.latents = latents.detach(),
                         .prompts = &prompts,
                         .views = views,
                         .iteration = c.at("iteration"),
                         .t_index = c.at("t_index")};
  const ScoreOptions options = options_of(c);
  const auto distiller = make_distiller(options);
  distiller->want_sheet = distiller->want_trace = true;
  NoiseSource noise = recorded(recorded_tensors);

  Result result;
  result.score = distiller->score(recorder, schedule, input, noise);
  result.unet_calls = recorder.calls.size();
  latents.backward(result.score.d_latents);

  auto& out = result.tensors;
  const auto& trace = result.score.trace;
  const std::vector<Tensor> halves = moments.chunk(2, 1);
  out["posterior_mean"] = halves[0];
  out["posterior_logvar"] = halves[1].clamp(-30, 20);
  out["latents"] = latents;
  out["d_latents"] = result.score.d_latents;
  out["vis_x0_uncond"] = result.score.x0_uncond;
  out["vis_x0_guided"] = result.score.x0_guided;
  out["w"] = torch::tensor({omega(schedule, result.score.times.t())});
  out["x_start"] = trace.x_start;
  out["x_s"] = trace.x_s;
  out["x_t"] = trace.x_t;
  out["eps_s"] = trace.eps_s;
  out["eps"] = trace.eps;
  out["delta"] = trace.delta;
  out["eps_guided"] = trace.eps_guided;
  if (!trace.traj_eps.empty()) out["traj_eps"] = torch::stack(trace.traj_eps);
  if (recorded_tensors.count("traj_x") != 0) {
    std::vector<Tensor> inputs;
    for (size_t i = 0; i + 1 < recorder.calls.size(); ++i) inputs.push_back(recorder.calls[i].x);
    out["traj_x"] = torch::stack(inputs);
  }
  if (options.perpneg) {
    out["perpneg_weights"] = perpneg_prompts(prompts, input.views, options.perpneg_options).weights;
  }
  if (images.grad().defined()) {
    out["d_images"] = images.grad();
    out["d_images_every4"] = images.grad().slice(2, 0, {}, 4).slice(3, 0, {}, 4);
  }
  if (disparity.grad().defined()) out["d_disparity"] = disparity.grad();
  return result;
}

// Relative L2 tolerance of a tensor, from the README of the golden files.
double tolerance(const std::string& name) {
  for (const char* exact : {"latents", "x_start", "posterior_mean", "posterior_logvar", "w", "perpneg_weights"}) {
    if (name == exact) return 1e-5;
  }
  for (const char* early : {"x_s", "x_t", "eps_s", "eps", "traj_eps", "traj_x"}) {
    if (name == early) return 5e-5;
  }
  return 1e-4;
}

class DistillGolden : public testing::TestWithParam<std::string> {};

TEST_P(DistillGolden, EveryTensorIsTheReferences) {
  const json c = read_cases().at(GetParam());
  const auto file = weights::read_safetensors(folder() / (GetParam() + ".safetensors"));
  const Result ours = run(c, file.tensors);
  double worst = 0;
  for (const auto& [name, expected] : file.tensors) {
    SCOPED_TRACE(name);
    const bool is_input =
        name == "azimuths" || name == "vae_noise" || name.starts_with("noise_") || name == "eta_noise";
    if (is_input || name == "index_t_s_start" || name == "steps_t") continue;
    if (name.ends_with("_sum_and_norm")) {
      const Tensor whole = ours.tensors.at(name.substr(0, name.size() - 13)).to(torch::kDouble);
      const double norm = expected[1].item<double>();
      EXPECT_NEAR(whole.norm().item<double>(), norm, 1e-4 * norm);
      EXPECT_NEAR(whole.sum().item<double>(), expected[0].item<double>(),
                  1e-4 * norm * std::sqrt(static_cast<double>(whole.numel())));
      continue;
    }
    ASSERT_EQ(ours.tensors.count(name), 1u) << "our code has no such tensor";
    const double error = tensor::relative_error(ours.tensors.at(name), expected);
    EXPECT_LT(error, tolerance(name));
    worst = std::max(worst, error / tolerance(name));
  }
  RecordProperty("worst_share_of_tolerance", std::to_string(worst));
}

TEST_P(DistillGolden, TimesAndCallsAreTheReferences) {
  const json c = read_cases().at(GetParam());
  const auto file = weights::read_safetensors(folder() / (GetParam() + ".safetensors"));
  const Result ours = run(c, file.tensors);
  const StepTimes& times = ours.score.times;
  EXPECT_EQ(times.t(), c.at("t").get<int64_t>());
  EXPECT_EQ(times.s_index, c.at("s_index").get<int64_t>());
  EXPECT_EQ(times.start_index, c.at("start_index").get<int64_t>());
  const Tensor steps = file.tensors.at("steps_t").contiguous();
  if (steps.numel() > 0) {
    EXPECT_EQ(times.visited,
              std::vector<int64_t>(steps.data_ptr<int64_t>(), steps.data_ptr<int64_t>() + steps.numel()));
  }
  const IndexRange range = t_index_range(options_of(c), c.at("iteration"), 1000);
  EXPECT_EQ(range.low, c.at("randint_low").get<int64_t>());
  EXPECT_EQ(range.high, c.at("randint_high").get<int64_t>());
  // One call fewer than the reference if s is the start: its stride of length 0 repeats a prediction.
  const size_t saved = times.s_index >= 0 && times.s_index == times.start_index ? 1 : 0;
  EXPECT_EQ(ours.unet_calls + saved, c.at("unet_calls").get<size_t>());
}

TEST(DistillGoldenFolder, HasCases) { EXPECT_GE(case_names().size(), lucid::test::goldens_are_committed() ? 16u : 1u); }

INSTANTIATE_TEST_SUITE_P(Cases, DistillGolden, testing::ValuesIn(case_names()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace lucid::distill
