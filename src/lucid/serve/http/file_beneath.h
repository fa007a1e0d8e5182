// SPDX-License-Identifier: Apache-2.0
// Opens a file that must lie under a folder.
#pragma once

#include "lucid/serve/http/message.h"

namespace lucid::serve::http {

/// A descriptor to read the file from, or -1 if there is no such regular file, or if its name leaves the folder or
/// follows a symbolic link (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, which the kernel checks at once).
int open_beneath(const FileBeneath& file);

}  // namespace lucid::serve::http
