// SPDX-License-Identifier: Apache-2.0
// The host side of device_kernels.h: grid sizes and the order of kernel launches, for CUDA or for its emulation
// (base/cuda/platform.h).
#pragma once

#include "lucid/nn/cuda/device_kernels.h"
#include "lucid/nn/cuda/group_norm_gradient_kernels.h"
#include "lucid/nn/cuda/group_norm_kernels.h"
#include "lucid/nn/cuda/token_kernels.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

/// Calls body(zero) with a zero of the C++ type of such elements: float or uint16_t (bfloat16 bits).
template <class Body>
void dispatch_dtype(cuda::Dtype dtype, const Body& body) {
  if (dtype == cuda::Dtype::kFloat) return body(float{});
  body(uint16_t{});
}

template <class T>
NormArguments<T> arguments_of(const cuda::GroupNormCall& call) {
  return {call.weight, call.bias, static_cast<const T*>(call.shift), call.shift_stride, call.eps};
}
/// cuda::group_norm_sums_size().
inline int64_t group_norm_sums_size(const kernels::NormShape& shape) {
  return shape.samples * block_layout_of(shape).chunks * 2 * shape.channels;
}
inline dim3 groups_of(const kernels::NormShape& shape) { return dim3(unsigned(shape.groups), unsigned(shape.samples)); }

inline void group_norm_single_kernel(const cuda::GroupNormCall& call, const ChannelSlice& slice,
                                     const cuda::GroupNormScratch& scratch, void* y, Stream stream) {
  const kernels::NormShape& shape = call.shape;
  const dim3 grid(unsigned(shape.groups / slice.groups), unsigned(shape.samples));
  dispatch_dtype(call.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("norm_single_kernel", call.silu ? norm_single_kernel<true, T> : norm_single_kernel<false, T>, grid,
           kSliceBlock, stream, shape, slice, static_cast<const T*>(call.x), arguments_of<T>(call), scratch.statistics,
           static_cast<T*>(y));
  });
}

inline void group_norm_three_kernels(const cuda::GroupNormCall& call, const cuda::GroupNormScratch& scratch, void* y,
                                     Stream stream) {
  const kernels::NormShape& shape = call.shape;
  const BlockLayout layout = block_layout_of(shape);
  const dim3 grid = layout.grid(shape.samples);
  dispatch_dtype(call.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = static_cast<const T*>(call.x);
    launch("channel_sums", channel_sums<T>, grid, kBlock, stream, shape, layout, x, scratch.sums);
    launch("norm_coefficients", norm_coefficients<T>, groups_of(shape), kBlock, stream, shape, layout.chunks, x,
           scratch.sums, arguments_of<T>(call), scratch.statistics, scratch.coefficients);
    launch("norm_apply", call.silu ? norm_apply<true, T> : norm_apply<false, T>, grid, kBlock, stream, shape, layout, x,
           scratch.coefficients, static_cast<T*>(y));
  });
}

inline void group_norm_forward(const cuda::GroupNormCall& call, const cuda::GroupNormScratch& scratch, void* y,
                               Stream stream) {
  const ChannelSlice slice = channel_slice_of(call.shape);
  if (slice) return group_norm_single_kernel(call, slice, scratch, y, stream);
  group_norm_three_kernels(call, scratch, y, stream);
}

inline void group_norm_backward(const cuda::GroupNormCall& call, const cuda::GroupNormScratch& scratch, const void* d_y,
                                float* totals, void* d_x, Stream stream) {
  const kernels::NormShape& shape = call.shape;
  const BlockLayout layout = block_layout_of(shape);
  const dim3 grid = layout.grid(shape.samples);
  dispatch_dtype(call.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *x = static_cast<const T*>(call.x), *typed_d_y = static_cast<const T*>(d_y);
    launch("gradient_sums", call.silu ? gradient_sums<true, T> : gradient_sums<false, T>, grid, kBlock, stream, shape,
           layout, x, typed_d_y, arguments_of<T>(call), scratch.statistics, scratch.sums);
    launch("gradient_coefficients", gradient_coefficients, groups_of(shape), kBlock, stream, shape, layout.chunks,
           scratch.sums, call.weight, scratch.statistics, totals, scratch.coefficients);
    launch("gradient_apply", call.silu ? gradient_apply<true, T> : gradient_apply<false, T>, grid, kBlock, stream,
           shape, layout, x, typed_d_y, arguments_of<T>(call), scratch.statistics, scratch.coefficients,
           static_cast<T*>(d_x));
  });
}

