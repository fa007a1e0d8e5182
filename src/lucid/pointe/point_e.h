// SPDX-License-Identifier: Apache-2.0
// Point-E: a text to a coloured point cloud in two stages, coarse points and then the points between them.
#pragma once

#include <torch/torch.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lucid/pointe/stage.h"

namespace lucid::pointe {

/// The weight files in a folder, under their published names or as .safetensors.
struct WeightFiles {
  std::filesystem::path base;      // base_40m_textvec
  std::filesystem::path upsample;  // upsample_40m
  std::filesystem::path clip;      // ViT-L-14.pt, or a folder clip-vit-large-patch14
  /// Throws one UserError that names every file that is missing.
  static WeightFiles in_folder(const std::filesystem::path& folder);
  std::vector<std::filesystem::path> all() const;  // the files that are read
};

/// x, y, z in Point-E's own axes (z up, within about 0.5 of the origin), and colours.
struct PointCloud {
  torch::Tensor xyz;  // [N,3] float32, on the CPU
  torch::Tensor rgb;  // [N,3] float32 in [0, 1], a multiple of 1/255
};

/// A cloud [6,N] in output units as points: colours are clamped and rounded.
PointCloud points_of(const torch::Tensor& cloud);

struct Networks {
  torch::Tensor vector;  // [1,D] CLIP vector of the text, of unit length
  PointTransformer base{nullptr}, upsample{nullptr};
};

struct OpenOptions {
  std::filesystem::path merges;  // CLIP's merges.txt.gz
  torch::Device device = torch::kCPU;
  torch::ScalarType dtype = torch::kFloat;  // of the two networks' operands; CLIP's encoder is float32
};
/// Loads all three networks, so that a bad file is found before the work begins, and encodes the text. CLIP's encoder
/// is freed. Throws UserError.
Networks open_networks(const WeightFiles& files, const std::string& text, const OpenOptions& options);

/// Seconds of each part.
struct StageSeconds {
  double base = 0, upsample = 0;
};

struct SampleOptions {
  uint64_t seed = 0;
  int64_t points = 4096;
  int64_t steps = 64;   // of the sampler, in each stage
  double guidance = 3;  // of the base model
  /// Called after each call of a network, with the number of calls so far and of all, and the noise level of this one.
  std::function<void(int64_t done, int64_t total, float sigma)> on_call = nullptr;
  const std::atomic<bool>* stop = nullptr;
};

struct Stopped : std::exception {};

/// The noise of a stage, [1,6,points] a draw. Each draw has a stream of its own, so that what is not drawn (without
/// churn) moves no other number.
DrawNoise seeded_noise(uint64_t seed, const std::string& stage, int64_t points, torch::Device device);

/// Draws a cloud; throws Stopped if `stop` became true. A pure function of networks, seed, points, steps and guidance
/// on one device. The first 1024 points are the base model's, the rest the upsampler's, 3072 at a time.
PointCloud sample(Networks& networks, const SampleOptions& options, StageSeconds* seconds = nullptr);

}  // namespace lucid::pointe
