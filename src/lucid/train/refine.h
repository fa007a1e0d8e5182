// SPDX-License-Identifier: Apache-2.0
// The refining stage: after the score's steps the prior denoises many views from a low noise level, and the Gaussians
// are fitted to the pictures. What several views agree on stays; what is noise in each of them averages out.
#pragma once

#include "lucid/train/step.h"

namespace lucid::train {

/// Runs step number model.iteration + 1, a round of refining: renders options.refine.views random views, encodes them,
/// brings them to a noise level, denoises them with guidance and the view's words in a few DDIM steps, decodes them,
/// and fits the Gaussians to the decoded pictures in options.refine.fit_steps steps of `batch` views each. The last
/// options.refine.fine rounds enlarge the pictures first with the scene's upscaler, if it has one, and split Gaussians
/// that are too wide for them (enlarge.h). The noise level falls from round to round. A pure function of (scene, model,
/// seed). The report's score_norm is the mean loss of the fit, its timestep the noise level's; the pictures count as
/// seconds of the score, the fit as those of the update. Throws NumbersError (numbers.h) where a number is NaN or Inf;
/// the model may then have changed.
StepReport refining_round(const Scene& scene, Model& model, gaussians::ViewRenderer& renderer);

/// Pictures [B,3,H,W] over renders' alpha [B,1,H,W]: kept within a twenty-fifth of the width of the object, white
/// elsewhere. The prior's ground is not quite white, and the fit would answer with haze.
torch::Tensor on_white_ground(const torch::Tensor& pictures, const torch::Tensor& alpha);

/// A picture and where its object is.
struct SeenObject {
  torch::Tensor rgb, alpha;  // [B,3,H,W], [B,1,H,W]
};
/// The pictures, moved towards the broad colours of the guide: by `share` of the difference of both, each averaged over
/// its object with a Gaussian of a twentieth of the width. Detail stays; nothing changes on the ground, and where the
/// guide is far away. [B,3,H,W]
torch::Tensor with_colours_of(const SeenObject& guide, const SeenObject& pictures, double share);

/// 1 - SSIM (Wang et al. 2004), mean over pixels, channels and pictures: windows of 11 pixels, Gaussian weights of
/// standard deviation 1.5, values in [0, 1]. x, y [B,C,H,W] -> scalar. Differentiable.
torch::Tensor structural_dissimilarity(const torch::Tensor& x, const torch::Tensor& y);

/// The same value, computed around the objects of the targets `wanted` [B,3,H,W] alone: on their background the
/// dissimilarity is next to zero. `on_white`: the targets on white, which tell where the objects are. SSIM is what a
/// step of the fit spends most of its time on. -> scalar. Differentiable.
torch::Tensor dissimilarity_of_objects(const torch::Tensor& shown, const torch::Tensor& wanted,
                                       const torch::Tensor& on_white);

}  // namespace lucid::train
