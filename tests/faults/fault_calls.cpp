// SPDX-License-Identifier: Apache-2.0
// A library to preload (LD_PRELOAD): it counts the system calls that change files below one folder, and fails the Nth,
// or kills the process there. The program under test is the one that users run; its libraries are covered as well.
//
//   LUCID_FAULT_BELOW   the folder; calls on other paths are left alone
//   LUCID_FAULT_AT      N, from 1; 0 only counts
//   LUCID_FAULT_CALL    count only these: open, write, fsync, rename, cut, remove; empty: all
//   LUCID_FAULT         before, inside, after: SIGKILL before, in the middle of (a write: half its bytes) or after it;
//                       EIO, EINTR: fails once; ENOSPC: this and all later ones fail; short: half its bytes, once
//   LUCID_FAULT_LOG     a file that gets one line a call
//
// fsync is not passed on: a killed process loses nothing of what the kernel has, and a real one takes 20 ms.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Plan {
  std::string below = setting("LUCID_FAULT_BELOW"), call = setting("LUCID_FAULT_CALL"), what = setting("LUCID_FAULT");
  long at = std::atol(setting("LUCID_FAULT_AT").c_str());
  int log = -1;
  Plan() {
    const std::string file = setting("LUCID_FAULT_LOG");
    if (!file.empty())
      log = static_cast<int>(
          syscall(SYS_openat, AT_FDCWD, file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  }
};

const Plan& plan() {
  static const Plan plan;
  return plan;
}

std::atomic<long> calls{0};

bool is_below(std::string_view path) {
  const std::string& folder = plan().below;
  return !folder.empty() && path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

/// The path of an open file; empty if it is none.
std::string path_of(int file) {
  char name[64], path[PATH_MAX];
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(name, path, sizeof path);
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : std::string();
}

[[noreturn]] void die() {
  for (;;) kill(getpid(), SIGKILL);
}

enum class Now { kPass, kHalfThenDie, kPassThenDie, kHalf, kFail };

/// What to do with a call of one kind on a path; sets errno for kFail.
Now decide(const char* kind, const std::string& path) {
  const Plan& p = plan();
  if (!is_below(path) || (!p.call.empty() && p.call != kind)) return Now::kPass;
  const long number = ++calls;
  if (p.log >= 0) dprintf(p.log, "%ld %s %s\n", number, kind, path.c_str());
  const bool writes = std::strcmp(kind, "write") == 0 || std::strcmp(kind, "open") == 0;
  if (p.what == "ENOSPC" && p.at > 0 && number >= p.at && writes) {
    errno = ENOSPC;
    return Now::kFail;
  }
  if (number != p.at) return Now::kPass;
  if (p.what == "before") die();
  if (p.what == "inside") return std::strcmp(kind, "write") == 0 ? Now::kHalfThenDie : Now::kPassThenDie;
  if (p.what == "after") return Now::kPassThenDie;
  if (p.what == "short") return Now::kHalf;
  if (p.what == "EIO") errno = EIO;
  if (p.what == "EINTR") errno = EINTR;
  return p.what == "EIO" || p.what == "EINTR" ? Now::kFail : Now::kPass;
}

/// A call that is done whole or not at all.
template <class Call>
auto done(const char* kind, const std::string& path, const Call& call) {
  const Now now = decide(kind, path);
  if (now == Now::kFail) return static_cast<decltype(call())>(-1);
  const auto result = call();
  if (now == Now::kPassThenDie) die();
  return result;
}

template <class Call>
ssize_t done_write(int file, size_t size, const Call& call) {
  const Now now = decide("write", path_of(file));
  if (now == Now::kFail) return -1;
  const ssize_t result = call(now == Now::kHalf || now == Now::kHalfThenDie ? (size + 1) / 2 : size);
  if (now == Now::kPassThenDie || now == Now::kHalfThenDie) die();
  return result;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::string absolute(const char* path) {
  if (path[0] == '/') return path;
  char folder[PATH_MAX];
  return getcwd(folder, sizeof folder) == nullptr ? std::string(path) : std::string(folder) + "/" + path;
}

int open_file(const char* path, int flags, mode_t mode) {
  const auto call = [&] { return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode)); };
  return (flags & (O_CREAT | O_TRUNC)) != 0 ? done("open", absolute(path), call) : call();
}

mode_t mode_of(int flags, va_list& arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(path, flags | O_LARGEFILE, mode);
}

ssize_t write(int file, const void* bytes, size_t size) {
  return done_write(file, size, [&](size_t n) { return syscall(SYS_write, file, bytes, n); });
}

ssize_t writev(int file, const iovec* parts, int count) {
  // What is to be cut is written by its first part alone, as a short write may be.
  return done_write(file, SIZE_MAX / 2, [&](size_t n) {
    return n == SIZE_MAX / 2 ? syscall(SYS_writev, file, parts, count)
                             : syscall(SYS_write, file, parts[0].iov_base, parts[0].iov_len);
  });
}

int fsync(int file) {
  return done("fsync", path_of(file), [] { return 0; });
}

int rename(const char* from, const char* to) noexcept {
  static auto* real = next<int(const char*, const char*)>("rename");
  return done("rename", absolute(to), [&] { return real(from, to); });
}

int truncate(const char* path, off_t size) noexcept {
  return done("cut", absolute(path), [&] { return static_cast<int>(syscall(SYS_truncate, path, size)); });
}

int remove(const char* path) noexcept {
  static auto* real = next<int(const char*)>("remove");
  return done("remove", absolute(path), [&] { return real(path); });
}

int unlink(const char* path) noexcept {
  return done("remove", absolute(path), [&] { return static_cast<int>(syscall(SYS_unlink, path)); });
}

}  // extern "C"
