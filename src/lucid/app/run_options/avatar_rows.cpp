// SPDX-License-Identifier: Apache-2.0
// Rows of the option table and checks: an avatar, made on a body. None is in the reference system.
#include <algorithm>

#include "lucid/app/run_options/option_rows.h"
#include "lucid/base/error.h"

namespace lucid::app {
namespace fs = std::filesystem;

void add_avatar(config::OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "AvatarParams");
  auto& a = o.avatar;
  add({.name = "body",
       .group = "Avatar",
       .help =
           "Body to start from: a .glb with a skeleton, or any mesh; neutral comes with lucid. It is posed and fitted "
           "into a ball of init_radius.",
       .value_name = "FILE",
       .nullable = true,
       .affects_result = false,  // the hash of its bytes is compared instead
       .field = &a.body});
  add({.name = "pose",
       .group = "Avatar",
       .help =
           "Pose of the body: a is as in its file, t has the arms straight out; or a JSON file of joints with their "
           "rotations, {\"head\": [0, 0, 30]}.",
       .value_name = "a|t|FILE",
       .field = &a.pose});
  add({.name = "control",
       .group = "Avatar",
       .help = "Pictures of the body that the ControlNet is shown; auto is what its name says.",
       .choices = {avatar::kControlKinds.begin(), avatar::kControlKinds.end()},
       .field = &a.control});
  add({.name = "head_rate",
       .group = "Avatar",
       .help = "Probability of a step that sees the head from close by, with the prompt \"TEXT head\".",
       .range = kShare,
       .field = &a.head_rate});
  add({.name = "head_from_iter",
       .group = "Avatar",
       .help = "Step from which on the head is seen.",
       .range = kCount,
       .field = &a.head_from_iter});
  add({.name = "avatar_preview",
       .flag = "preview",
       .group = "Avatar",
       .help = "Make nothing, but write depth and OpenPose pictures of the body into this folder.",
       .value_name = "DIR",
       .nullable = true,
       .affects_result = false,
       .field = &a.preview});
}

std::string control_kind(const RunOptions& options) {
  const fs::path path = fs::path(options.controlnet).lexically_normal();
  std::string name = (path.parent_path().filename() / path.filename()).string();
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool says_depth = name.find("depth") != std::string::npos, says_pose = name.find("pose") != std::string::npos;
  const std::string said = says_depth == says_pose ? "" : says_depth ? "depth" : "openpose";
  const std::string& wanted = options.avatar.control;
  if (wanted == "auto" && said.empty()) {
    throw UserError({.what_happened = fmt::format("the name of {} says neither depth nor openpose", options.controlnet),
                     .key = "control",
                     .hint = "--control depth or --control openpose"});
  }
  if (wanted != "auto" && !said.empty() && wanted != said) {
    throw UserError({.what_happened = fmt::format("{} is a {} ControlNet by its name, and --control is {}",
                                                  options.controlnet, said, wanted),
                     .key = "control",
                     .hint = "another ControlNet, or --control " + said});
  }
  return wanted == "auto" ? said : wanted;
}

void check_avatar(const RunOptions& options) {
  const auto& a = options.avatar;
  const auto refuse = [](const char* key, const std::string& what, const std::string& hint = "") {
    throw UserError({.what_happened = what, .key = key, .hint = hint});
  };
  if (a.body.empty()) {
    const char* hint = "lucid avatar \"a man\"";
    if (a.pose != "a") refuse("pose", "there is no body to pose", hint);
    if (a.control != "auto") refuse("control", "there is no body to draw", hint);
    if (a.head_rate > 0) refuse("head_rate", "there is no body whose head could be seen", hint);
    if (!a.preview.empty()) refuse("avatar_preview", "there is no body to draw", hint);
    return;
  }
  const auto& start = options.train.start;
  for (const auto& [key, value] : {std::pair{"init_file", start.file},
                                   {"pretrained_model_path", options.pretrained_model_path},
                                   {"asset", options.edit.asset}}) {
    if (!value.empty()) refuse(key, "is given, and a body as well; a run starts from one of them");
  }
  if (!options.controlnet_mesh.empty()) refuse("controlnet_mesh", "the ControlNet is shown the body of an avatar");
  const auto& views = options.train.views;
  if (!options.controlnet.empty() && views.width != views.height)
    refuse("image_w", fmt::format("pictures of a body are square; image_h is {}", views.height));
  if (!options.controlnet.empty()) {
    control_kind(options);
  } else if (a.control != "auto") {
    refuse("control", fmt::format("{} pictures are for a ControlNet, and there is none", a.control),
           "--controlnet PATH");
  }
}

}  // namespace lucid::app
