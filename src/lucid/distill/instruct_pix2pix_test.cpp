// SPDX-License-Identifier: Apache-2.0
// InstructPix2Pix: golden tests of the condition, the guidance, the score and an edit of a picture
// (goldens/applications/ip2p), and options that do not act with it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/error.h"
#include "lucid/diffusion/image_encoder.h"
#include "lucid/diffusion/vae.h"
#include "lucid/distill/guidance.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::distill {
namespace {

using tensor::relative_error;
using text_to_image::ViewPrompts;
using torch::Tensor;

constexpr int64_t kStepsOffset = 1;  // of the goldens' schedule

std::filesystem::path applications() { return lucid::test::goldens() / "applications"; }

struct Ip2pCase {
  explicit Ip2pCase(const std::string& name)
      : state(weights::read_safetensors(applications() / "ip2p" / (name + ".safetensors"))) {
    options.score = "ip2p";
    options.lambda_guidance = 1;
    options.perpneg = false;
    options.guidance_scale = number("guidance_scale");
    options.image_guidance_scale = number("condition_scale");
  }
  const Tensor& operator[](const std::string& name) const { return state.tensors.at(name); }
  double number(const std::string& key) const { return nlohmann::json::parse(state.metadata.at(key)).get<double>(); }
  ScoreInput input() const {
    return {.latents = (*this)["latents"],
            .prompts = &prompts,
            .views = {{}},
            .t_index = static_cast<int64_t>(number("t")) - kStepsOffset,
            .picture = (*this)["cond_latents"]};
  }

  weights::StateDict state;
  ScoreOptions options;
  // The negative prompt, here the instruction again, must not act.
  ViewPrompts prompts{text_to_image::ViewAnchors({{.azimuth = 0, .elevation = 0, .words = ""}}),
                      state.tensors.at("context_instruction"), state.tensors.at("context_instruction"),
                      state.tensors.at("context_empty")};
  diffusion::Schedule schedule{
      diffusion::ScheduleConfig::from_file(lucid::test::goldens() / "distill/scheduler/scheduler_config.json")};
  diffusion::UNetDenoiser unet{diffusion::load_unet(applications() / "ip2p/unet")};
};

/// Rows of the goldens are (instruction, empty, empty without the picture); ours begin with the empty prompt.
Tensor in_their_order(const Tensor& eps) {
  return eps.squeeze(1).index_select(0, torch::tensor({1, 0, 2}, torch::kLong));
}

TEST(InstructPix2PixGolden, TheScoreIsThreestudios) {
  for (const char* name : {"sds_0", "sds_1"}) {
    SCOPED_TRACE(name);
    Ip2pCase golden(name);
    NoiseSource noise{.base = [&](at::IntArrayRef) { return golden["noise"]; },
                      .offset = [](at::IntArrayRef shape) { return torch::zeros(shape); },
                      .eta = nullptr};
    const auto distiller = make_distiller(golden.options);
    distiller->want_trace = true;
    const ScoreOutput output = distiller->score(golden.unet, golden.schedule, golden.input(), noise);
    EXPECT_EQ(output.times.t(), static_cast<int64_t>(golden.number("t")));
    EXPECT_LT(relative_error(output.trace.x_t[0], golden["unet_input"][0].slice(0, 0, 4)), 1e-5);
    EXPECT_LT(relative_error(in_their_order(output.trace.eps), golden["eps"]), 5e-5);
    EXPECT_LT(relative_error(output.trace.eps_guided, golden["eps_guided"]), 5e-5);
    EXPECT_LT(relative_error(output.d_latents, golden["grad"]), 1e-4);
  }
}

TEST(InstructPix2PixGolden, TheConditionIsTheMeanOfThePosteriorUnscaled) {
  const Tensor pictures = weights::read_safetensors(applications() / "common.safetensors").tensors.at("images_source");
  diffusion::Vae vae = diffusion::load_vae(lucid::test::goldens() / "distill/vae");
  diffusion::ImageEncoder encoder(vae);
  for (const int64_t i : {0, 1}) {
    const Ip2pCase golden("sds_" + std::to_string(i));
    const Tensor moments = encoder.encode(pictures.slice(0, i, i + 1));
    EXPECT_LT(relative_error(diffusion::posterior_mean(moments), golden["cond_latents"]), 1e-5);
  }
}

TEST(InstructPix2PixGolden, AnEditOfAPictureFollowsThreestudios) {
  Ip2pCase golden("edit");
  const ScoreInput input = golden.input();
  const Tensor &labels = golden["timesteps"], &inputs = golden["traj_x"];
  Tensor x = golden.schedule.add_noise(golden["latents"], golden["noise"], static_cast<int64_t>(golden.number("t")));
  for (int64_t i = 0; i < labels.numel(); ++i) {
    EXPECT_LT(relative_error(x, inputs.slice(0, i, i + 1)), 5e-5) << i;
    const int64_t t = labels[i].item<int64_t>(), stride = labels[0].item<int64_t>() - labels[1].item<int64_t>();
    const Guided guided = guide(golden.options, golden.unet, golden.schedule, input, x, t);
    EXPECT_LT(relative_error(in_their_order(guided.eps), golden["eps"][i]), 5e-5) << i;
    x = golden.schedule.ddim_step(x, guided.guided, t, t - stride);
  }
  EXPECT_LT(relative_error(x, golden["edited_latents"]), 5e-5);
}

TEST(InstructPix2Pix, RefusesOptionsThatWouldNotAct) {
  ScoreOptions plain;
  plain.score = "ip2p";
  plain.perpneg = false;
  EXPECT_NO_THROW(make_distiller(plain));
  for (const auto& change : std::initializer_list<void (*)(ScoreOptions&)>{
           [](ScoreOptions& o) { o.perpneg = true; }, [](ScoreOptions& o) { o.view_guidance = 1; },
           [](ScoreOptions& o) { o.apg_eta = 0; }, [](ScoreOptions& o) { o.image_guidance_scale = -1; }}) {
    ScoreOptions options = plain;
    change(options);
    EXPECT_THROW(make_distiller(options), UserError);
  }
}

}  // namespace
}  // namespace lucid::distill
