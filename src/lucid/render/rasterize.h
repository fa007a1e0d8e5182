// SPDX-License-Identifier: Apache-2.0
// The differentiable Gaussian rasteriser (Kerbl et al. 2023): public interface on plain pointers, without tensors. The
// forward pass renders colour, depth and alpha; the backward pass gives the gradients of every parameter from those of
// the three images. Equations, backends and tests: docs/dev/rasteriser.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lucid/camera/camera.h"

namespace lucid::render {

/// The screen-space filter. Both widen a Gaussian's screen covariance by kDilation; they differ in its opacity.
enum class Filter {
  kDilated,  // opacity unchanged: a thin or distant Gaussian becomes brighter (Kerbl et al. 2023)
  kMip,      // opacity multiplied by sqrt(det before / det after the widening) (Mip-Splatting, Yu et al. 2024)
};

/// A view of N activated Gaussians in row-major arrays that the caller owns.
template <class Real>
struct CloudView {
  int64_t count = 0;
  int sh_degree = 0;                // 0 to 3: degree stored in `sh` and evaluated
  const Real* means = nullptr;      // [N,3] world units
  const Real* scales = nullptr;     // [N,3] linear standard deviations
  const Real* quats = nullptr;      // [N,4] w,x,y,z; normalised on use
  const Real* opacities = nullptr;  // [N] in [0, 1]
  const Real* sh = nullptr;         // [N,(degree+1)^2,3]; colour = max(SH + 0.5, 0)
  Filter filter = Filter::kDilated;
};

/// Outputs of the backward pass: dL/d of the CloudView's arrays, with the same shapes. They are overwritten, not added
/// to. A null pointer means that the gradient is not wanted.
template <class Real>
struct CloudGradients {
  Real* means = nullptr;
  Real* scales = nullptr;
  Real* quats = nullptr;
  Real* opacities = nullptr;
  Real* sh = nullptr;
  Real* means2d_ndc = nullptr;  // [N,2] dL/d(projected mean) in NDC units; densification compares its norm
};

/// Outputs of the forward pass; w is a Gaussian's blending weight at a pixel. A null pointer means not wanted.
template <class Real>
struct Images {
  Real* rgb = nullptr;       // [3,H,W] sum of w * colour + transmittance * background
  Real* depth = nullptr;     // [H,W] sum of w * camera z (not divided by alpha)
  Real* alpha = nullptr;     // [H,W] sum of w
  int32_t* radii = nullptr;  // [N] screen radius in pixels, 0 = not visible
};

template <class Real>
struct ImageGradients {  // inputs of the backward pass: dL/d of the images, same shapes; a null pointer means zero
  const Real* rgb = nullptr;
  const Real* depth = nullptr;
  const Real* alpha = nullptr;
};

/// One of several views that one forward call renders.
struct ViewJob {
  int frame = 0;  // the slot that keeps this view's state for backward()
  Camera camera;
  Images<float> out;
};

/// The reference implementation: one loop over all pixels and Gaussians, in float or double. Tests compare every other
/// backend with it. Throws std::invalid_argument on NaN or Inf input.
namespace reference {
template <class Real>
void forward(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background,
             const Images<Real>& out);
template <class Real>
void backward(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background,
              const ImageGradients<Real>& d_images, const CloudGradients<Real>& d_cloud);
}  // namespace reference

/// Counts and times of a frame's latest passes, for benchmarks.
struct CpuStatistics {
  int64_t pairs = 0;                                // (pixel, Gaussian) pairs blended
  int64_t entries = 0;                              // (tile, Gaussian) pairs in the tile lists
  int64_t visited = 0;                              // entries processed before all pixels of their tile had stopped
  double project_ms = 0, bin_ms = 0, blend_ms = 0;  // forward
  double adjoint_ms = 0, gather_ms = 0;             // backward
};

/// The tiled CPU rasteriser. It owns only scratch memory, which later calls reuse. A forward pass keeps the state that
/// its backward pass needs (sorted tile lists, transmittance) in a `Frame`. Deterministic: the same bits at any thread
/// count. NaN or Inf in the cloud throws std::invalid_argument.
class CpuRasterizer {
 public:
  class Frame;  // the state of one forward pass that its backward pass needs
  CpuRasterizer();
  ~CpuRasterizer();
  CpuRasterizer(CpuRasterizer&&) noexcept;
  CpuRasterizer& operator=(CpuRasterizer&&) noexcept;

  /// The caller numbers the frames from 0, one for each view of a batch; later calls reuse them. backward() takes the
  /// number that forward() was given.
  void forward(int frame, const CloudView<float>& cloud, const Camera& camera, const std::array<float, 3>& background,
               const Images<float>& out);
  /// Renders several views of one cloud, each to a different frame. The threads share the tiles of all views.
  void forward(const CloudView<float>& cloud, std::span<const ViewJob> jobs, const std::array<float, 3>& background);
  void backward(int frame, const CloudView<float>& cloud, const ImageGradients<float>& d_images,
                const CloudGradients<float>& d_cloud);
  int64_t blended_pairs(int frame) const;  // (pixel, Gaussian) pairs that the frame's forward pass blended
  CpuStatistics statistics(int frame) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The CUDA rasteriser (compute capability 8.0 or later). Every pointer of the views is memory of the current device;
/// the camera is on the host. Work is queued in the caller's stream (a cudaStream_t; null is the default stream). The
/// calls of one rasteriser must follow each other in stream order. Deterministic: the same bits in every run on the
/// same kind of device.
class CudaRasterizer {
 public:
  enum class Counting {
    // Each forward pass waits once for the device, to learn the number of (tile, Gaussian) pairs it needs memory for.
    kExact,
    // Only a frame's first forward pass waits. Later ones have memory for 1.5 times the pairs of the frame's previous
    // passes. If that is too little, the farthest Gaussians are left out; lost_pairs() tells. A NaN or Inf in the cloud
    // is reported by the frame's next forward() or lost_pairs().
    kExpected,
  };
  /// Throws UserError if there is no CUDA device or this build has no CUDA rasteriser.
  explicit CudaRasterizer(Counting counting = Counting::kExact);
  ~CudaRasterizer();
  CudaRasterizer(CudaRasterizer&&) noexcept;
  CudaRasterizer& operator=(CudaRasterizer&&) noexcept;

  /// The same as CpuRasterizer's.
  void forward(int frame, const CloudView<float>& cloud, const Camera& camera, const std::array<float, 3>& background,
               const Images<float>& out, void* stream = nullptr);
  /// Renders several views of one cloud, each to a different frame, with one wait for all of them.
  void forward(const CloudView<float>& cloud, std::span<const ViewJob> jobs, const std::array<float, 3>& background,
               void* stream = nullptr);
  void backward(int frame, const CloudView<float>& cloud, const ImageGradients<float>& d_images,
                const CloudGradients<float>& d_cloud, void* stream = nullptr);
  int64_t lost_pairs(int frame);     // (tile, Gaussian) pairs left out by the last forward pass; waits; 0 with kExact
  int64_t blended_pairs(int frame);  // the same as CpuRasterizer's; waits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether this build has the CUDA rasteriser and the current device can run it.
bool cuda_available();
/// The current device's name; "" unless cuda_available().
std::string cuda_device();

/// The instruction set that the CPU rasteriser uses: "portable", "avx2" or "avx512". The environment variable LUCID_ISA
/// selects a lower one; an unknown name there throws UserError.
const char* cpu_isa();

}  // namespace lucid::render
