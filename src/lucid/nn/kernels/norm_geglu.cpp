// SPDX-License-Identifier: Apache-2.0
// Norms and the gated GELU as plain loops that the compiler vectorises; GCC's target_clones compile each entry point
// for several instruction sets.
#include "lucid/nn/kernels/norm_geglu.h"

#include <algorithm>
#include <bit>
#include <cmath>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__)
#define LUCID_FOR_EACH_ISA __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LUCID_FOR_EACH_ISA
#endif

namespace lucid::nn::kernels {
namespace {

LUCID_INLINE float load(float value) { return value; }
LUCID_INLINE float load(Bfloat16Bits bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

LUCID_INLINE void store(float& to, float value) { to = value; }
LUCID_INLINE void store(Bfloat16Bits& to, float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t to_nearest_even = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  to = static_cast<Bfloat16Bits>(value != value ? 0x7FC0u : to_nearest_even);
}

// exp(x), relative error 2e-7, with x clamped to [-87, 87]. Polynomial of the Cephes library (expf).
LUCID_INLINE float exp_of(float x) {
  constexpr float kToInteger = 12582912;  // 1.5 * 2^23: after adding it, the lowest mantissa bits hold round(x)
  constexpr float kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  x = std::min(std::max(x, -87.0F), 87.0F);
  const float shifted = x * 1.44269504F + kToInteger;
  const float n = shifted - kToInteger;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const int32_t exponent = std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kToInteger);
  return (p * r * r + r + 1) * std::bit_cast<float>((exponent + 127) << 23);
}

LUCID_INLINE float sigmoid(float x) { return 1 / (1 + exp_of(-x)); }

// Φ(x) and φ(x) of the standard normal distribution. Φ to 1e-7 by Abramowitz and Stegun 7.1.26, which shares its
// exponential with φ.
struct Normal {
  float cumulative, density;
};
LUCID_INLINE Normal normal_of(float x) {
  const float power = exp_of(-0.5F * x * x);
  const float t = 1 / (1 + 0.3275911F * 0.70710678F * std::abs(x));
  const float series =
      ((((1.061405429F * t - 1.453152027F) * t + 1.421413741F) * t - 0.284496736F) * t + 0.254829592F) * t;
  const float upper_tail = 0.5F * series * power;  // 1 - Φ(|x|)
  return {.cumulative = x < 0 ? upper_tail : 1 - upper_tail, .density = 0.39894228F * power};
}

LUCID_INLINE float sum_of(const float* values, int64_t count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

template <bool kSilu, class In, class Out>
LUCID_INLINE void norm_forward_of(const NormShape& shape, const NormPart& part, const NormParameters& parameters,
                                  const In* __restrict x, Out* __restrict y, const NormStatistics& statistics,
                                  float* __restrict scratch) {
  const int64_t channels = shape.channels, width = shape.width();
  const int64_t begin = part.first_group * width, end = part.last_group * width;
  const float count = static_cast<float>(shape.rows * width);
  // By channel: sums of x, then of squared deviations, then the scale of y; and the mean, then the offset of y.
  float* __restrict sum = scratch;
  float* __restrict centre = scratch + channels;
  for (int64_t s = part.first_sample; s < part.last_sample; ++s) {
    const In* __restrict from = x + s * shape.rows * channels;
    Out* __restrict to = y + s * shape.rows * channels;
    std::fill(sum + begin, sum + end, 0.0F);
    for (int64_t r = 0; r < shape.rows; ++r) {
      for (int64_t c = begin; c < end; ++c) sum[c] += load(from[r * channels + c]);
    }
    for (int64_t g = part.first_group; g < part.last_group; ++g) {
      const float mean = sum_of(sum + g * width, width) / count;
      statistics.mean[s * shape.groups + g] = mean;
      std::fill_n(centre + g * width, width, mean);
    }
    std::fill(sum + begin, sum + end, 0.0F);
    for (int64_t r = 0; r < shape.rows; ++r) {
      for (int64_t c = begin; c < end; ++c) {
        const float deviation = load(from[r * channels + c]) - centre[c];
        sum[c] += deviation * deviation;
      }
    }
    for (int64_t g = part.first_group; g < part.last_group; ++g) {
      const float variance = sum_of(sum + g * width, width) / count;
      const float inverse = 1 / std::sqrt(variance + parameters.eps);
      statistics.inverse_deviation[s * shape.groups + g] = inverse;
      for (int64_t c = g * width; c < (g + 1) * width; ++c) {
        sum[c] = parameters.weight[c] * inverse;
        centre[c] = parameters.bias[c] - centre[c] * sum[c];
      }
    }
    for (int64_t r = 0; r < shape.rows; ++r) {
      for (int64_t c = begin; c < end; ++c) {
        const float z = load(from[r * channels + c]) * sum[c] + centre[c];
        store(to[r * channels + c], kSilu ? z * sigmoid(z) : z);
      }
    }
  }
}

// With n = (x - mean) / deviation and z = w n + b: d_z = d_y silu'(z), and with means over a group
// d_x = (w d_z - mean(w d_z) - n mean(w d_z n)) / deviation.
template <bool kSilu, class T>
LUCID_INLINE void norm_backward_of(const NormShape& shape, const NormPart& part, const NormParameters& parameters,
                                   const T* __restrict x, const T* __restrict d_y, const NormStatistics& statistics,
                                   T* __restrict d_x, float* __restrict d_weight, float* __restrict d_bias,
                                   float* __restrict scratch) {
  const int64_t channels = shape.channels, width = shape.width();
  const int64_t begin = part.first_group * width, end = part.last_group * width;
  const float count = static_cast<float>(shape.rows * width);
  const float* __restrict weight = parameters.weight;
  const float* __restrict bias = parameters.bias;
  float* __restrict mean = scratch;
  float* __restrict inverse = scratch + channels;
  float* __restrict sum_dz = scratch + 2 * channels;
  float* __restrict sum_dz_n = scratch + 3 * channels;
  float* __restrict mean_w_dz = scratch + 4 * channels;
  float* __restrict mean_w_dz_n = scratch + 5 * channels;
  const auto through_silu = [&](float d, float n, int64_t c) {
    if (!kSilu) return d;
    const float z = n * weight[c] + bias[c], s = sigmoid(z);
    return d * s * (1 + z * (1 - s));
  };
  for (int64_t s = part.first_sample; s < part.last_sample; ++s) {
    const int64_t offset = s * shape.rows * channels;
    for (int64_t g = part.first_group; g < part.last_group; ++g) {
      std::fill_n(mean + g * width, width, statistics.mean[s * shape.groups + g]);
      std::fill_n(inverse + g * width, width, statistics.inverse_deviation[s * shape.groups + g]);
    }
    std::fill(sum_dz + begin, sum_dz + end, 0.0F);
    std::fill(sum_dz_n + begin, sum_dz_n + end, 0.0F);
    for (int64_t r = 0; r < shape.rows; ++r) {
      const T* __restrict from = x + offset + r * channels;
      const T* __restrict row_d_y = d_y + offset + r * channels;
      for (int64_t c = begin; c < end; ++c) {
        const float n = (load(from[c]) - mean[c]) * inverse[c];
        const float d_z = through_silu(load(row_d_y[c]), n, c);
        sum_dz[c] += d_z;
        sum_dz_n[c] += d_z * n;
      }
    }
    for (int64_t g = part.first_group; g < part.last_group; ++g) {
      const int64_t first = g * width;
      for (int64_t c = first; c < first + width; ++c) {
        d_bias[c] += sum_dz[c];
        d_weight[c] += sum_dz_n[c];
        sum_dz[c] *= weight[c];
        sum_dz_n[c] *= weight[c];
      }
      std::fill_n(mean_w_dz + first, width, sum_of(sum_dz + first, width) / count);
      std::fill_n(mean_w_dz_n + first, width, sum_of(sum_dz_n + first, width) / count);
    }
    for (int64_t r = 0; r < shape.rows; ++r) {
      const T* __restrict from = x + offset + r * channels;
      const T* __restrict row_d_y = d_y + offset + r * channels;
      T* __restrict to = d_x + offset + r * channels;
      for (int64_t c = begin; c < end; ++c) {
        const float n = (load(from[c]) - mean[c]) * inverse[c];
        const float d_z = through_silu(load(row_d_y[c]), n, c);
        store(to[c], inverse[c] * (weight[c] * d_z - mean_w_dz[c] - n * mean_w_dz_n[c]));
      }
    }
  }
}

template <class T>
LUCID_INLINE void geglu_forward_of(int64_t rows, int64_t width, const T* __restrict ab, T* __restrict y) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* __restrict a = ab + 2 * r * width;
    const T* __restrict b = a + width;
    T* __restrict to = y + r * width;
    for (int64_t i = 0; i < width; ++i) {
      const float gate = load(b[i]);
      store(to[i], load(a[i]) * gate * normal_of(gate).cumulative);
    }
  }
}

template <class T>
LUCID_INLINE void geglu_backward_of(int64_t rows, int64_t width, const T* __restrict ab, const T* __restrict d_y,
                                    T* __restrict d_ab) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* __restrict a = ab + 2 * r * width;
    const T* __restrict b = a + width;
    const T* __restrict row_d_y = d_y + r * width;
    T* __restrict d_a = d_ab + 2 * r * width;
    T* __restrict d_b = d_a + width;
    for (int64_t i = 0; i < width; ++i) {
      const float gate = load(b[i]), d = load(row_d_y[i]);
      const Normal normal = normal_of(gate);
      store(d_a[i], d * gate * normal.cumulative);
      store(d_b[i], d * load(a[i]) * (normal.cumulative + gate * normal.density));
    }
  }
}

}  // namespace

