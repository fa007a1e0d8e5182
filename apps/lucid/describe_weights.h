// SPDX-License-Identifier: Apache-2.0
// Prints what weights are, for `lucid info` and `lucid prior check`.
#pragma once

#include "lucid/text_to_image/weights_description.h"

namespace lucid::cli {

/// What is known without loading: kind, parts, dtypes, where it comes from.
void print_description(const text_to_image::WeightsDescription& description);

/// A loaded prior: which model, sizes of its networks, what it predicts.
void print_prior(const text_to_image::Prior& prior);

/// The SHA-256 of a file, and its published name if it has one.
void print_hash(const std::filesystem::path& file, const std::string& name);

}  // namespace lucid::cli
