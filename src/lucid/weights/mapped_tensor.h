// SPDX-License-Identifier: Apache-2.0
// Tensors over the bytes of a mapped weight file.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "lucid/base/mapped_file.h"

namespace lucid::weights {

/// A tensor over the bytes of `file` from `offset`: a view if they are aligned for `type`, else a copy. The caller must
/// have checked that the bytes lie inside the file.
torch::Tensor tensor_at(const std::shared_ptr<const MappedFile>& file, size_t offset, const std::vector<int64_t>& shape,
                        torch::ScalarType type);

/// MappedFile::release_pages() for the memory of a tensor.
inline void release_pages(const MappedFile& file, const torch::Tensor& tensor) {
  file.release_pages(tensor.data_ptr(), tensor.nbytes());
}

}  // namespace lucid::weights
