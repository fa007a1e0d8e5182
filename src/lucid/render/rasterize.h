// SPDX-License-Identifier: Apache-2.0
// The differentiable Gaussian rasteriser (Kerbl et al. 2023): plain pointers in, plain pointers out, no tensors.
// Colour, depth and alpha; gradients of all three with respect to every parameter. Docs: docs/rasteriser.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lucid/camera/camera.h"

namespace lucid::render {

/// What an opacity means where a Gaussian is thinner than a pixel, and so is widened by kDilation.
enum class Filter {
  kDilated,  // the peak after widening: a distant or thin Gaussian grows brighter (Kerbl et al. 2023)
  kMip,      // the peak before it, faded by as much as the widening adds to its area (Yu et al. 2024)
};

/// Activated Gaussians, row-major, owned by the caller.
template <class Real>
struct CloudView {
  int64_t count = 0;
  int sh_degree = 0;                // degree stored in `sh` and evaluated
  const Real* means = nullptr;      // [N,3] world units
  const Real* scales = nullptr;     // [N,3] linear standard deviations
  const Real* quats = nullptr;      // [N,4] w,x,y,z; normalised on use
  const Real* opacities = nullptr;  // [N] linear, 0..1
  const Real* sh = nullptr;         // [N,(degree+1)^2,3]; colour = max(SH + 0.5, 0)
  Filter filter = Filter::kDilated;
};

/// dL/d of the above; overwritten, same shapes; any pointer may be null.
template <class Real>
struct CloudGradients {
  Real* means = nullptr;
  Real* scales = nullptr;
  Real* quats = nullptr;
  Real* opacities = nullptr;
  Real* sh = nullptr;
  Real* means2d_ndc = nullptr;  // [N,2] gradient w.r.t. the projected mean in NDC units (what densification thresholds)
};

template <class Real>
struct Images {
  Real* rgb = nullptr;       // [3,H,W] over the background
  Real* depth = nullptr;     // [H,W] sum of w z
  Real* alpha = nullptr;     // [H,W] sum of w
  int32_t* radii = nullptr;  // [N] pixels, 0 = not visible; may be null
};

template <class Real>
struct ImageGradients {  // dL/d of the images; a null pointer means zero
  const Real* rgb = nullptr;
  const Real* depth = nullptr;
  const Real* alpha = nullptr;
};

/// One view of several that are drawn by one call, a frame of its own.
struct ViewJob {
  int frame = 0;
  Camera camera;
  Images<float> out;
};

/// Slow and obvious, in the given precision (float or double): the oracle. Throws std::invalid_argument on NaN/Inf
/// input.
namespace reference {
template <class Real>
void forward(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background,
             const Images<Real>& out);
template <class Real>
void backward(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background,
              const ImageGradients<Real>& d_images, const CloudGradients<Real>& d_cloud);
}  // namespace reference

/// What a frame's latest passes did, for benchmarks.
struct CpuStatistics {
  int64_t pairs = 0;                                // (pixel, Gaussian) pairs blended
  int64_t entries = 0;                              // (tile, Gaussian) pairs listed
  int64_t visited = 0;                              // entries that their tile came to before all its pixels had stopped
  double project_ms = 0, bin_ms = 0, blend_ms = 0;  // forward
  double adjoint_ms = 0, gather_ms = 0;             // backward
};

/// The tiled CPU rasteriser. Holds only scratch memory, reused between calls; what forward leaves in a `Frame` is what
/// backward needs (sorted tile lists, last contributor, transmittance). Deterministic: the same bits at any thread
/// count.
class CpuRasterizer {
 public:
  class Frame;  // one forward's leftovers
  CpuRasterizer();
  ~CpuRasterizer();
  CpuRasterizer(CpuRasterizer&&) noexcept;
  CpuRasterizer& operator=(CpuRasterizer&&) noexcept;

  /// Frames are numbered by the caller (one a view of a batch) and reused; `frame` must match in backward.
  void forward(int frame, const CloudView<float>& cloud, const Camera& camera, const std::array<float, 3>& background,
               const Images<float>& out);
  /// Several views of one cloud; their tiles are shared among the threads together.
  void forward(const CloudView<float>& cloud, std::span<const ViewJob> jobs, const std::array<float, 3>& background);
  void backward(int frame, const CloudView<float>& cloud, const ImageGradients<float>& d_images,
                const CloudGradients<float>& d_cloud);
  int64_t blended_pairs(int frame) const;  // (pixel, Gaussian) pairs blended by that forward, for benchmarks
  CpuStatistics statistics(int frame) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The same image and gradients on a CUDA device (compute capability 8.0 or later): every pointer of the views is
/// device memory of the device that is current, the camera is the host's. Work is put into the caller's stream (a
/// cudaStream_t; null is the default one); one rasteriser's calls must follow each other in stream order.
/// Deterministic: the same bits each time on the same kind of device.
class CudaRasterizer {
 public:
  enum class Counting {
    kExact,     // a forward pass waits once, for the number of (tile, Gaussian) pairs: memory always fits
    kExpected,  // only a frame's first forward waits; later ones have room for half as many pairs again as the largest
                // of the frame's previous ones, leave out the farthest Gaussians where that is too little
                // (lost_pairs), and report a NaN or Inf of the cloud in the frame's next forward or lost_pairs()
  };
  /// Throws UserError where there is no CUDA device, or this build has no CUDA rasteriser.
  explicit CudaRasterizer(Counting counting = Counting::kExact);
  ~CudaRasterizer();
  CudaRasterizer(CudaRasterizer&&) noexcept;
  CudaRasterizer& operator=(CudaRasterizer&&) noexcept;

  /// As CpuRasterizer's.
  void forward(int frame, const CloudView<float>& cloud, const Camera& camera, const std::array<float, 3>& background,
               const Images<float>& out, void* stream = nullptr);
  /// Several views of one cloud, each a frame of its own, with one wait for all of them.
  void forward(const CloudView<float>& cloud, std::span<const ViewJob> jobs, const std::array<float, 3>& background,
               void* stream = nullptr);
  void backward(int frame, const CloudView<float>& cloud, const ImageGradients<float>& d_images,
                const CloudGradients<float>& d_cloud, void* stream = nullptr);
  int64_t lost_pairs(int frame);     // waits; always 0 when counting exactly
  int64_t blended_pairs(int frame);  // waits; as CpuRasterizer's

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether this build has the CUDA rasteriser and the current device can run it; and that device's name, "" if none.
bool cuda_available();
std::string cuda_device();

/// Name of the instruction set the CPU rasteriser runs with ("portable", "avx2", "avx512"); LUCID_ISA forces a lower
/// one.
const char* cpu_isa();

}  // namespace lucid::render
