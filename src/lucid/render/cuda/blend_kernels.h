// SPDX-License-Identifier: Apache-2.0
// CUDA kernels that work on tiles, one thread block per tile: blending with one thread per pixel, and its adjoint with
// one thread per two pixels.
#pragma once

#include "lucid/render/cuda/platform.h"
#include "lucid/render/cuda/records.h"
#include "lucid/render/kernel_math.h"
#include "lucid/render/rasterize.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

inline constexpr unsigned kTileWarps = kTileThreads / kWarp;

/// Tile lists and the pixels' saved state, as both kernels need them.
struct TileLists {
  const Splat* splats;
  const TileEntry* entries;
  const TileRange* ranges;  // [tiles]
  TilePixels* pixels;       // [tiles]
  int width, height, tiles_x;
  float background[3];
};

/// A thread's pixel in blending. A warp covers a compact block of 8x4 pixels, so that small splats miss whole warps.
struct Pixel {
  int x, y;
  bool inside;
  int64_t at;  // index into one plane of an image
};
__device__ inline Pixel pixel_of(const TileLists& lists, unsigned thread) {
  const int warp = int(thread / kWarp), lane = int(thread % kWarp);
  Pixel p;
  p.x = int(blockIdx.x) * kTile + warp % 2 * 8 + lane % 8;
  p.y = int(blockIdx.y) * kTile + warp / 2 * 4 + lane / 8;
  p.inside = p.x < lists.width && p.y < lists.height;
  p.at = int64_t(p.y) * lists.width + p.x;
  return p;
}

/// One splat evaluated at one pixel: [8] and [10]. Both passes use it; false if the splat does not contribute.
struct Hit {
  float t, dy, peak, alpha, weight;
};
__device__ inline bool hit(const Splat& splat, const Pixel& pixel, float transmittance, Hit* h) {
  const float dx = float(pixel.x) - splat.x;
  h->dy = float(pixel.y) - splat.y;
  const float r = splat.ry * h->dy;
  h->t = fmaf(splat.tx, dx, splat.ty * h->dy);
  const float exponent = fmaf(-h->t, h->t, fmaf(-r, r, splat.log2_opacity));
  if (!(exponent >= kLog2AlphaCut)) return false;
  h->peak = exp2_of(exponent);
  h->alpha = fminf(h->peak, float(kAlphaMax));
  h->weight = blend_weight(h->alpha, transmittance);
  return true;
}

