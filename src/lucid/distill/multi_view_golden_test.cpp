// SPDX-License-Identifier: Apache-2.0
// Scores with MVDream's network, four views at once, against the original projects' code: the score of
// MVDream-threestudio, and LucidDreamer's ISM.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lucid/distill/distiller.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/text_to_image/single_file.h"
#include "lucid/weights/state_dict.h"
#include "multi_view_prior.h"

namespace lucid::distill {
namespace {

using text_to_image::ViewAnchors;
using text_to_image::ViewPrompts;
using torch::Tensor;

constexpr double kMultiViewLatents = 1e-5, kMultiViewEps = 5e-5, kMultiViewGradient = 1e-4;  // of the goldens' README

struct MultiViewCase {
  explicit MultiViewCase(const std::string& name)
      : file(weights::read_safetensors(lucid::test::multi_view_goldens() / (name + ".safetensors"))) {}
  const Tensor& operator[](const std::string& name) const { return file.tensors.at(name); }
  double meta(const std::string& key) const { return nlohmann::json::parse(file.metadata.at(key)); }
  int64_t number(const std::string& key) const { return nlohmann::json::parse(file.metadata.at(key)); }
  void expect(const std::string& name, const Tensor& found, double limit) const {
    EXPECT_LE(tensor::relative_error(found, file.tensors.at(name)), limit) << name;
  }
  weights::StateDict file;
};

/// MVDream's network as a denoiser, and its schedule.
struct MultiViewNetwork {
  diffusion::UNetDenoiser unet{diffusion::load_unet(lucid::test::multi_view_goldens() / "unet")};
  diffusion::Schedule schedule{
      diffusion::ScheduleConfig::from_file(lucid::test::multi_view_goldens() / "scheduler/scheduler_config.json")};
};

/// The case's context without the view words that a multi-view prior does not want.
ViewPrompts viewless_prompts(const MultiViewCase& golden, const std::string& inverse) {
  return {ViewAnchors({text_to_image::ViewAnchor{}}), golden["context_text"], golden["context_negative"],
          golden[inverse]};
}

NoiseSource recorded_noise(const Tensor& base, const Tensor& offset) {
  return {.base = [base](at::IntArrayRef) { return base; },
          .offset = [offset](at::IntArrayRef shape) { return offset.defined() ? offset : torch::zeros(shape); },
          .eta = nullptr};
}

ScoreOutput scored_with_trace(const ScoreOptions& options, MultiViewNetwork& network, const ScoreInput& input,
                              NoiseSource noise) {
  const auto distiller = make_distiller(options);
  distiller->want_trace = true;
  return distiller->score(network.unet, network.schedule, input, noise);
}

/// The recorded step of MVDream-threestudio as `score` computes it.
void expect_reconstruction(const std::string& name, const std::string& score) {
  SCOPED_TRACE(name + " by " + score);
  const MultiViewCase golden(name);
  MultiViewNetwork network;
  Tensor cameras = golden["c2w"].clone();
  const Tensor position = cameras.slice(1, 0, 3).select(2, 3);
  position.div_(position.norm(2, 1, true));
  network.unet.set_cameras(cameras.view({-1, 16}));
  const ViewPrompts prompts = viewless_prompts(golden, "context_negative");
  ScoreOptions options;
  options.score = score;
  options.guidance_scale = golden.meta("guidance_scale");
  options.recon_rescale = golden.meta("recon_std_rescale");
  options.lambda_guidance = 1;
  options.perpneg = false;
  const int64_t views = golden["latents"].size(0);
  const ScoreOutput output =
      scored_with_trace(options, network,
                        {.latents = golden["latents"],
                         .prompts = &prompts,
                         .views = std::vector<text_to_image::Direction>(static_cast<size_t>(views)),
                         .t_index = golden.number("t") - network.schedule.config().steps_offset},
                        recorded_noise(golden["noise"], {}));
  EXPECT_EQ(output.times.t(), golden.number("t"));
  golden.expect("eps_negative", output.trace.eps[0], kMultiViewEps);
  golden.expect("eps_text", output.trace.eps[1], kMultiViewEps);
  golden.expect("d_latents", output.d_latents / views,
                kMultiViewGradient);  // the original's loss is a mean over the views
  EXPECT_LE(std::abs(output.d_latents.square().sum().item<double>() / (2 * static_cast<double>(views)) /
                         golden["loss"].item<double>() -
                     1),
            kMultiViewGradient);
}

TEST(MultiViewScoreGolden, ReconIsMvdreamThreestudios) {
  for (const char* name : {"recon_sds_half", "recon_sds_none", "recon_sds_full"}) expect_reconstruction(name, "recon");
}

TEST(MultiViewScoreGolden, SdsIsReconWithoutRescaling) { expect_reconstruction("recon_sds_none", "sds"); }

TEST(MultiViewScoreGolden, IsmIsLucidDreamersOnGroupsOfFour) {
  const lucid::test::TemporaryFolder temporary;
  text_to_image::Prior prior = text_to_image::load_single_file(
      lucid::test::multi_view_checkpoint(),
      {.merges = {}, .configs = lucid::test::make_multi_view_folder(temporary.path / "mvdream")});
  const Tensor images =
      weights::read_safetensors(lucid::test::goldens() / "applications/common.safetensors").tensors.at("images");
  for (const char* name : {"ism_0", "ism_1", "ism_2"}) {
    SCOPED_TRACE(name);
    const MultiViewCase golden(name);
    MultiViewNetwork network;
    network.unet.set_cameras(golden["camera"]);
    const Tensor leaf = images.clone().requires_grad_();
    const Tensor latents = diffusion::sample_latents(prior.vae->encode_moments(2 * leaf - 1), golden["vae_noise"],
                                                     prior.vae->config().scaling_factor);
    golden.expect("latents", latents, kMultiViewLatents);
    const ViewPrompts prompts = viewless_prompts(golden, "context_inverse");
    ScoreOptions options;
    options.guidance_scale = golden.meta("guidance_scale");
    options.lambda_guidance = golden.meta("lambda_guidance");
    options.perpneg = false;
    const ScoreOutput output = scored_with_trace(options, network,
                                                 {.latents = latents.detach(),
                                                  .prompts = &prompts,
                                                  .views = std::vector<text_to_image::Direction>(4),
                                                  .iteration = golden.number("iteration"),
                                                  .t_index = golden.number("t_index")},
                                                 recorded_noise(golden["noise_base"], golden["noise_offset"]));
    EXPECT_EQ(output.times.t(), golden.number("t"));
    EXPECT_EQ(output.times.s_index, golden.number("s_index"));
    EXPECT_EQ(output.times.start_index, golden.number("start_index"));
    golden.expect("x_s", output.trace.x_s, kMultiViewEps);
    golden.expect("x_t", output.trace.x_t, kMultiViewEps);
    golden.expect("eps_s", output.trace.eps_s, kMultiViewEps);
    golden.expect("eps", output.trace.eps, kMultiViewEps);
    golden.expect("d_latents", output.d_latents, kMultiViewGradient);
    latents.backward(output.d_latents);
    const Tensor every_fourth = leaf.grad().slice(2, 0, {}, 4).slice(3, 0, {}, 4);
    golden.expect("d_images_every4", every_fourth, kMultiViewGradient);
  }
}

}  // namespace
}  // namespace lucid::distill
