// SPDX-License-Identifier: Apache-2.0
// Several files as one .zip, by libzip.
#pragma once

#include <filesystem>
#include <vector>

namespace lucid::serve {

/// Writes `file` with the contents of `parts` under their own names. Throws UserError.
void write_zip(const std::filesystem::path& file, const std::vector<std::filesystem::path>& parts);

}  // namespace lucid::serve
