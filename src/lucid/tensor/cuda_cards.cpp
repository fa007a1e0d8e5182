// SPDX-License-Identifier: Apache-2.0
// The CUDA runtime's answers about cards, with and without CUDA.
#include "lucid/tensor/cuda_cards.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <regex>

#if defined(LUCID_WITH_CUDA)
#include <cuda_runtime_api.h>

#include "lucid/base/cuda/failure.h"
#endif

namespace lucid::tensor {

#if defined(LUCID_WITH_CUDA)

std::vector<CudaCard> cuda_cards() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    (void)cudaGetLastError();  // a missing driver is not an error; clear it
    return {};
  }
  std::vector<CudaCard> cards;
  for (int card = 0; card < count; ++card) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, card) != cudaSuccess) {
      (void)cudaGetLastError();
      cards.push_back({.name = "a card that does not answer"});
      continue;
    }
    cards.push_back({.name = properties.name,
                     .major = properties.major,
                     .minor = properties.minor,
                     .bytes = properties.totalGlobalMem});
  }
  return cards;
}

void set_card(int card) {
  if (const cudaError_t error = cudaSetDevice(card); error != cudaSuccess)
    lucid::cuda::call_failed("cudaSetDevice", cudaGetErrorString(error));
}

size_t free_card_bytes() {
  size_t free = 0, all = 0;
  if (cudaMemGetInfo(&free, &all) == cudaSuccess) return free;
  (void)cudaGetLastError();
  return 0;
}

CudaVersions cuda_versions() {
  CudaVersions versions{.build = CUDART_VERSION};
  if (cudaDriverGetVersion(&versions.driver) != cudaSuccess) versions.driver = 0;
  return versions;
}

#else

std::vector<CudaCard> cuda_cards() { return {}; }
void set_card(int /*card*/) {}
size_t free_card_bytes() { return 0; }
CudaVersions cuda_versions() { return {}; }

#endif

std::string cuda_version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

std::string nvidia_driver() {
  std::ifstream file("/proc/driver/nvidia/version");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::smatch found;
  return std::regex_search(text, found, std::regex(R"(\b\d{3}\.\d+(\.\d+)?\b)")) ? found.str() : "";
}

NoCard no_card(CudaVersions versions) {
  const int major = versions.build / 1000;
  if (major == 0) return {"this build is for the CPU alone", "`make gpu` builds one for NVIDIA cards"};
  // The first driver series that runs each major version of CUDA.
  const std::string wanted = major == 12   ? "driver 525 or later"
                             : major == 13 ? "driver 580 or later"
                                           : fmt::format("a driver for CUDA {}", major);
  if (versions.driver == 0) return {"there is no NVIDIA driver", fmt::format("install {}, then restart", wanted)};
  if (versions.driver / 1000 < major) {
    return {fmt::format("the NVIDIA driver is too old: it runs CUDA {}, this build needs {}",
                        cuda_version_text(versions.driver), cuda_version_text(versions.build)),
            fmt::format("install {}, then restart", wanted)};
  }
  return {"the NVIDIA driver finds no card", "`nvidia-smi` lists them; CUDA_VISIBLE_DEVICES may hide them"};
}

}  // namespace lucid::tensor
