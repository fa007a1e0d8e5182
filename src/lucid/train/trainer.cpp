// SPDX-License-Identifier: Apache-2.0
// The training loop: resume, steps, checkpoints and outputs. Callers stop and observe it through TrainCallbacks.
#include "lucid/train/trainer.h"

#include "lucid/asset/events.h"
#include "lucid/base/error.h"
#include "lucid/gaussians/starts.h"
#include "lucid/train/checkpoint.h"

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

/// The number of the process video's frame that is due after `iteration` steps, or -1. pro_frames_num frames are spread
/// evenly over the run.
int64_t process_frame(const TrainOptions& options, int64_t iteration) {
  if (!options.save_process || options.pro_frames_num < 1) return -1;
  const int64_t frames = std::min(options.pro_frames_num, options.iterations);
  const int64_t before = (iteration - 1) * frames / options.iterations, now = iteration * frames / options.iterations;
  return now > before ? now - 1 : -1;
}

}  // namespace

TrainResult train(const Scene& scene, const Workspace& workspace, const std::string& run_key, bool resume,
                  const TrainCallbacks& callbacks) {
  const TrainOptions& options = scene.options;
  gaussians::ViewRenderer renderer(scene.device);
  const auto newest = resume ? newest_checkpoint(workspace.checkpoints()) : std::nullopt;
  TrainResult result{.model = newest ? load_checkpoint(*newest, run_key)
                                     : start_model(callbacks.start ? callbacks.start() : start_by_name(options))};
  Model& model = result.model;
  move_to(scene.device, model);
  if (callbacks.on_start) callbacks.on_start();
  if (!newest) write_start(workspace, model.cloud, options);
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

  while (model.iteration < options.iterations) {
    if (callbacks.stop != nullptr && callbacks.stop->load()) {
      save();
      result.stopped = true;
      return result;
    }
    const StepReport report = training_step(scene, model, renderer);
    add_seconds(result.seconds, report.seconds);
    ++result.steps_here;
    LUCID_CHECK(std::isfinite(report.score_norm), "score norm {} at step {}", report.score_norm, model.iteration);
    write_events(events, report, model);
    if (report.x0_guided.defined()) write_sheet(workspace, report, model.iteration, scene.prior);
    if (const int64_t frame = process_frame(options, model.iteration); frame >= 0) {
      write_process_frame(workspace, model.cloud, options, renderer, frame);
    }
    if (options.checkpoint_interval > 0 && model.iteration % options.checkpoint_interval == 0) save();
    if (callbacks.on_step) callbacks.on_step(report, model);
  }

  write_result(workspace, model.cloud, options, renderer, model.iteration);
  if (options.save_video) write_turntables(workspace.root / "videos", model.cloud, options, renderer);
  if (options.save_process) write_process_video(workspace, std::min(options.pro_frames_num, options.iterations));
  save();
  return result;
}

}  // namespace lucid::train
