// SPDX-License-Identifier: Apache-2.0
// Memory mapping of a file by POSIX calls.
#include "lucid/asset/splats/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

[[noreturn]] void refuse_to_map(const std::filesystem::path& path, const std::string& what) {
  throw UserError({.what_happened = what, .file = path.string(), .hint = "a file of Gaussians was expected"});
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  // Non-blocking, because opening a pipe without a writer would block.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) refuse_to_map(path, fmt::format("cannot read: {}", std::strerror(errno)));
  struct stat about {};
  const bool regular = ::fstat(file, &about) == 0 && S_ISREG(about.st_mode);
  void* data = MAP_FAILED;
  if (regular && about.st_size > 0) {
    size_ = static_cast<size_t>(about.st_size);
    data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
  }
  const int reason = errno;
  ::close(file);
  if (!regular) refuse_to_map(path, "is not a regular file");
  if (size_ == 0) refuse_to_map(path, "is empty");
  if (data == MAP_FAILED) refuse_to_map(path, fmt::format("cannot read: {}", std::strerror(reason)));
  data_ = data;
}

MappedFile::~MappedFile() { ::munmap(data_, size_); }

}  // namespace lucid::asset
