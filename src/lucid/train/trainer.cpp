// SPDX-License-Identifier: Apache-2.0
// The training loop: resume, steps, checkpoints and outputs. Callers stop and observe it through TrainCallbacks.
#include "lucid/train/trainer.h"

#include "lucid/asset/events.h"
#include "lucid/asset/splats/clean_cloud.h"
#include "lucid/base/error.h"
#include "lucid/gaussians/starts.h"
#include "lucid/train/checkpoint.h"
#include "lucid/train/refine.h"

namespace lucid::train {
namespace {

gaussians::Cloud start_by_name(const TrainOptions& options) {
  gaussians::StartOptions start = options.start;
  start.seed = options.seed;
  start.sh_degree = options.sh_degree;
  return gaussians::make_start(start);
}

void write_events(asset::EventWriter& events, const StepReport& report, const Model& model) {
  events.scalar("score/norm", report.score_norm, model.iteration);
  events.scalar("score/timestep", static_cast<double>(report.timestep), model.iteration);
  events.scalar("loss/tv", report.tv, model.iteration);
  events.scalar("loss/scale", report.mean_scale, model.iteration);
  events.scalar("gaussians/count", static_cast<double>(model.cloud.count()), model.iteration);
}

void add_seconds(StepReport::Seconds& sum, const StepReport::Seconds& step) {
  sum.render += step.render;
  sum.encode += step.encode;
  sum.score += step.score;
  sum.encode_backward += step.encode_backward;
  sum.render_backward += step.render_backward;
  sum.update += step.update;
}

/// How many frames the process video has after `iteration` steps: pro_frames_num spread evenly over options.iterations,
/// and more_steps at the same rate.
int64_t process_frames(const TrainOptions& options, int64_t iteration) {
  return iteration * std::min(options.pro_frames_num, options.iterations) / options.iterations;
}

/// The number of the process video's frame that is due after `iteration` steps, or -1.
int64_t process_frame(const TrainOptions& options, int64_t iteration) {
  if (!options.save_process || options.pro_frames_num < 1) return -1;
  const int64_t now = process_frames(options, iteration);
  return now > process_frames(options, iteration - 1) ? now - 1 : -1;
}

}  // namespace

TrainResult train(const Scene& scene, const Workspace& workspace, const std::string& run_key, Begin begin,
                  const TrainCallbacks& callbacks) {
  const TrainOptions& options = scene.options;
  gaussians::ViewRenderer renderer(scene.device);
  const auto newest = begin == Begin::kAnew ? std::nullopt : newest_checkpoint(workspace.checkpoints());
  if (begin == Begin::kWithResults && !newest) {
    throw UserError({.what_happened = "holds no checkpoint, so there are no results to write",
                     .file = workspace.root.string(),
                     .hint = "--workspace NAME, or go on without --finish"});
  }
  TrainResult result{.model = newest ? load_checkpoint(*newest, run_key)
                                     : start_model(callbacks.start ? callbacks.start() : start_by_name(options))};
  Model& model = result.model;
  move_to(scene.device, model);
  if (options.mip_filter) model.cloud.screen_filter = render::Filter::kMip;
  if (!newest && options.start.keep_shape > 0) model.kept = optim::KeptShape::of(model.cloud);
  callbacks.on_start(model);
  if (!newest) write_start(workspace, shown_cloud(scene, model.cloud), options);
  asset::EventWriter events(workspace.root);

  int64_t saved_at = newest ? model.iteration : -1;
  const auto save = [&] {
    if (saved_at == model.iteration) return;
    const auto file = checkpoint_name(workspace.checkpoints(), model.iteration);
    save_checkpoint(file, model, run_key);
    if (saved_at >= 0)
      std::filesystem::remove(checkpoint_name(workspace.checkpoints(), saved_at));  // keep only the newest
    saved_at = model.iteration;
  };

  while (begin != Begin::kWithResults && model.iteration < options.all_steps()) {
    if (callbacks.stop != nullptr && callbacks.stop->load()) {
      save();
      result.stopped = true;
      return result;
    }
    // The score and the fit have gradients of other sizes, as have two priors, and Adam's moments of one would slow the
    // other down.
    const Scene& now = scene.at(model.iteration + 1);
    const bool refines = options.refining_round(model.iteration + 1) >= 0;
    const bool changes_prior = model.iteration > 0 && &now != &scene.at(model.iteration);
    if (changes_prior || refines != (options.refining_round(model.iteration) >= 0))
      model.adam = optim::Adam(model.cloud);
    if (&now == &scene && scene.first != nullptr) callbacks.on_first_prior_done();
    const StepReport report = refines ? refining_round(now, model, renderer) : training_step(now, model, renderer);
    if (model.kept.defined()) {
      if (report.densified) optim::follow_rows(model.kept, model.cloud, report.densify.source);
      optim::draw_back(model.cloud, model.kept, options.start.keep_shape);
    }
    add_seconds(result.seconds, report.seconds);
    ++result.steps_here;
    LUCID_CHECK(std::isfinite(report.score_norm), "score norm {} at step {}", report.score_norm, model.iteration);
    write_events(events, report, model);
    if (report.x0_guided.defined()) write_sheet(workspace, report, model.iteration, now.prior);
    if (const int64_t frame = process_frame(options, model.iteration); frame >= 0) {
      write_process_frame(workspace, shown_cloud(scene, model.cloud), options, renderer, frame);
    }
    if (options.checkpoint_interval > 0 && model.iteration % options.checkpoint_interval == 0) save();
    callbacks.on_step(report, model);
  }

  callbacks.on_results();
  save();
  model.cloud = shown_cloud(scene, model.cloud);
  if (options.clean_air)
    model.cloud = asset::selected(model.cloud, asset::clean_indices(model.cloud, {.scene_stays = false}));
  write_result(workspace, model.cloud, options, renderer, model.iteration);
  if (options.save_video) write_turntables(workspace.root / "videos", model.cloud, options, renderer);
  if (options.save_process) write_process_video(workspace, process_frames(options, model.iteration));
  return result;
}

}  // namespace lucid::train
