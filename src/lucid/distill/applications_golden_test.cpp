// SPDX-License-Identifier: Apache-2.0
// Golden tests of the scores besides ISM and SDS (goldens/applications: scores/ and edit/), from latents to the
// gradient. A golden batch may have a timestep for each view; a score takes one, so views are scored one by one and
// joined.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/distill/beside_source.h"
#include "lucid/distill/distiller.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::distill {
namespace {

using nlohmann::json;
using tensor::relative_error;
using text_to_image::ViewPrompts;
using torch::Tensor;

constexpr int64_t kOffset = 1;  // steps_offset of the goldens' schedule
constexpr double kPrediction = 5e-5, kGradient = 1e-4;

struct Golden {
  explicit Golden(const std::string& name)
      : state(weights::read_safetensors(lucid::test::goldens() / "applications" / (name + ".safetensors"))) {}
  const Tensor& operator[](const std::string& name) const { return state.tensors.at(name); }
  json meta(const std::string& key) const { return json::parse(state.metadata.at(key)); }
  weights::StateDict state;
};

diffusion::Schedule schedule_of(const std::string& folder = "scheduler") {
  return diffusion::Schedule(
      diffusion::ScheduleConfig::from_file(lucid::test::goldens() / "distill" / folder / "scheduler_config.json"));
}

/// The network of all cases. Prompts that are mixes become `mixed`: the goldens' view prompt is no mix of Perp-Neg's
/// two other prompts, as it is in lucid.
class GoldenUNet final : public diffusion::Denoiser {
 public:
  Tensor predict(const Tensor& x, const Tensor& timesteps, const nn::PromptMix& prompts) override {
    timestep = timesteps[0].item<int64_t>();
    timesteps_seen.push_back(timestep);
    inputs.push_back(x.slice(0, 0, 1));
    Tensor embeddings = prompts.embeddings().clone();
    for (int64_t row = 0; row < x.size(0); ++row) {
      if (mixed.defined() && prompts.weights[row].max().item<float>() < 0.9F) embeddings[row] = mixed[0];
    }
    return unet_.predict(x, timesteps, embeddings);
  }
  Tensor mixed;  // [1,L,D]
  int64_t timestep = 0;
  std::vector<int64_t> timesteps_seen;
  std::vector<Tensor> inputs;

