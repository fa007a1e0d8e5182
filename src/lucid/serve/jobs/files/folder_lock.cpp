// SPDX-License-Identifier: Apache-2.0
// The lock by flock().
#include "lucid/serve/jobs/files/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::serve {

FolderLock::FolderLock(const std::filesystem::path& folder) {
  make_folder(folder);
  const std::filesystem::path path = folder / ".lucid-serve.lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  const bool is_locked = file_ >= 0 && ::flock(file_, LOCK_EX | LOCK_NB) == 0;
  if (is_locked) return;
  const int error = errno;
  if (file_ >= 0) ::close(file_);
  if (error == EWOULDBLOCK) {
    throw UserError(UserMistake{.what_happened = "another `lucid serve` has this folder",
                                .file = folder.string(),
                                .hint = "end it, or use another folder with --output"});
  }
  throw UserError(
      UserMistake{.what_happened = std::string("cannot be written: ") + std::strerror(error), .file = path.string()});
}

FolderLock::~FolderLock() { ::close(file_); }

}  // namespace lucid::serve
