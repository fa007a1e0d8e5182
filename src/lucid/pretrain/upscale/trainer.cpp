// SPDX-License-Identifier: Apache-2.0
// Training, measurement and files of the upscaler.
#include "lucid/pretrain/upscale/trainer.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "lucid/asset/pictures/image.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/pretrain/export.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/pretrain/measured.h"
#include "lucid/pretrain/replicas.h"
#include "lucid/pretrain/upscale/card.h"
#include "lucid/pretrain/upscale/data.h"
#include "lucid/tensor/freeze.h"
#include "lucid/upscale/model.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pretrain {
namespace fs = std::filesystem;
namespace {

StageSizes stage_sizes(const UpscaleRequest& request) {
  return {.steps = request.steps,
          .batch = request.batch,
          .optimiser = {.rate = request.rate, .adamw_names = {"head.", "tail."}},
          .ema_decay = 0.99};
}

void check(const UpscaleRequest& request) {
  const auto refuse = [](const char* key, const std::string& what) {
    throw UserError(UserMistake{.what_happened = what, .key = key});
  };
  if (request.steps < 1) refuse("--steps", "must be at least 1");
  if (request.batch < 1) refuse("--batch", "must be at least 1");
  if (request.factor < 2 || request.factor > 8) refuse("--factor", "must be 2 to 8");
  if (request.width < 1 || request.width > 1024) refuse("--width", "must be 1 to 1024");
  if (request.blocks < 1 || request.blocks > 256) refuse("--blocks", "must be 1 to 256");
  if (!request.resume) refuse_second_run(request.out);
}

/// Throws UserError unless the pictures, made smaller, are whole pixels of the VAE's latents.
void check_sizes(const UpscaleRequest& request, int64_t picture_size, int64_t downscale) {
  const int64_t unit = request.factor * downscale;
  if (picture_size % unit == 0) return;
  throw UserError(
      {.what_happened = fmt::format("has pictures of {} pixels a side, no multiple of {}", picture_size, unit),
       .file = request.corpus.string(),
       .hint = "`lucid prior corpus --size 512` renders a corpus for it"});
}

double mean_square(const torch::Tensor& difference) { return difference.square().mean().item<double>(); }

/// Quality on held-out pictures, each as the prior's VAE shows it, and a sheet: bicubic, enlarged, real.
nlohmann::ordered_json measured(upscale::Network& network, const corpus::Corpus& corpus, const SmallPictures& pictures,
                                const std::vector<int64_t>& held, const fs::path& sheet) {
  const torch::NoGradGuard no_grad;
  double error = 0, before = 0;
  std::vector<std::vector<torch::Tensor>> rows;
  const std::vector<int64_t> shown = evenly_spaced(held, 6);
  for (const int64_t view : held) {
    const torch::Tensor small = pictures.decoded[view].unsqueeze(0).to(torch::kFloat) / 255;
    const torch::Tensor truth = corpus.views({view}).rgb, plain = upscale::bicubic(small, pictures.factor).clamp(0, 1),
                        enlarged = network->forward(small).clamp(0, 1);
    error += mean_square(enlarged - truth);
    before += mean_square(plain - truth);
    if (std::ranges::find(shown, view) != shown.end()) rows.push_back({plain[0], enlarged[0], truth[0]});
  }
  asset::write_png(sheet, asset::contact_sheet(rows));
  const auto n = static_cast<double>(std::max<size_t>(held.size(), 1));
  return {{"psnr", decibel(error / n)}, {"bicubic_psnr", decibel(before / n)}};
}

}  // namespace

bool train_upscaler(const UpscaleRequest& request, const RunOptions& run_options) {
  check(request);
  const corpus::Corpus corpus(request.corpus);
  const diffusion::Vae vae = tensor::freeze(diffusion::load_vae(request.prior / "vae"));
  check_sizes(request, corpus.picture_size(), vae->config().downscale());
  RunOptions run = run_options;
  const upscale::NetworkConfig config{.factor = request.factor, .width = request.width, .blocks = request.blocks};
  const fs::path vae_file = weights::part_files(request.prior / "vae", "diffusion_pytorch_model").front();
  run.corpus_key = sha256_of_bytes(fmt::format("{} {} {} {} {}", sha256_of_file(request.corpus / "corpus.json"),
                                               sha256_of_file(vae_file), config.factor, config.width, config.blocks))
                       .substr(0, 16);
  make_folder(request.out / "progress");
  const auto pictures = small_pictures(corpus, vae, config.factor, run);
  if (!pictures) return false;
  const Split split = split_of(corpus);
  const auto held = evenly_spaced(split.unseen_items.empty() ? split.unseen_views : split.unseen_items, 48);
  torch::manual_seed(run.seed);
  upscale::Network network(config), averaged(config);
  spdlog::info("{} views, {:.0f} weights", split.train.size(), config.parameters());
  auto replicas = make_replicas(network, run.threads);
  const tensor::Workers workers = run.workers();
  Stage stage{.name = "upscale", .sizes = stage_sizes(request)};
  TrainingState training(*network, stage.sizes);
  stage.gradients = [&](int64_t step) {
    const int64_t count = stage.sizes.batch;
    const UpscaleBatch batch =
        draw_windows(corpus, *pictures, split.train, Rng(run.seed, "windows", static_cast<uint64_t>(step)), count);
    return parallel_backward(workers, replicas, count, [&](upscale::Network& replica, const tensor::Share& share) {
      torch::Tensor enlarged;
      {
        const LowPrecision low(run.low_precision, run.device.type());
        enlarged = replica->forward(batch.small.slice(0, share.begin, share.end));
      }
      return (enlarged - batch.large.slice(0, share.begin, share.end)).abs().mean() *
             (static_cast<double>(share.size()) / static_cast<double>(count));
    });
  };
  stage.measure = [&](int64_t step) {
    training.ema.copy_to(*averaged);
    return measured(averaged, corpus, *pictures, held,
                    request.out / "progress" / fmt::format("upscale_{:06}.png", step));
  };
  stage.saved = [&] {
    training.ema.copy_to(*averaged);
    upscale::save_network(request.out, config, named_weights(*averaged));
    write_upscale_card(request);
  };
  return run_stage(stage, training, run);
}

}  // namespace lucid::pretrain
