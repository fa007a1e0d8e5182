// SPDX-License-Identifier: Apache-2.0
// The GPUs of this machine and their driver, as `lucid info` lists them, and why there may be none.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lucid::tensor {

struct CudaCard {
  std::string name;          // "NVIDIA H200"
  int major = 0, minor = 0;  // compute capability
  size_t bytes = 0;          // of its memory; 0: the card does not answer
};

/// In the order of `--device cuda:N`. Empty where there is no card, no driver, or no CUDA in this build.
std::vector<CudaCard> cuda_cards();

/// Makes the card the calling thread's current one for this program's own CUDA runtime, which is linked statically and
/// is another than libtorch's. make_current() (device.h) sets both. Nothing to do in a build without CUDA.
void set_card(int card);

/// Bytes of the current card's memory that no program holds; 0 where there is no card.
size_t free_card_bytes();

/// CUDA's versions as it numbers them: 13000 is 13.0, 12020 is 12.2.
struct CudaVersions {
  int build = 0;   // what this build was compiled with; 0: for the CPU alone
  int driver = 0;  // the newest that the driver can run; 0: there is no driver
};
CudaVersions cuda_versions();
std::string cuda_version_text(int version);  // "13.0"

/// The driver's own version by its kernel module, "580.65.06"; empty where there is none.
std::string nvidia_driver();

/// Why no card can be used, and what to do about it; for machines on which cuda_cards() is empty.
struct NoCard {
  std::string why, hint;
};
NoCard no_card(CudaVersions versions);

}  // namespace lucid::tensor
