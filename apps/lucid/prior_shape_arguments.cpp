// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid prior shape`.
#include "command_line.h"
#include "lucid/base/error.h"
#include "training_options.h"

namespace lucid::cli {

Command define_shape(CLI::App& prior, pretrain::ShapeRequest& request) {
  CLI::App* command = prior.add_subcommand("shape", "Train the model of the shapes that runs start from.");
  const auto add = [&](const char* name, auto& field, const char* help, const char* type = "N") {
    return command->add_option(name, field, help)->capture_default_str()->type_name(type);
  };
  add("--out,-o", request.out, "Folder of the model, with its checkpoints.", "DIR")->required();
  add("--library", request.models.library, "Folder of .sh3f furniture libraries.", "DIR");
  command
      ->add_option("--table", request.models.table,
                   "Models, their names and fronts; models/corpus/sweethome3d.tsv if not given.")
      ->type_name("FILE");
  command->add_option("--only", request.models.only, "Use only the models of this name.")->type_name("WORD");
  command
      ->add_option("--prior", request.prior,
                   "Folder whose text encoder reads the prompts; the embedded prior if not given.")
      ->type_name("DIR");
  add("--steps", request.steps, "Steps of training. May change when resuming.");
  add("--batch", request.batch, "Shapes in each step.");
  add("--width", request.width, "Channels of the network; a multiple of 16.");
  add("--rate", request.rate, "Learning rate.", "X")->check(CLI::PositiveNumber);
  command->add_flag("--leave-out", request.leave_out,
                    "Do not learn the last model of each word that has several; measure on it.");
  add_training(*command, request);
  return {.app = command, .check = [&request, command] { request.command = as_typed(*command, "lucid prior shape"); }};
}

}  // namespace lucid::cli
