// SPDX-License-Identifier: Apache-2.0
// What the kernels of GroupNorm have in common: which threads read which of a map's numbers, with channels next to each
// other, and how their sums are added. Every sum has one order.
#pragma once

#include <type_traits>

#include "lucid/nn/cuda/device_kernels.h"
#include "lucid/nn/cuda/numbers.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

/// How a block of threads covers a map: `columns` vectors of channels times `lanes` rows at once, over a chunk of the
/// rows. Block (chunk, sample * tiles + tile).
struct Cover {
  int columns = 0, lanes = 0, tiles = 0, chunks = 0, chunk_rows = 0;
  dim3 grid(int64_t samples) const { return dim3(unsigned(chunks), unsigned(samples * tiles)); }
};

inline Cover cover_of(const kernels::NormShape& shape) {
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
  __device__ int64_t at(const kernels::NormShape& shape, int64_t row) const {
    return (sample * shape.rows + row) * shape.channels + channel;
  }
};
__device__ inline Place place_of_thread(const kernels::NormShape& shape, const Cover& cover) {
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

/// use(row, its eight numbers) for a thread's rows, kMost of them loaded at once.
template <int kMost, class T, class Use>
__device__ inline void for_numbers(const kernels::NormShape& shape, const Place& place, const T* __restrict__ x,
                                   const Use& use) {
  for_rows<kMost>(place, [&](int row, auto rows) {
    Eight<T> eight[rows.value];
    for (int r = 0; r < rows.value; ++r) eight[r] = eight_at(x + place.at(shape, row + r * place.step));
    for (int r = 0; r < rows.value; ++r) {
      float now[kEight];
      unpack(eight[r], now);
      use(row + r * place.step, now);
    }
  });
}

/// Adds the lanes' two sums a channel; sums [samples, chunks, 2, channels].
__device__ inline void write_sums(const kernels::NormShape& shape, const Cover& cover, const float (&first)[kEight],
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
__device__ inline void add_chunks(const kernels::NormShape& shape, int chunks, const float* sums, double* sum_of,
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

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
