// SPDX-License-Identifier: Apache-2.0
// lucid prior train, lucid prior sample: pictures to weights, and pictures that the weights draw.
#include <spdlog/spdlog.h>

#include <memory>

#include "commands.h"
#include "lucid/app/options.h"
#include "lucid/app/threads.h"
#include "lucid/asset/image.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/pretrain/sampler.h"
#include "lucid/pretrain/train.h"
#include "lucid/tensor/device.h"

namespace lucid::cli {
namespace {

struct TrainState {
  pretrain::TrainOptions options;
  int64_t threads = 0;
  std::string progress = "auto", precision = "auto", device = "cpu";
};

int run_train(TrainState& state, const std::atomic<bool>& stop) {
  constexpr int kInterrupted = 130;
  if (state.precision != "auto" && state.precision != "fp32" && state.precision != "bf16")
    throw UserError(UserMistake{.what_happened = "auto, fp32 or bf16", .key = "--precision"});
  app::set_threads(state.threads);
  pretrain::RunOptions& run = state.options.run;
  run.device = tensor::device_from_name(state.device);
  const bool cpu = run.device.is_cpu();
  // A GPU is kept busy by one thread; the others prepare its batches.
  run.threads = !cpu ? 1 : state.threads > 0 ? state.threads : core_count();
  run.low_precision = state.precision == "auto" ? !cpu || has_fast_bfloat16() : state.precision == "bf16";
  run.progress = Progress::style_from_name(state.progress);
  run.stop = &stop;
  if (pretrain::train_prior(state.options)) return 0;
  spdlog::info("stopped; --resume goes on from here");
  return kInterrupted;
}

struct SampleState {
  std::string folder, output = "sheet.png";
  std::vector<std::string> prompts;
  int64_t views = 8, threads = 0;
  pretrain::SampleOptions options;
};

int run_sample(const SampleState& state) {
  if (state.views < 1 || state.views > 64) throw UserError(UserMistake{.what_happened = "1 to 64", .key = "--views"});
  if (state.options.steps < 1 || state.options.steps > 1000)
    throw UserError(UserMistake{.what_happened = "1 to 1000", .key = "--steps"});
  app::set_threads(state.threads);
  const text_to_image::Prior prior = text_to_image::load_prior(
      state.folder.empty() ? app::data_folder() / "models" / "mini" : std::filesystem::path(state.folder));
  asset::write_png(state.output, pretrain::sample_sheet(prior, state.prompts, state.views, state.options));
  spdlog::info("wrote {}: {} x {} pictures", state.output, state.prompts.size(), state.views);
  return 0;
}

}  // namespace

Command add_prior_train(CLI::App& prior) {
  CLI::App* command = prior.add_subcommand("train", "pictures to weights: text encoder, VAE and U-Net");
  auto state = std::make_shared<TrainState>();
  pretrain::TrainOptions& options = state->options;
  command->add_option("--corpus", options.corpus, "folder that `lucid prior corpus` wrote")
      ->required()
      ->type_name("DIR");
  command->add_option("--out", options.run.folder, "the prior: a diffusers folder, with checkpoints beside it")
      ->required()
      ->type_name("DIR");
  command->add_option("--stage", options.stage, "all, text, vae or unet")->capture_default_str();
  command->add_option("--preset", options.preset, "sizes: default or tiny")->capture_default_str();
  command->add_option("--text-steps", options.text_steps, "0 = the preset's")->capture_default_str();
  command->add_option("--vae-steps", options.vae_steps, "0 = the preset's")->capture_default_str();
  command->add_option("--unet-steps", options.unet_steps, "0 = the preset's; may change when resuming")
      ->capture_default_str();
  command->add_option("--batch", options.batch, "pictures a step of the U-Net; 0 = the preset's")
      ->capture_default_str();
  command->add_option("--seed", options.run.seed, "the result is a function of it")->capture_default_str();
  command->add_option("--threads", state->threads, "CPU threads; with cuda they prepare its batches; 0 = all cores")
      ->capture_default_str();
  command->add_option("--device", state->device, "cpu or cuda, the first GPU; a run resumes on the one it began on")
      ->capture_default_str();
  command->add_option("--precision", state->precision, "auto, fp32 or bf16")->capture_default_str();
  command->add_option("--save-seconds", options.run.save_seconds, "between checkpoints")->capture_default_str();
  command->add_option("--measure-seconds", options.run.measure_seconds, "between held-out numbers and sheets")
      ->capture_default_str();
  command->add_option("--progress", state->progress, "auto, bar, plain, json or off")->capture_default_str();
  command->add_flag("--resume", options.resume, "go on from the checkpoints in --out");
  return {.app = command, .run = [state, command](const std::atomic<bool>& stop) {
            state->options.command = "lucid prior train";
            for (const CLI::Option* option : command->get_options()) {
              if (option->count() == 0 || option->check_name("--out") || option->check_name("--resume")) continue;
              const std::string value = option->as<std::string>();
              state->options.command += " " + option->get_name() + (value == "true" ? "" : " " + value);
            }
            return run_train(*state, stop);
          }};
}

Command add_prior_sample(CLI::App& prior) {
  CLI::App* command = prior.add_subcommand("sample", "draw pictures from the prior itself");
  auto state = std::make_shared<SampleState>();
  command->add_option("prompt", state->prompts, "one row each")->required();
  command->add_option("--prior", state->folder, "a diffusers folder; without it the embedded one")->type_name("DIR");
  command->add_option("--output,-o", state->output, "PNG to write")->capture_default_str()->type_name("FILE");
  command->add_option("--views", state->views, "azimuths, evenly from the front")->capture_default_str();
  command->add_option("--steps", state->options.steps, "DDIM steps")->capture_default_str();
  command->add_option("--guidance", state->options.guidance, "classifier-free guidance")->capture_default_str();
  command->add_option("--seed", state->options.seed, "of the noise")->capture_default_str();
  command->add_option("--threads", state->threads, "CPU threads; 0 = all cores")->capture_default_str();
  return {.app = command, .run = [state](const std::atomic<bool>&) { return run_sample(*state); }};
}

}  // namespace lucid::cli
