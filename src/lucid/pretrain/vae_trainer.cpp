// SPDX-License-Identifier: Apache-2.0
// Loss, metrics and training of the VAE.
#include "lucid/pretrain/vae_trainer.h"

#include <fmt/format.h>

#include "lucid/asset/pictures/image.h"
#include "lucid/nn/layout.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/pretrain/measured.h"
#include "lucid/pretrain/replicas.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/randn.h"

namespace lucid::pretrain {
namespace {

constexpr double kBackgroundWeight = 0.2;  // weight of a background pixel; an object's pixel has 1
constexpr double kSquaredWeight = 2, kEdgeWeight = 0.5, kChromaWeight = 2;
constexpr double kKlWeight = 2e-4;           // large enough to bound the latents, too small to blur
constexpr double kWholePictureShare = 0.25;  // share of the steps, at the end, that use whole pictures instead of crops

torch::Tensor difference(const torch::Tensor& x, int64_t axis) { return x.diff(1, axis); }

/// Decoded posterior means of rgb [n,3,S,S] in 0..1 -> [n,3,S,S] in 0..1, on the CPU.
torch::Tensor reconstruction(diffusion::Vae& vae, const torch::Tensor& rgb) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = tensor::to_device(rgb, tensor::device_of(*vae));
  const torch::Tensor mean = vae->encode_moments(pixels * 2 - 1).chunk(2, 1)[0];
  return (vae->decode(mean * vae->config().scaling_factor) * 0.5 + 0.5).clamp(0, 1).to(torch::kCPU);
}

}  // namespace

torch::Tensor vae_loss(const torch::Tensor& moments, const torch::Tensor& drawn, const Pictures& pictures) {
  const torch::Tensor error = drawn - pictures.rgb;  // [n,3,S,S]
  const torch::Tensor weight = kBackgroundWeight + (1 - kBackgroundWeight) * pictures.alpha;
  const torch::Tensor total = weight.mean() + 1e-6;
  torch::Tensor loss = (weight * (error.abs() + kSquaredWeight * error.square())).mean();
  const torch::Tensor chroma = error - error.mean(1, true);
  loss = loss + kChromaWeight * (weight * chroma.abs()).mean();
  for (const int64_t axis : {2, 3}) {
    const torch::Tensor edge_weight = weight.slice(axis, 1);
    loss = loss + kEdgeWeight * (edge_weight * difference(error, axis).abs()).mean();
  }
  const auto parts = moments.chunk(2, 1);
  const torch::Tensor log_variance = parts[1].clamp(-30, 20);
  const torch::Tensor kl = 0.5 * (parts[0].square() + log_variance.exp() - 1 - log_variance).mean();
  return loss / total + kKlWeight * kl;
}

VaeQuality evaluate_vae(diffusion::Vae vae, const corpus::Corpus& corpus, const std::vector<int64_t>& views) {
  double all = 0, inside = 0, area = 0;
  for (const int64_t view : views) {
    const corpus::Views truth = corpus.views({view});
    const torch::Tensor square = (reconstruction(vae, truth.rgb) - truth.rgb).square().mean(1, true);  // [1,1,S,S]
    all += square.mean().item<double>();
    inside += (square * truth.alpha).sum().item<double>();
    area += truth.alpha.sum().item<double>();
  }
  const auto n = static_cast<double>(std::max<size_t>(1, views.size()));
  return {.psnr = decibel(all / n), .foreground_psnr = decibel(inside / std::max(area, 1.0))};
}

double measured_scaling_factor(diffusion::Vae vae, const corpus::Corpus& corpus, const Split& split) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> means;
  for (const int64_t view : evenly_spaced(split.train, 256)) {
    const torch::Tensor rgb = tensor::to_device(corpus.views({view}).rgb, tensor::device_of(*vae));
    means.push_back(vae->encode_moments(rgb * 2 - 1).chunk(2, 1)[0]);
  }
  return 1 / std::max(1e-3, torch::cat(means).std().item<double>());
}

bool train_vae(diffusion::Vae& vae, const Sizes& sizes, const corpus::Corpus& corpus, const Split& split,
               const RunOptions& options) {
  vae->to(options.device);
  nn::make_weights_channels_last(*vae);
  auto replicas = make_replicas(vae, options.threads);
  TrainingState training(*vae, sizes.vae_stage);
  diffusion::Vae averaged(sizes.vae);
  averaged->to(options.device);
  nn::make_weights_channels_last(*averaged);
  const tensor::Workers workers = options.workers();
  const int64_t size = corpus.picture_size(), crop = std::min(sizes.vae_crop, size);
  const double factor = sizes.vae.scaling_factor;
  const auto held = evenly_spaced(split.unseen_views.empty() ? split.train : split.unseen_views, 48);

  Stage stage{.name = "vae", .sizes = sizes.vae_stage};
  stage.gradients = [&](int64_t step) {
    const auto whole_from = static_cast<int64_t>((1 - kWholePictureShare) * static_cast<double>(stage.sizes.steps));
    const int64_t side = step < whole_from ? crop : size;
    // More crops than whole pictures, in inverse proportion to their area, at the same cost.
    const int64_t count = stage.sizes.batch * ((size * size) / (side * side));
    const Pictures batch =
        draw_pictures(corpus, split, Rng(options.seed, "vae pictures", static_cast<uint64_t>(step)), count, side)
            .on(options.device);
    const int64_t downscale = sizes.vae.downscale();
    Rng rng(options.seed, "vae noise", static_cast<uint64_t>(step));
    const torch::Tensor noise =
        tensor::randn(rng, {count, sizes.vae.latent_channels, side / downscale, side / downscale}, options.device);
    return parallel_backward(workers, replicas, count, [&](diffusion::Vae& replica, const tensor::Share& share) {
      const Pictures mine{batch.rgb.slice(0, share.begin, share.end), batch.alpha.slice(0, share.begin, share.end)};
      torch::Tensor moments, drawn;
      {
        const LowPrecision low(options.low_precision, options.device.type());
        moments = replica->encode_moments(mine.rgb).to(torch::kFloat);
        drawn = replica->decode(diffusion::sample_latents(moments, noise.slice(0, share.begin, share.end), factor))
                    .to(torch::kFloat);
      }
      return vae_loss(moments, drawn, mine) * (static_cast<double>(share.size()) / static_cast<double>(count));
    });
  };
  stage.measure = [&](int64_t step) {
    training.ema.copy_to(*averaged);
    const VaeQuality numbers = evaluate_vae(averaged, corpus, held);
    std::vector<torch::Tensor> above, below;
    for (const int64_t view : evenly_spaced(held, 12)) {
      const torch::Tensor rgb = corpus.views({view}).rgb;
      above.push_back(rgb[0]);
      below.push_back(reconstruction(averaged, rgb)[0]);
    }
    asset::write_png(options.folder / "progress" / fmt::format("vae_{:06}.png", step),
                     asset::contact_sheet({above, below}));
    return nlohmann::ordered_json{{"psnr", numbers.psnr}, {"foreground_psnr", numbers.foreground_psnr}};
  };
  const bool finished = run_stage(stage, training, options);
  training.ema.copy_to(*vae);
  return finished;
}

}  // namespace lucid::pretrain
