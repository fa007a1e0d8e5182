// SPDX-License-Identifier: Apache-2.0
// lucid points: a sentence to a coloured point cloud.
#include <fmt/format.h>

#include "command_line.h"
#include "commands.h"
#include "lucid/app/learned_start.h"
#include "lucid/app/pointe_start.h"
#include "lucid/app/threads.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/pointe/grow.h"
#include "lucid/tensor/device.h"

namespace lucid::cli {
namespace {

app::RunOptions gaussian_options(const PointsRequest& request) {
  app::RunOptions options;
  options.text = request.text;
  options.seed = request.seed;
  options.use_pointe_rgb = true;
  options.train.start.count = request.count;
  options.train.start.opacity = 0.9;  // to be looked at, not trained
  return options;
}

int run_learned_points(const PointsRequest& request) {
  const auto made = app::learned_points(request.text, request.count, static_cast<uint64_t>(request.seed));
  if (!made) {
    throw UserError({.what_happened = "the shape model knows no word of the prompt",
                     .key = "text",
                     .hint = "`lucid info words` lists the words; --pointe DIR takes any prompt"});
  }
  fmt::print(stderr, "lucid: points of the shape model for \"{}\", variant {} of {}; --pointe DIR would use Point-E\n",
             made->subject.caption(), made->variant + 1, made->variants);
  if (request.format == "gaussians") {
    asset::write_ply(request.output, app::gaussians_at(made->points, gaussian_options(request)));
  } else {
    asset::write_points_ply(request.output, made->points.xyz, made->points.rgb);
  }
  fmt::print("{}: {} points, {} MB at most\n", request.output, made->points.xyz.size(0), peak_memory_mb());
  return 0;
}

}  // namespace

int run_points(const PointsRequest& request, const std::atomic<bool>& stop) {
  app::set_threads(request.threads);
  if (const auto folder = std::filesystem::path(request.output).parent_path(); !folder.empty())
    make_folder(folder);  // a mistake is told before the work begins
  if (request.folder.empty()) return run_learned_points(request);
  const torch::Device device = tensor::device_from_name(request.device);
  tensor::make_current(device);
  app::DrawnPoints drawn;
  try {
    drawn = app::draw_points({.folder = request.folder,
                              .text = request.text,
                              .device = device,
                              .dtype = request.precision == "bf16" ? torch::kBFloat16 : torch::kFloat,
                              .sampling = {.seed = static_cast<uint64_t>(request.seed),
                                           .points = request.count,
                                           .steps = request.steps,
                                           .guidance = request.guidance,
                                           .stop = &stop},
                              .progress = Progress::style_from_name(request.progress)});
  } catch (const pointe::Stopped&) {
    return kInterrupted;
  }
  if (request.format == "gaussians") {
    asset::write_ply(request.output, app::gaussians_at(drawn.cloud, gaussian_options(request)));
  } else {
    asset::write_points_ply(request.output, pointe::to_world(drawn.cloud.xyz), drawn.cloud.rgb);
  }
  fmt::print("{}: {} points; {:.1f} s to load, {:.1f} s coarse points, {:.1f} s fine points, {} MB at most\n",
             request.output, drawn.cloud.xyz.size(0), drawn.load_seconds, drawn.seconds.base, drawn.seconds.upsample,
             peak_memory_mb());
  return 0;
}

}  // namespace lucid::cli
