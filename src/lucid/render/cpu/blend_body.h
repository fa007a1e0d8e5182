// SPDX-License-Identifier: Apache-2.0
// The blend loops, included by one file per instruction set after its simd header and inside its own namespace, so no
// pragma once and no includes. Everything here is static or inlined: nothing may leak into another file's code.

/// 2^x for x in about [-126, 126] to 8e-8 relative: 2^round(x) times a minimax polynomial on [-1/2, 1/2].
LUCID_INLINE Value exp2_fast(Value x) {
  const Value whole = round_to_int(x);
  const Value f = x - whole;
  Value p = fma(broadcast(0.0013276460597951881f), f, broadcast(0.009675541243488257f));
  p = fma(p, f, broadcast(0.055507133087452934f));
  p = fma(p, f, broadcast(0.24022119726104738f));
  p = fma(p, f, broadcast(0.6931469670431794f));
  p = fma(p, f, broadcast(1.0000000716539867f));
  return times_power_of_two(p, whole);
}

constexpr float kNever = 3e38f;  // a gate that no exponent passes

/// Per pixel the exponent from which a splat counts; kNever outside the image and once the pixel has stopped.
static void open_gates(const TileJob& job, float* gates) {
  for (int row = 0; row < kTile; ++row) {
    for (int column = 0; column < kTile; ++column) {
      gates[row * kTile + column] = row < job.rows && column < job.columns ? kLog2AlphaCut : kNever;
    }
  }
}

struct RowRange {
  int first, last;
};
LUCID_INLINE RowRange rows_in_reach(const Splat& splat, float tile_y) {
  const float low = splat.y - splat.reach_y - tile_y, high = splat.y + splat.reach_y - tile_y;
  return {low > 0 ? int(low) : 0, high < kTile - 1 ? int(high) : kTile - 1};
}

/// One splat against kLanes pixels of a row: [8] and [10], the same for both passes.
struct Hit {
  Value t, peak, alpha, weight, transmittance;
  Mask blended, stopped;
  bool any;
};
LUCID_INLINE Hit hit(const Splat& splat, Value dx, float dy, const float* transmittance, const float* gates) {
  Hit h;
  const float r = splat.ry * dy;
  h.t = fma(broadcast(splat.tx), dx, broadcast(splat.ty * dy));
  const Value exponent = negative_fma(h.t, h.t, broadcast(splat.log2_opacity - r * r));
  const Mask open = greater_equal(exponent, load(gates));
  h.any = any(open);
  if (!h.any) return h;
  h.peak = exp2_fast(exponent);
  h.alpha = minimum(h.peak, broadcast(float(kAlphaMax)));
  h.transmittance = load(transmittance);
  const Value weight = blend_weight(h.alpha, h.transmittance);
  h.stopped = both(open, less(h.transmittance - weight, broadcast(float(kTransmittanceStop))));
  h.blended = first_only(open, h.stopped);
  h.weight = zero_unless(h.blended, weight);
  return h;
}

static TileResult forward_tile(const TileJob& job, TileImage* image) {
  alignas(64) float gates[kTilePixels];
  open_gates(job, gates);
  for (int i = 0; i < kTilePixels; ++i) {
    image->transmittance[i] = 1;
    image->red[i] = image->green[i] = image->blue[i] = image->depth[i] = 0;
  }
  int64_t live = int64_t(job.rows) * job.columns, pairs = 0, entry = 0;
  for (; entry < job.count && live > 0; ++entry) {
    const Splat splat = job.splats[job.entries[entry].splat];
    const RowRange range = rows_in_reach(splat, float(job.y0));
    for (int block = 0; block < kTile; block += kLanes) {
      const Value dx = lane_index() + broadcast(float(job.x0 + block) - splat.x);
      for (int row = range.first; row <= range.last; ++row) {
        const int at = row * kTile + block;
        const Hit h = hit(splat, dx, float(job.y0 + row) - splat.y, image->transmittance + at, gates + at);
        if (!h.any) continue;
        store(image->transmittance + at, h.transmittance - h.weight);
        store(image->red + at, fma(h.weight, broadcast(splat.red), load(image->red + at)));
        store(image->green + at, fma(h.weight, broadcast(splat.green), load(image->green + at)));
        store(image->blue + at, fma(h.weight, broadcast(splat.blue), load(image->blue + at)));
        store(image->depth + at, fma(h.weight, broadcast(splat.depth), load(image->depth + at)));
        pairs += count(h.blended);
        if (any(h.stopped)) {
          store(gates + at, select(h.stopped, broadcast(kNever), load(gates + at)));
          live -= count(h.stopped);
        }
      }
    }
  }
  return {entry, pairs};
}

