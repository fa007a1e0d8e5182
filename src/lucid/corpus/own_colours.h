// SPDX-License-Identifier: Apache-2.0
// The colours of a model, measured on pictures of it under flat light.
#pragma once

#include "lucid/corpus/colours.h"
#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

ColourShares own_colours(const Mesh& mesh);

}  // namespace lucid::corpus
