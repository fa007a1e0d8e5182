// SPDX-License-Identifier: Apache-2.0
// openat2(2), which glibc does not wrap.
#include "lucid/serve/http/file_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lucid::serve::http {

int open_beneath(const FileBeneath& file) {
  const int folder = open(file.folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a pipe must not block
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const int opened = static_cast<int>(syscall(SYS_openat2, folder, file.name.c_str(), &how, sizeof(how)));
  close(folder);
  struct stat status {};
  if (opened >= 0 && (fstat(opened, &status) != 0 || !S_ISREG(status.st_mode))) {
    close(opened);
    return -1;
  }
  return opened;
}

}  // namespace lucid::serve::http
