// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid prior upscaler`.
#include "command_line.h"
#include "training_options.h"

namespace lucid::cli {

Command define_upscaler(CLI::App& prior, pretrain::UpscaleRequest& request) {
  CLI::App* command =
      prior.add_subcommand("upscaler", "Train the network that enlarges the pictures of the last rounds of refining.");
  const auto add = [&](const char* name, auto& field, const char* help, const char* type = "N") {
    return command->add_option(name, field, help)->capture_default_str()->type_name(type);
  };
  command->add_option("--corpus", request.corpus, "Folder that `lucid prior corpus --size 512` wrote.")
      ->type_name("DIR")
      ->required();
  command->add_option("--out,-o", request.out, "Folder of the network, with its checkpoints.")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--prior", request.prior,
                   "Folder of the prior whose VAE the pictures pass through; the embedded prior if not given.")
      ->type_name("DIR");
  add("--factor", request.factor, "Pixels of the result's side for each of the picture's.");
  add("--steps", request.steps, "Steps of training. May change when resuming.");
  add("--batch", request.batch, "Windows of pictures in each step.");
  add("--width", request.width, "Channels of the network.");
  add("--blocks", request.blocks, "Residual blocks of the network.");
  add("--rate", request.rate, "Learning rate.", "X")->check(CLI::PositiveNumber);
  add_training(*command, request);
  return {.app = command,
          .check = [&request, command] { request.command = as_typed(*command, "lucid prior upscaler"); }};
}

}  // namespace lucid::cli
