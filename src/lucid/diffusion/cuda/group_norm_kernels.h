// SPDX-License-Identifier: Apache-2.0
// GroupNorm of maps with channels next to each other, then SiLU if asked, and its gradient. Both directions are three
// kernels: sums by channel over a chunk of the rows; a line through them for each channel (a group need not be a whole
// number of vectors, so the first kernel knows of channels alone); and the line applied. Forward, maps of few rows are
// one kernel (norm_at_once), whose blocks each read a slice of the channels twice. Every sum has one order.
#pragma once

#include <type_traits>

#include "lucid/diffusion/cuda/fused_device.h"
#include "lucid/diffusion/cuda/numbers.h"

namespace lucid::diffusion::LUCID_CUDA_PLATFORM {

/// How a block of threads covers a map: `columns` vectors of channels times `lanes` rows at once, over a chunk of the
/// rows. Block (chunk, sample * tiles + tile).
struct Cover {
  int columns = 0, lanes = 0, tiles = 0, chunks = 0, chunk_rows = 0;
  dim3 grid(int64_t samples) const { return dim3(unsigned(chunks), unsigned(samples * tiles)); }
};

inline Cover cover_of(const NormShape& shape) {
  constexpr int kMostColumns = 32, kMostChunks = 256, kManyBlocks = 2048;
  const int vectors = int(shape.channels / kEight);
  Cover cover;
  cover.tiles = (vectors + kMostColumns - 1) / kMostColumns;
  cover.columns = (vectors + cover.tiles - 1) / cover.tiles;
  cover.lanes = int(kBlock) / cover.columns;
  const int64_t least_rows = 4 * cover.lanes;  // of a chunk that is worth a block
  const int64_t most = kManyBlocks / (shape.samples * cover.tiles);
  int64_t chunks = (shape.rows + least_rows - 1) / least_rows;
  if (chunks > most) chunks = most;
  if (chunks > kMostChunks) chunks = kMostChunks;
  if (chunks < 1) chunks = 1;
  cover.chunk_rows = int((shape.rows + chunks - 1) / chunks);
  cover.chunks = int((shape.rows + cover.chunk_rows - 1) / cover.chunk_rows);
  return cover;
}

/// A thread's part of a map.
struct Place {
  bool inside;
  int64_t sample, channel;  // the first of eight channels
  int begin, end, step;     // rows
  __device__ int64_t at(const NormShape& shape, int64_t row) const {
    return (sample * shape.rows + row) * shape.channels + channel;
  }
};
__device__ inline Place place_of_thread(const NormShape& shape, const Cover& cover) {
  const int column = int(threadIdx.x) % cover.columns, lane = int(threadIdx.x) / cover.columns;
  const int tile = int(blockIdx.y) % cover.tiles, chunk_begin = int(blockIdx.x) * cover.chunk_rows;
  Place place;
  place.sample = int(blockIdx.y) / cover.tiles;
  place.channel = (tile * cover.columns + column) * kEight;
  place.inside = lane < cover.lanes && place.channel < shape.channels;
  place.begin = chunk_begin + lane;
  place.end = chunk_begin + cover.chunk_rows < int(shape.rows) ? chunk_begin + cover.chunk_rows : int(shape.rows);
  place.step = cover.lanes;
  return place;
}

/// body(first row, how many) for a thread's rows, kMost at once: what is loaded of several rows before the first is
/// used hides the memory's latency, and nvcc does not see to that itself.
template <int kMost, class Body>
__device__ inline void for_rows(const Place& place, const Body& body) {
  int row = place.begin;
  for (; row + (kMost - 1) * place.step < place.end; row += kMost * place.step) {
    body(row, std::integral_constant<int, kMost>());
  }
  for (; row < place.end; row += place.step) body(row, std::integral_constant<int, 1>());
}

/// Adds the lanes' two sums a channel; sums [samples, chunks, 2, channels].
__device__ inline void write_sums(const NormShape& shape, const Cover& cover, const float (&first)[kEight],
                                  const float (&second)[kEight], float* sums) {
  __shared__ float of_thread[2 * kEight][kBlock];
  for (int k = 0; k < kEight; ++k) {
    of_thread[k][threadIdx.x] = first[k];
    of_thread[kEight + k][threadIdx.x] = second[k];
  }
  __syncthreads();
  const int64_t sample = blockIdx.y / cover.tiles, tile = blockIdx.y % cover.tiles;
  float* to = sums + (sample * cover.chunks + blockIdx.x) * 2 * shape.channels;
  for (int i = int(threadIdx.x); i < 2 * kEight * cover.columns; i += int(kBlock)) {
    const int k = i / cover.columns, column = i % cover.columns;
    const int64_t channel = (tile * cover.columns + column) * kEight + k % kEight;
    if (channel >= shape.channels) continue;
    float sum = 0;
    for (int lane = 0; lane < cover.lanes; ++lane) sum += of_thread[k][lane * cover.columns + column];
    to[k / kEight * shape.channels + channel] = sum;
  }
}

/// Sums of x - x[row 0] and of its square: x[row 0] is near the mean, which the square would lose digits by.
template <class T>
__device__ inline void add_rows(const NormShape& shape, const Place& place, const T* __restrict__ x,
                                float (&sum)[kEight], float (&squares)[kEight]) {
  if (!place.inside) return;
  float first[kEight];
  load(x + place.at(shape, 0), first);
  for_rows<4>(place, [&](int row, auto rows) {
    Eight<T> eight[rows.value];
    for (int r = 0; r < rows.value; ++r) eight[r] = eight_at(x + place.at(shape, row + r * place.step));
    for (int r = 0; r < rows.value; ++r) {
      float now[kEight];
      unpack(eight[r], now);
      for (int k = 0; k < kEight; ++k) {
        const float d = now[k] - first[k];
        sum[k] += d;
        squares[k] = fmaf(d, d, squares[k]);
      }
    }
  });
}
template <class T>
static __global__ void __launch_bounds__(kBlock)
    channel_sums(NormShape shape, Cover cover, const T* __restrict__ x, float* sums) {
  float sum[kEight] = {}, squares[kEight] = {};
  add_rows(shape, place_of_thread(shape, cover), x, sum, squares);
  write_sums(shape, cover, sum, squares, sums);
}

/// What a norm needs besides its input. shift: [samples, channels] or, with shift_stride 0, [channels], added to the
/// input first; null: none.
template <class T>
struct NormInputs {
  const float *weight, *bias;  // [channels]
  const T* shift;
  int64_t shift_stride;
  float eps;
};
template <class T>
__device__ inline float shift_at(const NormInputs<T>& inputs, int64_t sample, int64_t channel) {
  return inputs.shift == nullptr ? 0.F : float_of(inputs.shift[sample * inputs.shift_stride + channel]);
}

/// One block a group of a sample, which adds the chunks' sums of the group's channels: sum_of[c], second_of[c].
__device__ inline void add_chunks(const NormShape& shape, int chunks, const float* sums, double* sum_of,
                                  double* second_of) {
  const int64_t width = shape.width(), first = blockIdx.x * width, sample = blockIdx.y;
  for (int64_t c = threadIdx.x / kWarp; c < width; c += kBlock / kWarp) {
    double sum = 0, second = 0;
    for (int chunk = int(lane_of_thread()); chunk < chunks; chunk += int(kWarp)) {
      const float* at = sums + (sample * chunks + chunk) * 2 * shape.channels + first + c;
      sum += double(at[0]);
      second += double(at[shape.channels]);
    }
    sum = sum_of_warp(sum);
    second = sum_of_warp(second);
    if (lane_of_thread() == 0) {
      sum_of[c] = sum;
      second_of[c] = second;
    }
  }
  __syncthreads();
}

/// A channel's mean and squared deviations, from its sums of x - x[row 0] and squares.
struct ChannelMoments {
  double mean, squares;
};
template <class T>
__device__ inline ChannelMoments moments_of(const NormShape& shape, double sum, double squares, const T* x,
                                            const NormInputs<T>& inputs, int64_t sample, int64_t channel) {
  const double mean = sum / double(shape.rows);
  const double first = double(float_of(x[sample * shape.rows * shape.channels + channel]));
  return {.mean = mean + first + double(shift_at(inputs, sample, channel)), .squares = squares - sum * mean};
}

/// By a whole warp: what a group's channels, of which these are the moments, have in common.
struct GroupStatistics {
  double mean, inverse;  // inverse deviation
};
__device__ inline GroupStatistics statistics_of(const NormShape& shape, const double* mean_of, const double* squares_of,
                                                float eps) {
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
static __global__ void __launch_bounds__(kBlock) norm_lines(NormShape shape, int chunks, const T* x, const float* sums,
                                                            NormInputs<T> inputs, float* statistics, float* line) {
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
__device__ inline void apply_lines(const NormShape& shape, const Place& place, const float* factors,
                                   const float* offsets, const T* __restrict__ x, T* __restrict__ y) {
  float factor[kEight], offset[kEight];
  load(factors, factor);
  load(offsets, offset);
  for_rows<2>(place, [&](int row, auto rows) {
    Eight<T> eight[rows.value];
    for (int r = 0; r < rows.value; ++r) eight[r] = eight_at(x + place.at(shape, row + r * place.step));
    for (int r = 0; r < rows.value; ++r) {
      float now[kEight];
      unpack(eight[r], now);
      for (int k = 0; k < kEight; ++k) {
        now[k] = fmaf(now[k], factor[k], offset[k]);
        if (kSilu) now[k] = silu(now[k]);
      }
      store(now, y + place.at(shape, row + r * place.step));
    }
  });
}
template <bool kSilu, class T>
static __global__ void __launch_bounds__(kBlock)
    norm_apply(NormShape shape, Cover cover, const T* __restrict__ x, const float* line, T* __restrict__ y) {
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

inline Slice slice_of(const NormShape& shape) {
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
    norm_at_once(NormShape shape, Slice slice, const T* __restrict__ x, NormInputs<T> inputs, float* statistics,
                 T* __restrict__ y) {
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

/// A channel's normalised value x_hat = inverse x + to_hat, and the norm's output z = weight x_hat + bias.
struct Channels {
  float inverse[kEight], to_hat[kEight], weight[kEight], bias[kEight];
};
/// The group of a thread's channel k.
__device__ inline int64_t group_of(const NormShape& shape, const Place& place, int k) {
  const unsigned width = unsigned(shape.channels) / unsigned(shape.groups);  // a GPU divides wider numbers slowly
  return place.sample * shape.groups + (unsigned(place.channel) + unsigned(k)) / width;
}
template <class T>
__device__ inline Channels channels_at(const NormShape& shape, const Place& place, const NormInputs<T>& inputs,
                                       const float* statistics) {
  Channels channels;
  for (int k = 0; k < kEight; ++k) {
    const int64_t channel = place.channel + k;
    const float* of_group = statistics + group_of(shape, place, k) * 2;
    channels.inverse[k] = of_group[1];
    channels.to_hat[k] = (shift_at(inputs, place.sample, channel) - of_group[0]) * of_group[1];
    channels.weight[k] = inputs.weight[channel];
    channels.bias[k] = inputs.bias[channel];
  }
  return channels;
}
/// x_hat, and dL/dz from dL/dy, of a row's eight channels.
struct AtNorm {
  float x_hat[kEight], dz[kEight];
};
template <bool kSilu, class T>
__device__ inline AtNorm at_norm(const Eight<T>& x, const Eight<T>& dy, const Channels& channels) {
  float now[kEight];
  AtNorm at;
  unpack(x, now);
  unpack(dy, at.dz);
  for (int k = 0; k < kEight; ++k) {
    at.x_hat[k] = fmaf(now[k], channels.inverse[k], channels.to_hat[k]);
    if (kSilu) at.dz[k] *= silu_derivative(fmaf(channels.weight[k], at.x_hat[k], channels.bias[k]));
  }
  return at;
}
/// use(row, its AtNorm) for each of a thread's rows.
template <bool kSilu, class T, class Use>
__device__ inline void for_gradients(const NormShape& shape, const Place& place, const Channels& channels,
                                     const T* __restrict__ x, const T* __restrict__ dy, const Use& use) {
  for_rows<2>(place, [&](int row, auto rows) {
    Eight<T> of_x[rows.value], of_dy[rows.value];
    for (int r = 0; r < rows.value; ++r) {
      const int64_t at = place.at(shape, row + r * place.step);
      of_x[r] = eight_at(x + at);
      of_dy[r] = eight_at(dy + at);
    }
    for (int r = 0; r < rows.value; ++r) use(row + r * place.step, at_norm<kSilu>(of_x[r], of_dy[r], channels));
  });
}

/// Sums of dz and of dz x_hat by channel, as channel_sums.
template <bool kSilu, class T>
static __global__ void __launch_bounds__(kBlock)
    gradient_sums(NormShape shape, Cover cover, const T* __restrict__ x, const T* __restrict__ dy, NormInputs<T> inputs,
                  const float* statistics, float* sums) {
  const Place place = place_of_thread(shape, cover);
  float sum[kEight] = {}, with_hat[kEight] = {};
  if (place.inside) {
    const Channels channels = channels_at(shape, place, inputs, statistics);
    for_gradients<kSilu>(shape, place, channels, x, dy, [&](int, const AtNorm& at) {
      for (int k = 0; k < kEight; ++k) {
        sum[k] += at.dz[k];
        with_hat[k] = fmaf(at.dz[k], at.x_hat[k], with_hat[k]);
      }
    });
  }
  write_sums(shape, cover, sum, with_hat, sums);
}

/// totals [samples, 2, channels]: the sums over all rows, which are dbias and dweight of a sample. line
/// [samples, groups, 2]: dx = inverse weight dz + line[0] x_hat + line[1].
static __global__ void __launch_bounds__(kBlock)
    gradient_lines(NormShape shape, int chunks, const float* sums, const float* weight, const float* statistics,
                   float* totals, float* line) {
  __shared__ double sum_of[cuda::kWidestGroup], with_hat_of[cuda::kWidestGroup];
  add_chunks(shape, chunks, sums, sum_of, with_hat_of);
  const int64_t width = shape.width(), first = blockIdx.x * width, sample = blockIdx.y;
  for (int64_t c = threadIdx.x; c < width; c += kBlock) {
    float* to = totals + sample * 2 * shape.channels + first + c;
    to[0] = float(sum_of[c]);
    to[shape.channels] = float(with_hat_of[c]);
  }
  if (threadIdx.x != 0) return;
  double sum = 0, with_hat = 0;
  for (int64_t c = 0; c < width; ++c) {
    sum += double(weight[first + c]) * sum_of[c];
    with_hat += double(weight[first + c]) * with_hat_of[c];
  }
  const int64_t group = sample * shape.groups + blockIdx.x;
  const double share = double(statistics[group * 2 + 1]) / (double(shape.rows) * double(width));
  line[group * 2] = float(-share * with_hat);
  line[group * 2 + 1] = float(-share * sum);
}

template <bool kSilu, class T>
static __global__ void __launch_bounds__(kBlock)
    gradient_apply(NormShape shape, Cover cover, const T* __restrict__ x, const T* __restrict__ dy,
                   NormInputs<T> inputs, const float* statistics, const float* line, T* __restrict__ dx) {
  const Place place = place_of_thread(shape, cover);
  if (!place.inside) return;
  const Channels channels = channels_at(shape, place, inputs, statistics);
  float of_dz[kEight], of_hat[kEight], constant[kEight];
  for (int k = 0; k < kEight; ++k) {
    const float* of_group = line + group_of(shape, place, k) * 2;
    of_dz[k] = channels.inverse[k] * channels.weight[k];
    of_hat[k] = of_group[0];
    constant[k] = of_group[1];
  }
  for_gradients<kSilu>(shape, place, channels, x, dy, [&](int row, const AtNorm& at) {
    float gradient[kEight];
    for (int k = 0; k < kEight; ++k) {
      gradient[k] = fmaf(of_dz[k], at.dz[k], fmaf(of_hat[k], at.x_hat[k], constant[k]));
    }
    store(gradient, dx + place.at(shape, row));
  });
}

}  // namespace lucid::diffusion::LUCID_CUDA_PLATFORM
