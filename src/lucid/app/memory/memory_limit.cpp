// SPDX-License-Identifier: Apache-2.0
// Tries ways to compute a run from the fastest to the smallest, by their estimates.
#include "lucid/app/memory/memory_limit.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "lucid/app/run_options/memory_size.h"
#include "lucid/base/error.h"

namespace lucid::app {

RunShape run_shape(const RunOptions& options) {
  const train::TrainOptions& train = options.train;
  const int64_t side = std::max<int64_t>(train.views.width, train.views.height);
  const bool has_view_guidance = train.score.view_guidance > 0;
  return {.side = side,
          .result_side = train.output_size > 0 ? train.output_size : side,
          .views = train.batch,
          .prompts = 2 + (train.score.perpneg ? 2 : 0) + (has_view_guidance ? 1 : 0),
          .workers = compute_options(options).workers};
}

double estimated_bytes(const RunOptions& options, const text_to_image::Prior& prior) {
  const PriorMemory memory = estimate_memory(*prior.unet, *prior.vae, run_shape(options));
  return options.low_memory ? memory.cpu_low : memory.cpu;
}

void keep_within_memory(RunOptions& options, const text_to_image::Prior& prior) {
  const double limit = bytes_of(options.memory);
  if (limit == 0 || options.device != "cpu") return;
  const double wanted = estimated_bytes(options, prior);
  if (wanted <= limit) return;
  options.low_memory = true;
  double least = estimated_bytes(options, prior);
  if (least > limit) {
    options.pictures_at_once = 1;
    least = estimated_bytes(options, prior);
  }
  if (least > limit) {
    throw UserError(
        {.what_happened = fmt::format("the run takes about {}, and {} in the smallest parts; {} are allowed",
                                      size_text(wanted), size_text(least), size_text(limit)),
         .key = "memory",
         .hint = "smaller --image-w and --image-h, or --batch-size, need less"});
  }
  spdlog::info("memory: about {} would be taken; in smaller parts it is {}, of {} allowed", size_text(wanted),
               size_text(least), size_text(limit));
}

}  // namespace lucid::app
