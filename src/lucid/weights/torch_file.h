// SPDX-License-Identifier: Apache-2.0
// Files that torch.save wrote (.bin, .ckpt, .pt): the zip format of today and the one before it, read without executing
// anything.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "lucid/weights/state_dict.h"

namespace lucid::weights {

/// Whether the file begins like one of the two formats.
bool looks_like_torch_file(const std::filesystem::path& file);

/// Tensors by name; what lies in dicts of dicts by path ("string_to_param.*"). If the file holds a `state_dict`, its
/// content alone. Tensors share memory where the file's do. Texts and whole numbers, named likewise ("global_step"),
/// are the metadata. Throws UserError: unreadable, damaged, a tensor that reaches beyond its storage, or more memory
/// asked for than the file has bytes. Values of classes that are not torch's are left out.
StateDict read_torch_file(const std::filesystem::path& file);

/// A weight file of either kind, told by its first bytes: torch.save's or else safetensors.
/// Throws UserError.
StateDict read_weights(const std::filesystem::path& file);

}  // namespace lucid::weights
