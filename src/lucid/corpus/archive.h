// SPDX-License-Identifier: Apache-2.0
// Archive: reads entries of a zip file whole. An entry's size is limited before memory is allocated for it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace lucid::corpus {

/// An open zip file. Thread-safe; reads are serialised. Members throw UserError that names archive and entry.
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
