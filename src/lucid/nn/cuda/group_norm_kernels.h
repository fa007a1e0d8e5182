// SPDX-License-Identifier: Apache-2.0
// GroupNorm with SiLU, in one of two ways. Three kernels: sums for each channel over chunks of rows (channel_sums),
// scale and offset for each channel (norm_coefficients), then y (norm_apply). The first kernel sums by channel, since a
// group need not be a whole number of Vec8. Or, for maps of few rows, norm_single_kernel, whose blocks read a slice of
// the channels twice, the second time from the cache.
#pragma once

#include "lucid/nn/cuda/group_norm_layout.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

/// Adds x - x[row 0] and its square over a thread's rows. x[row 0] is near the mean; without the subtraction a large
/// mean would cost the squares their digits.
template <class T>
__device__ inline void add_rows(const kernels::NormShape& shape, const ThreadRows& thread, const T* __restrict__ x,
                                float (&sum)[kVecSize], float (&squares)[kVecSize]) {
  if (!thread.inside) return;
  float first[kVecSize];
  load(x + thread.at(shape, 0), first);
  for_each_row<4>(shape, thread, x, [&](int, const float(&now)[kVecSize]) {
    for (int k = 0; k < kVecSize; ++k) {
      const float d = now[k] - first[k];
      sum[k] += d;
      squares[k] = fmaf(d, d, squares[k]);
    }
  });
}
/// Those sums over a chunk of rows: sums [samples, chunks, 2, channels].
template <class T>
static __global__ void __launch_bounds__(kBlock)
    channel_sums(kernels::NormShape shape, BlockLayout layout, const T* __restrict__ x, float* sums) {
  float sum[kVecSize] = {}, squares[kVecSize] = {};
  add_rows(shape, rows_of_thread(shape, layout), x, sum, squares);
  write_chunk_sums(shape, layout, sum, squares, sums);
}

/// A channel's mean of x + shift, and sum of squared deviations from it.
struct ChannelMoments {
  double mean, squares;
};
template <class T>
__device__ inline ChannelMoments moments_of(const kernels::NormShape& shape, double sum, double squares, const T* x,
                                            const NormArguments<T>& arguments, int64_t sample, int64_t channel) {
  const double mean = sum / double(shape.rows);
  const double first = double(float_of(x[sample * shape.rows * shape.channels + channel]));
  return {.mean = mean + first + double(shift_at(arguments, sample, channel)), .squares = squares - sum * mean};
}

/// Mean and 1 / sqrt(variance + eps) of a group, from the moments of its channels. A whole warp must call
/// statistics_of().
struct GroupStatistics {
  double mean, inverse_deviation;
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
  return {.mean = mean, .inverse_deviation = 1 / sqrt(variance + double(eps))};
}

/// Norm of one channel as y = scale x + offset.
struct Affine {
  float scale, offset;
};
template <class T>
__device__ inline Affine affine_of(const GroupStatistics& group, const NormArguments<T>& arguments, int64_t sample,
                                   int64_t channel) {
  const double factor = group.inverse_deviation * double(arguments.weight[channel]);
  const double shift = double(shift_at(arguments, sample, channel));
  return {.scale = float(factor), .offset = float((shift - group.mean) * factor + double(arguments.bias[channel]))};
}

/// One block for each group of a sample. Writes statistics [samples, groups, 2] (mean, inverse deviation) and
/// coefficients [samples, 2, channels] (scale, offset).
template <class T>
static __global__ void __launch_bounds__(kBlock)
    norm_coefficients(kernels::NormShape shape, int chunks, const T* x, const float* sums, NormArguments<T> arguments,
                      float* statistics, float* coefficients) {
  __shared__ double mean_of[cuda::kMaxGroupChannels], squares_of[cuda::kMaxGroupChannels];
  reduce_chunks(shape, chunks, sums, mean_of, squares_of);
  const int64_t width = shape.width(), first = blockIdx.x * width, sample = blockIdx.y;
  for (int64_t c = threadIdx.x; c < width; c += kBlock) {
    const ChannelMoments moments = moments_of(shape, mean_of[c], squares_of[c], x, arguments, sample, first + c);
    mean_of[c] = moments.mean;
    squares_of[c] = moments.squares;
  }
  __syncthreads();
  const GroupStatistics group = statistics_of(shape, mean_of, squares_of, arguments.eps);  // the same in each warp
  if (threadIdx.x == 0) {
    statistics[(sample * shape.groups + blockIdx.x) * 2] = float(group.mean);
    statistics[(sample * shape.groups + blockIdx.x) * 2 + 1] = float(group.inverse_deviation);
  }
  for (int64_t c = threadIdx.x; c < width; c += kBlock) {
    const Affine affine = affine_of(group, arguments, sample, first + c);
    float* to = coefficients + sample * 2 * shape.channels + first + c;
    to[0] = affine.scale;
    to[shape.channels] = affine.offset;
  }
}

