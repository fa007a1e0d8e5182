// SPDX-License-Identifier: Apache-2.0
// The files of the page, read into memory at the start: a request's path is looked up in a map and never becomes the
// name of a file. FILE.br and FILE.gz are compressed forms of FILE.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lucid/serve/http/message.h"

namespace lucid::serve::http {

class StaticFiles {
 public:
  StaticFiles() = default;
  /// Reads the regular files under `folder` (64 MB at most, no symbolic links, no hidden files). A missing folder has
  /// no files. Throws UserError.
  explicit StaticFiles(const std::filesystem::path& folder);

  bool empty() const { return files_.empty(); }
  /// The file of a path ("/" is index.html) in the smallest form that the client accepts. Names with a hash as esbuild
  /// writes it (NAME-1A2B3C4D.js) never change and are cached for ever; others are asked for again each time.
  std::optional<Response> find(const std::string& path, const std::string& accept_encoding) const;

 private:
  struct File {
    std::string content_type, cache_control;
    std::map<std::string, std::shared_ptr<const std::string>> forms;  // by Content-Encoding; "" is the file itself
  };
  std::map<std::string, File> files_;  // by path, with the leading "/"
};

/// Whether Accept-Encoding names `coding` with a quality above 0. "*" does not count.
bool accepts(const std::string& accept_encoding, const std::string& coding);

}  // namespace lucid::serve::http
