// SPDX-License-Identifier: Apache-2.0
// Constants of the rasteriser that define the image, each with its reason. All backends, the backward pass and the
// tests use these.
#pragma once

namespace lucid::render {

/// Gaussians nearer than this (camera z, world units) are dropped: the linearised projection diverges towards z = 0.
inline constexpr double kNearPlane = 0.2;
/// Added to the diagonal of the screen covariance (px^2), so that no splat is too thin for the pixel grid to sample.
inline constexpr double kDilation = 0.3;
/// Contributions with alpha below one step of an 8-bit image are skipped. They are invisible, and the cut bounds the
/// area of a splat.
inline constexpr double kAlphaCut = 1.0 / 255.0;
/// Upper bound of alpha: 1 / (1 - alpha) in the backward pass stays finite.
inline constexpr double kAlphaMax = 0.99;
/// A pixel stops before the splat that would bring its transmittance below this; anything behind is invisible.
inline constexpr double kTransmittanceStop = 1e-4;
/// In the Jacobian x/z and y/z are clamped to +- this times tan(fov/2): far outside the image the linearisation is
/// useless and its entries grow without bound.
inline constexpr double kTanClamp = 1.3;
/// A splat's radius in standard deviations of its longest axis; the result is rounded up to whole pixels.
inline constexpr double kRadiusSigmas = 3.0;
/// Lower bound, in that radius, of the squared half difference of the covariance's eigenvalues (px^4); the value of the
/// original 3D Gaussian Splatting code.
inline constexpr double kEigenGapFloor = 0.1;
/// Tile edge in pixels. It affects the image: a splat contributes only to tiles that the square of its radius touches.
inline constexpr int kTile = 16;

}  // namespace lucid::render
