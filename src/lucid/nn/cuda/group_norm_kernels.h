// SPDX-License-Identifier: Apache-2.0
// GroupNorm of maps, then SiLU if asked, in three kernels: sums by channel over a chunk of the rows; a line through
// them for each channel (a group need not be a whole number of vectors, so the first kernel knows of channels alone);
// and the line applied. Maps of few rows take one kernel, norm_at_once, whose blocks each read a slice of the channels
// twice.
#pragma once

#include "lucid/nn/cuda/group_norm_cover.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

/// Sums of x - x[row 0] and of its square: x[row 0] is near the mean, which the square would lose digits by.
template <class T>
__device__ inline void add_rows(const kernels::NormShape& shape, const Place& place, const T* __restrict__ x,
                                float (&sum)[kEight], float (&squares)[kEight]) {
  if (!place.inside) return;
  float first[kEight];
  load(x + place.at(shape, 0), first);
  for_numbers<4>(shape, place, x, [&](int, const float(&now)[kEight]) {
    for (int k = 0; k < kEight; ++k) {
      const float d = now[k] - first[k];
      sum[k] += d;
      squares[k] = fmaf(d, d, squares[k]);
    }
  });
}
template <class T>
static __global__ void __launch_bounds__(kBlock)
    channel_sums(kernels::NormShape shape, Cover cover, const T* __restrict__ x, float* sums) {
  float sum[kEight] = {}, squares[kEight] = {};
  add_rows(shape, place_of_thread(shape, cover), x, sum, squares);
  write_sums(shape, cover, sum, squares, sums);
}

/// A channel's mean and squared deviations, from its sums of x - x[row 0] and squares.
struct ChannelMoments {
  double mean, squares;
};
template <class T>
__device__ inline ChannelMoments moments_of(const kernels::NormShape& shape, double sum, double squares, const T* x,
                                            const NormInputs<T>& inputs, int64_t sample, int64_t channel) {
  const double mean = sum / double(shape.rows);
  const double first = double(float_of(x[sample * shape.rows * shape.channels + channel]));
  return {.mean = mean + first + double(shift_at(inputs, sample, channel)), .squares = squares - sum * mean};
}

/// By a whole warp: what a group's channels, of which these are the moments, have in common.
struct GroupStatistics {
  double mean, inverse;  // inverse deviation
};
__device__ inline GroupStatistics statistics_of(const kernels::NormShape& shape, const double* mean_of,
                                                const double* squares_of, float eps) {
  const int width = int(shape.width());
  const double rows = double(shape.rows);
  double mean = 0, squares = 0;
  for (int c = int(lane_of_thread()); c < width; c += int(kWarp)) mean += mean_of[c];
  mean = sum_of_warp(mean) / double(width);
  for (int c = int(lane_of_thread()); c < width; c += int(kWarp)) {
    squares += squares_of[c] + rows * (mean_of[c] - mean) * (mean_of[c] - mean);
  }
  const double variance = sum_of_warp(squares) / (rows * double(width));
  return {.mean = mean, .inverse = 1 / sqrt(variance + double(eps))};
}

/// y = factor x + offset.
struct Line {
  float factor, offset;
};
template <class T>
__device__ inline Line line_of(const GroupStatistics& group, const NormInputs<T>& inputs, int64_t sample,
                               int64_t channel) {
  const double factor = group.inverse * double(inputs.weight[channel]);
  const double shift = double(shift_at(inputs, sample, channel));
  return {.factor = float(factor), .offset = float((shift - group.mean) * factor + double(inputs.bias[channel]))};
}

/// statistics [samples, groups, 2]: mean, inverse deviation. line [samples, 2, channels]: y = line[0] x + line[1].
template <class T>
static __global__ void __launch_bounds__(kBlock)
    norm_lines(kernels::NormShape shape, int chunks, const T* x, const float* sums, NormInputs<T> inputs,
               float* statistics, float* line) {
  __shared__ double mean_of[cuda::kWidestGroup], squares_of[cuda::kWidestGroup];
  add_chunks(shape, chunks, sums, mean_of, squares_of);
  const int64_t width = shape.width(), first = blockIdx.x * width, sample = blockIdx.y;
  for (int64_t c = threadIdx.x; c < width; c += kBlock) {
    const ChannelMoments moments = moments_of(shape, mean_of[c], squares_of[c], x, inputs, sample, first + c);
    mean_of[c] = moments.mean;
    squares_of[c] = moments.squares;
  }
  __syncthreads();
  const GroupStatistics group = statistics_of(shape, mean_of, squares_of, inputs.eps);  // each warp the same
  if (threadIdx.x == 0) {
    statistics[(sample * shape.groups + blockIdx.x) * 2] = float(group.mean);
    statistics[(sample * shape.groups + blockIdx.x) * 2 + 1] = float(group.inverse);
  }
  for (int64_t c = threadIdx.x; c < width; c += kBlock) {
    const Line of_channel = line_of(group, inputs, sample, first + c);
    float* to = line + sample * 2 * shape.channels + first + c;
    to[0] = of_channel.factor;
    to[shape.channels] = of_channel.offset;
  }
}

