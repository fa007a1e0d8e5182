// SPDX-License-Identifier: Apache-2.0
// A body posed and placed in the scene: what a run starts from, and what a ControlNet is shown of it.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "lucid/avatar/pose.h"
#include "lucid/camera/camera.h"
#include "lucid/gaussians/cloud.h"
#include "lucid/gaussians/start_options.h"

namespace lucid::avatar {

struct PlacedBody {
  PosedBody body;                     // world
  std::string about;                  // "body of 3000 triangles, with a skeleton and key points"
  std::vector<std::string> warnings;  // sentences
};

/// Reads a body, poses it, and turns, fits and scales it by the options file_* of `start`, as files of geometry are.
/// Throws UserError: what read_body() and read_pose() throw, and a body whose front is not +y or whose up is not +z, if
/// its key points tell. Without them a body whose feet point backwards gets a warning.
PlacedBody place_body(const std::filesystem::path& file, const std::string& pose, const gaussians::StartOptions& start);

/// The initial Gaussians: start.count flat ones on the surface, mid-grey. Throws UserError for a mesh without area.
gaussians::Cloud gaussians_on_body(const PosedBody& body, const gaussians::StartOptions& start);

/// An OpenPose picture for each camera: [B,3,H,W] in [0,1]. The body must have key points, the cameras one size.
torch::Tensor openpose_pictures(const PosedBody& body, const std::vector<Camera>& cameras);

/// The middle of the head: that of the ears, or without key points the middle of the highest eighth of the body.
mesh::Point head_of(const PosedBody& body);

}  // namespace lucid::avatar
