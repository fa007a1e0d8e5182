// SPDX-License-Identifier: Apache-2.0
// Output files of a training run in its workspace: point clouds, test views, videos, contact sheets, cameras.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "lucid/train/step.h"

namespace lucid::train {

/// The folder of one run and the paths inside it.
struct Workspace {
  std::filesystem::path root;
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  std::filesystem::path process_frames() const { return root / "process_frames"; }
  std::filesystem::path sheets() const { return root / "train_process"; }
  std::filesystem::path point_cloud(int64_t iteration) const;
  std::filesystem::path test_views(int64_t iteration) const;
};

/// init_points3d.ply and cameras.json (the test views).
void write_start(const Workspace& workspace, const gaussians::Cloud& cloud, const TrainOptions& options);
/// The contact sheet of a step, one row for each view: colour, depth, alpha, saturation, latents, one-step x0
/// (unconditional, guided), norm of the gradient at the latents.
void write_sheet(const Workspace& workspace, const StepReport& report, int64_t iteration, text_to_image::Prior& prior);
/// One frame of the video of the training process. It is a PNG file, so that a resumed run has the earlier frames;
/// write_process_video() makes a video of the frames.
void write_process_frame(const Workspace& workspace, const gaussians::Cloud& cloud, const TrainOptions& options,
                         gaussians::ViewRenderer& renderer, int64_t frame);
void write_process_video(const Workspace& workspace, int64_t frames);

/// The point cloud (PLY) and the test views: colour and depth PNGs, and a contact sheet of all.
void write_result(const Workspace& workspace, const gaussians::Cloud& cloud, const TrainOptions& options,
                  gaussians::ViewRenderer& renderer, int64_t iteration);
/// Turntable videos in colour and depth, at the default polar angle and from above.
void write_turntables(const std::filesystem::path& folder, const gaussians::Cloud& cloud, const TrainOptions& options,
                      gaussians::ViewRenderer& renderer);

/// "polar80_azimuth045": the name of a test view's picture.
std::string view_name(const Camera& camera);

/// Renders without augmentation, on white, with all SH degrees. The result is on the CPU.
gaussians::RenderedView plain_view(const gaussians::Cloud& cloud, const Camera& camera,
                                   gaussians::ViewRenderer& renderer);

}  // namespace lucid::train
