// SPDX-License-Identifier: Apache-2.0
// Catalogue of a Sweet Home 3D furniture library (.sh3f): model file, rotation, author and licence of each entry.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "lucid/corpus/archive.h"

namespace lucid::corpus {

struct CatalogueEntry {
  std::string id;  // the model's folder in the archive, "scopia/bed1"; the same in every language of the library
  std::string name, category, creator, license;
  std::string model;                                          // name of the OBJ file in the archive
  std::array<double, 9> rotation{1, 0, 0, 0, 1, 0, 0, 0, 1};  // row-major, applied to the file's coordinates
};

/// All entries, in catalogue order. Throws UserError: no catalogue, an entry without a model, an invalid rotation.
std::vector<CatalogueEntry> read_catalogue(const Archive& archive);

/// The credits that the licences require, as Markdown: models by licence and creator.
std::string notice_text(const std::vector<CatalogueEntry>& used);

}  // namespace lucid::corpus