 private:
  diffusion::UNetDenoiser unet_{diffusion::load_unet(lucid::test::goldens() / "distill" / "unet")};
};

/// One prompt for all views.
ViewPrompts prompts_of(const Tensor& text, const Tensor& negative, const Tensor& empty) {
  return {text_to_image::ViewAnchors::reference(), torch::cat({text, text, text, text}), negative, empty};
}

/// Options with lambda 1, without Perp-Neg.
ScoreOptions options_of(const std::string& score) {
  ScoreOptions options;
  options.score = score;
  options.lambda_guidance = 1;
  options.perpneg = false;
  return options;
}

NoiseSource noise_of(const Tensor& base, double uniform = 0) {
  return {.base = [base](at::IntArrayRef) { return base; },
          .offset = [](at::IntArrayRef shape) { return torch::zeros(shape); },
          .eta = nullptr,
          .uniform = [uniform] { return uniform; }};
}

ScoreOutput scored(const ScoreOptions& options, GoldenUNet& unet, const ScoreInput& input, NoiseSource noise,
                   const diffusion::Schedule& schedule = schedule_of()) {
  const auto distiller = make_distiller(options);
  distiller->want_trace = true;
  return distiller->score(unet, schedule, input, noise);
}

/// Perp-Neg whose two extra prompts are the golden's, at azimuth 45, half front and half side.
struct PerpNegCase {
  PerpNegCase(const Golden& golden, double scale, ScoreOptions& options, GoldenUNet& unet)
      : prompts(text_to_image::ViewAnchors::reference(),
                torch::cat({golden["context_perpneg"][1].unsqueeze(0), golden["context_perpneg"][0].unsqueeze(0),
                            golden["context_perpneg"][1].unsqueeze(0), golden["context_text"]}),
                golden["context_negative"], golden["context_empty"]) {
    const double front = golden["perpneg_weights"][0][0].item<double>();
    const double side = golden["perpneg_weights"][0][1].item<double>();
    options.perpneg = true;
    options.perpneg_options = {
        .negative_w = scale * front, .front_decay_factor = 0, .side_decay_factor = -2 * std::log(side / front)};
    unet.mixed = golden["context_text"];
  }
  ViewPrompts prompts;
};

TEST(ApplicationsGolden, TsmIsDreamerXls) {
  const Golden golden("scores/tsm");
  GoldenUNet unet;
  ScoreOptions options = options_of("tsm");
  options.lambda_guidance = golden.meta("lambda_guidance");
  options.tsm_gamma = golden.meta("gamma");
  options.warmup_iter = 750;
  const ViewPrompts prompts = prompts_of(golden["context_text"], golden["context_negative"], golden["context_inverse"]);
  NoiseSource noise = noise_of(golden["noise_base"]);
  noise.offset = [&](at::IntArrayRef) { return golden["noise_offset"]; };
  const ScoreOutput output =
      scored(options, unet,
             {.latents = golden["latents"],
              .prompts = &prompts,
              .views = std::vector<text_to_image::Direction>(static_cast<size_t>(golden["latents"].size(0))),
              .iteration = golden.meta("iteration"),
              .t_index = golden.meta("t_index")},
             noise);
  EXPECT_EQ(output.times.s_index, golden.meta("s_index").get<int64_t>());
  EXPECT_EQ(unet.timesteps_seen[unet.timesteps_seen.size() - 2], golden.meta("mu").get<int64_t>());
  // x_mu and x_t are one stride from x_s each, and the reference predicts there for each.
  EXPECT_EQ(unet.timesteps_seen.size() + 1, golden.meta("unet_calls").get<size_t>());
  EXPECT_LT(relative_error(output.trace.x_s, golden["x_s"]), kPrediction);
  EXPECT_LT(relative_error(output.trace.x_mu, golden["x_mu"]), kPrediction);
  EXPECT_LT(relative_error(output.trace.eps_mu, golden["eps_mu"]), kPrediction);
  EXPECT_LT(relative_error(output.trace.x_t, golden["x_t"]), kPrediction);
  EXPECT_LT(relative_error(output.trace.eps, golden["eps"]), kPrediction);
  EXPECT_LT(relative_error(output.d_latents, golden["d_latents"]), kGradient);
}

TEST(ApplicationsGolden, SdiIsThreestudios) {
  for (const char* name : {"scores/sdi_0", "scores/sdi_1", "scores/sdi_2"}) {
    SCOPED_TRACE(name);
    const Golden golden(name);
    GoldenUNet unet;
    ScoreOptions options = options_of("sdi");
    options.guidance_scale = golden.meta("guidance_scale");
    options.sdi_guidance = golden.meta("inversion_guidance_scale");
    options.sdi_steps = golden.meta("inversion_n_steps");
    options.sdi_eta = golden.meta("inversion_eta");
    ViewPrompts prompts = prompts_of(golden["context_text"], golden["context_negative"], golden["context_empty"]);
    const bool perpneg = golden.meta("perpneg");
    if (perpneg) prompts = PerpNegCase(golden, 1, options, unet).prompts;
    NoiseSource noise = noise_of({}, golden.meta("uniform"));
    noise.eta = [&golden, stride = int64_t{0}](at::IntArrayRef) mutable { return golden["eta_noise"][stride++]; };
    const ScoreOutput output = scored(options, unet,
                                      {.latents = golden["latents"],
                                       .prompts = &prompts,
                                       .views = {{.azimuth = 45}},
                                       .t_index = golden.meta("t").get<int64_t>() - kOffset},
                                      noise);
    ASSERT_EQ(unet.timesteps_seen.size(), golden.meta("unet_calls").get<size_t>());
    for (size_t i = 0; i < unet.timesteps_seen.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      EXPECT_EQ(unet.timesteps_seen[i], golden["traj_t"][row].item<int64_t>());
      EXPECT_LT(relative_error(unet.inputs[i][0], golden["traj_x"][row]), 2e-4) << i;
      // Rows: ours are negative, text, Perp-Neg's two; the golden's text, negative, Perp-Neg's two.
      const Tensor ours = output.trace.traj_eps[i].squeeze(1), theirs = golden["eps"][row];
      EXPECT_LT(relative_error(ours[0], theirs[1]), 2e-4) << i;
      EXPECT_LT(relative_error(ours[1], theirs[0]), 2e-4) << i;
      if (perpneg) {
        EXPECT_LT(relative_error(ours.slice(0, 2), theirs.slice(0, 2)), 2e-4) << i;
      }
    }
    EXPECT_LT(relative_error(output.trace.x_t, golden["x_t"]), 2e-4);
    EXPECT_LT(relative_error(output.d_latents, golden["grad"]), 2e-4);
  }
}

/// The gradient of every view of a case, each at its own timestep, joined.
Tensor by_view(const Golden& golden, const ScoreOptions& options, GoldenUNet& unet, const ViewPrompts& prompts) {
  std::vector<Tensor> gradients;
  for (int64_t view = 0; view < golden["latents"].size(0); ++view) {
    const auto row = [&](const char* name) { return golden[name].slice(0, view, view + 1); };
    const double uniform = golden.state.tensors.contains("uniform") ? row("uniform").item<double>() : 0;
    gradients.push_back(scored(options, unet,
                               {.latents = row("latents"),
                                .prompts = &prompts,
                                .views = {{.azimuth = 45}},
                                .iteration = 1000,
                                .t_index = row("timestep").item<int64_t>() - kOffset},
                               noise_of(row("noise"), uniform))
                            .d_latents);
    if (golden.state.tensors.contains("timestep_plus")) {
      EXPECT_EQ(unet.timestep, row("timestep_plus").item<int64_t>());
    }
  }
  return torch::cat(gradients);
}

TEST(ApplicationsGolden, CsdIsItsAuthors) {
  for (const char* name : {"scores/csd", "scores/csd_negative", "scores/csd_perpneg"}) {
    SCOPED_TRACE(name);
    const Golden golden(name);
    GoldenUNet unet;
    ScoreOptions options = options_of("csd");
    const double negative = golden.meta("negative_scale"), empty = golden.meta("empty_scale");
    ASSERT_EQ(negative + empty, -1) << "not of the form that lucid has";
    options.csd_steps = 1000;  // all of the way, at iteration 1000
    options.csd_negative = -negative;
    ViewPrompts prompts = prompts_of(golden["context_text"], golden["context_negative"], golden["context_empty"]);
    const double scale = golden.meta("perpneg_scale");
    if (scale > 0) prompts = PerpNegCase(golden, scale, options, unet).prompts;
    EXPECT_LT(relative_error(by_view(golden, options, unet, prompts), golden["grad"]), kGradient);
  }
}

TEST(ApplicationsGolden, NfsdIsTheFormula) {
  const Golden golden("scores/nfsd");
  GoldenUNet unet;
  ScoreOptions options = options_of("nfsd");
  options.guidance_scale = golden.meta("guidance_scale");
  const ViewPrompts prompts = prompts_of(golden["context_text"], golden["context_negative"], golden["context_empty"]);
  EXPECT_LT(relative_error(by_view(golden, options, unet, prompts), golden["grad"]), kGradient);
}

TEST(ApplicationsGolden, AsdIsScaleDreamers) {
  for (const char* name : {"scores/asd", "scores/asd_fixed_shift"}) {
    SCOPED_TRACE(name);
    const Golden golden(name);
    GoldenUNet unet;
    ScoreOptions options = options_of("asd");
    options.guidance_scale = golden.meta("guidance_scale");
    options.asd_shift = golden.meta("plus_ratio");
    options.asd_random_shift = golden.meta("plus_random");
    const ViewPrompts prompts =
        prompts_of(golden["context_text"], golden["context_negative"], golden["context_negative"]);
    EXPECT_LT(relative_error(by_view(golden, options, unet, prompts), golden["grad"]), kGradient);
  }
}

TEST(ApplicationsGolden, DdsIsItsAuthors) {
  for (const char* name : {"edit/dds", "edit/dds_v_prediction"}) {
    SCOPED_TRACE(name);
    const Golden golden(name);
    GoldenUNet unet;
    ScoreOptions options = options_of("dds");
    options.guidance_scale = golden.meta("guidance_scale");
    const bool v = golden.meta("prediction_type") == "v_prediction";
    const ViewPrompts target = prompts_of(golden["context_target"], golden["context_empty"], golden["context_empty"]);
    const ViewPrompts source = prompts_of(golden["context_source"], golden["context_empty"], golden["context_empty"]);
    for (int64_t view = 0; view < golden["latents"].size(0); ++view) {
      const auto row = [&](const char* tensor) { return golden[tensor].slice(0, view, view + 1); };
      const ScoreOutput output = scored(options, unet,
                                        {.latents = row("latents"),
                                         .prompts = &target,
                                         .views = {{}},
                                         .t_index = row("timestep").item<int64_t>() - kOffset,
                                         .source_latents = row("latents_source"),
                                         .source_prompts = &source},
                                        noise_of(row("noise")), schedule_of(v ? "scheduler_v" : "scheduler"));
      EXPECT_LT(relative_error(output.trace.eps_target, row("eps_target")), kPrediction);
      EXPECT_LT(relative_error(output.trace.eps_source, row("eps_source")), kPrediction);
      EXPECT_LT(relative_error(output.d_latents, row("d_latents")), kGradient);
    }
  }
}

TEST(ApplicationsGolden, PdsIsItsAuthors) {
  for (const char* name : {"edit/pds_0", "edit/pds_1", "edit/pds_2"}) {
    SCOPED_TRACE(name);
    const Golden golden(name);
    GoldenUNet unet;
    ScoreOptions options = options_of("pds");
    options.guidance_scale = golden.meta("guidance_scale");
    const ViewPrompts target = prompts_of(golden["context_target"], golden["context_empty"], golden["context_empty"]);
    const ViewPrompts source = prompts_of(golden["context_source"], golden["context_empty"], golden["context_empty"]);
    const ScoreOutput output = scored(options, unet,
                                      {.latents = golden["latents"],
                                       .prompts = &target,
                                       .views = {{}},
                                       .t_index = golden.meta("t").get<int64_t>() - kOffset,
                                       .source_latents = golden["latents_source"],
                                       .source_prompts = &source},
                                      noise_of(golden["noise_t"]));
    EXPECT_LT(relative_error(output.trace.eps_target, golden["eps_target"]), kPrediction);
    EXPECT_LT(relative_error(output.trace.eps_source, golden["eps_source"]), kPrediction);
    EXPECT_LT(relative_error(output.d_latents, golden["grad"]), kGradient);
  }
}

TEST(ApplicationsGolden, PdsCoefficientsAreItsAuthors) {
  const Golden golden("edit/pds_coefficients");
  const diffusion::Schedule schedule = schedule_of();
  const auto check = [&](const char* name, double PdsCoefficients::*field) {
    std::vector<double> ours;
    for (int64_t i = 0; i < golden["t"].numel(); ++i) {
      ours.push_back(pds_coefficients(schedule, golden["t"][i].item<int64_t>()).*field);
    }
    EXPECT_LT(relative_error(torch::tensor(ours, torch::kDouble), golden[name]), 1e-5) << name;
  };
  check("c0", &PdsCoefficients::c0);
  check("c1", &PdsCoefficients::c1);
  check("sigma", &PdsCoefficients::sigma);
  check("psi", &PdsCoefficients::psi);
  check("chi", &PdsCoefficients::chi);
}

TEST(ApplicationsGolden, DeltaIsmIsTheDifferenceOfTwoReferenceSteps) {
  const Golden golden("edit/delta_ism");
  GoldenUNet unet;
  ScoreOptions options = options_of("delta-ism");
  options.lambda_guidance = golden.meta("lambda_guidance");
  options.guidance_scale = golden.meta("guidance_scale");
  const Tensor &negative = golden["context_negative"], &inverse = golden["context_inverse"];
  const ViewPrompts target = prompts_of(golden["context_target"], negative, inverse);
  const ViewPrompts source = prompts_of(golden["context_source"], negative, inverse);
  NoiseSource noise = noise_of(golden["noise_base"]);
  noise.offset = [&](at::IntArrayRef) { return golden["noise_offset"]; };
  const ScoreOutput output = scored(options, unet,
                                    {.latents = golden["latents"],
                                     .prompts = &target,
                                     .views = {{}, {}},
                                     .iteration = golden.meta("iteration"),
                                     .t_index = golden.meta("t_index"),
                                     .source_latents = golden["latents_source"],
                                     .source_prompts = &source},
                                    noise);
  EXPECT_EQ(output.times.s_index, golden.meta("s_index").get<int64_t>());
  EXPECT_LT(relative_error(output.trace.x_s, golden["x_s"]), kPrediction);
  EXPECT_LT(relative_error(output.trace.x_t, golden["x_t"]), kPrediction);
  EXPECT_LT(relative_error(output.trace.eps, golden["eps"]), kPrediction);
  EXPECT_LT(relative_error(output.d_latents, golden["d_latents"]), kGradient);
}

}  // namespace
}  // namespace lucid::distill
