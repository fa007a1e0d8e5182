// SPDX-License-Identifier: Apache-2.0
// Table of the models used for a corpus (TSV): name, yaw to the front, symmetry, synonyms.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lucid::corpus {

struct TableRow {
  std::string id;                     // CatalogueEntry::id
  std::string word;                   // its name: lower case, at most three words
  double yaw = 0;                     // degrees, see read_mesh()
  bool mirrors = false;               // has mirror symmetry, left to right seen from the front
  bool recolours = true;              // may be rendered in other colours
  std::vector<std::string> synonyms;  // other names
};

/// Reads tab-separated columns id, word, yaw, mirror (y/n), recolour (y/n), synonyms (optional, comma-separated). Lines
/// that begin with # are comments. Throws UserError with the line.
std::vector<TableRow> read_table(const std::filesystem::path& file);

}  // namespace lucid::corpus
