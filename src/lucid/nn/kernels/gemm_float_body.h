// SPDX-License-Identifier: Apache-2.0
// float32 matrix products (GEMM) of any number of rows with a panel of kPanel columns, with the sums in registers.
// First part of float_kernels_body.h.

/// Rows of a product that are computed together. Times kPanel columns, their sums fill the registers: 24 of the 32 of
/// AVX-512, 12 of the 16 of other instruction sets.
constexpr int64_t kMaxRows = kLanes == 16 ? 12 : 6;
constexpr int64_t kPanel = 2 * kLanes;  // columns

constexpr int64_t round_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }
constexpr int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

/// A row-major matrix whose rows begin `stride` elements apart.
struct Rows {
  const float* data;
  int64_t stride;
};

/// c [kRows, kPanel] = (kAdd ? c : 0) + a [kRows, depth] b [depth, kPanel].
template <bool kAdd, int kRows>
void gemm_block(const Rows& a, int64_t depth, const float* b, float* c, int64_t c_stride) {
  Vec sums[kRows][2];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    sums[r][0] = kAdd ? load(c + r * c_stride) : Vec{};
    sums[r][1] = kAdd ? load(c + r * c_stride + kLanes) : Vec{};
  }
  const float* data = a.data;
  const int64_t stride = a.stride;
  for (int64_t i = 0; i < depth; ++i) {
    const Vec left = load(b + i * kPanel), right = load(b + i * kPanel + kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const float element = data[r * stride + i];
      sums[r][0] += element * left;
      sums[r][1] += element * right;
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    store(c + r * c_stride, sums[r][0]);
    store(c + r * c_stride + kLanes, sums[r][1]);
  }
}

using GemmBlock = void (*)(const Rows&, int64_t, const float*, float*, int64_t);
template <bool kAdd, int... kRows>
GemmBlock gemm_block_for(int64_t rows, std::integer_sequence<int, kRows...>) {
  static constexpr GemmBlock kFunctions[] = {gemm_block<kAdd, kRows + 1>...};
  return kFunctions[rows - 1];
}

/// gemm_block() for 1 to kMaxRows rows.
template <bool kAdd>
void gemm_few_rows(int64_t rows, const Rows& a, int64_t depth, const float* b, float* c, int64_t c_stride) {
  gemm_block_for<kAdd>(rows, std::make_integer_sequence<int, kMaxRows>())(a, depth, b, c, c_stride);
}

/// gemm_block() for any number of rows, in groups of nearly equal size.
template <bool kAdd>
void gemm(int64_t rows, const Rows& a, int64_t depth, const float* b, float* c, int64_t c_stride) {
  const int64_t groups = (rows + kMaxRows - 1) / kMaxRows;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = rows * group / groups, count = rows * (group + 1) / groups - first;
    gemm_few_rows<kAdd>(count, {.data = a.data + first * a.stride, .stride = a.stride}, depth, b, c + first * c_stride,
                        c_stride);
  }
}
