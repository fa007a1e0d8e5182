// SPDX-License-Identifier: Apache-2.0
// lucid prior: what makes the embedded prior, from 3D models to weights.
#include <memory>

#include "commands.h"

namespace lucid::cli {

Command add_prior(CLI::App& app) {
  CLI::App* command = app.add_subcommand("prior", "make the embedded prior: its pictures, its weights, samples of it");
  command->require_subcommand(1);
  auto parts = std::make_shared<std::vector<Command>>(std::vector<Command>{
      add_prior_corpus(*command), add_prior_train(*command), add_prior_sample(*command), add_prior_judge(*command)});
  return {.app = command, .run = [parts](const std::atomic<bool>& stop) {
            for (const Command& part : *parts) {
              if (part.app->parsed()) return part.run(stop);
            }
            return 0;
          }};
}

}  // namespace lucid::cli
