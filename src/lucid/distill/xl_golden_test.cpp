// SPDX-License-Identifier: Apache-2.0
// Golden tests of Trajectory Score Matching with SDXL (goldens/applications/sdxl): from pictures to their gradient,
// against Dreamer-XL. Every call carries the pooled text and the size.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/distill/distiller.h"
#include "lucid/distill/image_terms.h"
#include "lucid/distill/score_table.h"
#include "lucid/distill/toy_denoiser.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/weights/state_dict.h"

namespace lucid::distill {
namespace {

using nlohmann::json;
using tensor::relative_error;
using torch::Tensor;

std::filesystem::path xl_goldens() { return lucid::test::goldens() / "applications/sdxl"; }

struct XlStep {
  explicit XlStep(const std::string& name)
      : golden(weights::read_safetensors(xl_goldens() / (name + ".safetensors"))),
        prior(text_to_image::load_prior(xl_goldens())) {}
  const Tensor& operator[](const std::string& name) const { return golden.tensors.at(name); }
  json meta(const std::string& key) const { return json::parse(golden.metadata.at(key)); }

  /// One prompt for all views; the inverse prompt is zeros, as are its pooled numbers.
  text_to_image::ViewPrompts prompts() const {
    const Tensor &text = golden.tensors.at("context_text"), &negative = golden.tensors.at("context_negative");
    text_to_image::ViewPrompts result(text_to_image::ViewAnchors::reference(), torch::cat({text, text, text, text}),
                                      negative, torch::zeros_like(negative));
    const std::vector<int64_t> ids = meta("time_ids");
    const auto vector = [&](const Tensor& pooled) {
      return text_to_image::added_vector(pooled, ids[0], ids[1], prior.unet->config().size_width);
    };
    const Tensor &pooled = golden.tensors.at("pooled_text"), &against = golden.tensors.at("pooled_negative");
    const Tensor view = vector(pooled);
    result.set_vectors(torch::cat({view, view, view, view, vector(against), vector(torch::zeros_like(against))}));
    return result;
  }
  ScoreOptions options() const {
    ScoreOptions options;
    options.score = "tsm";
    options.perpneg = false;
    options.warmup_iter = 750;
    options.tsm_gamma = meta("gamma");
    options.guidance_scale = meta("guidance_scale");
    options.lambda_guidance = meta("lambda_guidance");
    return options;
  }