/// Blends every tile front to back, writes the images and saves the pixels' state for the adjoint.
static __global__ void __launch_bounds__(kTileThreads) blend_tiles(TileLists lists, Images<float> out, Report* report) {
  __shared__ Splat batch[kTileThreads];
  __shared__ uint32_t blended_of_warp[kTileWarps];
  const int64_t tile = int64_t(blockIdx.y) * lists.tiles_x + blockIdx.x;
  const TileRange range = lists.ranges[tile];
  const Pixel pixel = pixel_of(lists, threadIdx.x);
  float transmittance = 1, red = 0, green = 0, blue = 0, depth = 0;
  uint32_t last = 0, blended = 0;
  bool done = !pixel.inside;

  for (uint32_t begin = range.begin; begin < range.end; begin += kTileThreads) {
    if (__syncthreads_count(done) == kTileThreads) break;  // also a barrier: all threads are done with the last batch
    if (begin + threadIdx.x < range.end) {
      batch[threadIdx.x] = lists.splats[lists.entries[begin + threadIdx.x].splat];
    }
    __syncthreads();
    const uint32_t size = range.end - begin < kTileThreads ? range.end - begin : kTileThreads;
    for (uint32_t j = 0; !done && j < size; ++j) {
      Hit h;
      if (!hit(batch[j], pixel, transmittance, &h)) continue;
      const float left = transmittance - h.weight;
      if (left < float(kTransmittanceStop)) {
        done = true;
        break;
      }
      transmittance = left;
      red = fmaf(h.weight, batch[j].red, red);
      green = fmaf(h.weight, batch[j].green, green);
      blue = fmaf(h.weight, batch[j].blue, blue);
      depth = fmaf(h.weight, batch[j].depth, depth);
      last = begin - range.begin + j + 1;
      ++blended;
    }
  }

  TilePixels& kept = lists.pixels[tile];
  kept.transmittance[threadIdx.x] = transmittance;
  kept.red[threadIdx.x] = red;
  kept.green[threadIdx.x] = green;
  kept.blue[threadIdx.x] = blue;
  kept.depth[threadIdx.x] = depth;
  kept.last[threadIdx.x] = last;
  if (pixel.inside) {
    const int64_t plane = int64_t(lists.width) * lists.height;
    if (out.rgb != nullptr) {
      out.rgb[pixel.at] = fmaf(transmittance, lists.background[0], red);
      out.rgb[plane + pixel.at] = fmaf(transmittance, lists.background[1], green);
      out.rgb[2 * plane + pixel.at] = fmaf(transmittance, lists.background[2], blue);
    }
    if (out.depth != nullptr) out.depth[pixel.at] = depth;
    if (out.alpha != nullptr) out.alpha[pixel.at] = 1 - transmittance;
  }
  const uint32_t of_warp = __reduce_add_sync(kAllLanes, blended);
  if (lane_of_thread() == 0) blended_of_warp[threadIdx.x / kWarp] = of_warp;
  __syncthreads();
  if (threadIdx.x == 0) {
    unsigned long long sum = 0;
    for (unsigned warp = 0; warp < kTileWarps; ++warp) sum += blended_of_warp[warp];
    if (sum > 0) atomicAdd(&report->blended, sum);
  }
}

inline constexpr int kSums = 10;               // the sums of PairGradient, in its order
inline constexpr uint32_t kAdjointBatch = 32;  // one bit for each in a warp's mask
// Each thread has two pixels, one 8x4 block above the other, because adding a splat's sums over a warp takes longer
// than computing one pixel's part of them.
inline constexpr int kPixelsOfThread = 2;
inline constexpr unsigned kAdjointThreads = kTileThreads / kPixelsOfThread, kAdjointWarps = kAdjointThreads / kWarp;

/// The thread of blend_tiles() that blended pixel p of this thread.
__device__ inline unsigned blending_thread(int p) {
  const unsigned warp = threadIdx.x / kWarp;
  return (warp / 2 * 4 + warp % 2 + unsigned(p) * 2) * kWarp + lane_of_thread();
}

/// Adds ten numbers over the warp with 12 shuffles (ten butterfly sums would take 50). At each step a lane keeps one
/// half of its numbers and sends the other half to its partner. It returns the total that sum_of_lane() names.
__device__ inline float scatter_sums(const float (&v)[kSums]) {
  const unsigned lane = lane_of_thread();
  float a[5], b[3], c[2];
  for (int k = 0; k < 5; ++k) {
    const float keep = lane & 16 ? v[5 + k] : v[k], give = lane & 16 ? v[k] : v[5 + k];
    a[k] = keep + __shfl_xor_sync(kAllLanes, give, 16);
  }
  for (int k = 0; k < 3; ++k) {
    const float high = k < 2 ? a[3 + k] : 0.0f;
    const float keep = lane & 8 ? high : a[k], give = lane & 8 ? a[k] : high;
    b[k] = keep + __shfl_xor_sync(kAllLanes, give, 8);
  }
  for (int k = 0; k < 2; ++k) {
    const float high = k < 1 ? b[2] : 0.0f;
    const float keep = lane & 4 ? high : b[k], give = lane & 4 ? b[k] : high;
    c[k] = keep + __shfl_xor_sync(kAllLanes, give, 4);
  }
  const float keep = lane & 2 ? c[1] : c[0], give = lane & 2 ? c[0] : c[1];
  const float d = keep + __shfl_xor_sync(kAllLanes, give, 2);
  return d + __shfl_xor_sync(kAllLanes, d, 1);
}

