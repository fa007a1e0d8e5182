// SPDX-License-Identifier: Apache-2.0
// The table of models that are kept: what each is called, and how far it has to be turned to show its front.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lucid::corpus {

struct TableRow {
  std::string id;                     // CatalogueEntry::id
  std::string word;                   // lower case, three words at most
  double yaw = 0;                     // degrees, as read_mesh takes it
  bool mirrors = false;               // left and right mirror each other, seen from the front
  bool recolours = true;              // whether other colours make sense
  std::vector<std::string> synonyms;  // other names for it
};

/// Tab-separated columns id, word, yaw, mirror (y/n), recolour (y/n), synonyms (comma-separated, may be absent); lines
/// that begin with # are comments. Throws UserError with the line.
std::vector<TableRow> read_table(const std::filesystem::path& file);

}  // namespace lucid::corpus
