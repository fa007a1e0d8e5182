// SPDX-License-Identifier: Apache-2.0
// Gradient kernels of GroupNorm with SiLU: sums for each channel (gradient_sums), coefficients for each group
// (gradient_coefficients), then d_x (gradient_apply). kernels/norm_geglu.cpp has the formulas.
#pragma once

#include "lucid/nn/cuda/group_norm_layout.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

/// Of a thread's eight channels: the normalised value is x_hat = inverse x + to_hat, and the norm's output is
/// z = weight x_hat + bias.
struct ChannelParameters {
  float inverse[kVecSize], to_hat[kVecSize], weight[kVecSize], bias[kVecSize];
};
/// Number of the group (sample * groups + group) of a thread's channel k.
__device__ inline int64_t group_of(const kernels::NormShape& shape, const ThreadRows& thread, int k) {
  const unsigned width = unsigned(shape.channels) / unsigned(shape.groups);  // 64-bit division is slow on a GPU
  return thread.sample * shape.groups + (unsigned(thread.channel) + unsigned(k)) / width;
}
template <class T>
__device__ inline ChannelParameters channel_parameters(const kernels::NormShape& shape, const ThreadRows& thread,
                                                       const NormArguments<T>& arguments, const float* statistics) {
  ChannelParameters channels;
  for (int k = 0; k < kVecSize; ++k) {
    const int64_t channel = thread.channel + k;
    const float* group = statistics + group_of(shape, thread, k) * 2;
    channels.inverse[k] = group[1];
    channels.to_hat[k] = (shift_at(arguments, thread.sample, channel) - group[0]) * group[1];
    channels.weight[k] = arguments.weight[channel];
    channels.bias[k] = arguments.bias[channel];
  }
  return channels;
}
/// x_hat and d_z = d_y silu'(z) of eight channels of a row.
struct NormGradientAt {
  float x_hat[kVecSize], d_z[kVecSize];
};
template <bool kSilu, class T>
__device__ inline NormGradientAt norm_gradient_at(const Vec8<T>& x, const Vec8<T>& d_y,
                                                  const ChannelParameters& channels) {
  float now[kVecSize];
  NormGradientAt at;
  unpack(x, now);
  unpack(d_y, at.d_z);
  for (int k = 0; k < kVecSize; ++k) {
    at.x_hat[k] = fmaf(now[k], channels.inverse[k], channels.to_hat[k]);
    if (kSilu) at.d_z[k] *= silu_derivative(fmaf(channels.weight[k], at.x_hat[k], channels.bias[k]));
  }
  return at;
}
/// Calls use(row, its NormGradientAt) for a thread's rows.
template <bool kSilu, class T, class Use>
__device__ inline void for_each_gradient(const kernels::NormShape& shape, const ThreadRows& thread,
                                         const ChannelParameters& channels, const T* __restrict__ x,
                                         const T* __restrict__ d_y, const Use& use) {
  for_row_batches<2>(thread, [&](int row, auto rows) {
    Vec8<T> x_vecs[rows.value], d_y_vecs[rows.value];
    for (int r = 0; r < rows.value; ++r) {
      const int64_t at = thread.at(shape, row + r * thread.step);
      x_vecs[r] = load_vec8(x + at);
      d_y_vecs[r] = load_vec8(d_y + at);
    }
    for (int r = 0; r < rows.value; ++r)
      use(row + r * thread.step, norm_gradient_at<kSilu>(x_vecs[r], d_y_vecs[r], channels));
  });
}

/// Sums of d_z and of d_z x_hat over a chunk of rows: sums [samples, chunks, 2, channels].
template <bool kSilu, class T>
static __global__ void __launch_bounds__(kBlock)
    gradient_sums(kernels::NormShape shape, BlockLayout layout, const T* __restrict__ x, const T* __restrict__ d_y,
                  NormArguments<T> arguments, const float* statistics, float* sums) {
  const ThreadRows thread = rows_of_thread(shape, layout);
  float sum[kVecSize] = {}, with_hat[kVecSize] = {};
  if (thread.inside) {
    const ChannelParameters channels = channel_parameters(shape, thread, arguments, statistics);
    for_each_gradient<kSilu>(shape, thread, channels, x, d_y, [&](int, const NormGradientAt& at) {
      for (int k = 0; k < kVecSize; ++k) {
        sum[k] += at.d_z[k];
        with_hat[k] = fmaf(at.d_z[k], at.x_hat[k], with_hat[k]);
      }
    });
  }
  write_chunk_sums(shape, layout, sum, with_hat, sums);
}

/// One block for each group of a sample. totals [samples, 2, channels]: the sums over all rows, a sample's part of
/// d_bias and d_weight. coefficients [samples, groups, 2]: d_x = inverse weight d_z + coefficients[0] x_hat +
/// coefficients[1].
static __global__ void __launch_bounds__(kBlock)
    gradient_coefficients(kernels::NormShape shape, int chunks, const float* sums, const float* weight,
                          const float* statistics, float* totals, float* coefficients) {
  __shared__ double sum_of[cuda::kMaxGroupChannels], with_hat_of[cuda::kMaxGroupChannels];
  reduce_chunks(shape, chunks, sums, sum_of, with_hat_of);
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
  coefficients[group * 2] = float(-share * with_hat);
  coefficients[group * 2 + 1] = float(-share * sum);
}

/// d_x from d_y and the coefficients of gradient_coefficients.
template <bool kSilu, class T>
static __global__ void __launch_bounds__(kBlock)
    gradient_apply(kernels::NormShape shape, BlockLayout layout, const T* __restrict__ x, const T* __restrict__ d_y,
                   NormArguments<T> arguments, const float* statistics, const float* coefficients,
                   T* __restrict__ d_x) {
  const ThreadRows thread = rows_of_thread(shape, layout);
  if (!thread.inside) return;
  const ChannelParameters channels = channel_parameters(shape, thread, arguments, statistics);
  float dz_factor[kVecSize], x_hat_factor[kVecSize], constant[kVecSize];
  for (int k = 0; k < kVecSize; ++k) {
    const float* group = coefficients + group_of(shape, thread, k) * 2;
    dz_factor[k] = channels.inverse[k] * channels.weight[k];
    x_hat_factor[k] = group[0];
    constant[k] = group[1];
  }
  for_each_gradient<kSilu>(shape, thread, channels, x, d_y, [&](int row, const NormGradientAt& at) {
    float gradient[kVecSize];
    for (int k = 0; k < kVecSize; ++k) {
      gradient[k] = fmaf(dz_factor[k], at.d_z[k], fmaf(x_hat_factor[k], at.x_hat[k], constant[k]));
    }
    store(gradient, d_x + thread.at(shape, row));
  });
}

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
