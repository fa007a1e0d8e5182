// SPDX-License-Identifier: Apache-2.0
// Command lines of `lucid prior check`, `corpus`, `train`, `sample` and `judge`.
#include <algorithm>
#include <filesystem>

#include "command_line.h"
#include "lucid/app/run_options/multi_view.h"
#include "lucid/base/error.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

constexpr const char* kDevice = "cpu, cuda for the first GPU, or cuda:N.";

Command define_corpus(CLI::App& prior, CorpusRequest& request) {
  CLI::App* command = prior.add_subcommand("corpus", "Render captioned pictures from 3D models.");
  corpus::BuildOptions& build = request.build;
  command->add_option("--out", build.out, "Folder of the corpus.")->type_name("DIR");
  command->add_option("--sheet", build.sheet, "Also write a picture of every model at azimuth 0, 90 and 180.")
      ->type_name("FILE.png");
  command->add_option("--library", build.library, "Folder of .sh3f furniture libraries.")
      ->capture_default_str()
      ->type_name("DIR");
  command
      ->add_option("--table", build.table,
                   "Models, their names and fronts; models/corpus/sweethome3d.tsv if not given.")
      ->type_name("FILE");
  command->add_option("--only", build.only, "Use only the models of this name.")->type_name("WORD");
  command->add_option("--size", build.size, "Width and height of a picture, in pixels.")
      ->capture_default_str()
      ->check(CLI::Range(8, 1024))
      ->type_name("N");
  command->add_option("--views", build.views, "Views of each model in its own colours.")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000))
      ->type_name("N");
  command->add_option("--colours", build.colours, "Other colours of each model.")
      ->capture_default_str()
      ->check(CLI::Range(0, 10))
      ->type_name("N");
  command->add_option("--recoloured-views", build.recoloured_views, "Views in each other colour.")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000))
      ->type_name("N");
  command
      ->add_option("--groups", build.groups,
                   "Groups of four views, a quarter turn apart, of each model besides --views, for `lucid prior train "
                   "--multi-view`; in other colours in proportion.")
      ->capture_default_str()
      ->check(CLI::Range(0, 10000))
      ->type_name("N");
  command->add_option("--seed", build.seed, "Seed of views, lights, colours and of what is held out.")
      ->capture_default_str()
      ->type_name("N");
  add_threads(*command, request.threads);
  add_progress(*command, request.progress);
  return {.app = command, .check = [&request] {
            if (!request.build.out.empty() || !request.build.sheet.empty()) return;
            throw UserError(
                {.what_happened = "nothing to write", .key = "--out", .hint = "give --out DIR or --sheet FILE.png"});
          }};
}

Command define_train(CLI::App& prior, pretrain::TrainRequest& request) {
  CLI::App* command = prior.add_subcommand("train", "Train text encoder, VAE and U-Net on a corpus.");
  command->add_option("--corpus", request.corpus, "Folder that `lucid prior corpus` wrote.")
      ->required()
      ->type_name("DIR");
  command->add_option("--out", request.out, "Folder of the prior, in diffusers layout, with its checkpoints.")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--from", request.from,
                   "Prior whose U-Net is trained further, on its text encoder and VAE. The corpus must have its words.")
      ->type_name("DIR");
  command->add_flag("--multi-view", request.multi_view,
                    "Train a U-Net that draws four views of an object at once and is told their cameras, as MVDream. "
                    "The corpus must have --groups.");
  command->add_option("--stage", request.stage, "Network to train: all, text, vae or unet.")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--preset", request.preset, "Sizes of the networks: default or tiny.")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--text-steps", request.text_steps, "Steps of the text encoder; 0 is the preset's number.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--vae-steps", request.vae_steps, "Steps of the VAE; 0 is the preset's number.")
      ->capture_default_str()
      ->type_name("N");
  command
      ->add_option("--unet-steps", request.unet_steps,
                   "Steps of the U-Net; 0 is the preset's number. May change when resuming.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--batch", request.batch, "Pictures in each step of the U-Net; 0 is the preset's number.")
      ->capture_default_str()
      ->type_name("N");
  command
      ->add_option("--unet-rate", request.unet_rate,
                   "Learning rate of the U-Net; 0 is the preset's, and with --from a fifth of it.")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("X");
  command->add_option("--seed", request.seed, "Seed of every random draw.")->capture_default_str()->type_name("N");
  command
      ->add_option("--threads", request.threads, "CPU threads; 0 uses all cores. With cuda they prepare the batches.")
      ->capture_default_str()
      ->type_name("N");
  command
      ->add_option(
          "--device", request.device,
          "cpu, cuda for the first GPU, or cuda:N. A run on the CPU does not resume on a GPU, nor the other way round.")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--precision", request.precision, "Number type: auto, fp32 or bf16.")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--save-seconds", request.save_seconds, "Seconds between checkpoints.")
      ->capture_default_str()
      ->type_name("X");
  command
      ->add_option("--measure-seconds", request.measure_seconds,
                   "Seconds between measurements on held-out pictures, with sample sheets.")
      ->capture_default_str()
      ->type_name("X");
  add_progress(*command, request.progress);
  command->add_flag("--resume", request.resume, "Continue from the checkpoints in --out.");
  return {.app = command, .check = [&request, command] {
            request.command = as_typed(*command, "lucid prior train");
            if (request.precision != "auto" && request.precision != "fp32" && request.precision != "bf16")
              throw UserError(UserMistake{.what_happened = "auto, fp32 or bf16", .key = "--precision"});
          }};
}

