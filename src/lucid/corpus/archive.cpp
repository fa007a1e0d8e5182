// SPDX-License-Identifier: Apache-2.0
// Archive on libzip, with a mutex around its handle.
#include "lucid/corpus/archive.h"

#include <zip.h>

#include <mutex>

#include "lucid/base/error.h"

namespace lucid::corpus {
namespace {

constexpr zip_uint64_t kLargestEntry = zip_uint64_t{1} << 28;  // 256 MiB, far above the size of any model in use

}  // namespace

struct Archive::State {
  std::filesystem::path file;
  zip_t* zip = nullptr;
  std::mutex mutex;  // libzip's handles are not thread-safe
  ~State() {
    if (zip != nullptr) zip_discard(zip);
  }
};

Archive::Archive(const std::filesystem::path& file) : state_(std::make_shared<State>()) {
  state_->file = file;
  int code = 0;
  state_->zip = zip_open(file.c_str(), ZIP_RDONLY, &code);
  if (state_->zip != nullptr) return;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string what = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw UserError(
      {.what_happened = "cannot be read as a zip: " + what, .file = file.string(), .hint = "a zip was expected"});
}

const std::filesystem::path& Archive::file() const { return state_->file; }

bool Archive::has(const std::string& entry) const {
  const std::lock_guard lock(state_->mutex);
  return zip_name_locate(state_->zip, entry.c_str(), 0) >= 0;
}

std::string Archive::read(const std::string& entry) const {
  const std::lock_guard lock(state_->mutex);
  const auto fail = [&](const std::string& what) {
    return UserError({.what_happened = what,
                      .file = state_->file.string(),
                      .key = entry,
                      .hint = "the archive is damaged or not a furniture library"});
  };
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat(state_->zip, entry.c_str(), 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0) {
    throw fail("is not in the archive");
  }
  if (stat.size > kLargestEntry) throw fail(fmt::format("claims {} bytes", stat.size));
  zip_file_t* open = zip_fopen(state_->zip, entry.c_str(), 0);
  if (open == nullptr) throw fail(zip_strerror(state_->zip));
  std::string bytes(stat.size, '\0');
  const zip_int64_t got = zip_fread(open, bytes.data(), stat.size);
  const int closed = zip_fclose(open);  // fails if the checksum is wrong
  if (got != static_cast<zip_int64_t>(stat.size) || closed != 0) throw fail("cannot be unpacked");
  return bytes;
}

}  // namespace lucid::corpus
