// SPDX-License-Identifier: Apache-2.0
// Recolouring of a mesh: surfaces of its dominant colour get a new colour, all others keep theirs.
#pragma once

#include "lucid/base/rng.h"
#include "lucid/corpus/colours.h"
#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

/// The mesh with colours near `from` replaced by `to`; part of their variation in lightness is kept (grain, folds,
/// painted shadows). Other colours stay. Textures change per texel, untextured materials as a whole.
Mesh recoloured(const Mesh& mesh, const OkLab& from, const OkLab& to);

/// A random colour that is named `word`, close to the typical one.
OkLab colour_near(const std::string& word, Rng& rng);

}  // namespace lucid::corpus
