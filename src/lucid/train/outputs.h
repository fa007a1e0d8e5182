// SPDX-License-Identifier: Apache-2.0
// What a run leaves in its workspace: point clouds, test views, films, contact sheets, cameras.
#pragma once

#include <filesystem>
#include <functional>

#include "lucid/train/step.h"

namespace lucid::train {

/// The paths of one run's folder, so that no name is spelled twice.
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
/// Render, depth, alpha, latents, one-step x0 (unconditional, guided), gradient: one row a view.
void write_sheet(const Workspace& workspace, const StepReport& report, int64_t iteration, text_to_image::Prior& prior);
/// One frame of the process film (a PNG, so that a resumed run still has it); film and frames are joined by
/// write_process_film.
void write_process_frame(const Workspace& workspace, const gaussians::Cloud& cloud, const TrainOptions& options,
                         gaussians::ViewRenderer& renderer, int64_t frame);
void write_process_film(const Workspace& workspace, int64_t frames);

/// Test views: colour and depth PNG, and a sheet of all; the PLY.
void write_result(const Workspace& workspace, const gaussians::Cloud& cloud, const TrainOptions& options,
                  gaussians::ViewRenderer& renderer, int64_t iteration);
/// Turntable films in colour and depth, at the polar angle of the default view and from above.
void write_films(const std::filesystem::path& folder, const gaussians::Cloud& cloud, const TrainOptions& options,
                 gaussians::ViewRenderer& renderer);

/// A plain render for pictures and films, on the CPU: no augmentation, white ground, all SH degrees.
gaussians::RenderedView plain_view(const gaussians::Cloud& cloud, const Camera& camera,
                                   gaussians::ViewRenderer& renderer);

}  // namespace lucid::train