template <bool kSilu, class T>
__device__ inline void apply_lines(const kernels::NormShape& shape, const Place& place, const float* factors,
                                   const float* offsets, const T* __restrict__ x, T* __restrict__ y) {
  float factor[kEight], offset[kEight];
  load(factors, factor);
  load(offsets, offset);
  for_numbers<2>(shape, place, x, [&](int row, const float(&now)[kEight]) {
    float z[kEight];
    for (int k = 0; k < kEight; ++k) {
      z[k] = fmaf(now[k], factor[k], offset[k]);
      if (kSilu) z[k] = silu(z[k]);
    }
    store(z, y + place.at(shape, row));
  });
}
template <bool kSilu, class T>
static __global__ void __launch_bounds__(kBlock)
    norm_apply(kernels::NormShape shape, Cover cover, const T* __restrict__ x, const float* line, T* __restrict__ y) {
  const Place place = place_of_thread(shape, cover);
  if (!place.inside) return;
  const float* factors = line + place.sample * 2 * shape.channels + place.channel;
  apply_lines<kSilu>(shape, place, factors, factors + shape.channels, x, y);
}

inline constexpr unsigned kSliceBlock = 512;  // threads

/// The channels of one block of norm_at_once: whole groups that are whole vectors, `columns` of them, by `lanes` rows
/// at once. Block (slice, sample).
struct Slice {
  int groups = 0, columns = 0, lanes = 0;  // 0: a slice would be too much for a block
  explicit operator bool() const { return groups > 0; }
  __device__ int channels() const { return columns * kEight; }
};

inline constexpr int kWidestSlice = 512;  // channels

inline Slice slice_of(const kernels::NormShape& shape) {
  constexpr int64_t kMostVectors = 6144;  // 96 KB of bfloat16, which the second reading finds in a cache
  constexpr int kFewColumns = 4;          // fewer of them, next to each other, are slow to read
  const int64_t width = shape.width();
  int64_t groups = 1;
  while (groups * width % kEight != 0) groups *= 2;  // ends: all channels are whole vectors
  while (groups * width < kFewColumns * kEight && shape.groups % (2 * groups) == 0) groups *= 2;
  const int64_t columns = groups * width / kEight;
  if (groups * width > kWidestSlice || shape.rows * columns > kMostVectors) return {};
  return {.groups = int(groups), .columns = int(columns), .lanes = int(kSliceBlock / columns)};
}

/// The whole norm, of maps of few rows.
template <bool kSilu, class T>
static __global__ void __launch_bounds__(kSliceBlock)
    norm_at_once(kernels::NormShape shape, Slice slice, const T* __restrict__ x, NormInputs<T> inputs,
                 float* statistics, T* __restrict__ y) {
  __shared__ float of_thread[2 * kEight][kSliceBlock];
  __shared__ double mean_of[kWidestSlice], squares_of[kWidestSlice];
  alignas(16) __shared__ float lines[2][kWidestSlice];
  const int column = int(threadIdx.x) % slice.columns, lane = int(threadIdx.x) / slice.columns;
  const int64_t first = int64_t(blockIdx.x) * slice.channels(), sample = blockIdx.y;
  const Place place{.inside = lane < slice.lanes,
                    .sample = sample,
                    .channel = first + column * kEight,
                    .begin = lane,
                    .end = int(shape.rows),
                    .step = slice.lanes};

  float sum[kEight] = {}, squares[kEight] = {};
  add_rows(shape, place, x, sum, squares);
  for (int k = 0; k < kEight; ++k) {
    of_thread[k][threadIdx.x] = sum[k];
    of_thread[kEight + k][threadIdx.x] = squares[k];
  }
  __syncthreads();
  int lanes = slice.lanes;
  while (lanes > 1) {  // the upper half of the lanes is added to the lower
    const int half = (lanes + 1) / 2;
    if (lane + half < lanes) {
      for (int k = 0; k < 2 * kEight; ++k) {
        of_thread[k][threadIdx.x] += of_thread[k][threadIdx.x + half * slice.columns];
      }
    }
    lanes = half;
    __syncthreads();
  }

  for (int c = int(threadIdx.x); c < slice.channels(); c += int(kSliceBlock)) {
    const int k = c % kEight, from = c / kEight;
    const ChannelMoments moments = moments_of(shape, double(of_thread[k][from]), double(of_thread[kEight + k][from]), x,
                                              inputs, sample, first + c);
    mean_of[c] = moments.mean;
    squares_of[c] = moments.squares;
  }
  __syncthreads();
  const int width = int(shape.width());
  for (int group = int(threadIdx.x / kWarp); group < slice.groups; group += int(kSliceBlock / kWarp)) {
    const int from = group * width;
    const GroupStatistics of_group = statistics_of(shape, mean_of + from, squares_of + from, inputs.eps);
    if (lane_of_thread() == 0) {
      float* to = statistics + (sample * shape.groups + int64_t(blockIdx.x) * slice.groups + group) * 2;
      to[0] = float(of_group.mean);
      to[1] = float(of_group.inverse);
    }
    for (int c = from + int(lane_of_thread()); c < from + width; c += int(kWarp)) {
      const Line line = line_of(of_group, inputs, sample, first + c);
      lines[0][c] = line.factor;
      lines[1][c] = line.offset;
    }
  }
  __syncthreads();
  if (place.inside) apply_lines<kSilu>(shape, place, lines[0] + column * kEight, lines[1] + column * kEight, x, y);
}

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
