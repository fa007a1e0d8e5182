// SPDX-License-Identifier: Apache-2.0
// Finds the built page.
#include "lucid/app/run_options/web_folder.h"

#include "lucid/app/run_options/run_options.h"
#include "lucid/base/error.h"

namespace lucid::app {
namespace fs = std::filesystem;

fs::path web_folder() {
  std::error_code none;
  const fs::path installed = data_folder() / "web";  // the source tree's web/ has the sources, without a manifest
  return fs::exists(installed / "manifest.json", none) ? installed : data_folder() / "build" / "web";
}

fs::path web_file(const fs::path& name) {
  const fs::path file = web_folder() / name;
  std::error_code none;
  if (fs::exists(file, none)) return file;
  throw UserError({.what_happened = "is not there: the web part of lucid is not built",
                   .file = file.string(),
                   .hint = "run `make web` in lucid's source folder; it needs Node"});
}

}  // namespace lucid::app
