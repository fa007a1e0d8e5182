// SPDX-License-Identifier: Apache-2.0
// Cameras of multi-view priors (MVDream): groups of views around one object, and a camera as the network reads it.
#pragma once

#include <array>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/camera/sampler.h"

namespace lucid {

/// A camera as MVDream reads it: the matrix world-from-camera, row-major, with the translation scaled to length 1, so
/// that neither distance nor field of view enters. Its camera axes are x right, y up, z backward; its world has z up
/// and the front at +x. `front` is the azimuth of lucid's front in degrees (ViewOptions::default_azimuth).
std::array<double, 16> multi_view_camera(const Camera& camera, double front = 0);
/// That of a view towards the origin from this direction; degrees, azimuth 0 is the front.
std::array<double, 16> multi_view_camera_at(double azimuth, double elevation);

/// The views of a batch in groups of options.joint_views: the views of a group share polar angle and distance, and
/// their azimuths are evenly spaced over phi's range, with one random offset a group. All views share one fovy. `batch`
/// is a multiple of the group. Order of the random draws: fovy, then for each group radius, theta, offset.
std::vector<Camera> sample_joint_views(const ViewOptions& options, int batch, Rng& rng);

}  // namespace lucid
