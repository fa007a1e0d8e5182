// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid points`.
#include <fmt/format.h>

#include <filesystem>

#include "command_line.h"
#include "lucid/base/error.h"
#include "lucid/config/check_range.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

void check(const PointsRequest& request) {
  if (request.text.empty())
    throw UserError({.what_happened = "there is no prompt", .key = "text", .hint = "lucid points \"a chair\""});
  using config::check_range;
  check_range("--count", static_cast<double>(request.count), 1, 100'000);
  check_range("--steps", static_cast<double>(request.steps), 2, 1024);
  check_range("--guidance", request.guidance, -100, 100);
  check_range("--seed", static_cast<double>(request.seed), 0, 9e15);
  if (std::filesystem::path(request.output).extension() != ".ply") {
    throw UserError({.what_happened = fmt::format("'{}' does not end in .ply", request.output), .key = "--out"});
  }
}

}  // namespace

Command define_points(CLI::App& app, PointsRequest& request) {
  CLI::App* command =
      app.add_subcommand("points", "Make a coloured point cloud of a sentence, by Point-E or the shape model.");
  command->add_option("text", request.text, "What the cloud shows.")->required()->type_name("TEXT");
  command
      ->add_option("--pointe", request.folder,
                   "Folder with base_40m_textvec.pt, upsample_40m.pt and CLIP's ViT-L-14.pt; .safetensors will do. "
                   "Without it the shape model makes the points; steps, guidance, device and precision are Point-E's.")
      ->type_name("DIR");
  command->add_option("-o,--out", request.output, "File to write.")->capture_default_str()->type_name("FILE");
  command
      ->add_option("--format", request.format,
                   "points writes coordinates and colours; gaussians writes a splat file that lucid renders.")
      ->capture_default_str()
      ->check(CLI::IsMember({"points", "gaussians"}))
      ->type_name("FORMAT");
  command
      ->add_option("--count", request.count,
                   "Number of points. Up to 1024 need the first stage only; every 3072 more take another pass.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--seed", request.seed, "The same seed, prompt and weights give the same points.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--steps", request.steps, "Steps of the sampler in each stage; fewer are faster and coarser.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--guidance", request.guidance, "How closely to follow the prompt; 1 is no guidance.")
      ->capture_default_str()
      ->type_name("X");
  command->add_option("--device", request.device, "Where to compute: cpu, cuda or cuda:N.")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--precision", request.precision, "Number type of the networks: fp32 or bf16.")
      ->capture_default_str()
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->type_name("TYPE");
  add_threads(*command, request.threads);
  add_progress(*command, request.progress);
  return {.app = command, .check = [&request] { check(request); }};
}

}  // namespace lucid::cli
