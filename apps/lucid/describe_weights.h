// SPDX-License-Identifier: Apache-2.0
// What a weight file is, said from its tensors' names: a checkpoint, a LoRA, a textual inversion, or one part of a
// model.
#pragma once

#include <filesystem>

namespace lucid::cli {

/// Prints it. Throws UserError where the file cannot be read.
void describe_weights(const std::filesystem::path& file);

}  // namespace lucid::cli
