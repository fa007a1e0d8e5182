// SPDX-License-Identifier: Apache-2.0
// The order of the queue, in OUT/.lucid-serve.queue.json.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lucid::serve {

/// Throws UserError.
void write_queue(const std::filesystem::path& output, const std::vector<std::string>& ids);
/// Empty if the file is not there or damaged. The ids may be of runs that are gone.
std::vector<std::string> read_queue(const std::filesystem::path& output);

}  // namespace lucid::serve
