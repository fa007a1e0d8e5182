// SPDX-License-Identifier: Apache-2.0
// UNet: construction from its levels, forward pass, loading.
#include "lucid/diffusion/unet.h"

#include "lucid/base/error.h"
#include "lucid/diffusion/unet_levels.h"
#include "lucid/nn/load_module.h"
#include "lucid/weights/ldm.h"
#include "lucid/weights/state_dict.h"

namespace lucid::diffusion {

UNetImpl::UNetImpl(const UNetConfig& config)
    : config_(config),
      conv_in_(register_module("conv_in", nn::conv3x3(config.in_channels, config.block_out_channels[0]))),
      conv_out_(register_module("conv_out", nn::conv3x3(config.block_out_channels[0], config.out_channels))),
      time_embedding_(register_module("time_embedding", TimeEmbedding(config.block_out_channels[0]))),
      mid_(register_module("mid_block", MidLevel(mid_level_of(config)))),
      conv_norm_out_(register_module(
          "conv_norm_out", nn::GroupNorm(config.norm_num_groups, config.block_out_channels[0], config.norm_eps))) {
  if (config.vector_width > 0) {
    add_embedding_ =
        register_module("add_embedding", VectorEmbedding(config.vector_width, 4 * config.block_out_channels[0]));
  }
  if (config.is_multi_view()) {
    camera_embedding_ =
        register_module("camera_embedding", VectorEmbedding(config.camera_dim, 4 * config.block_out_channels[0]));
  }
  torch::nn::ModuleList down, up;
  for (size_t i = 0; i < config.block_out_channels.size(); ++i) {
    down->push_back(down_.emplace_back(down_level_of(config, i)));
    up->push_back(up_.emplace_back(up_level_of(config, i)));
  }
  register_module("down_blocks", down);
  register_module("up_blocks", up);
}

torch::Tensor UNetImpl::forward(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::Context& context,
                                const UNetExtras& extras) {
  LUCID_CHECK(x.dim() == 4 && x.size(1) == config_.in_channels, "x has {} axes", x.dim());
  LUCID_CHECK(context.batch() == x.size(0) && timesteps.numel() == x.size(0),
              "x {}, context {}, timesteps {} in the batch", x.size(0), context.batch(), timesteps.numel());
  LUCID_CHECK(x.size(0) % extras.views == 0, "{} rows in groups of {}", x.size(0), extras.views);
  const tensor::ActivationHook hook(on_activation);
  torch::Tensor time = time_embedding_(timesteps);
  hook("time_embedding", time);
  LUCID_CHECK(
      extras.vector.defined() == (config_.vector_width > 0) &&
          (!extras.vector.defined() || extras.vector.sizes() == torch::IntArrayRef{x.size(0), config_.vector_width}),
      "an added vector of {} numbers is expected", config_.vector_width);
  if (extras.vector.defined()) {
    const torch::Tensor added = add_embedding_(extras.vector);
    hook("add_embedding", added);
    time = time + added;
  }
  if (extras.cameras.defined()) {
    LUCID_CHECK(config_.is_multi_view() && extras.cameras.size(0) == x.size(0), "{} cameras for {} rows",
                extras.cameras.size(0), x.size(0));
    const torch::Tensor camera = camera_embedding_(extras.cameras);
    hook("camera_embedding", camera);
    time = time + camera;
  }
  const Conditioning conditioning{.time = torch::silu(time), .context = context, .views = extras.views};

  // Maps are channels-last throughout: tokens are then views of maps, and convolutions need no reordering.
  torch::Tensor h = conv_in_->forward(x.contiguous(torch::MemoryFormat::ChannelsLast));
  hook("conv_in", h);
  std::vector<torch::Tensor> skips{h};
  for (size_t i = 0; i < down_.size(); ++i) {
    const std::string name = fmt::format("down_blocks.{}", i);
    h = down_[i](h, conditioning, skips, hook.scoped(name));
    hook(name, h);
  }
  h = mid_(h, conditioning);
  hook("mid_block", h);
  if (const ControlResiduals* control = extras.control) {
    LUCID_CHECK(control->down.size() == skips.size(), "{} residuals for {} skips", control->down.size(), skips.size());
    for (size_t i = 0; i < skips.size(); ++i) skips[i] = skips[i] + control->down[i];
    h = h + control->mid;
  }
  for (size_t i = 0; i < up_.size(); ++i) {
    const std::string name = fmt::format("up_blocks.{}", i);
    h = up_[i](h, conditioning, skips, hook.scoped(name));
    hook(name, h);
  }
  return conv_out_->forward_norm_silu(h, conv_norm_out_).contiguous();
}

UNet load_unet(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes) {
  const UNetConfig config = UNetConfig::from_file(folder / "config.json");
  return nn::load_module<UNet>(config, weights::ldm_unet(weights::read_part(folder, "diffusion_pytorch_model")),
                               dtypes);
}

}  // namespace lucid::diffusion
