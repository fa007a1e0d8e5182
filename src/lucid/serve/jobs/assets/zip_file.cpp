// SPDX-License-Identifier: Apache-2.0
// Writes a zip.
#include "lucid/serve/jobs/assets/zip_file.h"

#include <zip.h>

#include "lucid/base/error.h"

namespace lucid::serve {

void write_zip(const std::filesystem::path& file, const std::vector<std::filesystem::path>& parts) {
  const auto fail = [&](const std::string& what) {
    return UserError({.what_happened = "cannot be written: " + what, .file = file.string()});
  };
  int code = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (zip == nullptr) throw fail("libzip's error " + std::to_string(code));
  for (const auto& part : parts) {
    zip_source_t* source = zip_source_file(zip, part.c_str(), 0, -1);
    if (source == nullptr || zip_file_add(zip, part.filename().c_str(), source, ZIP_FL_ENC_UTF_8) < 0) {
      const std::string what = zip_strerror(zip);
      if (source != nullptr) zip_source_free(source);
      zip_discard(zip);
      throw fail(what);
    }
  }
  if (zip_close(zip) != 0) {  // writes it all
    const std::string what = zip_strerror(zip);
    zip_discard(zip);
    throw fail(what);
  }
}

}  // namespace lucid::serve
