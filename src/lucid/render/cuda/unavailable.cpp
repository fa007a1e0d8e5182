// SPDX-License-Identifier: Apache-2.0
// CudaRasterizer for builds without nvcc: every constructor throws UserError.
#if !defined(LUCID_WITH_CUDA)
#include "lucid/render/cuda/errors.h"
#include "lucid/render/cuda/memory.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {
namespace {
[[noreturn]] void throw_unavailable() {
  cuda::throw_no_cuda("this build has no CUDA rasteriser", "use the CPU, or build with `make gpu`");
}
}  // namespace

struct CudaRasterizer::State {};

CudaRasterizer::CudaRasterizer(Counting) { throw_unavailable(); }
CudaRasterizer::~CudaRasterizer() = default;
CudaRasterizer::CudaRasterizer(CudaRasterizer&&) noexcept = default;
CudaRasterizer& CudaRasterizer::operator=(CudaRasterizer&&) noexcept = default;
void CudaRasterizer::forward(int, const CloudView<float>&, const Camera&, const std::array<float, 3>&,
                             const Images<float>&, void*) {
  throw_unavailable();
}
void CudaRasterizer::forward(const CloudView<float>&, std::span<const ViewJob>, const std::array<float, 3>&, void*) {
  throw_unavailable();
}
void CudaRasterizer::backward(int, const CloudView<float>&, const ImageGradients<float>&, const CloudGradients<float>&,
                              void*) {
  throw_unavailable();
}
int64_t CudaRasterizer::lost_pairs(int) { throw_unavailable(); }
int64_t CudaRasterizer::blended_pairs(int) { throw_unavailable(); }

bool cuda_available() { return false; }
std::string cuda_device() { return ""; }

namespace cuda {

DeviceMemory::DeviceMemory(size_t) { throw_unavailable(); }
DeviceMemory::~DeviceMemory() = default;
DeviceMemory::DeviceMemory(DeviceMemory&&) noexcept = default;
void DeviceMemory::upload(const void*) { throw_unavailable(); }
void DeviceMemory::download(void*) const { throw_unavailable(); }

struct DeviceTimer::Events {};
DeviceTimer::DeviceTimer() { throw_unavailable(); }
DeviceTimer::~DeviceTimer() = default;
void DeviceTimer::start() { throw_unavailable(); }
double DeviceTimer::stop() { throw_unavailable(); }

}  // namespace cuda
}  // namespace lucid::render
#endif  // LUCID_WITH_CUDA