  weights::StateDict golden;
  text_to_image::Prior prior;
};

TEST(XlDistillGolden, TsmIsDreamerXls) {
  if (!std::filesystem::exists(xl_goldens())) GTEST_SKIP() << xl_goldens() << " is not there";
  const Tensor pictures =
      weights::read_safetensors(xl_goldens() / "../common.safetensors").tensors.at("images").clone().requires_grad_();
  for (const char* name : {"tsm_0", "tsm_1", "tsm_2"}) {
    SCOPED_TRACE(name);
    const XlStep step(name);
    diffusion::Vae vae = step.prior.vae;
    if (pictures.grad().defined()) pictures.grad().zero_();
    const Tensor latents = diffusion::sample_latents(vae->encode_moments(pictures * 2 - 1), step["vae_noise"],
                                                     vae->config().scaling_factor);
    EXPECT_LT(relative_error(latents.detach(), step["latents"]), 1e-5);

    diffusion::UNetDenoiser unet(step.prior.unet);
    test::Recorder recorder(unet);
    const text_to_image::ViewPrompts prompts = step.prompts();
    const auto distiller = make_distiller(step.options());
    distiller->want_trace = true;
    NoiseSource noise{.base = [&](at::IntArrayRef) { return step["noise_base"]; },
                      .offset = [&](at::IntArrayRef) { return step["noise_offset"]; },
                      .eta = nullptr};
    const ScoreOutput output = distiller->score(recorder, step.prior.schedule,
                                                {.latents = latents.detach(),
                                                 .prompts = &prompts,
                                                 .views = std::vector<text_to_image::Direction>(4),
                                                 .iteration = step.meta("iteration"),
                                                 .t_index = step.meta("t_index")},
                                                noise);
    EXPECT_EQ(output.times.s_index, step.meta("s_index").get<int64_t>());
    EXPECT_EQ(output.times.t(), step.meta("t").get<int64_t>());
    // x_mu and x_t are one stride from x_s each; the reference predicts at x_s for each.
    EXPECT_EQ(recorder.calls.size() + 1, step.meta("unet_calls").get<size_t>());
    const auto& trace = output.trace;
    EXPECT_LT(relative_error(trace.x_s, step["x_s"]), 5e-5);
    EXPECT_LT(relative_error(trace.x_mu, step["x_mu"]), 5e-5);
    EXPECT_LT(relative_error(trace.eps_mu, step["eps_mu"]), 5e-5);
    EXPECT_LT(relative_error(trace.x_t, step["x_t"]), 5e-5);
    EXPECT_LT(relative_error(trace.eps, step["eps"]), 5e-5);
    EXPECT_LT(relative_error(output.d_latents, step["d_latents"]), 1e-4);
    latents.backward(output.d_latents);
    const Tensor every4 = pictures.grad().slice(2, 0, {}, 4).slice(3, 0, {}, 4);
    EXPECT_LT(relative_error(every4, step["d_images_every4"]), 1e-4);
  }
}

/// Every score asks an SDXL network with a vector in every call: without one the network refuses.
TEST(XlDistillGolden, EveryScoreCarriesTheVectors) {
  if (!std::filesystem::exists(xl_goldens())) GTEST_SKIP() << xl_goldens() << " is not there";
  const XlStep step("tsm_0");
  diffusion::UNetDenoiser unet(step.prior.unet);
  text_to_image::ViewPrompts prompts = text_to_image::view_prompts(step.prior, "a cat", "ugly", "");
  text_to_image::ViewPrompts source = text_to_image::view_prompts(step.prior, "a dog", "ugly", "");
  text_to_image::ViewPrompts::share_table(prompts, source);
  const auto normal = [](at::IntArrayRef shape) { return torch::randn(shape); };
  for (const std::string& score : score_names()) {
    if (find_score(score)->instructed) continue;  // for a network that sees a picture
    SCOPED_TRACE(score);
    torch::manual_seed(1);
    ScoreOptions options;
    options.score = score;
    options.view_guidance = 1;
    NoiseSource noise{.base = normal, .offset = normal, .eta = normal, .uniform = [] { return 0.5; }};
    const ScoreOutput output = make_distiller(options)->score(unet, step.prior.schedule,
                                                              {.latents = torch::randn({2, 4, 8, 8}),
                                                               .prompts = &prompts,
                                                               .views = {{.azimuth = 30}, {.azimuth = 200}},
                                                               .t_index = 400,
                                                               .source_latents = torch::randn({2, 4, 8, 8}),
                                                               .source_prompts = &source},
                                                              noise);
    EXPECT_TRUE(output.d_latents.isfinite().all().item<bool>());
    EXPECT_GT(output.d_latents.abs().max().item<double>(), 0);
  }
}

TEST(GradientClip, APixelsChannelsShrinkTogether) {
  const Tensor d = torch::tensor({0.1F, 0.02F, -0.2F, 0.01F, 0.04F, 0.05F}).view({1, 3, 1, 2});
  // Pixel 0: 0.1, -0.2, 0.04 -> a quarter; pixel 1: 0.02, 0.01, 0.05 -> unchanged.
  const Tensor expected = torch::tensor({0.025F, 0.02F, -0.05F, 0.01F, 0.01F, 0.05F}).view({1, 3, 1, 2});
  EXPECT_TRUE(torch::allclose(clipped_per_pixel(d, 0.05), expected, 1e-6));
  EXPECT_TRUE(clipped_per_pixel(d, 0).is_same(d));
  EXPECT_EQ(clipped_per_pixel(torch::zeros({1, 3, 2, 2}), 0.05).abs().max().item<float>(), 0);
}

TEST(GradientClip, AViewsDepthShrinksAsAWhole) {
  const Tensor d = torch::tensor({0.04F, -0.02F, 0.001F, 0.005F}).view({2, 1, 1, 2});
  const Tensor expected = torch::tensor({0.01F, -0.005F, 0.001F, 0.005F}).view({2, 1, 1, 2});
  EXPECT_TRUE(torch::allclose(clipped_per_view(d, 0.01), expected, 1e-6));
}

}  // namespace
}  // namespace lucid::distill
