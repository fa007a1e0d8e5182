// SPDX-License-Identifier: Apache-2.0
// The asset that an edit begins with: read, with its prompt, cut in two by a mask; and the files that compare both.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lucid/app/run_options/run_options.h"
#include "lucid/edit/mask.h"
#include "lucid/edit/mask_pictures.h"
#include "lucid/train/outputs.h"

namespace lucid::app {

class EditedAsset {
 public:
  /// None if the options name no asset. Otherwise sets the options that follow from it (SH degree, screen filter; no
  /// augmentation that would part it from its source). Throws UserError.
  static std::optional<EditedAsset> open(RunOptions& options);

  const std::string& from() const { return from_; }             // its prompt
  const nlohmann::json& identity() const { return identity_; }  // for the manifest and the run's key
  /// The Gaussians inside the mask, on the CPU: a copy, since training changes them in place.
  gaussians::Cloud changing() const;
  train::EditScene scene(const text_to_image::ViewPrompts& prompts, torch::Device device) const;

  /// before_after.png and, with save_video, videos/before_after.mp4. Returns what changed, for the manifest.
  nlohmann::json write_comparison(const train::Workspace& workspace, const gaussians::Cloud& after,
                                  const train::TrainOptions& options) const;

 private:
  std::string from_;
  nlohmann::json identity_;
  gaussians::Cloud source_, changing_;
  std::optional<gaussians::Cloud> held_;
  std::optional<edit::Mask> mask_;
  std::vector<edit::MaskPicture> mask_pictures_;
};

}  // namespace lucid::app