struct Sums {
  Value red, green, blue, depth, g, t, y, tt, ty, yy;
};

LUCID_INLINE void write_sums(const Sums& s, PairGradient* to) {
  to->red = sum(s.red);
  to->green = sum(s.green);
  to->blue = sum(s.blue);
  to->depth = sum(s.depth);
  to->g = sum(s.g);
  to->t = sum(s.t);
  to->y = sum(s.y);
  to->tt = sum(s.tt);
  to->ty = sum(s.ty);
  to->yy = sum(s.yy);
}

/// [12]-[14] for kLanes pixels. `behind` holds what this splat and all after it are worth and loses this splat's share.
LUCID_INLINE void adjoint(const Splat& splat, const Hit& h, float dy, TileGradient* d, int at, Sums* sums) {
  const Value red = load(d->red + at), green = load(d->green + at), blue = load(d->blue + at);
  const Value depth = load(d->depth + at);
  Value value = fma(red, broadcast(splat.red), load(d->alpha + at));
  value = fma(green, broadcast(splat.green), value);
  value = fma(blue, broadcast(splat.blue), value);
  value = fma(depth, broadcast(splat.depth), value);
  const Value behind = negative_fma(h.weight, value, load(d->behind + at));
  store(d->behind + at, behind);
  const Mask moves = both(h.blended, greater_equal(broadcast(float(kAlphaMax)), h.peak));
  const Value g = zero_unless(moves, h.alpha * blend_adjoint(h.alpha, h.transmittance, value, behind));
  const Value gt = g * h.t, gy = g * broadcast(dy);
  sums->red = fma(h.weight, red, sums->red);
  sums->green = fma(h.weight, green, sums->green);
  sums->blue = fma(h.weight, blue, sums->blue);
  sums->depth = fma(h.weight, depth, sums->depth);
  sums->g = sums->g + g;
  sums->t = sums->t + gt;
  sums->y = sums->y + gy;
  sums->tt = fma(gt, h.t, sums->tt);
  sums->ty = fma(gt, broadcast(dy), sums->ty);
  sums->yy = fma(gy, broadcast(dy), sums->yy);
}

static void backward_tile(const TileJob& job, TileGradient* d, PairGradient* gradients) {
  alignas(64) float gates[kTilePixels], transmittance[kTilePixels];
  open_gates(job, gates);
  for (int i = 0; i < kTilePixels; ++i) transmittance[i] = 1;
  for (int64_t entry = 0; entry < job.count; ++entry) {
    const Splat splat = job.splats[job.entries[entry].splat];
    const RowRange range = rows_in_reach(splat, float(job.y0));
    const Value zero = broadcast(0);
    Sums sums{zero, zero, zero, zero, zero, zero, zero, zero, zero, zero};
    for (int block = 0; block < kTile; block += kLanes) {
      const Value dx = lane_index() + broadcast(float(job.x0 + block) - splat.x);
      for (int row = range.first; row <= range.last; ++row) {
        const int at = row * kTile + block;
        const float dy = float(job.y0 + row) - splat.y;
        const Hit h = hit(splat, dx, dy, transmittance + at, gates + at);
        if (!h.any) continue;
        adjoint(splat, h, dy, d, at, &sums);
        store(transmittance + at, h.transmittance - h.weight);
        if (any(h.stopped)) store(gates + at, select(h.stopped, broadcast(kNever), load(gates + at)));
      }
    }
    write_sums(sums, gradients + job.entries[entry].slot);
  }
}
