// SPDX-License-Identifier: Apache-2.0
// Conservative rasterisation of charts, and the search for free places by shifts of whole rows.
#include "lucid/mesh/atlas/bitmap.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lucid::mesh {
namespace {

constexpr double kRounding = 1e-6;  // cells: covers rounding errors of the texture coordinates

/// out[x] = in[x + shift] for bits x; bits from outside are 0.
inline uint64_t shifted(const uint64_t* in, int words, int word, int shift) {
  const int from = word + shift / 64, bit = shift % 64;
  const uint64_t low = from < words ? in[from] >> bit : 0;
  const uint64_t high = bit > 0 && from + 1 < words ? in[from + 1] << (64 - bit) : 0;
  return low | high;
}

}  // namespace

void cover(Bitmap& bitmap, const std::array<Uv, 3>& t) {
  const auto [low, high] = std::minmax({t[0].y, t[1].y, t[2].y});
  const int first = std::max(0, static_cast<int>(std::floor(low - kRounding)));
  const int last = std::min(bitmap.height - 1, static_cast<int>(std::floor(high + kRounding)));
  for (int y = first; y <= last; ++y) {
    // The part of the triangle in the strip [bottom, top] is convex: its x range is that of its corners.
    const double bottom = y - kRounding, top = y + 1 + kRounding;
    double left = 1e300, right = -1e300;
    const auto add = [&](double x) {
      left = std::min(left, x);
      right = std::max(right, x);
    };
    for (int c = 0; c < 3; ++c) {
      const Uv &a = t[c], &b = t[(c + 1) % 3];
      if (a.y >= bottom && a.y <= top) add(a.x);
      for (const double line : {bottom, top}) {
        if ((a.y < line) != (b.y < line)) add(a.x + (line - a.y) / (b.y - a.y) * (b.x - a.x));
      }
    }
    if (left > right) continue;
    const int begin = std::max(0, static_cast<int>(std::floor(left - kRounding)));
    const int end = std::min(bitmap.width - 1, static_cast<int>(std::floor(right + kRounding)));
    for (int x = begin; x <= end; ++x) bitmap.at(x, y) = 1;
  }
}

Bitmap turned(const Bitmap& bitmap) {
  Bitmap out(bitmap.height, bitmap.width);
  for (int y = 0; y < bitmap.height; ++y) {
    for (int x = 0; x < bitmap.width; ++x) out.at(bitmap.height - 1 - y, x) = bitmap.at(x, y);
  }
  return out;
}

Bitmap grown(const Bitmap& bitmap, int margin) {
  Bitmap wide(bitmap.width + 2 * margin, bitmap.height), out(wide.width, bitmap.height + 2 * margin);
  for (const CellRun& run : runs_of(bitmap)) {
    for (int x = run.begin; x < run.end + 2 * margin; ++x) wide.at(x, run.y) = 1;
  }
  for (const CellRun& run : runs_of(wide)) {
    for (int y = run.y; y <= run.y + 2 * margin; ++y) std::fill(&out.at(run.begin, y), &out.at(run.end - 1, y) + 1, 1);
  }
  return out;
}

std::vector<CellRun> runs_of(const Bitmap& bitmap) {
  std::vector<CellRun> runs;
  for (int y = 0; y < bitmap.height; ++y) {
    for (int x = 0; x < bitmap.width; ++x) {
      if (!bitmap.at(x, y)) continue;
      const int begin = x;
      while (x < bitmap.width && bitmap.at(x, y)) ++x;
      runs.push_back({y, begin, x});
    }
  }
  return runs;
}

FreeSpace::FreeSpace(int width, int height)
    : width_(width), height_(height), words_((width + 63) / 64), levels_(std::bit_width(static_cast<unsigned>(width))) {
  free_.resize(static_cast<size_t>(levels_) * height_ * words_);
  for (int level = 0; level < levels_; ++level) {
    const int free = width - (1 << level) + 1;  // positions
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < free; ++x) row(level, y)[x / 64] |= uint64_t{1} << (x % 64);
    }
  }
}

std::optional<FreeSpace::Place> FreeSpace::find(const std::vector<CellRun>& runs, int first, int last) const {
  int height = 0;
  for (const CellRun& run : runs) {
    if (run.end > width_) return std::nullopt;
    height = std::max(height, run.y + 1);
  }
  std::vector<uint64_t> open(words_);
  for (int y = first; y <= std::min(last, height_ - height); ++y) {
    for (int w = 0; w < words_; ++w) open[w] = ~uint64_t{0};
    bool any = true;
    for (const CellRun& run : runs) {
      // A run is the union of two runs whose lengths are the same power of 2.
      const int length = run.end - run.begin, level = std::bit_width(static_cast<unsigned>(length)) - 1;
      const uint64_t* const bits = row(level, y + run.y);
      const int second = run.end - (1 << level);
      uint64_t rest = 0;
      for (int w = 0; w < words_; ++w) {
        if (open[w] == 0) continue;
        open[w] &= shifted(bits, words_, w, run.begin) & shifted(bits, words_, w, second);
        rest |= open[w];
      }
      any = rest != 0;
      if (!any) break;
    }
    if (!any) continue;
    for (int w = 0; w < words_; ++w) {
      if (open[w] != 0) return Place{64 * w + std::countr_zero(open[w]), y};
    }
  }
  return std::nullopt;
}

void FreeSpace::occupy(const std::vector<CellRun>& runs, const Place& place) {
  for (const CellRun& run : runs) {
    uint64_t* const bits = row(0, place.y + run.y);
    for (int x = place.x + run.begin; x < place.x + run.end; ++x) bits[x / 64] &= ~(uint64_t{1} << (x % 64));
  }
  int done = -1;  // last row whose levels are up to date
  for (const CellRun& run : runs) {
    const int y = place.y + run.y;
    if (y == done) continue;
    done = y;
    for (int level = 1; level < levels_; ++level) {
      const uint64_t* const half = row(level - 1, y);
      for (int w = 0; w < words_; ++w) row(level, y)[w] = half[w] & shifted(half, words_, w, 1 << (level - 1));
    }
  }
}

}  // namespace lucid::mesh
