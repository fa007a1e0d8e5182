// SPDX-License-Identifier: Apache-2.0
// CudaRasterizer for builds without nvcc: every constructor throws UserError.
#if !defined(LUCID_WITH_CUDA)
#include "lucid/render/cuda/memory.h"
#include "lucid/render/cuda/refusals.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {
namespace {
[[noreturn]] void refuse() {
  cuda::refuse_cuda("this build has no CUDA rasteriser", "use the CPU, or build with nvcc and -DLUCID_CUDA=ON");
}
}  // namespace

struct CudaRasterizer::State {};

CudaRasterizer::CudaRasterizer(Counting) { refuse(); }
CudaRasterizer::~CudaRasterizer() = default;
CudaRasterizer::CudaRasterizer(CudaRasterizer&&) noexcept = default;
CudaRasterizer& CudaRasterizer::operator=(CudaRasterizer&&) noexcept = default;
void CudaRasterizer::forward(int, const CloudView<float>&, const Camera&, const std::array<float, 3>&,
                             const Images<float>&, void*) {
  refuse();
}
void CudaRasterizer::forward(const CloudView<float>&, std::span<const ViewJob>, const std::array<float, 3>&, void*) {
  refuse();
}
void CudaRasterizer::backward(int, const CloudView<float>&, const ImageGradients<float>&, const CloudGradients<float>&,
                              void*) {
  refuse();
}
int64_t CudaRasterizer::lost_pairs(int) { refuse(); }
int64_t CudaRasterizer::blended_pairs(int) { refuse(); }

bool cuda_available() { return false; }
std::string cuda_device() { return ""; }

namespace cuda {

DeviceMemory::DeviceMemory(size_t) { refuse(); }
DeviceMemory::~DeviceMemory() = default;
DeviceMemory::DeviceMemory(DeviceMemory&&) noexcept = default;
void DeviceMemory::upload(const void*) { refuse(); }
void DeviceMemory::download(void*) const { refuse(); }

struct DeviceTimer::Events {};
DeviceTimer::DeviceTimer() { refuse(); }
DeviceTimer::~DeviceTimer() = default;
void DeviceTimer::start() { refuse(); }
double DeviceTimer::stop() { refuse(); }

}  // namespace cuda
}  // namespace lucid::render
#endif  // LUCID_WITH_CUDA
