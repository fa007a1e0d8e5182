// SPDX-License-Identifier: Apache-2.0
// UNetConfig: sizes and options of a UNet2DConditionModel, read from its config.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lucid {
class JsonConfig;
}

namespace lucid::diffusion {

struct UNetConfig {
  int64_t in_channels = 4, out_channels = 4;
  /// Whether latents of a picture follow those to denoise in the input's channels, as in InstructPix2Pix.
  bool sees_picture() const { return in_channels == 2 * out_channels; }
  std::vector<int64_t> block_out_channels = {320, 640, 1280, 1280};
  std::vector<std::string> down_block_types = {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                                               "DownBlock2D"};
  std::vector<std::string> up_block_types = {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                                             "CrossAttnUpBlock2D"};
  bool mid_cross_attention = true;
  int64_t layers_per_block = 2;
  /// The key `attention_head_dim`, which in these files holds the NUMBER of heads.
  std::vector<int64_t> heads_per_block = {8, 8, 8, 8};
  /// Transformer blocks one after the other at each level with attention; the middle has as many as the last level.
  std::vector<int64_t> transformer_depths = {1, 1, 1, 1};
  int64_t cross_attention_dim = 1280;
  /// SDXL: the width of the added vector, which is a pooled text and kSizeNumbers embedded sizes of size_width numbers
  /// each. 0: the U-Net takes none.
  int64_t vector_width = 0, size_width = 0;
  static constexpr int64_t kSizeNumbers = 6;
  int64_t pooled_width() const { return vector_width - kSizeNumbers * size_width; }
  bool use_linear_projection = false;
  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  /// Numbers that describe the camera of a view; their embedding is added to the timestep's. 0: no cameras.
  int64_t camera_dim = 0;
  /// Rows of a batch that are views of one object: self-attention runs over the tokens of all of them. MVDream: 4.
  int64_t views = 1;
  bool is_multi_view() const { return camera_dim > 0; }
  /// Absent keys take diffusers' defaults. Throws UserError, with file, key and value, on what is not supported. Reads
  /// the config of MVDream's port to diffusers as well (`_class_name` MultiViewUNetModel).
  static UNetConfig from_file(const std::filesystem::path& config_json);
  /// Everything but the up path and the added vector: the part that a ControlNet's config.json has too.
  static UNetConfig down_path_from(const JsonConfig& json);
};

/// Of MVDream: a camera is a matrix of 4 x 4 numbers (camera/multi_view.h), and four views are drawn at once.
inline constexpr int64_t kCameraNumbers = 16, kJointViews = 4;

}  // namespace lucid::diffusion
