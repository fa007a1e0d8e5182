// SPDX-License-Identifier: Apache-2.0
// Which classes and functions the pickle of a weight file may name.
#pragma once

#include <filesystem>

#include "lucid/weights/pickle.h"

namespace lucid::weights {

/// Throws UserError with the first name ("calls os.system: not a weight file") unless every class and function that the
/// pickle names belongs to the known content of checkpoints. Nothing is executed either way: the refusal warns of a
/// file that would run code in other programs.
void refuse_foreign_names(const std::filesystem::path& file, const Pickle& pickle);

}  // namespace lucid::weights
