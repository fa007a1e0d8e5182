// SPDX-License-Identifier: Apache-2.0
// How near a shape model comes to the models it learned, and to those that were left out.
#pragma once

#include <nlohmann/json.hpp>

#include "lucid/pretrain/shape/data.h"

namespace lucid::pretrain {

/// Means over examples of `data`; a number is absent where there are none.
///   overlap               learned models: intersection over union of the occupied cells
///   colour_error          learned models in their own colours: mean difference in their cells, 0 to 1
///   unseen_colour_error   the same for combinations of word and colour that were held out
///   unseen_colour_before  the same if those had the model's own colours
///   other_outline         outline_overlap() of a model with the shape of another one of its word, picked at random: of
///                         the models that were left out, else of all whose word has several
///   sphere_outline        with the sphere that a run starts from otherwise
///   mean_outline          with the mean of the word's other models
nlohmann::ordered_json measure_shapes(shape::Decoder decoder, const ShapeData& data);

/// Intersection over union of two clouds' silhouettes from four sides: 32 x 32 pixels, each point 3 x 3 of them. [N,3].
double outline_overlap(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace lucid::pretrain
