// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid personalise`.
#include <fmt/format.h>

#include <filesystem>

#include "command_line.h"
#include "lucid/app/run_options/multi_view.h"
#include "lucid/base/error.h"
#include "lucid/config/check_range.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

void check(const PersonaliseRequest& request) {
  if (request.folder.empty()) {
    throw UserError({.what_happened = "there is no folder of pictures",
                     .key = "folder",
                     .hint = "lucid personalise pictures --word \"<thing>\" --out thing.safetensors"});
  }
  if (std::filesystem::path(request.output).extension() != ".safetensors") {
    throw UserError(
        {.what_happened = fmt::format("'{}' does not end in .safetensors", request.output), .key = "--out"});
  }
  app::refuse_multi_view(request.prior, "lucid personalise");
  using config::check_range;
  check_range("--vectors", static_cast<double>(request.vectors), 1, 75);
  check_range("--steps", static_cast<double>(request.steps), 1, 1e6);
  check_range("--batch", static_cast<double>(request.batch), 1, 1024);
  check_range("--rate", request.rate, 1e-6, 100);
  check_range("--seed", static_cast<double>(request.seed), 0, 9e15);
}

}  // namespace

Command define_personalise(CLI::App& app, PersonaliseRequest& request) {
  CLI::App* command =
      app.add_subcommand("personalise", "Learn a word for an object from pictures of it, by textual inversion.");
  const auto add = [&](const std::string& flags, auto& value, const std::string& help, const char* type) {
    return command->add_option(flags, value, help)->type_name(type);
  };
  add("folder", request.folder,
      "Folder of PNG and JPEG pictures, best 3 to 30 on a white or transparent ground. az90_el15 in a file's name says "
      "from where it was taken, in degrees.",
      "DIR")
      ->required();
  add("--word", request.word, "The new word, as prompts will spell it.", "WORD")->capture_default_str();
  add("-o,--out", request.output, "File of the word, in diffusers' format.", "FILE")->required();
  add("--like", request.like,
      "Words that it begins as. Not given: the name of the prior's vocabulary that fits the pictures best, or for a "
      "prior without one \"object\".",
      "WORDS");
  add("--measure", request.measure,
      "Folder of other pictures of the object: prints how well the new word and --like describe them.", "DIR");
  add("--prior", request.prior, "Diffusers folder or single file; the embedded prior if not given.", "PATH");
  add("--prior-config", request.prior_config, "Folder whose config files a single file takes.", "DIR");
  add("--vectors", request.vectors, "Token embeddings of the word.", "N")->capture_default_str();
  add("--steps", request.steps, "Steps of Adam.", "N")->capture_default_str();
  add("--batch", request.batch, "Noisy pictures in a step.", "N")->capture_default_str();
  add("--rate", request.rate, "Learning rate, in units of the embeddings' root mean square.", "X")
      ->capture_default_str();
  add("--seed", request.seed, "The same seed, pictures and prior give the same word.", "N")->capture_default_str();
  add("--device", request.device, "Where to compute: cpu, cuda or cuda:N.", "NAME")->capture_default_str();
  add_threads(*command, request.threads);
  add_progress(*command, request.progress);
  return {.app = command, .check = [&request] { check(request); }};
}

}  // namespace lucid::cli
