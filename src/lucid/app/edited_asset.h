// SPDX-License-Identifier: Apache-2.0
// The asset that an edit begins with: read, with its prompt, cut in two by a mask; and the files that compare both.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lucid/app/run_options/run_options.h"
#include "lucid/edit/mask.h"
#include "lucid/edit/mask_pictures.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/outputs.h"

namespace lucid::app {

class EditedAsset {
 public:
  /// None if the options name no asset. Otherwise sets the options that follow from it (SH degree, screen filter; no
  /// augmentation that would part it from its source). Throws UserError.
  static std::optional<EditedAsset> open(RunOptions& options);

  /// With mask_word: finds what the prior takes for it. To be called once, before identity(). Throws UserError.
  void find_word(text_to_image::Prior& prior, RunOptions& options);

  const std::string& from() const { return from_; }             // its prompt
  const nlohmann::json& identity() const { return identity_; }  // for the manifest and the run's key
  /// The Gaussians inside the mask, on the CPU: a copy, since training changes them in place.
  gaussians::Cloud changing() const;
  int64_t count() const { return source_.count(); }  // Gaussians of the whole asset
  train::EditScene scene(const text_to_image::ViewPrompts& prompts, torch::Device device) const;

  /// before_after.png; with save_video, videos/before_after.mp4; with mask_word, mask/*.png. Returns what changed, for
  /// the manifest.
  nlohmann::json write_comparison(const train::Workspace& workspace, const gaussians::Cloud& after,
                                  const train::TrainOptions& options) const;

 private:
  /// Cuts the asset in two: inside [N] bool, undefined: all of it may change.
  void cut(const torch::Tensor& inside, train::TrainOptions& options);
  /// The Gaussians that the pictures mark.
  torch::Tensor marked_by_pictures() const;

  std::string from_;
  nlohmann::json identity_;
  gaussians::Cloud source_, changing_;
  std::optional<gaussians::Cloud> held_;
  std::optional<edit::Mask> mask_;
  std::vector<edit::MaskPicture> mask_pictures_;
  bool has_found_mask_ = false;  // by a word: written beside the result, to be painted over
};

}  // namespace lucid::app
