// SPDX-License-Identifier: Apache-2.0
// MappedFile on POSIX mmap and madvise.
#include "lucid/weights/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lucid/base/error.h"

namespace lucid::weights {

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& file, const std::string& expected) {
  const auto refuse = [&](const std::string& what) {
    throw UserError(UserMistake{.what_happened = what, .file = file.string(), .hint = expected});
  };
  // O_NONBLOCK: opening a pipe without a writer would block for ever.
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) refuse(fmt::format("cannot read: {}", std::strerror(errno)));
  struct stat info {};
  const bool regular = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  const auto size = static_cast<size_t>(info.st_size);
  // Private and writable, because torch may write to a tensor's memory.
  void* data =
      regular && size > 0 ? mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0) : MAP_FAILED;
  ::close(descriptor);
  if (!regular) refuse("is not a regular file");
  if (data == MAP_FAILED) refuse("is empty or cannot be mapped");
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<char*>(data), size));
}

MappedFile::~MappedFile() { munmap(data_, size_); }

void MappedFile::release_pages(const torch::Tensor& tensor) const {
  const auto begin = reinterpret_cast<uintptr_t>(tensor.data_ptr()), end = begin + tensor.nbytes();
  const auto first = reinterpret_cast<uintptr_t>(data_);
  if (begin < first || end > first + size_) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t from = (begin + page - 1) / page * page, to = end / page * page;  // pages shared with others stay
  if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

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
