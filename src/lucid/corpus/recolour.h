// SPDX-License-Identifier: Apache-2.0
// The same object in another colour: what has its dominant colour takes the new one, the rest keeps its own.
#pragma once

#include "lucid/base/rng.h"
#include "lucid/corpus/colours.h"
#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

/// Colours near `from` move to `to` and keep part of their differences in lightness (grain, folds, painted shadows);
/// far ones stay. Textures change texel by texel, a plain material as a whole or not at all.
Mesh recoloured(const Mesh& mesh, const OkLab& from, const OkLab& to);

/// A colour that people would call `word`, somewhat off the typical one.
OkLab colour_near(const std::string& word, Rng& rng);

}  // namespace lucid::corpus
