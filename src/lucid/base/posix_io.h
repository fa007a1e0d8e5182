// SPDX-License-Identifier: Apache-2.0
// System calls on files as durable writes need them: repeated after a signal, continued after a short write.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>

namespace lucid {

/// Repeats a system call that a signal interrupts.
template <class Call>
auto repeated(const Call& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Writes all bytes. Returns 0 or errno.
inline int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = repeated([&] { return ::write(file, bytes.data(), bytes.size()); });
    if (n < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return 0;
}

/// Throws the UserError of a file that cannot be written, for errno's `error`.
[[noreturn]] void cannot_write(const std::filesystem::path& path, int error);

}  // namespace lucid
