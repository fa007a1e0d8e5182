// SPDX-License-Identifier: Apache-2.0
// Options of an avatar. Free of libtorch, for the command line.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace lucid::avatar {

inline constexpr const char* kNeutralBody = "neutral";  // the body that comes with lucid
inline constexpr std::array kControlKinds = {"auto", "depth", "openpose"};

struct AvatarOptions {
  std::string body;              // a file, or kNeutralBody; empty = no avatar
  std::string pose = "a";        // a, t or a file
  std::string control = "auto";  // one of kControlKinds: the pictures that the ControlNet is shown
  double head_rate = 0;          // probability of a step that sees the head alone
  int64_t head_from_iter = 0;    // from this step on
  std::string preview;           // folder for pictures of the body in place of a run; empty = a run
};

}  // namespace lucid::avatar
