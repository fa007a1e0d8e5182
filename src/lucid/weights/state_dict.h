// SPDX-License-Identifier: Apache-2.0
// Named tensors as they come from a weight file, and the strict hand-over of them to a torch module.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lucid::weights {

struct StateDict {
  std::filesystem::path file;                    // for messages
  std::map<std::string, torch::Tensor> tensors;  // dtype as stored; may point into a read-only mapping of the file
  std::map<std::string, std::string> metadata;
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

/// Copies every parameter and buffer of `module` from `state` (converted to the module's dtype), by name,
/// shape-checked. Throws one UserError that lists missing names, unexpected names (except those in `ignore`, matched by
/// suffix) and wrong shapes, the first few of each; and one for NaN or Inf in a tensor.
void load_into(torch::nn::Module& module, const StateDict& state, const std::vector<std::string>& ignore = {});

/// Refuses (UserError) a config that asks for many more numbers than the file holds: a lying config.json must not make
/// us allocate what its weights could never fill. A file that merely lacks some tensors passes; load_into names them.
void check_asked_size(const StateDict& state, double asked);

}  // namespace lucid::weights
