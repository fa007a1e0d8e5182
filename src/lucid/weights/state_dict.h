// SPDX-License-Identifier: Apache-2.0
// Named tensors as they come from a weight file, and the strict hand-over of them to a torch module.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lucid::weights {

class MappedFile;

struct StateDict {
  std::filesystem::path file;                    // for messages
  std::map<std::string, torch::Tensor> tensors;  // dtype as stored; may point into a read-only mapping of the file
  std::map<std::string, std::string> metadata = {};
  std::vector<std::shared_ptr<const MappedFile>> mappings = {};  // that tensors may point into
};

/// Reads a .safetensors file (mmap; header and every offset checked against the file's size before use).
/// Throws UserError: missing, truncated, overlapping or out-of-bounds tensors, unknown dtype, lying shapes, bad JSON.
StateDict read_safetensors(const std::filesystem::path& file);

/// Writes one, atomically. Tensors are made contiguous; dtypes F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
void write_safetensors(const std::filesystem::path& file, const std::map<std::string, torch::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// The files that hold the weights of one part of a diffusers folder: the first there is of STEM.safetensors, its
/// shards (STEM.safetensors.index.json), their fp16 variants, and the same with .bin; `model` is also called
/// `pytorch_model` there. Throws UserError that names what was looked for, or what is wrong with an index.
std::vector<std::filesystem::path> part_files(const std::filesystem::path& folder, const std::string& stem);

/// Their tensors.
StateDict read_part(const std::filesystem::path& folder, const std::string& stem);

struct LoadOptions {
  std::vector<std::string> ignore = {};  // suffixes of names that a file may hold in vain
  /// Of weights that wait to be filled (unfilled.h); none: as the file has them, in its memory where that is possible.
  std::optional<torch::ScalarType> precision = torch::kFloat;
  /// Of these, float16 and bfloat16 weights stay as the file has them all the same.
  std::set<std::string> half_stays = {};
};

/// Gives every parameter and buffer of `module` its numbers from `state`, by name, shape-checked; those that have
/// memory already keep it and their dtype. `state` is used up: what has been taken leaves memory, if nobody else holds
/// it. Throws one UserError that lists missing names, unexpected names and wrong shapes, the first few of each; and one
/// for NaN or Inf in a tensor.
void load_into(torch::nn::Module& module, StateDict state, const LoadOptions& options = {});

/// Refuses (UserError) a config that asks for many more numbers than the file holds: a lying config.json must not make
/// us allocate what its weights could never fill. A file that merely lacks some tensors passes; load_into names them.
void check_parameter_count(const StateDict& state, double asked);

}  // namespace lucid::weights
