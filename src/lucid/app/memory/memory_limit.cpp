// SPDX-License-Identifier: Apache-2.0
// The parts of a run and its number of Gaussians, by the estimate.
#include "lucid/app/memory/memory_limit.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

#include "lucid/app/memory/gaussian_memory.h"
#include "lucid/app/memory/parts.h"
#include "lucid/app/run_options/memory_size.h"
#include "lucid/base/error.h"
#include "lucid/upscale/model.h"

namespace lucid::app {
namespace {

/// A run is given room for so many times the Gaussians that it starts from.
constexpr double kGrowth = 1.5;

Parts parts_of(const RunOptions& options) {
  return {.low_memory = options.low_memory,
          .pictures_at_once = options.pictures_at_once,
          .rows_at_once = options.rows_at_once};
}

void set_parts(RunOptions& options, const Parts& parts) {
  options.low_memory = parts.low_memory;
  options.pictures_at_once = parts.pictures_at_once;
  options.rows_at_once = parts.rows_at_once;
}

/// Whether Gaussians are added: by densification, or by splitting before a fit to enlarged pictures.
bool may_grow(const RunOptions& options) {
  const optim::DensifyOptions& densify = options.train.densify;
  return uses_upscaler(options) ||
         (densify.densification_interval > 0 && densify.densify_until_iter > densify.densify_from_iter);
}

/// How many Gaussians there must be room for.
int64_t most_expected(const RunOptions& options, int64_t at_start) {
  if (!may_grow(options)) return at_start;
  const optim::DensifyOptions& densify = options.train.densify;
  const int64_t grown = std::llround(kGrowth * static_cast<double>(at_start));
  return densify.max_gaussians > 0 ? std::clamp(densify.max_gaussians, at_start, grown) : grown;
}

}  // namespace

RunShape run_shape(const RunOptions& options, int64_t gaussians) {
  const train::TrainOptions& train = options.train;
  const int64_t side = std::max<int64_t>(train.views.width, train.views.height);
  const bool has_view_guidance = train.score.view_guidance > 0;
  return {.side = side,
          .result_side = train.output_size > 0 ? train.output_size : side,
          .views = train.batch,
          .prompts = 2 + (train.score.perpneg ? 2 : 0) + (has_view_guidance ? 1 : 0),
          .workers = compute_options(options).workers,
          .rows_at_once = options.rows_at_once,
          .gaussians = gaussians,
          .sh_degree = train.sh_degree,
          .enlarged_side = uses_upscaler(options) ? side * upscale::read_config(upscaler_folder()).factor : 0,
          .enlarged_views = train.refine.views};
}

double estimated_bytes(const RunOptions& options, const text_to_image::Prior& prior, int64_t gaussians) {
  const PriorMemory memory = estimate_memory(*prior.unet, *prior.vae, run_shape(options, gaussians));
  if (options.device != "cpu") return options.low_memory ? memory.gpu_low : memory.gpu;
  if (options.low_memory) return memory.cpu_low;
  return options.memory.empty() ? memory.cpu : memory.cpu_returned;
}

void keep_within_memory(RunOptions& options, const text_to_image::Prior& prior, int64_t gaussians,
                        double free_on_card) {
  const double asked = bytes_of(options.memory);
  const double limit = asked > 0 ? asked : options.device != "cpu" ? free_on_card : 0;
  if (limit <= 0) return;
  const double most = limit / kMemoryMargin;
  optim::DensifyOptions& densify = options.train.densify;
  const int64_t room = most_expected(options, gaussians);
  const RunShape shape = run_shape(options, room);
  const Fit fit =
      largest_parts(most, parts_of(options), {.rows = shape.views * shape.prompts, .workers = shape.workers},
                    [&](const Parts& parts) {
                      RunOptions divided = options;
                      set_parts(divided, parts);
                      return estimated_bytes(divided, prior, room);
                    });
  const double wanted = estimated_bytes(options, prior, room);
  if (!fit.fits) {
    throw UserError({.what_happened = fmt::format("the run takes about {}, and {} in the smallest parts; {} are {}",
                                                  size_text(wanted), size_text(fit.bytes), size_text(limit),
                                                  asked > 0 ? "allowed" : "free on the card"),
                     .key = "memory",
                     .hint = "smaller --image-w and --image-h, --batch-size or --init-num-pts need less"});
  }
  if (may_grow(options)) {
    const RenderShape render{.views = shape.views, .pixels = shape.side * shape.side, .sh_degree = shape.sh_degree};
    densify.most_in_memory = room + static_cast<int64_t>((most - fit.bytes) / bytes_per_gaussian(render));
  }
  if (fit.parts == parts_of(options)) return;
  set_parts(options, fit.parts);
  spdlog::info("memory: about {} would be taken; in smaller parts it is {}, of {} {}", size_text(wanted),
               size_text(fit.bytes), size_text(limit), asked > 0 ? "allowed" : "free on the card");
}

}  // namespace lucid::app