/// The index of the total that scatter_sums() returns in this lane; kSums if the lane has none or only a copy.
__device__ inline int sum_of_lane() {
  const unsigned lane = lane_of_thread();
  int first = 0, size = kSums;
  const auto halve = [&](bool upper, int half) {
    first += upper ? half : 0;
    size = upper ? size - half : (size < half ? size : half);
  };
  halve(lane & 16, 5);
  halve(lane & 8, 3);
  halve(lane & 4, 2);
  halve(lane & 2, 1);
  return size > 0 && (lane & 1) == 0 ? first : kSums;
}

/// dL/d of one pixel's images.
struct PixelGradient {
  float red = 0, green = 0, blue = 0, depth = 0, alpha = 0;
};

/// The adjoint's state of one pixel: the last blended entry, dL/d its images, and the position so far.
struct PixelAdjoint {
  Pixel pixel;
  uint32_t last = 0;
  PixelGradient d;
  float behind = 0;         // sum of weight * value over the splats from here on, background included
  float transmittance = 1;  // in front of the next splat
};
__device__ inline PixelAdjoint adjoint_of(const TileLists& lists, const TilePixels& kept,
                                          const ImageGradients<float>& d_images, unsigned thread) {
  PixelAdjoint at;
  at.pixel = pixel_of(lists, thread);
  at.last = kept.last[thread];
  if (!at.pixel.inside) return at;
  const int64_t plane = int64_t(lists.width) * lists.height;
  const float left = kept.transmittance[thread];
  if (d_images.rgb != nullptr) {
    at.d.red = d_images.rgb[at.pixel.at];
    at.d.green = d_images.rgb[plane + at.pixel.at];
    at.d.blue = d_images.rgb[2 * plane + at.pixel.at];
    at.behind = at.d.red * fmaf(left, lists.background[0], kept.red[thread]) +
                at.d.green * fmaf(left, lists.background[1], kept.green[thread]) +
                at.d.blue * fmaf(left, lists.background[2], kept.blue[thread]);
  }
  if (d_images.depth != nullptr) {
    at.d.depth = d_images.depth[at.pixel.at];
    at.behind = fmaf(at.d.depth, kept.depth[thread], at.behind);
  }
  if (d_images.alpha != nullptr) {
    at.d.alpha = d_images.alpha[at.pixel.at];
    at.behind = fmaf(at.d.alpha, 1 - left, at.behind);
  }
  return at;
}

/// [12]-[14]: adds one blended splat's part to the ten sums and moves the pixel's state behind the splat.
__device__ inline void add_adjoint(const Splat& splat, const Hit& h, PixelAdjoint* at, float (&sums)[kSums]) {
  const PixelGradient& d = at->d;
  const float value =
      fmaf(d.red, splat.red, fmaf(d.green, splat.green, fmaf(d.blue, splat.blue, fmaf(d.depth, splat.depth, d.alpha))));
  const float transmittance = at->transmittance;
  at->behind = fmaf(-h.weight, value, at->behind);
  at->transmittance -= h.weight;
  sums[0] = fmaf(h.weight, d.red, sums[0]);
  sums[1] = fmaf(h.weight, d.green, sums[1]);
  sums[2] = fmaf(h.weight, d.blue, sums[2]);
  sums[3] = fmaf(h.weight, d.depth, sums[3]);
  if (h.peak > float(kAlphaMax)) return;
  const float g = h.alpha * blend_adjoint(h.alpha, transmittance, value, at->behind);
  const float gt = g * h.t, gy = g * h.dy;
  sums[4] += g;
  sums[5] += gt;
  sums[6] += gy;
  sums[7] = fmaf(gt, h.t, sums[7]);
  sums[8] = fmaf(gt, h.dy, sums[8]);
  sums[9] = fmaf(gy, h.dy, sums[9]);
}

