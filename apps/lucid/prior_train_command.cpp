// SPDX-License-Identifier: Apache-2.0
// lucid prior train, lucid prior sample: pictures to weights, and pictures that the weights draw.
#include <spdlog/spdlog.h>

#include "commands.h"
#include "lucid/app/threads.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/base/machine.h"
#include "lucid/pretrain/sampler.h"
#include "lucid/pretrain/train.h"
#include "lucid/tensor/device.h"

namespace lucid::cli {

int run_prior_train(const pretrain::TrainRequest& request, const std::atomic<bool>& stop) {
  app::set_threads(request.threads);
  pretrain::TrainOptions options{.corpus = request.corpus,
                                 .from = request.from,
                                 .multi_view = request.multi_view,
                                 .preset = request.preset,
                                 .stage = request.stage,
                                 .text_steps = request.text_steps,
                                 .vae_steps = request.vae_steps,
                                 .unet_steps = request.unet_steps,
                                 .batch = request.batch,
                                 .unet_rate = request.unet_rate,
                                 .resume = request.resume,
                                 .command = request.command};
  pretrain::RunOptions& run = options.run;
  run.folder = request.out;
  run.seed = request.seed;
  run.save_seconds = request.save_seconds;
  run.measure_seconds = request.measure_seconds;
  run.device = tensor::device_from_name(request.device);
  tensor::make_current(run.device);
  const bool cpu = run.device.is_cpu();
  // A GPU is kept busy by one thread; the others prepare its batches.
  run.threads = !cpu ? 1 : request.threads > 0 ? request.threads : core_count();
  run.low_precision = request.precision == "auto" ? !cpu || has_fast_bfloat16() : request.precision == "bf16";
  run.progress = Progress::style_from_name(request.progress);
  run.stop = &stop;
  if (pretrain::train_prior(options)) return 0;
  spdlog::info("stopped; --resume continues from here");
  return 130;
}

int run_prior_sample(const SampleRequest& request) {
  app::set_threads(request.threads);
  const text_to_image::Prior prior =
      text_to_image::load_prior(request.folder.empty() ? app::embedded_prior() : std::filesystem::path(request.folder));
  asset::write_png(request.output, pretrain::sample_sheet(prior, request.prompts, request.views, request.options));
  spdlog::info("wrote {}: {} x {} pictures", request.output, request.prompts.size(), request.views);
  return 0;
}

}  // namespace lucid::cli
