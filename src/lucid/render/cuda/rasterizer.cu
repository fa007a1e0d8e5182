// SPDX-License-Identifier: Apache-2.0
// CudaRasterizer for CUDA devices: the engine compiled by nvcc, device queries, and DeviceMemory and DeviceTimer.
#include "lucid/render/cuda/engine.h"
#include "lucid/render/cuda/memory.h"

namespace lucid::render {
namespace {

constexpr int kLeastCapability = 8;  // compute capability 8.0 has warp-wide reductions in one instruction

using cuda::on_device::cuda_check;

/// Gets the current device's properties; false if there is no device or it is too old.
bool current_device(cudaDeviceProp* properties) {
  int devices = 0, device = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    (void)cudaGetLastError();  // a missing driver is not an error; clear it
    return false;
  }
  cuda_check(cudaGetDevice(&device), "cudaGetDevice");
  cuda_check(cudaGetDeviceProperties(properties, device), "cudaGetDeviceProperties");
  return properties->major >= kLeastCapability;
}

}  // namespace

struct CudaRasterizer::State {
  explicit State(Counting counting) : engine(counting) {}
  cuda::on_device::Engine engine;
};

CudaRasterizer::CudaRasterizer(Counting counting) {
  if (!cuda_available()) {
    cuda::throw_no_cuda("no CUDA device of compute capability 8.0 or later", "use the CPU, or check the driver");
  }
  state_ = std::make_unique<State>(counting);
}
CudaRasterizer::~CudaRasterizer() = default;
CudaRasterizer::CudaRasterizer(CudaRasterizer&&) noexcept = default;
CudaRasterizer& CudaRasterizer::operator=(CudaRasterizer&&) noexcept = default;

void CudaRasterizer::forward(int frame, const CloudView<float>& cloud, const Camera& camera,
                             const std::array<float, 3>& background, const Images<float>& out, void* stream) {
  const ViewJob job{frame, camera, out};
  forward(cloud, std::span<const ViewJob>(&job, 1), background, stream);
}

void CudaRasterizer::forward(const CloudView<float>& cloud, std::span<const ViewJob> jobs,
                             const std::array<float, 3>& background, void* stream) {
  state_->engine.forward(cloud, jobs, background, static_cast<cudaStream_t>(stream));
}

void CudaRasterizer::backward(int frame, const CloudView<float>& cloud, const ImageGradients<float>& d_images,
                              const CloudGradients<float>& d_cloud, void* stream) {
  state_->engine.backward(frame, cloud, d_images, d_cloud, static_cast<cudaStream_t>(stream));
}

int64_t CudaRasterizer::lost_pairs(int frame) { return state_->engine.lost_pairs(frame); }
int64_t CudaRasterizer::blended_pairs(int frame) { return state_->engine.blended_pairs(frame); }

bool cuda_available() {
  cudaDeviceProp properties;
  return current_device(&properties);
}

std::string cuda_device() {
  cudaDeviceProp properties;
  return current_device(&properties) ? properties.name : "";
}

namespace cuda {

DeviceMemory::DeviceMemory(size_t bytes) : data_(on_device::allocate(bytes > 0 ? bytes : 1)), bytes_(bytes) {}
DeviceMemory::~DeviceMemory() {
  if (data_ != nullptr) on_device::release(data_);
}
DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
void DeviceMemory::upload(const void* from) {
  cuda_check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  cuda_check(cudaMemcpy(data_, from, bytes_, cudaMemcpyHostToDevice), "cudaMemcpy");
}
void DeviceMemory::download(void* to) const {
  cuda_check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  cuda_check(cudaMemcpy(to, data_, bytes_, cudaMemcpyDeviceToHost), "cudaMemcpy");
}

struct DeviceTimer::Events {
  cudaEvent_t from = nullptr, to = nullptr;
};
DeviceTimer::DeviceTimer() : events_(std::make_unique<Events>()) {
  cuda_check(cudaEventCreate(&events_->from), "cudaEventCreate");
  cuda_check(cudaEventCreate(&events_->to), "cudaEventCreate");
}
DeviceTimer::~DeviceTimer() {
  (void)cudaEventDestroy(events_->from);
  (void)cudaEventDestroy(events_->to);
}
void DeviceTimer::start() { cuda_check(cudaEventRecord(events_->from), "cudaEventRecord"); }
double DeviceTimer::stop() {
  float milliseconds = 0;
  cuda_check(cudaEventRecord(events_->to), "cudaEventRecord");
  cuda_check(cudaEventSynchronize(events_->to), "cudaEventSynchronize");
  cuda_check(cudaEventElapsedTime(&milliseconds, events_->from, events_->to), "cudaEventElapsedTime");
  return milliseconds;
}

}  // namespace cuda
}  // namespace lucid::render
