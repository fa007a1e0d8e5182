// SPDX-License-Identifier: Apache-2.0
// The training loop: resume, steps, checkpoints and outputs. Callers stop and observe it through TrainCallbacks.
#include "lucid/train/trainer.h"

#include <chrono>

#include "lucid/asset/events.h"
#include "lucid/asset/splats/clean_cloud.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/gaussians/starts.h"
#include "lucid/train/checkpoint.h"
#include "lucid/train/health.h"
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

/// The checkpoints of a run: when to save one, and what to go on from.
class Saver {
 public:
  Saver(const Workspace& workspace, const TrainOptions& options, const std::string& run_key)
      : folder_(workspace.checkpoints()), options_(options), run_key_(run_key) {}

  std::optional<Model> newest(const TrainCallbacks& callbacks) {
    auto model = load_newest(folder_, run_key_, [&](const std::string& damage) {
      callbacks.on_warning(damage + "; going on from the checkpoint before it");
    });
    if (model) saved_at_ = model->iteration;
    return model;
  }
  bool is_due(int64_t iteration) const {
    const std::chrono::duration<double, std::ratio<60>> minutes = Clock::now() - last_;
    return (options_.checkpoint_interval > 0 && iteration % options_.checkpoint_interval == 0) ||
           (options_.checkpoint_minutes > 0 && minutes.count() >= options_.checkpoint_minutes);
  }
  /// `events` are on the disk first: a resumed run does not write those of the steps so far.
  void save(const Model& model, asset::EventWriter& events) {
    if (saved_at_ != model.iteration) {
      events.sync();
      save_checkpoint(checkpoint_name(folder_, model.iteration), model, run_key_);
    }
    saved_at_ = model.iteration;
    last_ = Clock::now();
    keep_newest(folder_, options_.keep_checkpoints);
  }
  void forget_saved() { saved_at_ = -1; }

 private:
  using Clock = std::chrono::steady_clock;
  std::filesystem::path folder_;
  const TrainOptions& options_;
  const std::string& run_key_;
  int64_t saved_at_ = -1;
  Clock::time_point last_ = Clock::now();
};

/// The state before the first step.
Model first_model(const Scene& scene, const TrainCallbacks& callbacks) {
  Model model = start_model(callbacks.start ? callbacks.start() : start_by_name(scene.options));
  move_to(scene.device, model);
  if (scene.options.start.keep_shape > 0) model.kept = optim::KeptShape::of(model.cloud);
  return model;
}

void make_ready(const Scene& scene, Model& model) {
  move_to(scene.device, model);
  if (scene.options.mip_filter) model.cloud.screen_filter = render::Filter::kMip;
}

/// One step of the score or round of refining. Where it throws NumbersError, the model is as it was.
StepReport take_step(const Scene& scene, Model& model, gaussians::ViewRenderer& renderer) {
  const TrainOptions& options = scene.options;
  // The score and the fit have gradients of other sizes, as have two priors, and Adam's moments of one would slow the
  // other down.
  const Scene& now = scene.at(model.iteration + 1);
  const bool refines = options.refining_round(model.iteration + 1) >= 0;
  const bool changes_prior = model.iteration > 0 && &now != &scene.at(model.iteration);
  if (changes_prior || refines != (options.refining_round(model.iteration) >= 0)) model.adam = optim::Adam(model.cloud);
  if (!refines) return training_step(now, model, renderer);
  const Model before = copy_of(model);
  try {
    return refining_round(now, model, renderer);
  } catch (const NumbersError&) {
    model = before;
    throw;
  }
}

}  // namespace

TrainResult train(const Scene& scene, const Workspace& workspace, const std::string& run_key, Begin begin,
                  const TrainCallbacks& callbacks) {
  const TrainOptions& options = scene.options;
  gaussians::ViewRenderer renderer(scene.device);
  Saver saver(workspace, options, run_key);
  std::optional<Model> resumed;
  if (begin != Begin::kAnew) resumed = saver.newest(callbacks);
  if (begin == Begin::kWithResults && !resumed) {
    throw UserError({.what_happened = "holds no checkpoint, so there are no results to write",
                     .file = workspace.root.string(),
                     .hint = "--workspace NAME, or go on without --finish"});
  }
  TrainResult result{.model = resumed ? std::move(*resumed) : first_model(scene, callbacks)};
  Model& model = result.model;
  make_ready(scene, model);
  callbacks.on_start(model);
  remove_unfinished_files(workspace.root);
  asset::cut_events(workspace.root, model.iteration);
  if (!resumed) write_start(workspace, shown_cloud(scene, model.cloud), options);
  std::optional<asset::EventWriter> events(std::in_place, workspace.root);
  Health health;
  bool first_is_done = false;  // scene.first is let go

  /// After bad numbers. Returns false if that was once too often.
  const auto go_back = [&](const BadNumbers& bad) {
    result.setbacks.push_back(bad);
    if (model.setbacks >= kMostSetbacks) return false;
    const int64_t setbacks = model.setbacks + 1;
    if (bad.of_gaussians) {
      auto saved = saver.newest(callbacks);
      model = saved ? std::move(*saved) : first_model(scene, callbacks);
      make_ready(scene, model);
      if (first_is_done && model.iteration < scene.first_steps) return false;
      events.reset();
      asset::cut_events(workspace.root, model.iteration);
      events.emplace(workspace.root);
    }
    model.setbacks = setbacks;
    saver.forget_saved();
    callbacks.on_warning(
        fmt::format("{}; going on from step {} with other noise and half the learning rates ({} of {})", bad.text(),
                    model.iteration, setbacks, kMostSetbacks));
    return true;
  };

  while (begin != Begin::kWithResults && model.iteration < options.all_steps()) {
    if (callbacks.stop != nullptr && callbacks.stop->load()) {
      saver.save(model, *events);
      result.stopped = true;
      return result;
    }
    const Scene& now = scene.at(model.iteration + 1);
    if (&now == &scene && scene.first != nullptr) {
      callbacks.on_first_prior_done();
      first_is_done = true;
    }
    StepReport report;
    try {
      report = take_step(scene, model, renderer);
    } catch (const NumbersError& error) {
      if (go_back(error.bad())) continue;
      saver.save(model, *events);
      result.failed = true;
      return result;
    }
    if (model.kept.defined()) {
      if (report.densified) optim::follow_rows(model.kept, model.cloud, report.densify.source);
      optim::draw_back(model.cloud, model.kept, options.start.keep_shape);
    }
    add_seconds(result.seconds, report.seconds);
    ++result.steps_here;
    write_events(*events, report, model);
    if (report.x0_guided.defined()) write_sheet(workspace, report, model.iteration, now.prior);
    if (const int64_t frame = process_frame(options, model.iteration); frame >= 0) {
      write_process_frame(workspace, shown_cloud(scene, model.cloud), options, renderer, frame);
    }
    for (const std::string& sign : health.look(model, report, options)) callbacks.on_warning(sign);
    if (saver.is_due(model.iteration)) saver.save(model, *events);
    callbacks.on_step(report, model);
  }

  callbacks.on_results();
  saver.save(model, *events);
  model.cloud = shown_cloud(scene, model.cloud);
  if (options.clean_air)
    model.cloud = asset::selected(model.cloud, asset::clean_indices(model.cloud, {.scene_stays = false}));
  write_result(workspace, model.cloud, options, renderer, model.iteration);
  if (options.save_video) write_turntables(workspace.root / "videos", model.cloud, options, renderer);
  if (options.save_process) write_process_video(workspace, process_frames(options, model.iteration));
  return result;
}

}  // namespace lucid::train