/// The adjoint of blend_tiles(), also front to back. One block adds the sums of a (tile, splat) pair in a fixed order
/// and writes them once: no atomics, and the same bits in every run.
static __global__ void __launch_bounds__(kAdjointThreads)
    blend_tiles_adjoint(TileLists lists, ImageGradients<float> d_images, PairGradient* gradients) {
  __shared__ Splat batch[kAdjointBatch];
  __shared__ uint32_t slots[kAdjointBatch];
  __shared__ float partial[kAdjointWarps][kAdjointBatch][kSums];
  __shared__ uint32_t touched_by_warp[kAdjointWarps];  // bit j: the warp has partial sums of splat j of the batch
  __shared__ uint32_t last_of_warps[kAdjointWarps];
  const int64_t tile = int64_t(blockIdx.y) * lists.tiles_x + blockIdx.x;
  const TileRange range = lists.ranges[tile];
  const uint32_t count = range.end - range.begin;
  const unsigned warp = threadIdx.x / kWarp;
  const int my_sum = sum_of_lane();

  PixelAdjoint pixels[kPixelsOfThread];
  uint32_t last = 0;
  for (int p = 0; p < kPixelsOfThread; ++p) {
    pixels[p] = adjoint_of(lists, lists.pixels[tile], d_images, blending_thread(p));
    last = pixels[p].last > last ? pixels[p].last : last;
  }
  const uint32_t last_of_warp = __reduce_max_sync(kAllLanes, last);
  if (lane_of_thread() == 0) last_of_warps[warp] = last_of_warp;
  __syncthreads();
  uint32_t visited = 0;
  for (unsigned w = 0; w < kAdjointWarps; ++w) visited = last_of_warps[w] > visited ? last_of_warps[w] : visited;

  for (uint32_t begin = 0; begin < visited; begin += kAdjointBatch) {
    const uint32_t size = visited - begin < kAdjointBatch ? visited - begin : kAdjointBatch;
    if (threadIdx.x < size) {
      const TileEntry entry = lists.entries[range.begin + begin + threadIdx.x];
      batch[threadIdx.x] = lists.splats[entry.splat];
      slots[threadIdx.x] = entry.slot;
    }
    __syncthreads();
    uint32_t touched = 0;
    for (uint32_t j = 0; j < size && begin + j < last_of_warp; ++j) {
      Hit h[kPixelsOfThread];
      bool blended[kPixelsOfThread], any = false;
      for (int p = 0; p < kPixelsOfThread; ++p) {
        blended[p] = begin + j < pixels[p].last && hit(batch[j], pixels[p].pixel, pixels[p].transmittance, &h[p]);
        any |= blended[p];
      }
      if (!__any_sync(kAllLanes, any)) continue;
      float sums[kSums] = {};
      for (int p = 0; p < kPixelsOfThread; ++p) {
        if (blended[p]) add_adjoint(batch[j], h[p], &pixels[p], sums);
      }
      const float total = scatter_sums(sums);
      if (my_sum < kSums) partial[warp][j][my_sum] = total;
      touched |= 1u << j;
    }
    if (lane_of_thread() == 0) touched_by_warp[warp] = touched;
    __syncthreads();
    for (uint32_t k = threadIdx.x; k < size * kSums; k += kAdjointThreads) {
      const uint32_t j = k / kSums, sum = k % kSums;
      float total = 0;
      for (unsigned w = 0; w < kAdjointWarps; ++w) {
        if (touched_by_warp[w] >> j & 1) total += partial[w][j][sum];
      }
      reinterpret_cast<float*>(gradients + slots[j])[sum] = total;
    }
    __syncthreads();  // the next batch overwrites the shared arrays that were just read
  }

  for (uint32_t k = visited * kSums + threadIdx.x; k < count * kSums; k += kAdjointThreads) {
    const uint32_t slot = lists.entries[range.begin + k / kSums].slot;
    reinterpret_cast<float*>(gradients + slot)[k % kSums] = 0;
  }
}

}  // namespace lucid::render::cuda::LUCID_CUDA_PLATFORM
