// SPDX-License-Identifier: Apache-2.0
// The program's version, and the commit that it was built from.
#pragma once

namespace lucid::cli {

inline constexpr const char* kVersion = LUCID_VERSION;
/// Abbreviated hash, with "+changes" where the sources differed from it; "unknown" where they were not in a repository.
const char* commit();  // a file that cmake/RecordCommit.cmake writes at build time

}  // namespace lucid::cli
