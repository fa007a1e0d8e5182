// SPDX-License-Identifier: Apache-2.0
// The gradient of GroupNorm and SiLU in three kernels, as forward: sums by channel, a line a group, the line applied.
#pragma once

#include "lucid/nn/cuda/group_norm_cover.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

/// A channel's normalised value x_hat = inverse x + to_hat, and the norm's output z = weight x_hat + bias.
struct Channels {
  float inverse[kEight], to_hat[kEight], weight[kEight], bias[kEight];
};
/// The group of a thread's channel k.
__device__ inline int64_t group_of(const kernels::NormShape& shape, const Place& place, int k) {
  const unsigned width = unsigned(shape.channels) / unsigned(shape.groups);  // a GPU divides wider numbers slowly
  return place.sample * shape.groups + (unsigned(place.channel) + unsigned(k)) / width;
}
template <class T>
__device__ inline Channels channels_at(const kernels::NormShape& shape, const Place& place, const NormInputs<T>& inputs,
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
__device__ inline void for_gradients(const kernels::NormShape& shape, const Place& place, const Channels& channels,
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
    gradient_sums(kernels::NormShape shape, Cover cover, const T* __restrict__ x, const T* __restrict__ dy,
                  NormInputs<T> inputs, const float* statistics, float* sums) {
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
    gradient_lines(kernels::NormShape shape, int chunks, const float* sums, const float* weight,
                   const float* statistics, float* totals, float* line) {
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
    gradient_apply(kernels::NormShape shape, Cover cover, const T* __restrict__ x, const T* __restrict__ dy,
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

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
