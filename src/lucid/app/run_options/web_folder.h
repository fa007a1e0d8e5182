// SPDX-License-Identifier: Apache-2.0
// Where the built page and the template of `lucid view --html` lie. No libtorch.
#pragma once

#include <filesystem>

namespace lucid::app {

/// data_folder()/web of an installed program, or build/web of the source tree.
std::filesystem::path web_folder();

/// A file of web_folder(). Throws UserError, which says `make web`, if it is not there.
std::filesystem::path web_file(const std::filesystem::path& name);

}  // namespace lucid::app
