// SPDX-License-Identifier: Apache-2.0
// What the float32 kernels are made of: a register's numbers, and products of few rows with a panel of columns.

/// Rows of a product that are computed together: with kPanel columns their sums fill the registers (24 of 32, 12 of
/// 16).
constexpr int64_t kMostRows = kLanes == 16 ? 12 : 6;
constexpr int64_t kPanel = 2 * kLanes;  // columns

constexpr int64_t rounded_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }
constexpr int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

/// Rows that begin `stride` numbers apart.
struct Rows {
  const float* numbers;
  int64_t stride;
};

/// c [kRows, kPanel] = (kAdd ? c : 0) + a [kRows, depth] b [depth, kPanel].
template <bool kAdd, int kRows>
void multiply(const Rows& a, int64_t depth, const float* b, float* c, int64_t c_stride) {
  Vec sums[kRows][2];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    sums[r][0] = kAdd ? load(c + r * c_stride) : Vec{};
    sums[r][1] = kAdd ? load(c + r * c_stride + kLanes) : Vec{};
  }
  const float* numbers = a.numbers;
  const int64_t stride = a.stride;
  for (int64_t i = 0; i < depth; ++i) {
    const Vec left = load(b + i * kPanel), right = load(b + i * kPanel + kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const float number = numbers[r * stride + i];
      sums[r][0] += number * left;
      sums[r][1] += number * right;
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    store(c + r * c_stride, sums[r][0]);
    store(c + r * c_stride + kLanes, sums[r][1]);
  }
}

using Multiply = void (*)(const Rows&, int64_t, const float*, float*, int64_t);
template <bool kAdd, int... kRows>
Multiply multiply_of(int64_t rows, std::integer_sequence<int, kRows...>) {
  static constexpr Multiply kFunctions[] = {multiply<kAdd, kRows + 1>...};
  return kFunctions[rows - 1];
}

/// The same for 1 to kMostRows rows.
template <bool kAdd>
void multiply_rows(int64_t rows, const Rows& a, int64_t depth, const float* b, float* c, int64_t c_stride) {
  multiply_of<kAdd>(rows, std::make_integer_sequence<int, kMostRows>())(a, depth, b, c, c_stride);
}

/// The same for any number of rows, in groups of nearly equal size.
template <bool kAdd>
void multiply_all_rows(int64_t rows, const Rows& a, int64_t depth, const float* b, float* c, int64_t c_stride) {
  const int64_t groups = (rows + kMostRows - 1) / kMostRows;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = rows * group / groups, count = rows * (group + 1) / groups - first;
    multiply_rows<kAdd>(count, {.numbers = a.numbers + first * a.stride, .stride = a.stride}, depth, b,
                        c + first * c_stride, c_stride);
  }
}
