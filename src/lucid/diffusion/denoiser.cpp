// SPDX-License-Identifier: Apache-2.0
// See denoiser.h.
#include "lucid/diffusion/denoiser.h"

#include <vector>

#include "lucid/base/error.h"
#include "lucid/nn/cast_module.h"
#include "lucid/nn/conv2d.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::diffusion {

UNetDenoiser::UNetDenoiser(const UNet& unet, const nn::ComputeOptions& options, const Control& control)
    : unet_(nn::in_precision(unet, options.precision)),
      control_(control),
      precision_(nn::precision_of(unet_)),
      workers_(options.workers),
      records_(options.record && tensor::CudaGraph::available()),
      recorded_([this](const std::vector<torch::Tensor>& inputs) { return compute(inputs); }) {
  if (looks()) control_.net = nn::in_precision(control_.net, precision_);
  nn::keep_laid_out(*unet_, options.low_memory);
  if (looks()) nn::keep_laid_out(*control_.net, options.low_memory);
}

void UNetDenoiser::keep(const torch::Tensor& prompts) {
  if (prompts_.is_same(prompts)) return;
  std::vector<torch::nn::Module*> networks{unet_.get()};
  if (looks()) networks.push_back(control_.net.get());
  recorded_.forget();
  kept_.emplace(networks, prompts.to(precision_));
  prompts_ = prompts;
}

torch::Tensor UNetDenoiser::compute(const std::vector<torch::Tensor>& inputs) {
  const torch::Tensor &x = inputs[0], &t = inputs[1];
  const torch::Tensor latents = x.to(nn::type_of_maps(precision_, x));
  const bool mixes_kept = inputs[2].dim() == 2;
  const nn::Context context = mixes_kept ? nn::Context(*kept_, inputs[2]) : nn::Context(inputs[2].to(precision_));
  if (!looks()) return unet_->forward(latents, t, context).to(x.scalar_type());
  const ControlResiduals control = control_.net->forward(x.to(precision_), t, context, inputs[3], control_.scale);
  return unet_->forward(latents, t, context, &control).to(x.scalar_type());
}

torch::Tensor UNetDenoiser::predict(const torch::Tensor& x, const torch::Tensor& timesteps,
                                    const nn::PromptMix& prompts) {
  const int64_t batch = x.size(0), workers = workers_.count();
  std::vector<torch::Tensor> inputs = {x, timesteps};
  if (tensor::PlainOperators::wanted()) {
    inputs.push_back(prompts.embeddings());
  } else {
    keep(prompts.prompts);
    inputs.push_back(tensor::to_device(prompts.weights, x.device()));
  }
  if (looks()) {
    LUCID_CHECK(pictures_.defined() && batch % pictures_.size(0) == 0, "a batch of {} and no such pictures", batch);
    inputs.push_back(pictures_.repeat({batch / pictures_.size(0), 1, 1, 1}));
  }
  const bool learns = torch::GradMode::is_enabled();
  if (records_ && x.is_cuda() && !learns && !tensor::PlainOperators::wanted()) return recorded_(inputs);
  if (workers == 1 || batch < workers || learns || !x.is_cpu()) return compute(inputs);
  std::vector<torch::Tensor> parts(static_cast<size_t>(workers));
  workers_.run([&](int64_t worker) {
    const torch::NoGradGuard no_grad;
    const tensor::Share share = tensor::share_of(batch, worker, workers);
    std::vector<torch::Tensor> rows;
    for (const torch::Tensor& input : inputs) rows.push_back(input.slice(0, share.begin, share.end));
    parts[static_cast<size_t>(worker)] = compute(rows);
  });
  return torch::cat(parts);
}

}  // namespace lucid::diffusion
