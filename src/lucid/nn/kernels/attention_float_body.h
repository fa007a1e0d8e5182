// SPDX-License-Identifier: Apache-2.0
// Fused attention (attention_kernel.h) in float32: packing, and the running softmax over blocks of keys. Part of
// float_kernels_body.h, after gemm_float_body.h.

namespace attention {

constexpr int64_t kBlockRows = 48;  // queries per call
constexpr int64_t kKeyBlock = 256;  // keys per update of the running softmax
static_assert(kBlockRows % kMaxRows == 0 && kKeyBlock % kPanel == 0);
constexpr float kLowest = -__builtin_inff();

int64_t padded_keys(const AttentionShape& shape) { return round_up(shape.keys, kPanel); }
int64_t padded_width(const AttentionShape& shape) { return round_up(shape.width, kPanel); }
int64_t packed_keys_size(const AttentionShape& shape) { return padded_keys(shape) * shape.width; }
int64_t packed_values_size(const AttentionShape& shape) { return padded_keys(shape) * padded_width(shape); }

/// Keys -> [padded keys / kPanel, width, kPanel], values -> [padded width / kPanel, padded keys, kPanel]; zeros beyond
/// the last key and column.
void pack_head(const AttentionShape& shape, int64_t head, const void* k, const void* v, void* packed_keys,
               void* packed_values) {
  const int64_t sample = head / shape.heads, column = head % shape.heads * shape.width, stride = shape.stride();
  const int64_t width = shape.width, keys = shape.keys, padded = padded_keys(shape);
  const float* from = static_cast<const float*>(k) + sample * keys * stride + column;
  float* to = static_cast<float*>(packed_keys);
  for (int64_t key = 0; key < padded; ++key) {
    float* key_column = to + key / kPanel * kPanel * width + key % kPanel;
    for (int64_t i = 0; i < width; ++i) key_column[i * kPanel] = key < keys ? from[key * stride + i] : 0;
  }
  from = static_cast<const float*>(v) + sample * keys * stride + column;
  to = static_cast<float*>(packed_values);
  for (int64_t panel = 0; panel < padded_width(shape); panel += kPanel) {
    for (int64_t key = 0; key < padded; ++key) {
      float* key_row = to + panel * padded + key * kPanel;
      for (int64_t i = 0; i < kPanel; ++i) {
        key_row[i] = key < keys && panel + i < width ? from[key * stride + panel + i] : 0;
      }
    }
  }
}

/// Running softmax of one query, in base 2.
struct Softmax {
  float maximum, total;  // maximum of the scaled scores, sum of the weights 2^(scaled score - maximum)
};

/// Adds `count` scores (a multiple of kLanes) of one query to its softmax, and replaces them by their weights. Returns
/// the factor by which sums over earlier keys must be multiplied, since they were weighted under the previous maximum.
float update_softmax(float* scores, int64_t count, float scale, Softmax& softmax) {
  Vec highest = load(scores);
  for (int64_t j = kLanes; j < count; j += kLanes) {
    const Vec next = load(scores + j);
    highest = next > highest ? next : highest;
  }
  float maximum = softmax.maximum;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    maximum = highest[lane] * scale > maximum ? highest[lane] * scale : maximum;
  }
  Vec total = {};
  for (int64_t j = 0; j < count; j += kLanes) {
    const Vec weight = exp2_fast(clamp_exponent(load(scores + j) * scale - maximum));
    total += weight;
    store(scores + j, weight);
  }
  const float rescale =
      softmax.maximum == kLowest ? 0 : exp2_fast(clamp_exponent(broadcast(softmax.maximum - maximum)))[0];
  softmax.maximum = maximum;
  softmax.total *= rescale;
  for (int64_t lane = 0; lane < kLanes; ++lane) softmax.total += total[lane];
  return rescale;
}

/// Scores [kMaxRows, kKeyBlock], then weighted sums of values [kMaxRows, padded width].
int64_t scratch_size(const AttentionShape& shape) {
  return kMaxRows * (kKeyBlock + padded_width(shape)) * int64_t{sizeof(float)};
}

/// Attention of `count` queries, at most kMaxRows, to all keys.
void attend_query_group(const AttentionShape& shape, int64_t count, const Rows& queries, const PackedHead& packed,
                        float* y, float* scratch) {
  const int64_t width = padded_width(shape), all_keys = padded_keys(shape);
  const auto* keys = static_cast<const float*>(packed.keys);
  const auto* values = static_cast<const float*>(packed.values);
  float *scores = scratch, *sums = scratch + kMaxRows * kKeyBlock;
  Softmax softmax[kMaxRows];
  for (Softmax& each : softmax) each = {.maximum = kLowest, .total = 0};
  const float scale = 1.44269504F / __builtin_sqrtf(static_cast<float>(shape.width));  // softmax in base 2
  for (int64_t block = 0; block < shape.keys; block += kKeyBlock) {
    const int64_t count_in_block = min_of(kKeyBlock, shape.keys - block), padded = round_up(count_in_block, kPanel);
    for (int64_t panel = 0; panel < padded; panel += kPanel) {
      gemm_few_rows</*kAdd=*/false>(count, queries, shape.width, keys + (block + panel) * shape.width, scores + panel,
                                    kKeyBlock);
    }
    for (int64_t r = 0; r < count; ++r) {
      float* row_scores = scores + r * kKeyBlock;
      for (int64_t j = count_in_block; j < padded; ++j) row_scores[j] = kLowest;
      const float rescale = update_softmax(row_scores, padded, scale, softmax[r]);
      if (block == 0 || rescale == 1) continue;
      for (int64_t i = 0; i < width; i += kLanes) store(sums + r * width + i, load(sums + r * width + i) * rescale);
    }
    const Rows weights{.data = scores, .stride = kKeyBlock};
    for (int64_t i = 0; i < width; i += kPanel) {
      const float* panel_values = values + i * all_keys + block * kPanel;
      if (block == 0) {
        gemm_few_rows</*kAdd=*/false>(count, weights, padded, panel_values, sums + i, width);
      } else {
        gemm_few_rows</*kAdd=*/true>(count, weights, padded, panel_values, sums + i, width);
      }
    }
  }
  for (int64_t r = 0; r < count; ++r) {
    const float inverse_total = 1 / softmax[r].total;
    for (int64_t i = 0; i < shape.width; ++i) y[r * shape.stride() + i] = sums[r * width + i] * inverse_total;
  }
}

void attend_rows(const AttentionShape& shape, int64_t head, int64_t first_row, const PackedHead& packed, const void* q,
                 void* y, char* scratch) {
  const int64_t sample = head / shape.heads, stride = shape.stride();
  const int64_t first = (sample * shape.rows + first_row) * stride + head % shape.heads * shape.width;
  const int64_t rows = min_of(kBlockRows, shape.rows - first_row);
  const int64_t groups = (rows + kMaxRows - 1) / kMaxRows;  // of nearly equal size
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t begin = rows * group / groups, count = rows * (group + 1) / groups - begin;
    attend_query_group(shape, count, {.data = static_cast<const float*>(q) + first + begin * stride, .stride = stride},
                       packed, static_cast<float*>(y) + first + begin * stride, reinterpret_cast<float*>(scratch));
  }
}

constexpr AttentionKernel make_kernel(const char* name) {
  return {.name = name,
          .rows_per_call = kBlockRows,
          .packed_keys_size = packed_keys_size,
          .packed_values_size = packed_values_size,
          .pack_head = pack_head,
          .scratch_size = scratch_size,
          .attend_rows = attend_rows};
}

}  // namespace attention
