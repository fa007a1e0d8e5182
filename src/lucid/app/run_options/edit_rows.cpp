// SPDX-License-Identifier: Apache-2.0
// Rows of the option table: editing an asset that exists. None is in the reference system.
#include <algorithm>
#include <array>
#include <string_view>

#include "lucid/app/run_options/edits.h"
#include "lucid/app/run_options/option_rows.h"

namespace lucid::app {

void add_editing(config::OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "EditParams");
  auto& e = o.edit;
  add({.name = "asset",
       .group = "Editing",
       .help = "Gaussians to edit (.ply, .spz, .splat, .glb), or the folder of their run; the same as ASSET of `lucid "
               "edit`.",
       .value_name = "FILE",
       .nullable = true,
       .affects_result = false,  // the hash of its bytes is compared instead
       .field = &e.asset});
  add({.name = "from_text",
       .flag = "from",
       .group = "Editing",
       .help = "Prompt of the asset as it is. Empty is that of the run that made it.",
       .value_name = "TEXT",
       .nullable = true,
       .field = &e.from});
  add({.name = "change",
       .group = "Editing",
       .help =
           "What an edit may change: colour holds the shape; shape lets it move too, and repaints the result in rounds "
           "of refining.",
       .choices = {"colour", "shape"},
       .affects_result = false,  // what it sets does
       .field = &e.change});
  add({.name = "strength",
       .group = "Editing",
       .help = "How far an edit goes: factor of all its learning rates.",
       .range = {0.01, 100},
       .field = &o.train.rates.strength});
  add({.name = "keep",
       .group = "Editing",
       .help =
           "How firmly an edit holds to the asset as it is: weight of the difference of the latents. 0.1 is a little, "
           "0.3 much, 0 nothing.",
       .range = kWeight,
       .field = &o.train.score.keep});
  add({.name = "image_guidance_scale",
       .group = "Editing",
       .help = "InstructPix2Pix: guidance scale towards the picture of the asset as it is; larger changes less.",
       .range = {0, 100},
       .field = &o.train.score.image_guidance_scale});
  add({.name = "mask_box",
       .group = "Editing",
       .help = "Edit only what lies in this box: two opposite corners, in world units (z up, front +y).",
       .value_name = "X,Y,Z,X,Y,Z",
       .nullable = true,
       .field = &e.mask_box});
  add({.name = "mask_sphere",
       .group = "Editing",
       .help = "Edit only what lies in this sphere: centre and radius, in world units.",
       .value_name = "X,Y,Z,R",
       .nullable = true,
       .field = &e.mask_sphere});
  add({.name = "mask_images",
       .group = "Editing",
       .help = "Edit only what is white in the pictures of this folder, named as a run's test views: "
               "polar80_azimuth045.png.",
       .value_name = "DIR",
       .nullable = true,
       .field = &e.mask_images});
  add({.name = "mask_word",
       .group = "Editing",
       .help = "Edit only what this word of the asset's prompt stands for, as the prior's cross attention says.",
       .value_name = "WORD",
       .nullable = true,
       .field = &e.mask_word});
  add({.name = "mask_threshold",
       .group = "Editing",
       .help = "Of mask_word: inside is what gets more than so much of the most attention; smaller takes more in.",
       .range = kShare,
       .field = &e.mask_threshold});
}

bool is_no_option_of_edits(const config::Option& option) {
  constexpr std::array<std::string_view, 9> kNames = {
      "asset", "text", "preset", "watch", "sds", "init_file", "pretrained_model_path", "init_shape", "clean_air"};
  return option.group == "Avatar" || std::ranges::find(kNames, option.name) != kNames.end();
}

std::string edit_preset(const RunOptions& options) {
  if (options.train.score.instructed()) return "edit_ip2p";
  return options.edit.change == "colour" ? "edit" : "edit_shape";
}

}  // namespace lucid::app
