// SPDX-License-Identifier: Apache-2.0
// Bitmaps of charts, and a bitmap of the texture that finds the lowest free place for one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lucid/mesh/atlas/chart.h"

namespace lucid::mesh {

/// A picture of cells that are set or not.
struct Bitmap {
  int width = 0, height = 0;
  std::vector<uint8_t> cells;  // [height * width]

  Bitmap(int w, int h) : width(w), height(h), cells(static_cast<size_t>(w) * h) {}
  uint8_t& at(int x, int y) { return cells[static_cast<size_t>(y) * width + x]; }
  uint8_t at(int x, int y) const { return cells[static_cast<size_t>(y) * width + x]; }
};

/// Sets the cells that the triangle touches. Cell (x, y) is the square [x, x + 1] x [y, y + 1].
void cover(Bitmap& bitmap, const std::array<Uv, 3>& triangle);

/// Turned by 90 degrees counter-clockwise (y up): the point (x, y) comes to (height - y, x).
Bitmap turned(const Bitmap& bitmap);

/// Grown by `margin` cells in all eight directions; its box grows by `margin` on each side.
Bitmap grown(const Bitmap& bitmap, int margin);

/// Horizontal runs of set cells.
struct CellRun {
  int y, begin, end;  // end is one past the last cell
};
std::vector<CellRun> runs_of(const Bitmap& bitmap);

/// Which cells of a strip are free. Finds free places for all x of a row at once, 64 in a word.
class FreeSpace {
 public:
  FreeSpace(int width, int height);

  struct Place {
    int x, y;
  };
  /// The place with the smallest y, and the smallest x for it, at which all runs are free; y in [first, last].
  std::optional<Place> find(const std::vector<CellRun>& runs, int first, int last) const;

  void occupy(const std::vector<CellRun>& runs, const Place& place);

 private:
  uint64_t* row(int level, int y) { return free_.data() + (static_cast<size_t>(level) * height_ + y) * words_; }
  const uint64_t* row(int level, int y) const {
    return free_.data() + (static_cast<size_t>(level) * height_ + y) * words_;
  }

  int width_, height_, words_, levels_;
  std::vector<uint64_t> free_;  // [levels, height, words]; bit x of level k: the cells [x, x + 2^k) of the row are free
};

}  // namespace lucid::mesh
