// SPDX-License-Identifier: Apache-2.0
// Connected components of the outside by union-find over runs of samples along x.
#include "lucid/mesh/surface/cavities.h"

#include <algorithm>
#include <cstdint>

#include "lucid/base/parallel.h"
#include "lucid/mesh/union_find.h"

namespace lucid::mesh {
namespace {

/// Outside samples [begin, end) of one row along x.
struct Run {
  int begin = 0, end = 0;
};

void clear_border(const Lattice& lattice, Field* field) {
  const auto [nx, ny, nz] = lattice.size;
  for (int z = 0; z < nz; ++z) {
    for (int y = 0; y < ny; ++y) {
      float* row = &(*field)[size_t(lattice.index(0, y, z))];
      if (z == 0 || z == nz - 1 || y == 0 || y == ny - 1) {
        std::fill(row, row + nx, 0.0f);
      } else {
        row[0] = row[nx - 1] = 0;
      }
    }
  }
}

/// The outside runs of all rows. Row y + size_y * z has the runs first[row] to first[row + 1].
struct Runs {
  std::vector<Run> runs;
  std::vector<size_t> first;
};

Runs find_runs(const Lattice& lattice, const Field& field) {
  const int nx = lattice.size[0];
  std::vector<std::vector<Run>> rows(size_t(lattice.size[1]) * size_t(lattice.size[2]));
  parallel_for(int64_t(rows.size()), 256, [&](int64_t row) {
    const float* values = &field[size_t(row * nx)];
    for (int x = 0; x < nx;) {
      const int begin = x;
      while (x < nx && values[x] < 1) ++x;
      if (x > begin) rows[size_t(row)].push_back({begin, x});
      while (x < nx && !(values[x] < 1)) ++x;
    }
  });
  Runs result;
  result.first.push_back(0);
  for (const auto& row : rows) {
    result.runs.insert(result.runs.end(), row.begin(), row.end());
    result.first.push_back(result.runs.size());
  }
  return result;
}

/// Unites the runs of two rows that have an x in common.
void unite_rows(const Runs& all, size_t row, size_t other, UnionFind* sets) {
  size_t a = all.first[row], b = all.first[other];
  while (a < all.first[row + 1] && b < all.first[other + 1]) {
    if (all.runs[a].begin < all.runs[b].end && all.runs[b].begin < all.runs[a].end)
      sets->unite(uint32_t(a), uint32_t(b));
    if (all.runs[a].end < all.runs[b].end) {
      ++a;
    } else {
      ++b;
    }
  }
}

}  // namespace

void fill_cavities(const Lattice& lattice, Field* field) {
  clear_border(lattice, field);
  const Runs all = find_runs(lattice, *field);
  const size_t ny = size_t(lattice.size[1]), nz = size_t(lattice.size[2]);
  UnionFind sets(all.runs.size());
  for (size_t z = 0; z < nz; ++z) {
    for (size_t y = 0; y < ny; ++y) {
      if (y + 1 < ny) unite_rows(all, z * ny + y, z * ny + y + 1, &sets);
      if (z + 1 < nz) unite_rows(all, z * ny + y, (z + 1) * ny + y, &sets);
    }
  }
  const uint32_t border = sets.root(0);  // the first row is all border
  for (size_t row = 0; row < ny * nz; ++row) {
    for (size_t r = all.first[row]; r < all.first[row + 1]; ++r) {
      if (sets.root(uint32_t(r)) == border) continue;
      float* values = &(*field)[row * size_t(lattice.size[0])];
      for (int x = all.runs[r].begin; x < all.runs[r].end; ++x) values[x] = 2 - values[x];
    }
  }
}

}  // namespace lucid::mesh
