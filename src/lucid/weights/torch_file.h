// SPDX-License-Identifier: Apache-2.0
// Reader of files that torch.save wrote (.bin, .ckpt, .pt), in the zip format and in the legacy one. The pickle inside
// is parsed as data; nothing is executed.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "lucid/weights/state_dict.h"

namespace lucid::weights {

/// Whether the file's first bytes are those of either format. Throws UserError if it cannot be read.
bool looks_like_torch_file(const std::filesystem::path& file);

/// Reads all tensors, also of a module that TorchScript saved (OpenAI's CLIP). A tensor in nested dicts is named by its
/// path ("string_to_param.*"). If the file holds a `state_dict`, only its content is read. Tensors that share a storage
/// share memory. Texts and integers become the metadata, named the same way ("global_step"). Values of classes other
/// than torch's are skipped. Throws UserError: unreadable, damaged, a tensor that reaches beyond its storage, or more
/// memory asked for than the file has bytes.
StateDict read_torch_file(const std::filesystem::path& file);

/// Reads a torch.save file or a .safetensors file; the first bytes decide. Throws UserError.
StateDict read_weights(const std::filesystem::path& file);

}  // namespace lucid::weights
