// SPDX-License-Identifier: Apache-2.0
// Vae: encoder and decoder with the 1x1 convolutions between them, sampling, loading.
#include "lucid/diffusion/vae.h"

#include "lucid/base/error.h"
#include "lucid/nn/load_module.h"
#include "lucid/weights/state_dict.h"

namespace lucid::diffusion {
namespace {

// diffusers clamps the posterior's log-variance to this range.
constexpr double kMinLogVariance = -30, kMaxLogVariance = 20;

// Stable Diffusion 1.x files have old names for the attention layers.
void rename_old_attention(weights::StateDict& state) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {".query.", ".to_q."}, {".key.", ".to_k."}, {".value.", ".to_v."}, {".proj_attn.", ".to_out.0."}};
  std::map<std::string, torch::Tensor> renamed;
  for (auto& [name, tensor] : state.tensors) {
    std::string now = name;
    for (const auto& [old_part, new_part] : kNames) {
      const size_t at = now.find(old_part);
      if (at != std::string::npos) now.replace(at, std::string_view(old_part).size(), new_part);
    }
    renamed.emplace(std::move(now), tensor);
  }
  state.tensors = std::move(renamed);
}

}  // namespace

VaeImpl::VaeImpl(const VaeConfig& config)
    : config_(config),
      encoder_(register_module("encoder", VaeEncoder(config))),
      decoder_(register_module("decoder", VaeDecoder(config))),
      quant_conv_(register_module("quant_conv", nn::conv1x1(2 * config.latent_channels, 2 * config.latent_channels))),
      post_quant_conv_(
          register_module("post_quant_conv", nn::conv1x1(config.latent_channels, config.latent_channels))) {}

torch::Tensor VaeImpl::encode_moments(const torch::Tensor& image) {
  LUCID_CHECK(image.dim() == 4 && image.size(1) == config_.in_channels, "image has {} axes", image.dim());
  const torch::Tensor input = image.contiguous(torch::MemoryFormat::ChannelsLast);
  return quant_conv_->forward(encoder_(input, tensor::ActivationHook(on_activation, "encoder."))).contiguous();
}

std::vector<MapFunction> VaeImpl::encoding_parts() {
  std::vector<MapFunction> parts = encoder_->parts();
  parts.front() = [first = parts.front()](const torch::Tensor& x) {
    return first(x.contiguous(torch::MemoryFormat::ChannelsLast));
  };
  parts.back() = [this, last = parts.back()](const torch::Tensor& x) {
    return quant_conv_->forward(last(x)).contiguous();
  };
  return parts;
}

torch::Tensor VaeImpl::decode(const torch::Tensor& latents) {
  LUCID_CHECK(latents.dim() == 4 && latents.size(1) == config_.latent_channels, "latents have {} axes", latents.dim());
  const torch::Tensor input = (latents / config_.scaling_factor).contiguous(torch::MemoryFormat::ChannelsLast);
  return decoder_(post_quant_conv_->forward(input), tensor::ActivationHook(on_activation, "decoder.")).contiguous();
}

torch::Tensor sample_latents(const torch::Tensor& moments, const torch::Tensor& noise, double scaling_factor) {
  const auto parts = moments.chunk(2, 1);
  const torch::Tensor deviation = torch::exp(0.5 * parts[1].clamp(kMinLogVariance, kMaxLogVariance));
  return (parts[0] + deviation * noise) * scaling_factor;
}

torch::Tensor posterior_mean(const torch::Tensor& moments) { return moments.chunk(2, 1)[0]; }

Vae load_vae(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes) {
  weights::StateDict state = weights::read_part(folder, "diffusion_pytorch_model");
  rename_old_attention(state);
  return nn::load_module<Vae>(VaeConfig::from_file(folder / "config.json"), std::move(state), dtypes);
}

}  // namespace lucid::diffusion