Command define_check(CLI::App& prior, CheckRequest& request) {
  CLI::App* command = prior.add_subcommand("check", "Say whether weights can be used, and how.");
  command
      ->add_option("path", request.path,
                   "Diffusers folder, checkpoint (.safetensors, .ckpt), LoRA, textual inversion or ControlNet.")
      ->required()
      ->type_name("PATH");
  command
      ->add_option("--prior", request.prior,
                   "Model that a LoRA, textual inversion or ControlNet is for: checks that it fits.")
      ->type_name("PATH");
  command
      ->add_option("--prior-config", request.prior_config, "As in `lucid generate`, for a single file of other sizes.")
      ->type_name("DIR");
  return {.app = command};
}

Command define_sample(CLI::App& prior, SampleRequest& request) {
  CLI::App* command = prior.add_subcommand("sample", "Draw pictures with a prior, without any 3D.");
  command->add_option("prompt", request.prompts, "Prompts; each is a row of the sheet.")->required()->type_name("TEXT");
  command->add_option("--prior", request.folder, "Diffusers folder; the embedded prior if not given.")
      ->type_name("DIR");
  command->add_option("--output,-o", request.output, "PNG file to write.")->capture_default_str()->type_name("FILE");
  command
      ->add_option("--views", request.views,
                   "Azimuths, evenly spread from the front; of a multi-view prior, its groups one after the other.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--steps", request.options.steps, "DDIM steps.")->capture_default_str()->type_name("N");
  command->add_option("--guidance", request.options.guidance, "Classifier-free guidance scale.")
      ->capture_default_str()
      ->type_name("X");
  command->add_option("--seed", request.options.seed, "Seed of the noise.")->capture_default_str()->type_name("N");
  add_threads(*command, request.threads);
  return {.app = command, .check = [&request] {
            if (request.views < 1 || request.views > 64)
              throw UserError(UserMistake{.what_happened = "is not in [1, 64]", .key = "--views"});
            if (request.views % app::kJointViews != 0 && app::is_multi_view(request.folder)) {
              throw UserError(
                  UserMistake{.what_happened = fmt::format("is not a multiple of {}, the views that the prior draws at "
                                                           "once",
                                                           app::kJointViews),
                              .key = "--views"});
            }
            if (request.options.steps < 1 || request.options.steps > 1000)
              throw UserError(UserMistake{.what_happened = "is not in [1, 1000]", .key = "--steps"});
          }};
}

Command define_judge(CLI::App& prior, JudgeRequest& request) {
  CLI::App* command = prior.add_subcommand("judge", "Train the judge of `lucid eval`, a classifier.");
  eval::JudgeTraining& training = request.training;
  command->add_option("--corpus", request.corpus, "Pictures, of another seed than the prior's corpus.")
      ->type_name("DIR");
  command->add_option("--out,-o", request.out, "Folder to write.")->capture_default_str()->type_name("DIR");
  command
      ->add_option("--examine", request.examine,
                   "Pictures of another seed to measure the judge on; else every tenth view of --corpus is held out.")
      ->type_name("DIR");
  command->add_option("--steps", training.steps, "Steps of training; 0 only measures the judge in --out.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--batch", training.batch, "Pictures in each step.")->capture_default_str()->type_name("N");
  command->add_option("--width", training.width, "Channels of the first stage.")->capture_default_str()->type_name("N");
  command->add_option("--seed", training.seed, "Seed of every random draw.")->capture_default_str()->type_name("N");
  command->add_option("--device", training.device, kDevice)->capture_default_str()->type_name("NAME");
  command->add_flag("--close-up", request.close_up,
                    "Only measure renders of the 3D models at 512 x 512, with which assets are compared; writes "
                    "close_up.json into --out.");
  command->add_option("--library", request.models.library, "Folder of .sh3f furniture libraries, for --close-up.")
      ->capture_default_str()
      ->type_name("DIR");
  add_threads(*command, request.threads);
  add_progress(*command, request.progress);
  return {.app = command, .check = [&request, &training] {
            if (request.corpus.empty() && !request.close_up)
              throw UserError(UserMistake{.what_happened = "is required", .key = "--corpus"});
            if (training.steps >= 0 && training.batch >= 2 && training.width >= 1) return;
            throw UserError(UserMistake{.what_happened = "steps must be at least 0, width at least 1, batch at least 2",
                                        .key = "--steps"});
          }};
}

}  // namespace

std::vector<Command> define_prior(CLI::App& app, Requests& requests) {
  CLI::App* prior =
      app.add_subcommand("prior", "Check weights; make a prior: its pictures, its training, samples, its judge.");
  prior->require_subcommand(1);
  std::vector<Command> commands = {{.app = prior}};
  commands.push_back(define_check(*prior, requests.check));
  commands.push_back(define_corpus(*prior, requests.corpus));
  commands.push_back(define_train(*prior, requests.train));
  commands.push_back(define_sample(*prior, requests.sample));
  commands.push_back(define_judge(*prior, requests.judge));
  commands.push_back(define_shape(*prior, requests.shape));
  commands.push_back(define_upscaler(*prior, requests.upscaler));
  return commands;
}

}  // namespace lucid::cli
