// SPDX-License-Identifier: Apache-2.0
// Device, dtypes and worker threads from a run's options, with their checks.
#include "lucid/app/options.h"

#include <spdlog/spdlog.h>

#include "lucid/app/learned_start.h"
#include "lucid/app/run_options/multi_view.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/render/rasterize.h"
#include "lucid/tensor/device.h"

namespace lucid::app {
namespace fs = std::filesystem;

torch::Device device_of(const RunOptions& options) {
  const torch::Device device = tensor::device_from_name(options.device);
  tensor::make_current(device);
  if (device.is_cuda() && !render::cuda_available()) {
    throw UserError({.what_happened = "this build has no CUDA rasteriser, or the GPU is too old for it",
                     .key = "--device",
                     .hint = "`make gpu` builds for an NVIDIA card; or use --device cpu"});
  }
  return device;
}

nn::ComputeOptions compute_options(const RunOptions& options) {
  const bool cpu = options.device == "cpu";
  const bool low = options.precision == "bf16" || (options.precision == "auto" && (!cpu || has_fast_bfloat16()));
  return {.dtype = low ? torch::kBFloat16 : torch::kFloat,
          .workers = !cpu                           ? 1
                     : options.pictures_at_once > 0 ? options.pictures_at_once
                                                    : at::get_num_threads(),
          .low_memory = options.low_memory,
          .rows_at_once = options.rows_at_once};
}

nn::WeightDtypes weight_types(const RunOptions& options) {
  const bool cpu = options.device == "cpu";
  return {compute_options(options).dtype.value_or(torch::kFloat), /*keep_16_bit_weights=*/cpu};
}

void choose_start(RunOptions& options, config::OptionTable& table) {
  if (!options.train.start.file.empty() || !options.edit.asset.empty() || !options.avatar.body.empty()) {
    options.train.start.kind = "sphere";  // the file, the asset or the body is used in its place
    return;
  }
  resolve_start(options);
  apply_start_preset(table, main_prior(options), options.preset, options.train.start.kind);
}

void finish_options(RunOptions& options, config::OptionTable& table) {
  auto& t = options.train;
  choose_start(options, table);
  check_options(options);
  device_of(options);
  if ((t.save_video || t.save_process) && !asset::can_write_videos()) {
    spdlog::warn("this build writes no videos (LUCID_VIDEO=OFF)");
    t.save_video = t.save_process = false;
  }
  if (t.start.kind == kPointE && options.pointe.empty()) {
    spdlog::warn("init_shape: Point-E's weights are not given (--pointe DIR); the points start as a sphere");
    t.start.kind = "sphere";
  }
  if (t.start.kind != kPointE && !options.pointe.empty())
    spdlog::warn("pointe: not used, because init_shape is {} (--init-shape pointe)", t.start.kind);
  if (t.score.fix_noise && t.score.perpneg)
    spdlog::warn("fix_noise: Perp-Neg draws new noise in every step, as in the reference; --no-perpneg fixes it");
  if (options.sds) t.score.score = "sds";
  if (!options.fp16 && options.precision == "auto") options.precision = "fp32";
  if (options.workspace.empty())
    options.workspace = name_from_prompt(options.text) + (options.edit.asset.empty() ? "" : "_edit");
  // What follows from other options.
  t.seed = static_cast<uint64_t>(options.seed);
  t.sh_degree = t.start.sh_degree;
  t.rates.iterations = t.iterations;
  t.rates.spatial_lr_scale = t.views.default_radius;
  t.densify.extent = t.views.default_radius;
  t.start.scene_radius = t.views.radius.high * t.views.unit_distance(t.views.fovy.low);
  if (is_multi_view(main_prior(options))) t.views.joint_views = kJointViews;
  constexpr int64_t kNever = 1'000'000'000;
  if (t.start.keep_shape > 0) t.densify.opacity_reset_interval = kNever;  // a reset would let the shape fade
}

}  // namespace lucid::app
