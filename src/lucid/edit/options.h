// SPDX-License-Identifier: Apache-2.0
// Options of an edit. Free of libtorch, for the command line.
#pragma once

#include <string>

namespace lucid::edit {

struct EditOptions {
  std::string asset;              // file of Gaussians to edit, or the folder of its run; empty = no edit
  std::string from;               // prompt of the untouched asset; empty = that of its run's manifest
  std::string change = "colour";  // or "shape": which of the presets edit and edit_shape is used
  // What may change, at most one of mask_box, mask_sphere, mask_images and mask_word; empty = everything.
  std::string mask_box;         // "x0,y0,z0,x1,y1,z1", world units
  std::string mask_sphere;      // "x,y,z,radius"
  std::string mask_images;      // folder of pictures, white where to edit, named as the test views
  std::string mask_word;        // a word of the asset's prompt: what the prior attends to for it
  double mask_threshold = 0.5;  // of mask_word: share of the most attention
};

}  // namespace lucid::edit
