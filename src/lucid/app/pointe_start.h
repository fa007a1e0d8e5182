// SPDX-License-Identifier: Apache-2.0
// Point-E for a run: a point cloud of a text from a folder of weights, and the Gaussians that a run starts from.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "lucid/app/run_options/run_options.h"
#include "lucid/base/progress.h"
#include "lucid/gaussians/cloud.h"
#include "lucid/pointe/point_e.h"

namespace lucid::app {

struct PointsJob {
  std::filesystem::path folder;  // of Point-E's weights
  std::string text;
  torch::Device device = torch::kCPU;
  torch::ScalarType dtype = torch::kFloat;
  pointe::SampleOptions sampling;  // its on_call is not used
  Progress::Style progress = Progress::Style::kOff;
};

struct DrawnPoints {
  pointe::PointCloud cloud;
  double load_seconds = 0;  // loading of all networks, and the text's vector
  pointe::StageSeconds seconds;
};

/// Loads the networks and draws a cloud. Throws UserError for bad files, pointe::Stopped.
DrawnPoints draw_points(const PointsJob& job);

/// Gaussians at the points, in lucid's axes, scaled as the other initial shapes are by the radius; nearly grey, unless
/// use_pointe_rgb is set.
gaussians::Cloud gaussians_at(const pointe::PointCloud& points, const RunOptions& options);

/// The start of a run with init_shape pointe: about init_num_pts Gaussians, as pointe::grow() makes them. Point-E is
/// computed in float32 unless `precision` is bf16 itself. Throws UserError for bad files, pointe::Stopped.
gaussians::Cloud pointe_start(const RunOptions& options, torch::Device device, const std::atomic<bool>& stop);

}  // namespace lucid::app
