// SPDX-License-Identifier: Apache-2.0
// MappedFile on POSIX mmap and madvise.
#include "lucid/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "lucid/base/error.h"

namespace lucid {

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
  const int reason = errno;
  ::close(descriptor);
  if (!regular) refuse("is not a regular file");
  if (size == 0) refuse("is empty");
  if (data == MAP_FAILED) refuse(fmt::format("cannot read: {}", std::strerror(reason)));
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<char*>(data), size));
}

MappedFile::~MappedFile() { munmap(data_, size_); }

void MappedFile::release_pages(const void* data, size_t size) const {
  const auto begin = reinterpret_cast<uintptr_t>(data), end = begin + size;
  const auto first = reinterpret_cast<uintptr_t>(data_);
  if (begin < first || end > first + size_) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t from = (begin + page - 1) / page * page, to = end / page * page;  // pages shared with others stay
  if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

}  // namespace lucid