template <class X, class T>
void layer_norm_of_width(const cuda::LayerNormCall& call, Stream stream) {
  const auto run = [&](auto* kernel) {
    launch("layer_norm_of_sum", kernel, blocks_for(call.rows, kRowsPerBlock), kBlock, stream, call.rows, call.channels,
           static_cast<const X*>(call.x), static_cast<const T*>(call.branch), call.weight, call.bias, call.eps,
           static_cast<X*>(call.sum), static_cast<T*>(call.y));
  };
  static_assert(kMaxVectors == 6, "the last case below");
  switch ((call.channels + kVecSize * int(kWarp) - 1) / (kVecSize * int(kWarp))) {
    case 1:
      return run(layer_norm_of_sum<X, T, 1>);
    case 2:
      return run(layer_norm_of_sum<X, T, 2>);
    case 3:
      return run(layer_norm_of_sum<X, T, 3>);
    case 4:
      return run(layer_norm_of_sum<X, T, 4>);
    case 5:
      return run(layer_norm_of_sum<X, T, 5>);
    default:
      return run(layer_norm_of_sum<X, T, kMaxVectors>);
  }
}

inline void layer_norm(const cuda::LayerNormCall& call, Stream stream) {
  if (call.x_dtype == cuda::Dtype::kBfloat16) return layer_norm_of_width<uint16_t, uint16_t>(call, stream);
  dispatch_dtype(call.dtype, [&](auto zero) { layer_norm_of_width<float, decltype(zero)>(call, stream); });
}

/// Calls body(first row, number of rows) for chunks of rows so small that a kernel can number their vectors in 32 bits:
/// a 64-bit division would cost as much as the rest of the kernel.
template <class Body>
void for_row_chunks(int64_t rows, int vectors, const Body& body) {
  const int64_t most = (INT32_MAX - int64_t(kBlock)) / vectors;
  for (int64_t begin = 0; begin < rows; begin += most) body(begin, rows - begin < most ? rows - begin : most);
}

inline void gated_gelu(cuda::Dtype dtype, int64_t rows, int width, const void* ab, void* y, Stream stream) {
  dispatch_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    const int vectors = width / kVecSize;
    for_row_chunks(rows, vectors, [&](int64_t begin, int64_t count) {
      launch("gated_gelu_rows", gated_gelu_rows<T>, blocks_for(count * vectors, kBlock), kBlock, stream, int(count),
             width, static_cast<const T*>(ab) + begin * 2 * width, static_cast<T*>(y) + begin * width);
    });
  });
}

inline void sum(const cuda::SumCall& call, Stream stream) {
  const auto run = [&](auto a_zero, auto b_zero) {
    using A = decltype(a_zero);
    using T = decltype(b_zero);
    const int vectors = call.channels / kVecSize;
    for_row_chunks(call.rows, vectors, [&](int64_t begin, int64_t count) {
      const int64_t at = begin * call.channels;
      launch("sum_with_biases", sum_with_biases<A, T>, blocks_for(count * vectors, kBlock), kBlock, stream, int(count),
             call.channels, static_cast<const A*>(call.a) + at, static_cast<const T*>(call.b) + at,
             static_cast<const T*>(call.bias), static_cast<const T*>(call.other_bias), static_cast<T*>(call.y) + at);
    });
  };
  if (call.a_dtype == cuda::Dtype::kBfloat16) return run(uint16_t{}, uint16_t{});
  dispatch_dtype(call.dtype, [&](auto zero) { run(float{}, zero); });
}

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
