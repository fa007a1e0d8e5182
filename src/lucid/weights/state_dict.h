// SPDX-License-Identifier: Apache-2.0
// StateDict: the named tensors of a weight file. Readers and a writer of such files, and strict loading into a module.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lucid {
class MappedFile;
}

namespace lucid::weights {

struct StateDict {
  std::filesystem::path file;                    // for error messages
  std::map<std::string, torch::Tensor> tensors;  // dtype as stored; may point into a read-only mapping of the file
  std::map<std::string, std::string> metadata = {};
  std::vector<std::shared_ptr<const MappedFile>> mappings = {};  // files that tensors may point into
};

/// Reads a .safetensors file (mmap; header and every offset checked against the file's size before use).
/// Throws UserError: missing or truncated file, overlapping or out-of-bounds tensors, unknown dtype, shapes that do not
/// fit the data, bad JSON.
StateDict read_safetensors(const std::filesystem::path& file);

/// Writes a .safetensors file atomically. Tensors are made contiguous; dtypes F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
void write_safetensors(const std::filesystem::path& file, const std::map<std::string, torch::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// The weight files of one part of a diffusers folder. The first of these that exists: STEM.safetensors, its shards
/// (STEM.safetensors.index.json), the fp16 variants of both, and the same four with .bin (there the stem `model` is
/// called `pytorch_model`). Throws UserError if none exists or an index is invalid.
std::vector<std::filesystem::path> part_files(const std::filesystem::path& folder, const std::string& stem);

/// The tensors of all part_files(). Throws UserError, also for a tensor that is in two shards.
StateDict read_part(const std::filesystem::path& folder, const std::string& stem);

struct LoadOptions {
  std::vector<std::string> ignore = {};  // suffixes of names in the file that the module need not have
  /// The dtype of weights without memory of their own (skip_init.h). nullopt: the file's dtype, and its memory where
  /// alignment allows.
  std::optional<torch::ScalarType> precision = torch::kFloat;
  /// Names of weights without memory that keep the file's float16 or bfloat16 whatever `precision` says.
  std::set<std::string> half_stays = {};
  /// The model that the file should be of, for the message if it does not fit; nullopt: the one of its config.json.
  std::optional<std::string> model = std::nullopt;
};

/// Loads every parameter and buffer of `module` from `state`, by name, like torch's load_state_dict(strict=True).
/// Parameters that have memory keep it and their dtype. `state` is consumed: each tensor is freed once it is loaded,
/// unless somebody else holds it. Throws one UserError that lists the first few missing names, unexpected names and
/// wrong shapes, and a UserError for NaN or Inf.
void load_into(torch::nn::Module& module, StateDict state, const LoadOptions& options = {});

/// Throws UserError if a config.json asks for many more parameters (`asked`) than the file holds, before they are
/// allocated. The test is rough (a factor of 4): a file that lacks single tensors passes, and load_into() names them.
void check_parameter_count(const StateDict& state, double asked);

}  // namespace lucid::weights
