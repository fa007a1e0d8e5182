// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and SIGTERM as a flag. No libtorch.
#pragma once

#include <atomic>

namespace lucid::cli {

/// From now on the first SIGINT or SIGTERM sets the flag, and a later one ends the program at once with code 130. Those
/// within half a second count as one: the end of a parent process may send several.
const std::atomic<bool>& install_stop_signal();

/// Sleeps until the flag is set.
void wait_for(const std::atomic<bool>& stop);

}  // namespace lucid::cli
