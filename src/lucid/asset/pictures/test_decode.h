// SPDX-License-Identifier: Apache-2.0
// Helpers of this folder's tests of animations: test frames, and other programs' reading of files.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lucid::asset::test {

/// What a shell command prints.
inline std::string output_of(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>/dev/null").c_str(), "r"), pclose);
  std::string text;
  std::array<char, 65536> buffer;
  while (pipe != nullptr) {
    const size_t n = fread(buffer.data(), 1, buffer.size(), pipe.get());
    if (n == 0) break;
    text.append(buffer.data(), n);
  }
  return text;
}

inline bool on_path(const std::string& program) { return !output_of("command -v " + program).empty(); }

/// A grey ramp over which a red square moves. [3,H,W]
inline torch::Tensor moving_square(int width, int height, int64_t frame) {
  torch::Tensor x = torch::linspace(0, 1, width).view({1, 1, width}).expand({3, height, width}).clone();
  const int64_t at = frame * 3 % (width - 8);
  torch::Tensor square = x.narrow(1, 4, 8).narrow(2, at, 8);
  square.zero_();
  square[0].fill_(0.8f);
  return x;
}

/// The same, opaque in the upper half alone. [4,H,W]
inline torch::Tensor half_transparent_square(int width, int height, int64_t frame) {
  torch::Tensor alpha = torch::zeros({1, height, width});
  alpha.narrow(1, 0, height / 2).fill_(1);
  return torch::cat({moving_square(width, height, frame), alpha});
}

/// What ffprobe says of a file.
inline nlohmann::json probed(const std::filesystem::path& file) {
  return nlohmann::json::parse(
      output_of("ffprobe -v error -count_frames -show_streams -show_format -of json " + file.string()));
}

/// The frames of a file as ffmpeg decodes them, each [4,H,W]. `decoder` is for example "-c:v libvpx-vp9".
inline std::vector<torch::Tensor> decoded(const std::filesystem::path& file, int width, int height,
                                          const std::string& decoder = "") {
  const std::string raw = output_of("ffmpeg -v error " + decoder + " -i " + file.string() +
                                    " -vsync passthrough -vf scale=in_color_matrix=bt709:flags=accurate_rnd+"
                                    "full_chroma_int -pix_fmt rgba -f rawvideo -");
  std::vector<torch::Tensor> frames;
  const size_t size = size_t{4} * static_cast<size_t>(width) * static_cast<size_t>(height);
  for (size_t at = 0; at + size <= raw.size(); at += size) {
    torch::Tensor bytes = torch::empty({height, width, 4}, torch::kUInt8);
    std::copy_n(reinterpret_cast<const uint8_t*>(raw.data()) + at, size, bytes.data_ptr<uint8_t>());
    frames.push_back(bytes.permute({2, 0, 1}).to(torch::kFloat32) / 255);
  }
  return frames;
}

}  // namespace lucid::asset::test
