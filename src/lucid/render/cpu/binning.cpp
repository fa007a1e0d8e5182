// SPDX-License-Identifier: Apache-2.0
// Tile lists: the Gaussians that each tile blends, nearest first. The visible Gaussians are sorted once by depth and
// then distributed to their tiles in that order by a stable counting sort, so no tile's list needs a sort of its own.
#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "lucid/base/parallel.h"
#include "lucid/render/cpu/frame.h"
#include "lucid/render/inputs.h"

namespace lucid::render::cpu {
namespace {

constexpr int kDigitBits = 11, kDigits = 1 << kDigitBits;
constexpr int64_t kChunkSize = 512, kMaxChunks = 32;

/// Radix sort by depth_bits, least significant digit first. It is stable, so equal keys stay in index order.
void radix_sort(std::vector<BinScratch::Key>* keys, std::vector<BinScratch::Key>* spare) {
  spare->resize(keys->size());
  for (int shift = 0; shift < 32; shift += kDigitBits) {
    uint32_t at[kDigits] = {};
    for (const auto& key : *keys) ++at[(key.depth_bits >> shift) & (kDigits - 1)];
    uint32_t begin = 0;
    for (uint32_t& digit : at) begin += std::exchange(digit, begin);
    for (const auto& key : *keys) (*spare)[at[(key.depth_bits >> shift) & (kDigits - 1)]++] = key;
    std::swap(*keys, *spare);
  }
}

/// Sorts the visible Gaussians by (depth in double, index): first by the bits of the depth in float, then within the
/// rare runs of equal floats.
void sort_by_depth(const CpuRasterizer::Frame& frame, BinScratch* scratch) {
  auto& order = scratch->order;
  order.clear();
  for (size_t i = 0; i < frame.touched.size(); ++i) {
    if (frame.touched[i] == 0) continue;
    order.push_back({std::bit_cast<uint32_t>(float(scratch->depths[i])), static_cast<uint32_t>(i)});
  }
  radix_sort(&order, &scratch->spare);
  const auto& depths = scratch->depths;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    for (end = begin + 1; end < order.size() && order[end].depth_bits == order[begin].depth_bits;) ++end;
    if (end - begin == 1) continue;
    std::sort(order.begin() + int64_t(begin), order.begin() + int64_t(end), [&](const auto& a, const auto& b) {
      return depths[a.index] != depths[b.index] ? depths[a.index] < depths[b.index] : a.index < b.index;
    });
  }
}

/// Sets first_slot of every Gaussian and returns the number of (tile, Gaussian) pairs.
uint32_t assign_slots(CpuRasterizer::Frame* frame) {
  frame->first_slot.resize(frame->touched.size());
  uint64_t total = 0;
  for (size_t i = 0; i < frame->touched.size(); ++i) {
    frame->first_slot[i] = static_cast<uint32_t>(total);
    total += frame->touched[i];
  }
  if (total > std::numeric_limits<uint32_t>::max()) {
    throw_too_many_pairs();
  }
  return static_cast<uint32_t>(total);
}

}  // namespace

void build_tile_lists(CpuRasterizer::Frame* frame, BinScratch* scratch) {
  sort_by_depth(*frame, scratch);
  frame->entries.resize(assign_slots(frame));
  const auto& order = scratch->order;
  const int64_t visible = int64_t(order.size()), tiles = frame->tiles(), tiles_x = frame->view.tiles_x;
  // The number of chunks depends only on the data, not on the number of threads.
  const int64_t chunks = std::clamp<int64_t>(visible / kChunkSize, 1, kMaxChunks);
  scratch->histogram.assign(static_cast<size_t>(chunks * tiles), 0);

  const auto each_in_chunk = [&](int64_t chunk, const auto& visit) {  // calls visit(entry, counter of its tile)
    uint32_t* counters = scratch->histogram.data() + chunk * tiles;
    for (int64_t k = visible * chunk / chunks; k < visible * (chunk + 1) / chunks; ++k) {
      const uint32_t index = order[static_cast<size_t>(k)].index;
      uint32_t slot = frame->first_slot[index];
      for_each_tile_row(*scratch, index, [&](int tile_y, int x0, int x1) {
        for (int x = x0; x < x1; ++x) visit(TileEntry{index, slot++}, counters + tile_y * tiles_x + x);
      });
    }
  };
  parallel_for(chunks, 1,
               [&](int64_t chunk) { each_in_chunk(chunk, [](const TileEntry&, uint32_t* counter) { ++*counter; }); });

  frame->tile_begin.resize(static_cast<size_t>(tiles) + 1);
  uint32_t begin = 0;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    frame->tile_begin[static_cast<size_t>(tile)] = begin;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      begin += std::exchange(scratch->histogram[static_cast<size_t>(chunk * tiles + tile)], begin);
    }
  }
  frame->tile_begin[static_cast<size_t>(tiles)] = begin;

  TileEntry* entries = frame->entries.data();
  parallel_for(chunks, 1, [&](int64_t chunk) {
    each_in_chunk(chunk, [entries](const TileEntry& entry, uint32_t* counter) { entries[(*counter)++] = entry; });
  });
}

}  // namespace lucid::render::cpu
