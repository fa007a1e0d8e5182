// SPDX-License-Identifier: Apache-2.0
// UNetDenoiser: caches prompts, computes a batch in parts, splits each among workers, replays captured work on a GPU.
#include "lucid/diffusion/denoiser.h"

#include <algorithm>
#include <vector>

#include "lucid/base/error.h"
#include "lucid/nn/cast_module.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/layer.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::diffusion {
namespace {

/// The rows of a share of groups, each of `together` rows.
std::vector<torch::Tensor> rows_of(const std::vector<torch::Tensor>& inputs, int64_t together,
                                   const tensor::Share& share) {
  std::vector<torch::Tensor> rows;
  for (const torch::Tensor& input : inputs)
    rows.push_back(input.slice(0, together * share.begin, together * share.end));
  return rows;
}

}  // namespace

UNetDenoiser::UNetDenoiser(const UNet& unet, const nn::ComputeOptions& options, const Control& control)
    : unet_(nn::cast_module(unet, options.dtype)),
      control_(control),
      dtype_(nn::compute_dtype(*unet_)),
      workers_(options.workers),
      rows_at_once_(options.rows_at_once),
      cuda_graphs_(options.cuda_graphs && tensor::CudaGraph::available()),
      captured_([this](const std::vector<torch::Tensor>& inputs) { return compute(inputs); }) {
  if (needs_control_images()) control_.net = nn::cast_module(control_.net, dtype_);
  nn::freeze_layers(*unet_, options.low_memory, /*round_activations=*/true);
  if (needs_control_images()) nn::freeze_layers(*control_.net, options.low_memory, /*round_activations=*/true);
}

void UNetDenoiser::cache_prompts(const torch::Tensor& prompts) {
  if (prompts_.is_same(prompts)) return;
  std::vector<torch::nn::Module*> networks{unet_.get()};
  if (needs_control_images()) networks.push_back(control_.net.get());
  captured_.clear();
  prompt_cache_.emplace(networks, prompts.to(dtype_));
  prompts_ = prompts;
}

torch::Tensor UNetDenoiser::compute(const std::vector<torch::Tensor>& inputs) {
  const torch::Tensor &x = inputs[0], &t = inputs[1];
  const torch::Tensor latents = x.to(nn::activation_dtype(dtype_, x));
  const bool is_mix = inputs[2].dim() == 2;
  const nn::Context context = is_mix ? nn::Context(*prompt_cache_, inputs[2]) : nn::Context(inputs[2].to(dtype_));
  size_t next = 3;
  UNetExtras extras;
  if (needs_vector()) extras.vector = inputs[next++];
  ControlResiduals residuals;
  if (needs_control_images()) {
    residuals = control_.net->forward(x.to(dtype_), t, context, inputs[next++], control_.scale);
    extras.control = &residuals;
  }
  if (needs_cameras()) {
    extras.cameras = inputs[next];
    extras.views = joint_views();
  }
  return unet_->forward(latents, t, context, extras).to(x.scalar_type());
}

torch::Tensor UNetDenoiser::predict(const torch::Tensor& x, const torch::Tensor& timesteps,
                                    const nn::PromptMix& prompts) {
  const int64_t batch = x.size(0), together = joint_views();
  std::vector<torch::Tensor> inputs = {x, timesteps};
  if (tensor::ReferenceOpsGuard::active()) {
    inputs.push_back(prompts.embeddings());
  } else {
    cache_prompts(prompts.prompts);
    inputs.push_back(tensor::to_device(prompts.weights, x.device()));
  }
  if (needs_vector()) {
    LUCID_CHECK(prompts.vectors.defined(), "an SDXL U-Net was asked without the prompts' vectors");
    inputs.push_back(
        nn::mix_rows(prompts.weights, prompts.vectors.cpu()).to(torch::kFloat).to(x.device()).contiguous());
  }
  if (needs_control_images()) {
    LUCID_CHECK(control_images_.defined() && batch % control_images_.size(0) == 0,
                "a batch of {} without control images for it", batch);
    inputs.push_back(control_images_.repeat({batch / control_images_.size(0), 1, 1, 1}));
  }
  if (needs_cameras()) {
    LUCID_CHECK(cameras_.defined() && cameras_.size(0) % together == 0 && batch % cameras_.size(0) == 0,
                "a batch of {} without cameras for it", batch);
    inputs.push_back(tensor::to_device(cameras_, x.device()).repeat({batch / cameras_.size(0), 1}));
  }
  const int64_t groups = batch / together, at_once = std::max<int64_t>(rows_at_once_ / together, 1);
  if (rows_at_once_ == 0 || torch::GradMode::is_enabled()) return compute_rows(inputs);
  const int64_t count = (groups + at_once - 1) / at_once;
  std::vector<torch::Tensor> parts;
  for (int64_t part = 0; part < count; ++part)
    parts.push_back(compute_rows(rows_of(inputs, together, tensor::share_of(groups, part, count))));
  return torch::cat(parts);
}

torch::Tensor UNetDenoiser::compute_rows(const std::vector<torch::Tensor>& inputs) {
  const torch::Tensor& x = inputs[0];
  const bool wants_gradient = torch::GradMode::is_enabled();
  if (cuda_graphs_ && x.is_cuda() && !wants_gradient && !tensor::ReferenceOpsGuard::active()) return captured_(inputs);
  const int64_t groups = x.size(0) / joint_views(), workers = workers_.count();
  if (workers == 1 || groups < workers || wants_gradient || !x.is_cpu()) return compute(inputs);
  std::vector<torch::Tensor> parts(static_cast<size_t>(workers));
  workers_.run([&](int64_t worker) {
    const torch::NoGradGuard no_grad;
    const tensor::Share share = tensor::share_of(groups, worker, workers);
    parts[static_cast<size_t>(worker)] = compute(rows_of(inputs, joint_views(), share));
  });
  return torch::cat(parts);
}

}  // namespace lucid::diffusion
