// SPDX-License-Identifier: Apache-2.0
// The body that an avatar is made on: start, control images, head cameras and pictures to look at before a run.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "lucid/app/run_options/run_options.h"
#include "lucid/avatar/avatar.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/step.h"

namespace lucid::app {

class AvatarFigure {
 public:
  /// None if the options name no body. Logs what the body is. Throws UserError, also where an OpenPose ControlNet is to
  /// see a body without key points.
  static std::optional<AvatarFigure> open(const RunOptions& options);

  const nlohmann::json& identity() const { return identity_; }  // for the manifest and the run's key
  gaussians::Cloud start(const RunOptions& options) const;
  /// Control images of any cameras; null without a ControlNet. Throws UserError: openpose for a body without key
  /// points.
  std::function<torch::Tensor(const std::vector<Camera>&)> control_images(const RunOptions& options) const;

  /// The prompts "TEXT head" for steps that see the head; none if there are no such steps.
  std::optional<text_to_image::ViewPrompts> head_prompts(text_to_image::Prior& prior, const RunOptions& options) const;
  train::CloseUp head(const text_to_image::ViewPrompts& prompts, const avatar::AvatarOptions& options) const;

  const avatar::PosedBody& body() const { return body_; }

 private:
  avatar::PosedBody body_;
  nlohmann::json identity_;
};

/// Writes the control images of 24 views of the body (three heights, eight sides), cameras.json, and sheet.png of the
/// first eight. What `--preview` does. Returns the exit code; throws UserError.
int preview_figure(const RunOptions& options);

}  // namespace lucid::app
