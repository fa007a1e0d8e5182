// SPDX-License-Identifier: Apache-2.0
// One step of training, in the order of the data's path (docs/dev/path.md): cameras, renders, latents, score,
// gradients, update.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/image_encoder.h"
#include "lucid/distill/distiller.h"
#include "lucid/gaussians/view_renderer.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/model.h"
#include "lucid/train/options.h"
#include "lucid/upscale/network.h"

namespace lucid::train {

/// What an edit adds to a scene: the asset as it was, beside which the score is taken, and what of it may not change.
struct EditScene {
  gaussians::Cloud source;                    // the whole asset as it was; never changed
  const text_to_image::ViewPrompts* prompts;  // of the source
  std::optional<gaussians::Cloud> held = {};  // its Gaussians outside the mask: rendered, never changed
  std::function<void(gaussians::Cloud&)> confine =
      nullptr;  // moves the model's Gaussians back into the mask; may be null
};

/// Steps that see one part of the object from close by, with a prompt of their own.
struct CloseUp {
  double rate = 0;                 // probability of such a step
  int64_t from_iter = 0;           // from this step on
  std::array<double, 3> target{};  // what the cameras look at, world
  double front = 0.3, back = 0.4;  // distance of cameras in the front and the back half, in units of the usual one
  const text_to_image::ViewPrompts* prompts = nullptr;  // share a table with the scene's
};

/// A camera with the same angles and field of view, moved to the close-up's target.
Camera moved_close(const Camera& camera, const CloseUp& close_up);

/// The frozen inputs of training.
struct Scene {
  const TrainOptions& options;
  text_to_image::Prior& prior;
  diffusion::ImageEncoder& encoder;  // the prior's VAE
  diffusion::Denoiser& denoiser;     // the prior's U-Net
  const text_to_image::ViewPrompts& prompts;
  distill::Distiller& distiller;
  /// Control images of the views for a ControlNet: disparity [B,1,H,W] or colours [B,3,H,W]. Null: the disparity of
  /// the renders.
  std::function<torch::Tensor(const std::vector<Camera>&)> control_images = nullptr;
  torch::Device device = torch::kCPU;  // where prior and prompts are, and the model is to be
  /// Waits for the GPU at the end of each stage, so that StepReport's seconds are those of the stage. Costs a step a
  /// few milliseconds. Without it a stage's seconds on a GPU are the time to queue its work.
  bool waits_by_stage = false;
  const CloseUp* close_up = nullptr;          // null: all steps see the whole object
  const gaussians::Cloud* colours = nullptr;  // opaque, coloured as the prompt says: for refine.colour; null: none
  upscale::Network* upscaler = nullptr;       // enlarges the pictures of refine.fine rounds; null: none
  const EditScene* edit = nullptr;            // its clouds are on `device`; null: no edit
  /// The scene of the first `first_steps` steps, whose prior draws several views at once; null: none. Its options
  /// differ from these in views, augmentation, loss terms, score and batch alone.
  const Scene* first = nullptr;
  int64_t first_steps = 0;
  const Scene& at(int64_t step) const { return first != nullptr && step <= first_steps ? *first : *this; }
};

struct StepReport {
  double score_norm = 0;  // of dL/dlatents
  int64_t timestep = 0;   // t
  double tv = 0, mean_scale = 0;
  optim::DensifyReport densify;
  bool densified = false;
  bool as_latent = false;  // disparity was encoded in place of colours
  // For the contact sheet: images of this step, before its update.
  std::vector<gaussians::RenderedView> views;
  torch::Tensor latents, d_latents, x0_uncond, x0_guided;  // [B,C,h,w]
  /// Seconds by stage, in the order of the path.
  struct Seconds {
    double render = 0, encode = 0, score = 0, encode_backward = 0, render_backward = 0, update = 0;
    double total() const { return render + encode + score + encode_backward + render_backward + update; }
  } seconds;
};

/// The Gaussians to show: the model's, and those that an edit holds.
gaussians::Cloud shown_cloud(const Scene& scene, const gaussians::Cloud& cloud);

/// The directions that the cameras look from, for their view prompts; azimuth 0 is that of the front, default_azimuth.
std::vector<text_to_image::Direction> directions_of(const std::vector<Camera>& cameras, const ViewOptions& views);

/// Tells a prior with joint views (diffusion::Denoiser) the cameras of the batches that follow.
void show_cameras(const Scene& scene, const std::vector<Camera>& cameras);

/// Runs step number model.iteration + 1 on the model's device, where the prior must be too. A pure function of
/// (scene, model, seed): all randomness comes from named streams. Throws NumbersError (numbers.h) where a number is NaN
/// or Inf; the model is then as it was.
StepReport training_step(const Scene& scene, Model& model, gaussians::ViewRenderer& renderer);

}  // namespace lucid::train
