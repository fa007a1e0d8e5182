// SPDX-License-Identifier: Apache-2.0
// The first part of a run with two priors: the multi-view prior, with its own cameras, prompts and score.
#pragma once

#include <memory>
#include <optional>

#include "lucid/app/run_options/multi_view.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/step.h"

namespace lucid::app {

class MultiViewPhase {
 public:
  /// Null unless the options name two priors. `options` are finished (finish_options()). Throws UserError.
  static std::unique_ptr<MultiViewPhase> open(const RunOptions& options, const config::OptionTable& table);
  MultiViewPhase(const MultiViewPhase&) = delete;  // the scene points into it

  /// A run's scene with the steps of this phase before its own. Neither phase nor scene may end before it.
  train::Scene before(train::Scene scene);
  /// Frees the networks, when all steps of the phase are done.
  void release();

  int64_t steps() const { return steps_; }
  const text_to_image::Prior& prior() const { return prior_; }
  const BoundOptions& bound() const { return *bound_; }

 private:
  MultiViewPhase(std::unique_ptr<BoundOptions> bound, const RunOptions& main);

  std::unique_ptr<BoundOptions> bound_;
  train::TrainOptions train_;
  int64_t steps_;
  text_to_image::Prior prior_;
  text_to_image::ViewPrompts prompts_;
  std::unique_ptr<distill::Distiller> distiller_;
  std::optional<diffusion::UNetDenoiser> denoiser_;
  std::optional<diffusion::ImageEncoder> encoder_;
  std::optional<train::Scene> scene_;
};

/// Throws UserError unless the views' sides are multiples of the prior's pixels per latent.
void check_sizes(const train::TrainOptions& options, const text_to_image::Prior& prior);

/// Throws UserError unless the options take as many views for one object as the prior draws at once.
void check_joint_views(const train::TrainOptions& options, const text_to_image::Prior& prior);

}  // namespace lucid::app
