// SPDX-License-Identifier: Apache-2.0
// Where an asset came from: digests of a run's inputs and outputs in its manifest, and their comparison with what is
// on the disk now, or with another run's.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lucid/app/options.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::app {

/// SHA-256 of files. Each is read once, however often it is asked for: weights are gigabytes.
class FileDigests {
 public:
  /// Throws UserError for a file that cannot be read.
  const std::string& of(const std::filesystem::path& file);

 private:
  std::map<std::filesystem::path, std::string> found_;
};

/// Every file that the run of these options reads, besides the program's own presets: {path: SHA-256}. A path below
/// data_folder() begins with "<data>".
nlohmann::json inputs_of(const RunOptions& options, const text_to_image::Prior& prior, FileDigests& digests);

/// Every file that a run has left in its folder: {relative path: SHA-256}.
nlohmann::json outputs_of(const std::filesystem::path& root);

/// The program and what its numbers depend on: version, commit, compiler, libtorch, instruction set, threads, device.
nlohmann::json build_of(const RunOptions& options, const std::string& commit);

/// The manifest of a finished run with both lists. Throws UserError.
nlohmann::json read_manifest(const std::filesystem::path& root);

/// What became of a file of a manifest.
struct FileState {
  enum class Is { kSame, kChanged, kMissing } is = Is::kSame;
  std::string file;
  bool is_input = false;
};
/// All files of a manifest, inputs first.
std::vector<FileState> check_files(const std::filesystem::path& root, const nlohmann::json& manifest);

/// How far two runs of the same options agree.
struct Comparison {
  int64_t equal = 0, different = 0;      // files
  std::vector<std::string> differences;  // a line each
};
/// Compares the outputs of `again` with those that the manifest of `root` lists. Left out are the record of the
/// options, the event files, which hold times, and checkpoints before the last.
Comparison compare_runs(const std::filesystem::path& root, const nlohmann::json& manifest,
                        const std::filesystem::path& again);

}  // namespace lucid::app
