// SPDX-License-Identifier: Apache-2.0
// attention_kernel.h in float32: after float_product_body.h.

namespace attention {

constexpr int64_t kBlockRows = 48;  // queries of one call
constexpr int64_t kKeyBlock = 256;  // keys between two looks at the running maximum
static_assert(kBlockRows % kMostRows == 0 && kKeyBlock % kPanel == 0);
constexpr float kLowest = -__builtin_inff();

int64_t padded_keys(const AttentionShape& shape) { return rounded_up(shape.keys, kPanel); }
int64_t padded_width(const AttentionShape& shape) { return rounded_up(shape.width, kPanel); }
int64_t packed_keys_size(const AttentionShape& shape) { return padded_keys(shape) * shape.width; }
int64_t packed_values_size(const AttentionShape& shape) { return padded_keys(shape) * padded_width(shape); }

void pack_head(const AttentionShape& shape, int64_t head, const void* k, const void* v, void* packed_keys,
               void* packed_values) {
  const int64_t sample = head / shape.heads, column = head % shape.heads * shape.width, stride = shape.stride();
  const int64_t width = shape.width, keys = shape.keys, padded = padded_keys(shape);
  const float* from = static_cast<const float*>(k) + sample * keys * stride + column;
  float* to = static_cast<float*>(packed_keys);  // [panels, width, kPanel]
  for (int64_t key = 0; key < padded; ++key) {
    float* of_key = to + key / kPanel * kPanel * width + key % kPanel;
    for (int64_t i = 0; i < width; ++i) of_key[i * kPanel] = key < keys ? from[key * stride + i] : 0;
  }
  from = static_cast<const float*>(v) + sample * keys * stride + column;
  to = static_cast<float*>(packed_values);  // [width / kPanel, keys, kPanel]
  for (int64_t panel = 0; panel < padded_width(shape); panel += kPanel) {
    for (int64_t key = 0; key < padded; ++key) {
      float* of_key = to + panel * padded + key * kPanel;
      for (int64_t i = 0; i < kPanel; ++i) {
        of_key[i] = key < keys && panel + i < width ? from[key * stride + panel + i] : 0;
      }
    }
  }
}

/// The running softmax of one query.
struct Softmax {
  float maximum, total;  // of the scores and of the weights so far
};

/// Scores of a query against `count` keys, whole registers, become weights. Returns by what earlier sums of values are
/// to be multiplied.
float soften(float* scores, int64_t count, float scale, Softmax& so_far) {
  Vec highest = load(scores);
  for (int64_t j = kLanes; j < count; j += kLanes) {
    const Vec next = load(scores + j);
    highest = next > highest ? next : highest;
  }
  float maximum = so_far.maximum;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    maximum = highest[lane] * scale > maximum ? highest[lane] * scale : maximum;
  }
  Vec total = {};
  for (int64_t j = 0; j < count; j += kLanes) {
    const Vec weight = exp2_fast(at_least_minus_126(load(scores + j) * scale - maximum));
    total += weight;
    store(scores + j, weight);
  }
  const float faded =
      so_far.maximum == kLowest ? 0 : exp2_fast(at_least_minus_126(broadcast(so_far.maximum - maximum)))[0];
  so_far.maximum = maximum;
  so_far.total *= faded;
  for (int64_t lane = 0; lane < kLanes; ++lane) so_far.total += total[lane];
  return faded;
}

// Scores [kMostRows, kKeyBlock], then sums [kMostRows, padded width].
int64_t scratch_size(const AttentionShape& shape) {
  return kMostRows * (kKeyBlock + padded_width(shape)) * int64_t{sizeof(float)};
}

/// What up to kMostRows queries see.
void attend_few(const AttentionShape& shape, int64_t count, const Rows& queries, const PackedKeys& packed, float* y,
                float* scratch) {
  const int64_t width = padded_width(shape), all_keys = padded_keys(shape);
  const auto* keys = static_cast<const float*>(packed.keys);
  const auto* values = static_cast<const float*>(packed.values);
  float *scores = scratch, *sums = scratch + kMostRows * kKeyBlock;
  Softmax softmax[kMostRows];
  for (Softmax& each : softmax) each = {.maximum = kLowest, .total = 0};
  const float scale = 1.44269504F / __builtin_sqrtf(static_cast<float>(shape.width));  // softmax in base 2
  for (int64_t block = 0; block < shape.keys; block += kKeyBlock) {
    const int64_t there = lesser(kKeyBlock, shape.keys - block), padded = rounded_up(there, kPanel);
    for (int64_t panel = 0; panel < padded; panel += kPanel) {
      multiply_rows</*kAdd=*/false>(count, queries, shape.width, keys + (block + panel) * shape.width, scores + panel,
                                    kKeyBlock);
    }
    for (int64_t r = 0; r < count; ++r) {
      float* of_row = scores + r * kKeyBlock;
      for (int64_t j = there; j < padded; ++j) of_row[j] = kLowest;
      const float faded = soften(of_row, padded, scale, softmax[r]);
      if (block == 0 || faded == 1) continue;
      for (int64_t i = 0; i < width; i += kLanes) store(sums + r * width + i, load(sums + r * width + i) * faded);
    }
    const Rows weights{.numbers = scores, .stride = kKeyBlock};
    for (int64_t i = 0; i < width; i += kPanel) {
      const float* of_columns = values + i * all_keys + block * kPanel;
      if (block == 0) {
        multiply_rows</*kAdd=*/false>(count, weights, padded, of_columns, sums + i, width);
      } else {
        multiply_rows</*kAdd=*/true>(count, weights, padded, of_columns, sums + i, width);
      }
    }
  }
  for (int64_t r = 0; r < count; ++r) {
    const float share = 1 / softmax[r].total;
    for (int64_t i = 0; i < shape.width; ++i) y[r * shape.stride() + i] = sums[r * width + i] * share;
  }
}

void attend_rows(const AttentionShape& shape, int64_t head, int64_t first_row, const PackedKeys& packed, const void* q,
                 void* y, char* scratch) {
  const int64_t sample = head / shape.heads, stride = shape.stride();
  const int64_t first = (sample * shape.rows + first_row) * stride + head % shape.heads * shape.width;
  const int64_t rows = lesser(kBlockRows, shape.rows - first_row);
  const int64_t groups = (rows + kMostRows - 1) / kMostRows;  // of nearly equal numbers of rows
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t begin = rows * group / groups, count = rows * (group + 1) / groups - begin;
    attend_few(shape, count, {.numbers = static_cast<const float*>(q) + first + begin * stride, .stride = stride},
               packed, static_cast<float*>(y) + first + begin * stride, reinterpret_cast<float*>(scratch));
  }
}

constexpr AttentionKernel kernel_named(const char* name) {
  return {.name = name,
          .rows = kBlockRows,
          .packed_keys_size = packed_keys_size,
          .packed_values_size = packed_values_size,
          .pack_head = pack_head,
          .scratch_size = scratch_size,
          .attend_rows = attend_rows};
}

}  // namespace attention
