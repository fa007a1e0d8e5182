// SPDX-License-Identifier: Apache-2.0
// The blend loops of the CPU rasteriser. One file per instruction set includes this text inside its own namespace,
// after math/simd/simd.h and store_sums.h; hence no pragma once and no includes. Everything here is static or always
// inlined, so that the linker cannot use one file's code in another.
//
// A vector holds a block of pixels that is four wide, because a round splat fills such a block better than a strip of a
// row does.

constexpr float kNever = 3e38f;  // a gate (least exponent of a pixel, see open_gates()) that no splat reaches

constexpr int kBlockWidth = 4, kBlockHeight = kLanes / kBlockWidth, kBlocksX = kTile / kBlockWidth;
alignas(64) static constexpr float kLaneX[16] = {0, 1, 2, 3, 0, 1, 2, 3,
                                                 0, 1, 2, 3, 0, 1, 2, 3};  // of a lane, in its block
alignas(64) static constexpr float kLaneY[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
constexpr int kBlocks = kTilePixels / kLanes;  // at most 64: a set of blocks is the bits of one word
static_assert(kBlocks <= 64);
using BlockSet = uint64_t;

/// First pixel of each block, relative to the tile.
struct Origins {
  alignas(64) float x[kBlocks], y[kBlocks];
};
static constexpr Origins kOrigins = [] {
  Origins o{};
  for (int block = 0; block < kBlocks; ++block) {
    o.x[block] = float(block % kBlocksX * kBlockWidth);
    o.y[block] = float(block / kBlocksX * kBlockHeight);
  }
  return o;
}();
LUCID_INLINE int first_of(BlockSet set) { return __builtin_ctzll(set); }

/// One value per pixel of a tile, in the order of the blocks instead of the rows.
using Blocks = float[kTilePixels];

LUCID_INLINE void to_blocks(const float* rows, float* blocks) {
  for (int block = 0; block < kBlocks; ++block) {
    const float* from = rows + block / kBlocksX * kBlockHeight * kTile + block % kBlocksX * kBlockWidth;
    for (int y = 0; y < kBlockHeight; ++y) {
      __builtin_memcpy(blocks + block * kLanes + y * kBlockWidth, from + y * kTile, kBlockWidth * sizeof(float));
    }
  }
}
LUCID_INLINE void to_rows(const float* blocks, float* rows) {
  for (int block = 0; block < kBlocks; ++block) {
    float* to = rows + block / kBlocksX * kBlockHeight * kTile + block % kBlocksX * kBlockWidth;
    for (int y = 0; y < kBlockHeight; ++y) {
      __builtin_memcpy(to + y * kTile, blocks + block * kLanes + y * kBlockWidth, kBlockWidth * sizeof(float));
    }
  }
}

/// Sets each pixel's gate: the least exponent with which a splat contributes. It is log2(kAlphaCut), or kNever outside
/// the image and after the pixel has stopped. Returns the blocks that have a pixel inside the image.
static BlockSet open_gates(const TileJob& job, float* gates) {
  float rows[kTilePixels];
  for (int i = 0; i < kTilePixels; ++i) {
    rows[i] = i / kTile < job.rows && i % kTile < job.columns ? kLog2AlphaCut : kNever;
  }
  to_blocks(rows, gates);
  BlockSet inside = 0;
  for (int block = 0; block < kBlocks; ++block) inside |= BlockSet(gates[block * kLanes] != kNever) << block;
  return inside;
}
LUCID_INLINE bool all_stopped(Vec gates) { return !any(less(gates, broadcast(kNever))); }

/// A splat with its mean relative to the tile's first pixel.
LUCID_INLINE Splat tile_splat(const TileJob& job, int64_t entry) {
  Splat splat = job.splats[job.entries[entry].splat];
  splat.x -= float(job.x0);
  splat.y -= float(job.y0);
  return splat;
}

LUCID_INLINE void prefetch_splat(const TileJob& job, int64_t entry) {
  constexpr int64_t kAhead = 12;
  if (entry + kAhead < job.count) __builtin_prefetch(job.splats + job.entries[entry + kAhead].splat);
}

/// The blocks in which alpha may reach kAlphaCut. Conservative: it uses the block's least distance along t and its
/// least distance along y, which different pixels may have.
static BlockSet blocks_met(const Splat& splat) {
  constexpr float kHalfX = (kBlockWidth - 1) / 2.0f, kHalfY = (kBlockHeight - 1) / 2.0f;
  constexpr float kSlack = 1e-3f;  // far above the rounding error of hit()'s exponent
  const float spread = std::fabs(splat.tx) * kHalfX + std::fabs(splat.ty) * kHalfY;
  const Vec zero = broadcast(0), allowed = broadcast(splat.log2_opacity - kLog2AlphaCut + kSlack);
  BlockSet met = 0;
  for (int first = 0; first < kBlocks; first += kLanes) {
    const Vec dx = load(kOrigins.x + first) - broadcast(splat.x - kHalfX);
    const Vec dy = load(kOrigins.y + first) - broadcast(splat.y - kHalfY);
    const Vec t = fma(broadcast(splat.tx), dx, broadcast(splat.ty) * dy);
    const Vec off_t = maximum(maximum(t, zero - t) - broadcast(spread), zero);
    const Vec off_y = broadcast(splat.ry) * maximum(maximum(dy, zero - dy) - broadcast(kHalfY), zero);
    met |= BlockSet(bits(greater_equal(allowed, fma(off_t, off_t, off_y * off_y)))) << first;
  }
  return met;
}

/// One splat evaluated at the pixels of one block: [8] and [10]. Both passes use it.
struct Hit {
  Vec t, dy, peak, alpha;  // peak: alpha before the bound kAlphaMax. alpha: 0 where the splat does not contribute
  Vec weight, left;        // left: transmittance behind the splat
  Mask stopped;            // pixels that stop before this splat
  bool any_stopped;
};
LUCID_INLINE Hit hit(const Splat& splat, int block, Vec transmittance, Vec gates) {
  Hit h;
  const Vec dx = load(kLaneX) + broadcast(kOrigins.x[block] - splat.x);
  h.dy = load(kLaneY) + broadcast(kOrigins.y[block] - splat.y);
  h.t = fma(broadcast(splat.tx), dx, broadcast(splat.ty) * h.dy);
  const Vec r = broadcast(splat.ry) * h.dy;
  const Vec exponent = negative_fma(h.t, h.t, negative_fma(r, r, broadcast(splat.log2_opacity)));
  h.peak = exp2_fast(exponent);
  h.alpha = zero_unless(greater_equal(exponent, gates), minimum(h.peak, broadcast(float(kAlphaMax))));
  // Only these two steps depend on the previous splat. Pixels that stop are rare, so they are corrected afterwards.
  h.weight = blend_weight(h.alpha, transmittance);
  h.left = transmittance - h.weight;
  h.stopped = less(h.left, broadcast(float(kTransmittanceStop)));
  h.any_stopped = any(h.stopped);
  if (h.any_stopped) {
    h.alpha = select(h.stopped, broadcast(0), h.alpha);
    h.weight = select(h.stopped, broadcast(0), h.weight);
    h.left = select(h.stopped, transmittance, h.left);
  }
  return h;
}

/// The forward pass takes a tile's entries in batches of this size: one word per block holds the entries that reach it.
constexpr int kBatch = 64;

struct ForwardBlocks {
  alignas(64) Blocks transmittance, gates, red, green, blue, depth;
};

/// Blends the splats of a batch whose bits are set in `queue` into one block, whose state stays in registers. Returns
/// the batch index of the splat at which the block's last pixel stopped, or -1.
[[gnu::noinline]] static int blend_block(int block, const Splat* splats, uint64_t queue, ForwardBlocks* image,
                                         int64_t* pairs) {
  const int at = block * kLanes;
  Vec transmittance = load(image->transmittance + at), gates = load(image->gates + at);
  Vec red = load(image->red + at), green = load(image->green + at), blue = load(image->blue + at);
  Vec depth = load(image->depth + at);
  int end = -1;
  for (; queue != 0; queue &= queue - 1) {
    const int place = __builtin_ctzll(queue);
    const Splat& splat = splats[place];
    const Hit h = hit(splat, block, transmittance, gates);
    transmittance = h.left;
    red = fma(h.weight, broadcast(splat.red), red);
    green = fma(h.weight, broadcast(splat.green), green);
    blue = fma(h.weight, broadcast(splat.blue), blue);
    depth = fma(h.weight, broadcast(splat.depth), depth);
    *pairs += count(less(broadcast(0), h.alpha));
    if (!h.any_stopped) continue;
    gates = select(h.stopped, broadcast(kNever), gates);
    if (all_stopped(gates)) {
      end = place;
      break;
    }
  }
  store(image->transmittance + at, transmittance);
  store(image->gates + at, gates);
  store(image->red + at, red);
  store(image->green + at, green);
  store(image->blue + at, blue);
  store(image->depth + at, depth);
  return end;
}

static TileResult forward_tile(const TileJob& job, TileImage* out) {
  ForwardBlocks image;
  BlockSet alive = open_gates(job, image.gates);
  for (int i = 0; i < kTilePixels; ++i) {
    image.transmittance[i] = 1;
    image.red[i] = image.green[i] = image.blue[i] = image.depth[i] = 0;
  }
  TileResult result{.visited = 0, .pairs = 0};
  for (int64_t begin = 0; begin < job.count && alive != 0; begin += kBatch) {
    const int size = int(job.count - begin < kBatch ? job.count - begin : kBatch);
    Splat splats[kBatch];
    uint64_t queues[kBlocks] = {};
    for (int place = 0; place < size; ++place) {
      splats[place] = tile_splat(job, begin + place);
      prefetch_splat(job, begin + place);
      for (BlockSet met = blocks_met(splats[place]) & alive; met != 0; met &= met - 1) {
        queues[first_of(met)] |= uint64_t(1) << place;
      }
    }
    for (BlockSet left = alive; left != 0; left &= left - 1) {
      const int block = first_of(left), end = blend_block(block, splats, queues[block], &image, &result.pairs);
      if (end < 0) continue;
      alive &= ~(BlockSet(1) << block);
      if (begin + end + 1 > result.visited) result.visited = begin + end + 1;
    }
  }
  if (alive != 0) result.visited = job.count;
  to_rows(image.transmittance, out->transmittance);
  to_rows(image.red, out->red);
  to_rows(image.green, out->green);
  to_rows(image.blue, out->blue);
  to_rows(image.depth, out->depth);
  return result;
}

struct BackwardBlocks {
  alignas(64) Blocks transmittance, gates, red, green, blue, depth, alpha, behind;
};

/// The ten sums of PairGradient, in its order, by lane.
struct Sums {
  Vec red, green, blue, depth, g, t, y, tt, ty, yy;
};

/// [12]-[14] for one block. `behind` holds the sum of weight * value from this splat on; this splat's part is
/// subtracted.
LUCID_INLINE void adjoint(const Splat& splat, const Hit& h, Vec transmittance, BackwardBlocks* d, int at, Sums* sums) {
  const Vec red = load(d->red + at), green = load(d->green + at), blue = load(d->blue + at);
  const Vec depth = load(d->depth + at);
  Vec value = fma(red, broadcast(splat.red), load(d->alpha + at));
  value = fma(green, broadcast(splat.green), value);
  value = fma(blue, broadcast(splat.blue), value);
  value = fma(depth, broadcast(splat.depth), value);
  const Vec behind = negative_fma(h.weight, value, load(d->behind + at));
  store(d->behind + at, behind);
  const Mask moves = greater_equal(broadcast(float(kAlphaMax)), h.peak);
  const Vec g = zero_unless(
      moves, h.alpha * blend_adjoint_inverse(reciprocal(broadcast(1) - h.alpha), transmittance, value, behind));
  const Vec gt = g * h.t, gy = g * h.dy;
  sums->red = fma(h.weight, red, sums->red);
  sums->green = fma(h.weight, green, sums->green);
  sums->blue = fma(h.weight, blue, sums->blue);
  sums->depth = fma(h.weight, depth, sums->depth);
  sums->g = sums->g + g;
  sums->t = sums->t + gt;
  sums->y = sums->y + gy;
  sums->tt = fma(gt, h.t, sums->tt);
  sums->ty = fma(gt, h.dy, sums->ty);
  sums->yy = fma(gy, h.dy, sums->yy);
}

static void backward_tile(const TileJob& job, TileGradient* gradient, PairGradient* pairs) {
  BackwardBlocks d;
  BlockSet alive = open_gates(job, d.gates);
  for (float& transmittance : d.transmittance) transmittance = 1;
  to_blocks(gradient->red, d.red);
  to_blocks(gradient->green, d.green);
  to_blocks(gradient->blue, d.blue);
  to_blocks(gradient->depth, d.depth);
  to_blocks(gradient->alpha, d.alpha);
  to_blocks(gradient->behind, d.behind);
  for (int64_t entry = 0; entry < job.count; ++entry) {
    const Splat splat = tile_splat(job, entry);
    prefetch_splat(job, entry);
    const Vec zero = broadcast(0);
    Sums sums{zero, zero, zero, zero, zero, zero, zero, zero, zero, zero};
    for (BlockSet met = blocks_met(splat) & alive; met != 0; met &= met - 1) {
      const int block = first_of(met), at = block * kLanes;
      const Vec gates = load(d.gates + at), transmittance = load(d.transmittance + at);
      const Hit h = hit(splat, block, transmittance, gates);
      adjoint(splat, h, transmittance, &d, at, &sums);
      store(d.transmittance + at, h.left);
      if (!h.any_stopped) continue;
      const Vec closed = select(h.stopped, broadcast(kNever), gates);
      store(d.gates + at, closed);
      if (all_stopped(closed)) alive &= ~(BlockSet(1) << block);
    }
    store_sums(sums, pairs + job.entries[entry].slot);
  }
}
