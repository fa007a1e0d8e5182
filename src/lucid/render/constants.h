// SPDX-License-Identifier: Apache-2.0
// The numbers that define the image, each once with its reason. Forward, backward, every backend and the tests use
// these.
#pragma once

namespace lucid::render {

/// Nearer than this (camera z, world units) a Gaussian is dropped: the linearised projection blows up towards z = 0.
inline constexpr double kNearPlane = 0.2;
/// Added to the screen covariance's diagonal (px^2): no splat becomes thinner than a pixel can sample.
inline constexpr double kDilation = 0.3;
/// Contributions below half a step of an 8-bit image (roughly) are skipped: they cannot be seen and bound the
/// footprint.
inline constexpr double kAlphaCut = 1.0 / 255.0;
/// No splat is fully opaque: 1 / (1 - alpha) in the backward pass stays finite.
inline constexpr double kAlphaMax = 0.99;
/// A pixel stops before the splat that would bring its transmittance below this: what lies behind cannot be seen.
inline constexpr double kTransmittanceStop = 1e-4;
/// x/z and y/z are clamped to this times tan(fov/2) in the Jacobian only: far outside the image the linearisation
/// explodes.
inline constexpr double kTanClamp = 1.3;
/// A splat reaches this many standard deviations of its longest axis (rounded up to whole pixels) ...
inline constexpr double kRadiusSigmas = 3.0;
/// ... where the squared half difference of the eigenvalues is at least this (px^4), as 3D Gaussian Splatting has it.
inline constexpr double kEigenGapFloor = 0.1;
/// Tile edge in pixels. It defines the image too: a splat contributes only to tiles that its radius' square touches.
inline constexpr int kTile = 16;

}  // namespace lucid::render
