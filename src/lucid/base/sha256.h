// SPDX-License-Identifier: Apache-2.0
// SHA-256 digests of bytes and files, by OpenSSL; used in a run's manifest.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace lucid {

/// A digest that is fed piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes);
  std::string hex();  // once, at the end

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Lower-case hex digest, 64 characters.
std::string sha256_of_bytes(std::string_view bytes);

/// Lower-case hex digest of a file. Throws UserError if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace lucid
