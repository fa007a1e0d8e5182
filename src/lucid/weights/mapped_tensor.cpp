// SPDX-License-Identifier: Apache-2.0
// Tensors over the bytes of a mapped weight file: views, or copies where the bytes are not aligned.
#include "lucid/weights/mapped_tensor.h"

#include <cstring>

namespace lucid::weights {

torch::Tensor tensor_at(const std::shared_ptr<const MappedFile>& file, size_t offset, const std::vector<int64_t>& shape,
                        torch::ScalarType type) {
  char* data = file->data() + offset;
  if (type == torch::kBool) {  // C++ allows no bytes other than 0 and 1 in a bool
    return torch::from_blob(data, shape, torch::kUInt8).ne(0);
  }
  if (reinterpret_cast<uintptr_t>(data) % c10::elementSize(type) != 0) {
    torch::Tensor tensor = torch::empty(shape, type);
    if (tensor.nbytes() > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
    return tensor;
  }
  return torch::from_blob(
      data, shape, [file](void*) {}, torch::TensorOptions(type));
}

}  // namespace lucid::weights