// target_clones does not work on a template, hence one full specialisation for each element type.
#define LUCID_NORM_OF(In, Out)                                                                             \
  template <>                                                                                              \
  LUCID_FOR_EACH_ISA void norm_forward<In, Out>(const NormShape& shape, const NormPart& part,              \
                                                const NormParameters& parameters, const In* x, Out* y,     \
                                                const NormStatistics& statistics, float* scratch) {        \
    if (parameters.silu) return norm_forward_of<true>(shape, part, parameters, x, y, statistics, scratch); \
    norm_forward_of<false>(shape, part, parameters, x, y, statistics, scratch);                            \
  }
#define LUCID_KERNELS_OF(T)                                                                                       \
  template <>                                                                                                     \
  LUCID_FOR_EACH_ISA void norm_backward<T>(                                                                       \
      const NormShape& shape, const NormPart& part, const NormParameters& parameters, const T* x, const T* d_y,   \
      const NormStatistics& statistics, T* d_x, float* d_weight, float* d_bias, float* scratch) {                 \
    if (parameters.silu) {                                                                                        \
      return norm_backward_of<true>(shape, part, parameters, x, d_y, statistics, d_x, d_weight, d_bias, scratch); \
    }                                                                                                             \
    norm_backward_of<false>(shape, part, parameters, x, d_y, statistics, d_x, d_weight, d_bias, scratch);         \
  }                                                                                                               \
  template <>                                                                                                     \
  LUCID_FOR_EACH_ISA void geglu_forward<T>(int64_t rows, int64_t width, const T* ab, T* y) {                      \
    geglu_forward_of(rows, width, ab, y);                                                                         \
  }                                                                                                               \
  template <>                                                                                                     \
  LUCID_FOR_EACH_ISA void geglu_backward<T>(int64_t rows, int64_t width, const T* ab, const T* d_y, T* d_ab) {    \
    geglu_backward_of(rows, width, ab, d_y, d_ab);                                                                \
  }

LUCID_NORM_OF(float, float)
LUCID_NORM_OF(float, Bfloat16Bits)
LUCID_NORM_OF(Bfloat16Bits, Bfloat16Bits)
LUCID_KERNELS_OF(float)
LUCID_KERNELS_OF(Bfloat16Bits)

}  // namespace lucid::nn::kernels
