// SPDX-License-Identifier: Apache-2.0
// Atomic file writes with POSIX calls: write to a temporary name, fsync, rename. Errors carry the system's message.
#include "lucid/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>
#include <vector>

#include "lucid/base/error.h"
#include "lucid/base/posix_io.h"

namespace lucid {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPart = ".part";  // in the names of files that are not whole yet

[[noreturn]] void cannot(const char* verb, const fs::path& path, int error) {
  throw UserError({.what_happened = fmt::format("cannot {}: {}", verb, std::strerror(error)),
                   .file = path.string(),
                   .hint = error == ENOSPC ? "free some disk space; what was there before is untouched" : ""});
}

}  // namespace

void cannot_write(const fs::path& path, int error) { cannot("write", path, error); }

namespace {

// The kernel may accept a write and report its failure only at fsync, so fsync's result is part of the write. `flags`
// are open()'s: O_RDWR for a file, O_DIRECTORY for a folder.
void sync_to_disk(const fs::path& path, int flags, const fs::path& shown, const DurabilityCalls& calls) {
  const int file = repeated([&] { return ::open(path.c_str(), flags | O_CLOEXEC); });
  if (file < 0 && errno == EACCES && (flags & O_DIRECTORY) != 0) return;  // a folder that may be written, not read
  if (file < 0) cannot_write(shown, errno);
  const int failed = repeated([&] { return calls.fsync(file); }) != 0 ? errno : 0;
  ::close(file);
  // EINVAL and EROFS: the file system or special file does not support fsync. That is not a failed write.
  if (failed != 0 && failed != EINVAL && failed != EROFS) cannot_write(shown, failed);
}

}  // namespace

void make_folder(const fs::path& path) {
  if (path.empty()) return;
  std::error_code error;
  fs::create_directories(path, error);
  if (error) cannot("make the folder", path, error.value());
}

// ".NAME.PID.part.EXTENSION"
fs::path temporary_name(const fs::path& path) {
  fs::path temporary = path;
  temporary.replace_filename(
      fmt::format(".{}.{}{}{}", path.stem().string(), ::getpid(), kPart, path.extension().string()));
  return temporary;
}

void remove_unfinished_files(const fs::path& folder) {
  std::error_code none;
  std::vector<fs::path> found;
  for (auto entry = fs::recursive_directory_iterator(folder, none); entry != fs::recursive_directory_iterator();
       entry.increment(none)) {
    const std::string name = entry->path().filename().string();
    const size_t mark = name.rfind(kPart);
    if (!name.starts_with('.') || mark == std::string::npos) continue;
    const std::string_view rest = std::string_view(name).substr(mark + kPart.size());
    const size_t before = name.rfind('.', mark - 1) + 1;
    pid_t process = 0;
    const bool has_process =
        std::from_chars(name.data() + before, name.data() + mark, process).ptr == name.data() + mark;
    if (!has_process || process <= 0 || !(rest.empty() || rest.front() == '.')) continue;
    const bool lives = process != ::getpid() && (::kill(process, 0) == 0 || errno == EPERM);
    if (!lives) found.push_back(entry->path());
  }
  for (const fs::path& file : found) fs::remove(file, none);
}

DurabilityCalls DurabilityCalls::of_system() { return {.fsync = ::fsync, .rename = ::rename}; }

void write_file_with(const fs::path& path, const std::function<void(const fs::path&)>& write,
                     const DurabilityCalls& calls) {
  make_folder(path.parent_path());
  const fs::path temporary = temporary_name(path);
  try {
    write(temporary);
    sync_to_disk(temporary, O_RDWR, path, calls);
    if (repeated([&] { return calls.rename(temporary.c_str(), path.c_str()); }) != 0) cannot_write(path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  // The new name is an entry of the folder, which a power cut may lose as well.
  sync_to_disk(path.has_parent_path() ? path.parent_path() : ".", O_RDONLY | O_DIRECTORY, path, calls);
}

void write_file(const fs::path& path, std::string_view bytes, const DurabilityCalls& calls) {
  const auto write = [&](const fs::path& temporary) {
    const int file =
        repeated([&] { return ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644); });
    if (file < 0) cannot_write(path, errno);
    int failed = write_all(file, bytes);
    if (::close(file) != 0 && failed == 0) failed = errno;
    if (failed != 0) cannot_write(path, failed);
  };
  write_file_with(path, write, calls);
}

std::string read_file(const fs::path& path, size_t limit) {
  std::error_code error;
  if (fs::is_directory(path, error))
    throw UserError({.what_happened = "is a folder, a file was expected", .file = path.string()});
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) cannot("read", path, errno);
  const auto size = in.tellg();
  if (size < 0) cannot("read", path, errno);
  if (static_cast<size_t>(size) > limit) {
    throw UserError(
        {.what_happened = fmt::format("is {} bytes long, at most {} were expected", static_cast<size_t>(size), limit),
         .file = path.string()});
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  in.seekg(0);
  if (!in.read(bytes.data(), size)) cannot("read", path, errno);
  return bytes;
}

}  // namespace lucid
