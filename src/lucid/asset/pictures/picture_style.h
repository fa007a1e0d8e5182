// SPDX-License-Identifier: Apache-2.0
// What a picture of an asset shows: channels side by side, background, supersampling. No libtorch: the command line
// reads it.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace lucid::asset {

enum class Channel { kRgb, kDepth, kNormals, kAlpha };

struct ChannelRow {
  Channel channel;
  std::string_view name;
};
inline constexpr std::array<ChannelRow, 4> kChannels = {
    {{Channel::kRgb, "rgb"}, {Channel::kDepth, "depth"}, {Channel::kNormals, "normals"}, {Channel::kAlpha, "alpha"}}};

struct Background {
  std::array<float, 3> rgb = {1, 1, 1};  // in [0, 1]; of no effect if transparent
  bool transparent = false;
};

/// Camera z of the nearest and the farthest point, world units. Depth colours go from bright at `near` to dark at
/// `far`.
struct DepthRange {
  float near = 0, far = 0;
};

struct PictureStyle {
  std::vector<Channel> channels = {Channel::kRgb};  // from left to right
  Background background = {};
  int supersample = 1;                         // renders at N times the size, then averages N x N pixels
  std::optional<DepthRange> depth_range = {};  // without a value: that of each picture
};

}  // namespace lucid::asset
