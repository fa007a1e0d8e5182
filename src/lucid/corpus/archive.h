// SPDX-License-Identifier: Apache-2.0
// Files inside a zip, read whole. Entries are hostile until read: sizes are bounded before memory is asked for.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace lucid::corpus {

/// Safe to share between threads: reads are one at a time. Every member throws UserError that names archive and entry.
class Archive {
 public:
  explicit Archive(const std::filesystem::path& file);
  const std::filesystem::path& file() const;
  bool has(const std::string& entry) const;
  std::string read(const std::string& entry) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lucid::corpus
