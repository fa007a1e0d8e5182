// SPDX-License-Identifier: Apache-2.0
// The folders of this build, for tests (goldens.h).
#include "goldens.h"

namespace lucid::test {

std::filesystem::path source_dir() { return LUCID_SOURCE_DIR; }
std::string lucid_program() { return LUCID_PROGRAM; }

}  // namespace lucid::test
