// SPDX-License-Identifier: Apache-2.0
// A Sweet Home 3D furniture library (.sh3f): what its catalogue says of each model.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "lucid/corpus/archive.h"

namespace lucid::corpus {

struct CatalogueEntry {
  std::string id;  // the model's folder in the archive, "scopia/bed1": short, and alike in every language
  std::string name, category, creator, license;
  std::string model;                                          // the OBJ file's entry in the archive
  std::array<double, 9> rotation{1, 0, 0, 0, 1, 0, 0, 0, 1};  // row-major, applied to the file's coordinates
};

/// Catalogue order. Throws UserError: no catalogue in it, an entry without a model, a rotation that is none.
std::vector<CatalogueEntry> read_catalogue(const Archive& archive);

/// The credits that the licences ask for, as Markdown: each library, its licence, and its models by creator.
std::string notice_text(const std::vector<CatalogueEntry>& used);

}  // namespace lucid::corpus
