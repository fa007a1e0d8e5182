// SPDX-License-Identifier: Apache-2.0
// AppendFile on POSIX calls.
#include "lucid/base/append_file.h"

#include <fcntl.h>

#include "lucid/base/posix_io.h"

namespace lucid {

AppendFile::AppendFile(std::filesystem::path path, bool& created) : path_(std::move(path)) {
  // With O_EXCL two writers never share a file; with O_APPEND the next record follows the last even after cut_file().
  file_ = repeated([&] { return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644); });
  created = file_ >= 0;
  if (!created && errno != EEXIST) cannot_write(path_, errno);
}

AppendFile::~AppendFile() {
  if (file_ >= 0) ::close(file_);
}

void AppendFile::append(std::string_view bytes) {
  if (const int error = write_all(file_, bytes); error != 0) cannot_write(path_, error);
}

void AppendFile::sync() {
  const int result = repeated([&] { return ::fsync(file_); });
  if (result != 0 && errno != EINVAL && errno != EROFS) cannot_write(path_, errno);  // as in atomic_file.cpp
}

void cut_file(const std::filesystem::path& path, size_t size) {
  if (repeated([&] { return ::truncate(path.c_str(), static_cast<off_t>(size)); }) != 0) cannot_write(path, errno);
}

}  // namespace lucid
