// SPDX-License-Identifier: Apache-2.0
// Loading of the networks, and the two stages with the settings of Point-E's text example.
#include "lucid/pointe/point_e.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/nn/layer.h"
#include "lucid/tensor/randn.h"
#include "lucid/text/clip_text.h"
#include "lucid/text/tokenizer.h"
#include "lucid/weights/torch_file.h"

namespace lucid::pointe {
namespace {

using torch::Tensor;
using Kind = TransformerConfig::Kind;

constexpr int64_t kBasePoints = 1024, kUpsamplePoints = 3072;  // that the published models were trained for
constexpr KarrasOptions kBaseSampler{.sigma_max = 120, .churn = 3}, kUpsampleSampler{.sigma_max = 160};

PointTransformer open_network(const std::filesystem::path& file, Kind kind, const OpenOptions& options) {
  PointTransformer net = load_transformer(weights::read_weights(file), options.dtype);
  if (net->config().kind != kind) {
    throw UserError({.what_happened = kind == Kind::kVector ? "holds the upsampler, not the base model"
                                                            : "holds the base model, not the upsampler",
                     .file = file.string(),
                     .hint = "two files have each other's name"});
  }
  net->to(options.device);
  nn::freeze_layers(*net, /*low_memory=*/false, /*round_activations=*/false);
  return net;
}

Tensor text_vector(const std::filesystem::path& clip, const std::string& text, const std::filesystem::path& merges) {
  text::ClipText model = text::load_clip_text(clip);
  const auto tokenizer = text::Tokenizer::from_merges_file(merges, /*sd2_padding=*/false);
  const int64_t room = model.encoder->config().positions;
  if (const int64_t tokens = tokenizer.count(text); tokens > room - 2)
    spdlog::warn("the prompt has {} tokens; CLIP reads the first {}", tokens, room - 2);
  const Tensor ids = torch::tensor(tokenizer.encode(text, room)).unsqueeze(0);
  const Tensor vector = model.vectors(ids);
  return vector / vector.norm(2, 1, /*keepdim=*/true);
}

/// Runs one stage for a cloud [1,6,points] in output units.
class Sampler {
 public:
  Sampler(const SampleOptions& options, torch::Device device) : options_(options), device_(device) {}

  void expect(const KarrasOptions& sampler) { total_ += denoiser_calls(sampler); }

  Tensor run(const char* stage, const KarrasOptions& sampler, int64_t points, const Denoise& denoise) {
    const DrawNoise draw = seeded_noise(options_.seed, stage, points, device_);
    const Denoise reported = [&](const Tensor& x, float sigma) {
      if (options_.stop != nullptr && *options_.stop) throw Stopped();
      const Tensor clean = denoise(x, sigma);
      if (options_.on_call) options_.on_call(++done_, total_, sigma);
      return clean;
    };
    return unscaled(karras_sample(sampler, draw, reported).denoised);
  }

 private:
  const SampleOptions& options_;
  torch::Device device_;
  int64_t done_ = 0, total_ = 0;
};

}  // namespace

DrawNoise seeded_noise(uint64_t seed, const std::string& stage, int64_t points, torch::Device device) {
  return [=](int64_t draw) {
    Rng rng(seed, stage, static_cast<uint64_t>(draw));
    return tensor::randn(rng, {1, kChannels, points}, device);
  };
}

PointCloud points_of(const Tensor& cloud) {
  const Tensor points = cloud.transpose(0, 1).to(torch::kCPU, torch::kFloat).contiguous();  // [N,6]
  return {.xyz = points.slice(1, 0, 3).contiguous(),
          .rgb = (points.slice(1, 3).clamp(0, 255).round() / 255).contiguous()};
}

Networks open_networks(const WeightFiles& files, const std::string& text, const OpenOptions& options) {
  const torch::NoGradGuard no_grad;
  Networks networks;
  networks.vector = text_vector(files.clip, text, options.merges).to(options.device);
  networks.base = open_network(files.base, Kind::kVector, options);
  const int64_t width = networks.base->config().condition_width, held = networks.vector.size(1);
  if (width != held) {
    throw UserError(
        {.what_happened = fmt::format("gives vectors of {} numbers, Point-E's base model wants {}", held, width),
         .file = files.clip.string(),
         .hint = "CLIP ViT-L/14 was expected"});
  }
  networks.upsample = open_network(files.upsample, Kind::kUpsample, options);
  return networks;
}

PointCloud sample(Networks& networks, const SampleOptions& options, StageSeconds* seconds) {
  LUCID_CHECK(options.points >= 1 && options.steps >= 2, "{} points, {} steps", options.points, options.steps);
  const torch::NoGradGuard no_grad;
  const torch::Device device = networks.vector.device();
  KarrasOptions base_sampler = kBaseSampler, upsample_sampler = kUpsampleSampler;
  base_sampler.steps = upsample_sampler.steps = options.steps;
  const int64_t coarse = std::min(options.points, kBasePoints), more = options.points - coarse;
  const int64_t passes = (more + kUpsamplePoints - 1) / kUpsamplePoints;

  Sampler sampler(options, device);
  sampler.expect(base_sampler);
  for (int64_t i = 0; i < passes; ++i) sampler.expect(upsample_sampler);
  const auto begin = std::chrono::steady_clock::now();
  const Diffusion cosine = Diffusion::cosine(), linear = Diffusion::linear();
  const Tensor base =
      sampler.run("coarse points", base_sampler, coarse,
                  guided_denoiser(networks.base, cosine, {.vector = networks.vector}, options.guidance));
  std::vector<Tensor> parts = {base.to(torch::kCPU)};  // waits for a GPU
  const auto middle = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < passes; ++i) {
    const std::string stage = i == 0 ? "fine points" : fmt::format("fine points {}", i + 1);
    const int64_t points = std::min(more - i * kUpsamplePoints, kUpsamplePoints);
    parts.push_back(sampler
                        .run(stage.c_str(), upsample_sampler, points,
                             guided_denoiser(networks.upsample, linear, {.low_res = base}, 0))
                        .to(torch::kCPU));
  }
  const auto end = std::chrono::steady_clock::now();
  if (seconds != nullptr) {
    seconds->base = std::chrono::duration<double>(middle - begin).count();
    seconds->upsample = std::chrono::duration<double>(end - middle).count();
  }
  return points_of(torch::cat(parts, 2)[0]);
}

}  // namespace lucid::pointe