/// y = scale x + offset for a thread's rows, then SiLU if asked.
template <bool kSilu, class T>
__device__ inline void apply_affine(const kernels::NormShape& shape, const ThreadRows& thread, const float* scales,
                                    const float* offsets, const T* __restrict__ x, T* __restrict__ y) {
  float scale[kVecSize], offset[kVecSize];
  load(scales, scale);
  load(offsets, offset);
  for_each_row<2>(shape, thread, x, [&](int row, const float(&now)[kVecSize]) {
    float z[kVecSize];
    for (int k = 0; k < kVecSize; ++k) {
      z[k] = fmaf(now[k], scale[k], offset[k]);
      if (kSilu) z[k] = silu(z[k]);
    }
    store(z, y + thread.at(shape, row));
  });
}
template <bool kSilu, class T>
static __global__ void __launch_bounds__(kBlock)
    norm_apply(kernels::NormShape shape, BlockLayout layout, const T* __restrict__ x, const float* coefficients,
               T* __restrict__ y) {
  const ThreadRows thread = rows_of_thread(shape, layout);
  if (!thread.inside) return;
  const float* scales = coefficients + thread.sample * 2 * shape.channels + thread.channel;
  apply_affine<kSilu>(shape, thread, scales, scales + shape.channels, x, y);
}

inline constexpr unsigned kSliceBlock = 512;  // threads per block of norm_single_kernel

/// The channels of one block of norm_single_kernel: so many whole groups that they are a whole number of Vec8
/// (`columns`). The threads form columns by `lanes` rows. blockIdx = (slice, sample).
struct ChannelSlice {
  int groups = 0, columns = 0, lanes = 0;  // groups == 0: the map is too large for this kernel
  explicit operator bool() const { return groups > 0; }
  __device__ int channels() const { return columns * kVecSize; }
};

inline constexpr int kMaxSliceChannels = 512;  // channels

inline ChannelSlice channel_slice_of(const kernels::NormShape& shape) {
  constexpr int64_t kMaxVectors = 6144;  // 96 KB of bfloat16, which stay in the cache for the second read
  constexpr int kMinColumns = 4;         // narrower slices are slow to read
  const int64_t width = shape.width();
  int64_t groups = 1;
  while (groups * width % kVecSize != 0) groups *= 2;  // ends, since all channels are whole Vec8
  while (groups * width < kMinColumns * kVecSize && shape.groups % (2 * groups) == 0) groups *= 2;
  const int64_t columns = groups * width / kVecSize;
  if (groups * width > kMaxSliceChannels || shape.rows * columns > kMaxVectors) return {};
  return {.groups = int(groups), .columns = int(columns), .lanes = int(kSliceBlock / columns)};
}

/// The whole norm in one kernel, for maps of few rows. Writes statistics [samples, groups, 2] and y.
template <bool kSilu, class T>
static __global__ void __launch_bounds__(kSliceBlock)
    norm_single_kernel(kernels::NormShape shape, ChannelSlice slice, const T* __restrict__ x,
                       NormArguments<T> arguments, float* statistics, T* __restrict__ y) {
  __shared__ float thread_sums[2 * kVecSize][kSliceBlock];
  __shared__ double mean_of[kMaxSliceChannels], squares_of[kMaxSliceChannels];
  alignas(16) __shared__ float coefficients[2][kMaxSliceChannels];
  const int column = int(threadIdx.x) % slice.columns, lane = int(threadIdx.x) / slice.columns;
  const int64_t first = int64_t(blockIdx.x) * slice.channels(), sample = blockIdx.y;
  const ThreadRows thread{.inside = lane < slice.lanes,
                          .sample = sample,
                          .channel = first + column * kVecSize,
                          .begin = lane,
                          .end = int(shape.rows),
                          .step = slice.lanes};

  float sum[kVecSize] = {}, squares[kVecSize] = {};
  add_rows(shape, thread, x, sum, squares);
  for (int k = 0; k < kVecSize; ++k) {
    thread_sums[k][threadIdx.x] = sum[k];
    thread_sums[kVecSize + k][threadIdx.x] = squares[k];
  }
  __syncthreads();
  int lanes = slice.lanes;
  while (lanes > 1) {  // the upper half of the lanes is added to the lower
    const int half = (lanes + 1) / 2;
    if (lane + half < lanes) {
      for (int k = 0; k < 2 * kVecSize; ++k) {
        thread_sums[k][threadIdx.x] += thread_sums[k][threadIdx.x + half * slice.columns];
      }
    }
    lanes = half;
    __syncthreads();
  }

  for (int c = int(threadIdx.x); c < slice.channels(); c += int(kSliceBlock)) {
    const int k = c % kVecSize, from = c / kVecSize;
    const ChannelMoments moments = moments_of(shape, double(thread_sums[k][from]),
                                              double(thread_sums[kVecSize + k][from]), x, arguments, sample, first + c);
    mean_of[c] = moments.mean;
    squares_of[c] = moments.squares;
  }
  __syncthreads();
  const int width = int(shape.width());
  for (int group = int(threadIdx.x / kWarp); group < slice.groups; group += int(kSliceBlock / kWarp)) {
    const int from = group * width;
    const GroupStatistics group_statistics = statistics_of(shape, mean_of + from, squares_of + from, arguments.eps);
    if (lane_of_thread() == 0) {
      float* to = statistics + (sample * shape.groups + int64_t(blockIdx.x) * slice.groups + group) * 2;
      to[0] = float(group_statistics.mean);
      to[1] = float(group_statistics.inverse_deviation);
    }
    for (int c = from + int(lane_of_thread()); c < from + width; c += int(kWarp)) {
      const Affine affine = affine_of(group_statistics, arguments, sample, first + c);
      coefficients[0][c] = affine.scale;
      coefficients[1][c] = affine.offset;
    }
  }
  __syncthreads();
  if (thread.inside)
    apply_affine<kSilu>(shape, thread, coefficients[0] + column * kVecSize, coefficients[1] + column * kVecSize, x, y);
}

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
