// SPDX-License-Identifier: Apache-2.0
// GroupNorm of maps with channels next to each other, then SiLU if asked, and its gradient. Both directions are three
// kernels: sums by channel over a chunk of the rows; a line through them for each channel (a group need not be a whole
// number of vectors, so the first kernel knows of channels alone); and the line applied. Every sum has one order.
#pragma once

#include "lucid/diffusion/cuda/fused_device.h"
#include "lucid/diffusion/cuda/numbers.h"

namespace lucid::diffusion::LUCID_CUDA_PLATFORM {

/// How a block of threads covers a map: `columns` vectors of channels times `lanes` rows at once, over a chunk of the
/// rows. Block (chunk, sample * tiles + tile).
struct Cover {
  int columns = 0, lanes = 0, tiles = 0, chunks = 0;
  int64_t chunk_rows = 0;
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
  cover.chunk_rows = (shape.rows + chunks - 1) / chunks;
  cover.chunks = int((shape.rows + cover.chunk_rows - 1) / cover.chunk_rows);
  return cover;
}

/// A thread's part of a map.
struct Place {
  bool inside;
  int64_t sample, channel;  // the first of eight channels
  int64_t begin, end;       // rows, in steps of cover.lanes
  __device__ int64_t at(const NormShape& shape, int64_t row) const {
    return (sample * shape.rows + row) * shape.channels + channel;
  }
};
__device__ inline Place place_of_thread(const NormShape& shape, const Cover& cover) {
  const int column = int(threadIdx.x) % cover.columns, lane = int(threadIdx.x) / cover.columns;
  const int64_t chunk_begin = blockIdx.x * cover.chunk_rows;
  Place place;
  place.sample = blockIdx.y / cover.tiles;
  place.channel = (int64_t(blockIdx.y % cover.tiles) * cover.columns + column) * kEight;
  place.inside = lane < cover.lanes && place.channel < shape.channels;
  place.begin = chunk_begin + lane;
  place.end = chunk_begin + cover.chunk_rows < shape.rows ? chunk_begin + cover.chunk_rows : shape.rows;
  return place;
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
static __global__ void __launch_bounds__(kBlock) channel_sums(NormShape shape, Cover cover, const T* x, float* sums) {
  const Place place = place_of_thread(shape, cover);
  float sum[kEight] = {}, squares[kEight] = {};
  if (place.inside) {
    float first[kEight], now[kEight];
    load(x + place.at(shape, 0), first);
    for (int64_t row = place.begin; row < place.end; row += cover.lanes) {
      load(x + place.at(shape, row), now);
      for (int k = 0; k < kEight; ++k) {
        const float d = now[k] - first[k];
        sum[k] += d;
        squares[k] = fmaf(d, d, squares[k]);
      }
    }
  }
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
    for (int bits = 16; bits > 0; bits /= 2) {
      sum += __shfl_xor_sync(kAllLanes, sum, bits);
      second += __shfl_xor_sync(kAllLanes, second, bits);
    }
    if (lane_of_thread() == 0) {
      sum_of[c] = sum;
      second_of[c] = second;
    }
  }
  __syncthreads();
}

/// statistics [samples, groups, 2]: mean, inverse deviation. line [samples, 2, channels]: y = line[0] x + line[1].
template <class T>
static __global__ void __launch_bounds__(kBlock) norm_lines(NormShape shape, int chunks, const T* x, const float* sums,
                                                            NormInputs<T> inputs, float* statistics, float* line) {
  __shared__ double mean_of[cuda::kWidestGroup], squares_of[cuda::kWidestGroup];
  add_chunks(shape, chunks, sums, mean_of, squares_of);
  const int64_t width = shape.width(), first = blockIdx.x * width, sample = blockIdx.y;
  const double rows = double(shape.rows);
  for (int64_t c = threadIdx.x; c < width; c += kBlock) {
    const double sum = mean_of[c];
    squares_of[c] -= sum * sum / rows;
    mean_of[c] = sum / rows + double(float_of(x[sample * shape.rows * shape.channels + first + c])) +
                 double(shift_at(inputs, sample, first + c));
  }
  __syncthreads();
  double mean = 0, squares = 0;
  for (int64_t c = 0; c < width; ++c) mean += mean_of[c];
  mean /= double(width);
  for (int64_t c = 0; c < width; ++c) squares += squares_of[c] + rows * (mean_of[c] - mean) * (mean_of[c] - mean);
  const double variance = squares / (rows * double(width));
  const double inverse = 1 / sqrt(variance + double(inputs.eps));
  if (threadIdx.x == 0) {
    statistics[(sample * shape.groups + blockIdx.x) * 2] = float(mean);
    statistics[(sample * shape.groups + blockIdx.x) * 2 + 1] = float(inverse);
  }
  for (int64_t c = threadIdx.x; c < width; c += kBlock) {
    const double factor = inverse * double(inputs.weight[first + c]);
    float* to = line + sample * 2 * shape.channels + first + c;
    to[0] = float(factor);
    to[shape.channels] =
        float((double(shift_at(inputs, sample, first + c)) - mean) * factor + double(inputs.bias[first + c]));
  }
}

template <class T>
static __global__ void __launch_bounds__(kBlock)
    norm_apply(NormShape shape, Cover cover, const T* x, const float* line, bool with_silu, T* y) {
  const Place place = place_of_thread(shape, cover);
  if (!place.inside) return;
  float factor[kEight], offset[kEight], now[kEight];
  load(line + place.sample * 2 * shape.channels + place.channel, factor);
  load(line + (place.sample * 2 + 1) * shape.channels + place.channel, offset);
  for (int64_t row = place.begin; row < place.end; row += cover.lanes) {
    load(x + place.at(shape, row), now);
    for (int k = 0; k < kEight; ++k) {
      now[k] = fmaf(now[k], factor[k], offset[k]);
      if (with_silu) now[k] = silu(now[k]);
    }
    store(now, y + place.at(shape, row));
  }
}

/// A channel's normalised value x_hat = inverse x + to_hat, and the norm's output z = weight x_hat + bias.
struct Channels {
  float inverse[kEight], to_hat[kEight], weight[kEight], bias[kEight];
};
template <class T>
__device__ inline Channels channels_at(const NormShape& shape, const Place& place, const NormInputs<T>& inputs,
                                       const float* statistics) {
  Channels channels;
  for (int k = 0; k < kEight; ++k) {
    const int64_t channel = place.channel + k;
    const float* of_group = statistics + (place.sample * shape.groups + channel / shape.width()) * 2;
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
template <class T>
__device__ inline AtNorm at_norm(const T* x, const T* dy, const Channels& channels, bool with_silu) {
  float now[kEight];
  AtNorm at;
  load(x, now);
  load(dy, at.dz);
  for (int k = 0; k < kEight; ++k) {
    at.x_hat[k] = fmaf(now[k], channels.inverse[k], channels.to_hat[k]);
    if (with_silu) at.dz[k] *= silu_derivative(fmaf(channels.weight[k], at.x_hat[k], channels.bias[k]));
  }
  return at;
}

/// Sums of dz and of dz x_hat by channel, as channel_sums.
template <class T>
static __global__ void __launch_bounds__(kBlock)
    gradient_sums(NormShape shape, Cover cover, const T* x, const T* dy, NormInputs<T> inputs, const float* statistics,
                  bool with_silu, float* sums) {
  const Place place = place_of_thread(shape, cover);
  float sum[kEight] = {}, with_hat[kEight] = {};
  if (place.inside) {
    const Channels channels = channels_at(shape, place, inputs, statistics);
    for (int64_t row = place.begin; row < place.end; row += cover.lanes) {
      const AtNorm at = at_norm(x + place.at(shape, row), dy + place.at(shape, row), channels, with_silu);
      for (int k = 0; k < kEight; ++k) {
        sum[k] += at.dz[k];
        with_hat[k] = fmaf(at.dz[k], at.x_hat[k], with_hat[k]);
      }
    }
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

template <class T>
static __global__ void __launch_bounds__(kBlock)
    gradient_apply(NormShape shape, Cover cover, const T* x, const T* dy, NormInputs<T> inputs, const float* statistics,
                   const float* line, bool with_silu, T* dx) {
  const Place place = place_of_thread(shape, cover);
  if (!place.inside) return;
  const Channels channels = channels_at(shape, place, inputs, statistics);
  float of_hat[kEight], constant[kEight], gradient[kEight];
  for (int k = 0; k < kEight; ++k) {
    const float* of_group = line + (place.sample * shape.groups + (place.channel + k) / shape.width()) * 2;
    of_hat[k] = of_group[0];
    constant[k] = of_group[1];
  }
  for (int64_t row = place.begin; row < place.end; row += cover.lanes) {
    const AtNorm at = at_norm(x + place.at(shape, row), dy + place.at(shape, row), channels, with_silu);
    for (int k = 0; k < kEight; ++k) {
      gradient[k] = fmaf(channels.inverse[k] * channels.weight[k], at.dz[k], fmaf(of_hat[k], at.x_hat[k], constant[k]));
    }
    store(gradient, dx + place.at(shape, row));
  }
}

}  // namespace lucid::diffusion::LUCID_CUDA_PLATFORM
