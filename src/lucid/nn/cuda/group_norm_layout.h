// SPDX-License-Identifier: Apache-2.0
// Shared by the GroupNorm kernels: how thread blocks divide a channels-last map, and the reduction of their sums. Every
// sum is added in one fixed order, so results do not vary from run to run.
#pragma once

#include <type_traits>

#include "lucid/nn/cuda/device_kernels.h"
#include "lucid/nn/cuda/vec8.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

/// A thread block handles a tile of channels and a chunk of rows. Its threads form `columns` Vec8 of channels by
/// `lanes` rows, and step through the chunk. blockIdx = (chunk, sample * tiles + tile).
struct BlockLayout {
  int columns = 0, lanes = 0, tiles = 0, chunks = 0, chunk_rows = 0;
  dim3 grid(int64_t samples) const { return dim3(unsigned(chunks), unsigned(samples * tiles)); }
};

inline BlockLayout block_layout_of(const kernels::NormShape& shape) {
  constexpr int kMaxColumns = 32, kMaxChunks = 256, kMaxBlocks = 2048;
  const int vectors = int(shape.channels / kVecSize);
  BlockLayout layout;
  layout.tiles = (vectors + kMaxColumns - 1) / kMaxColumns;
  layout.columns = (vectors + layout.tiles - 1) / layout.tiles;
  layout.lanes = int(kBlock) / layout.columns;
  const int64_t least_rows = 4 * layout.lanes;  // per chunk
  const int64_t most = kMaxBlocks / (shape.samples * layout.tiles);
  int64_t chunks = (shape.rows + least_rows - 1) / least_rows;
  if (chunks > most) chunks = most;
  if (chunks > kMaxChunks) chunks = kMaxChunks;
  if (chunks < 1) chunks = 1;
  layout.chunk_rows = int((shape.rows + chunks - 1) / chunks);
  layout.chunks = int((shape.rows + layout.chunk_rows - 1) / layout.chunk_rows);
  return layout;
}

/// The rows and channels of a map that one thread handles.
struct ThreadRows {
  bool inside;
  int64_t sample, channel;  // first of eight channels
  int begin, end, step;     // rows
  /// Index of the first of the thread's channels in a row.
  __device__ int64_t at(const kernels::NormShape& shape, int64_t row) const {
    return (sample * shape.rows + row) * shape.channels + channel;
  }
};
__device__ inline ThreadRows rows_of_thread(const kernels::NormShape& shape, const BlockLayout& layout) {
  const int column = int(threadIdx.x) % layout.columns, lane = int(threadIdx.x) / layout.columns;
  const int tile = int(blockIdx.y) % layout.tiles, chunk_begin = int(blockIdx.x) * layout.chunk_rows;
  ThreadRows thread;
  thread.sample = int(blockIdx.y) / layout.tiles;
  thread.channel = (tile * layout.columns + column) * kVecSize;
  thread.inside = lane < layout.lanes && thread.channel < shape.channels;
  thread.begin = chunk_begin + lane;
  thread.end = chunk_begin + layout.chunk_rows < int(shape.rows) ? chunk_begin + layout.chunk_rows : int(shape.rows);
  thread.step = layout.lanes;
  return thread;
}

/// Calls body(first row, number of rows) for a thread's rows, kBatch rows at once, then the rest one by one. Loading
/// several rows before the first is used hides the latency of memory; nvcc does not reorder loads so.
template <int kBatch, class Body>
__device__ inline void for_row_batches(const ThreadRows& thread, const Body& body) {
  int row = thread.begin;
  for (; row + (kBatch - 1) * thread.step < thread.end; row += kBatch * thread.step) {
    body(row, std::integral_constant<int, kBatch>());
  }
  for (; row < thread.end; row += thread.step) body(row, std::integral_constant<int, 1>());
}

/// Calls use(row, its eight elements as float32) for a thread's rows, with kBatch of them loaded at once.
template <int kBatch, class T, class Use>
__device__ inline void for_each_row(const kernels::NormShape& shape, const ThreadRows& thread, const T* __restrict__ x,
                                    const Use& use) {
  for_row_batches<kBatch>(thread, [&](int row, auto rows) {
    Vec8<T> vec[rows.value];
    for (int r = 0; r < rows.value; ++r) vec[r] = load_vec8(x + thread.at(shape, row + r * thread.step));
    for (int r = 0; r < rows.value; ++r) {
      float now[kVecSize];
      unpack(vec[r], now);
      use(row + r * thread.step, now);
    }
  });
}

/// Adds two sums for each channel over the lanes of a block; writes sums [samples, chunks, 2, channels].
__device__ inline void write_chunk_sums(const kernels::NormShape& shape, const BlockLayout& layout,
                                        const float (&first)[kVecSize], const float (&second)[kVecSize], float* sums) {
  __shared__ float thread_sums[2 * kVecSize][kBlock];
  for (int k = 0; k < kVecSize; ++k) {
    thread_sums[k][threadIdx.x] = first[k];
    thread_sums[kVecSize + k][threadIdx.x] = second[k];
  }
  __syncthreads();
  const int64_t sample = blockIdx.y / layout.tiles, tile = blockIdx.y % layout.tiles;
  float* to = sums + (sample * layout.chunks + blockIdx.x) * 2 * shape.channels;
  for (int i = int(threadIdx.x); i < 2 * kVecSize * layout.columns; i += int(kBlock)) {
    const int k = i / layout.columns, column = i % layout.columns;
    const int64_t channel = (tile * layout.columns + column) * kVecSize + k % kVecSize;
    if (channel >= shape.channels) continue;
    float sum = 0;
    for (int lane = 0; lane < layout.lanes; ++lane) sum += thread_sums[k][lane * layout.columns + column];
    to[k / kVecSize * shape.channels + channel] = sum;
  }
}

/// The norm's parameters, and the shift that is added to x first (GroupNormCall).
template <class T>
struct NormArguments {
  const float *weight, *bias;  // [channels]
  const T* shift;
  int64_t shift_stride;
  float eps;
};
template <class T>
__device__ inline float shift_at(const NormArguments<T>& arguments, int64_t sample, int64_t channel) {
  return arguments.shift == nullptr ? 0.F : float_of(arguments.shift[sample * arguments.shift_stride + channel]);
}

/// Adds the sums of all chunks for the channels of one group of one sample, which is the block's: sum_of[c] and
/// second_of[c], in shared memory.
__device__ inline void reduce_chunks(const kernels::NormShape& shape, int chunks, const float* sums, double* sum_of,
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
