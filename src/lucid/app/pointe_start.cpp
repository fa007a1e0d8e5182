// SPDX-License-Identifier: Apache-2.0
// Point-E's cloud with a progress bar, and its growth into a run's first Gaussians.
#include "lucid/app/pointe_start.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <optional>

#include "lucid/gaussians/starts.h"
#include "lucid/math/sh.h"
#include "lucid/pointe/grow.h"

namespace lucid::app {
namespace {

constexpr double kPointERadius = 0.5;  // of the ball that Point-E's clouds lie in, as of the other shapes

}  // namespace

DrawnPoints draw_points(const PointsJob& job) {
  const auto begin = std::chrono::steady_clock::now();
  pointe::Networks networks = pointe::open_networks(
      pointe::WeightFiles::in_folder(job.folder), job.text,
      {.merges = data_folder() / "models/clip/merges.txt.gz", .device = job.device, .dtype = job.dtype});
  DrawnPoints drawn;
  drawn.load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::optional<Progress> progress;
  pointe::SampleOptions sampling = job.sampling;
  sampling.on_call = [&](int64_t done, int64_t total, float sigma) {
    if (!progress) progress.emplace(job.progress, "points", total);
    progress->update(done, "noise level", sigma);
  };
  drawn.cloud = pointe::sample(networks, sampling, &drawn.seconds);
  return drawn;
}

gaussians::Cloud gaussians_at(const pointe::PointCloud& points, const RunOptions& options) {
  gaussians::StartOptions start = options.train.start;
  start.kind = "sphere";  // its colours and opacities; the points are replaced
  start.count = points.xyz.size(0);
  start.seed = static_cast<uint64_t>(options.seed);
  gaussians::Cloud result = gaussians::make_start(start);
  result.means = (pointe::to_world(points.xyz) * (start.radius / kPointERadius)).contiguous();
  result.log_scales = gaussians::nearest_neighbour_log_scales(result.means);
  if (options.use_pointe_rgb) result.sh_dc = ((points.rgb - 0.5) / kSh0).unsqueeze(1).contiguous();
  return result;
}

gaussians::Cloud pointe_start(const RunOptions& options, torch::Device device, const std::atomic<bool>& stop) {
  const std::string& text = options.init_prompt.empty() ? options.text : options.init_prompt;
  const auto seed = static_cast<uint64_t>(options.seed);
  const DrawnPoints drawn = draw_points({.folder = options.pointe,
                                         .text = text,
                                         .device = device,
                                         .dtype = options.precision == "bf16" ? torch::kBFloat16 : torch::kFloat,
                                         .sampling = {.seed = seed, .stop = &stop},
                                         .progress = Progress::style_from_name(options.progress)});
  spdlog::info("Point-E: {} points for \"{}\" in {:.0f} s", drawn.cloud.xyz.size(0), text,
               drawn.load_seconds + drawn.seconds.base + drawn.seconds.upsample);
  return gaussians_at(pointe::grow(drawn.cloud, {.count = options.train.start.count, .seed = seed}), options);
}

}  // namespace lucid::app
