// SPDX-License-Identifier: Apache-2.0
// Packing of charts from the bottom up, largest first, and the search for the largest scale with which they fit.
#include "lucid/mesh/atlas/pack.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

#include "lucid/base/parallel.h"
#include "lucid/mesh/atlas/bitmap.h"

namespace lucid::mesh {
namespace {

constexpr int kLargestGrid = 1024;     // cells a side; larger textures are packed in cells of several texels
constexpr int kAttempts = 10;          // scales tried
constexpr size_t kFewCharts = 200;     // up to as many, more orders are tried
constexpr size_t kManyCharts = 600;    // above, StartRows are used
constexpr int kSizeStep = 2;           // cells: shapes are of the same size if their boxes differ by less
constexpr double kPrecision = 1.005;   // of the scale
constexpr double kFirstUse = 0.72;     // share of the texture that the charts cover with the first scale
constexpr double kExtraHeight = 1.25;  // strip height over the texture's, so that a failed attempt tells by how much

/// The texture as square cells.
struct Grid {
  int size;    // cells a side
  int gutter;  // empty cells between charts
  int border;  // empty cells at the texture's border
  int inside() const { return size - 2 * border; }
};

/// A chart's cells at one scale in one of four orientations, a quarter turn apart.
struct Shape {
  int width, height;                 // cells of the chart's box
  std::vector<CellRun> cells;        // touched by the chart
  std::vector<CellRun> with_margin;  // grown by the gutter, longest first; the box starts `gutter` cells further out
};
using Shapes = std::array<Shape, 4>;

struct Placement {
  int turns = 0, x = 0, y = 0;  // quarter turns; cell of the lower left corner of the chart's box
};

struct Packing {
  double scale = 0;
  int height = 0;  // rows used
  std::vector<Placement> places;
};

std::vector<Uv> convex_hull(std::vector<Uv> points) {  // Andrew's monotone chain
  std::sort(points.begin(), points.end(), [](const Uv& a, const Uv& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  std::vector<Uv> hull;
  for (int pass = 0; pass < 2; ++pass) {
    const size_t start = hull.size();
    for (const Uv& p : points) {
      while (hull.size() >= start + 2 && cross(hull.back() - hull[hull.size() - 2], p - hull.back()) <= 0)
        hull.pop_back();
      hull.push_back(p);
    }
    hull.pop_back();
    std::reverse(points.begin(), points.end());
  }
  return hull;
}

struct Box {
  Uv low, high;
};

Box box_of(const std::vector<Uv>& points, const Uv& axis) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  Box box{{kFar, kFar}, {-kFar, -kFar}};
  for (const Uv& p : points) {
    const Uv q{dot(axis, p), cross(axis, p)};
    box.low = {std::min(box.low.x, q.x), std::min(box.low.y, q.y)};
    box.high = {std::max(box.high.x, q.x), std::max(box.high.y, q.y)};
  }
  return box;
}

/// Turns the chart so that its box has the smallest area, and moves the box's corner to the origin. Returns the size of
/// the box. One side of the smallest box lies on an edge of the convex hull.
Uv straighten(Chart& chart) {
  const std::vector<Uv> hull = convex_hull(chart.uv);
  Uv best{1, 0};
  double smallest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < hull.size(); ++i) {
    const Uv edge = hull[(i + 1) % hull.size()] - hull[i];
    const double length = std::sqrt(dot(edge, edge));
    if (!(length > 0)) continue;
    const Uv axis = (1 / length) * edge;
    const Box box = box_of(hull, axis);
    const double area = (box.high.x - box.low.x) * (box.high.y - box.low.y);
    if (area < smallest) {
      smallest = area;
      best = axis;
    }
  }
  const Box box = box_of(chart.uv, best);
  for (Uv& p : chart.uv) p = Uv{dot(best, p), cross(best, p)} - box.low;
  return box.high - box.low;
}

/// The straightened chart in cells: scaled, and centred in a box of whole cells.
struct Cells {
  int width, height;
  double scale;
  Uv offset;

  Cells(const Uv& size, double s)
      : width(std::max(1, static_cast<int>(std::ceil(s * size.x)))),
        height(std::max(1, static_cast<int>(std::ceil(s * size.y)))),
        scale(s),
        offset{(width - s * size.x) / 2, (height - s * size.y) / 2} {}
  Uv operator()(const Uv& p) const { return scale * p + offset; }
};

Shapes shapes_of(const Chart& chart, const Cells& cells, int gutter) {
  Bitmap bitmap(cells.width, cells.height);
  for (const Triangle& t : chart.corners) {
    cover(bitmap, {cells(chart.uv[t[0]]), cells(chart.uv[t[1]]), cells(chart.uv[t[2]])});
  }
  Shapes shapes;
  for (Shape& shape : shapes) {
    shape = {bitmap.width, bitmap.height, runs_of(bitmap), runs_of(grown(bitmap, gutter))};
    std::stable_sort(shape.with_margin.begin(), shape.with_margin.end(),
                     [](const CellRun& a, const CellRun& b) { return a.end - a.begin > b.end - b.begin; });
    bitmap = turned(bitmap);
  }
  return shapes;
}

int64_t cells_in(const std::vector<CellRun>& runs) {
  int64_t count = 0;
  for (const CellRun& run : runs) count += run.end - run.begin;
  return count;
}

/// For many charts, where the search for a shape starts: at the row where the last shape of about the same size was
/// placed, because the rows below are almost full for it. Searches from row 0 are a little better, but then the time
/// grows with the square of the number of charts.
class StartRows {
 public:
  int& row(const Shape& shape) { return rows_[{shape.width / kSizeStep, shape.height / kSizeStep}]; }

 private:
  std::map<std::array<int, 2>, int> rows_;
};

/// What "largest first" means: none is best for all meshes.
enum class Order { kCells, kHalfPerimeter, kBoxArea, kLongestSide };

int64_t rank(const Shape& shape, Order order) {
  switch (order) {
    case Order::kCells:
      return cells_in(shape.with_margin);
    case Order::kHalfPerimeter:
      return shape.width + shape.height;
    case Order::kBoxArea:
      return int64_t{shape.width} * shape.height;
    case Order::kLongestSide:
      return std::max(shape.width, shape.height);
  }
  return 0;
}

/// Places each chart, largest first, in the orientation whose top is lowest. Nothing if the strip is too short.
std::optional<Packing> place_all(const std::vector<Shapes>& shapes, const Grid& grid, double scale, Order order) {
  std::vector<std::pair<int64_t, uint32_t>> queue;  // minus the rank, chart
  for (uint32_t i = 0; i < shapes.size(); ++i) queue.push_back({-rank(shapes[i][0], order), i});
  std::sort(queue.begin(), queue.end());

  const int margin = grid.gutter, tall = static_cast<int>(kExtraHeight * grid.inside());
  FreeSpace space(grid.inside() + 2 * margin, tall + 2 * margin);
  const bool many = shapes.size() > kManyCharts;
  StartRows start;
  Packing packing{scale, 0, std::vector<Placement>(shapes.size())};
  for (const auto& [minus_rank, i] : queue) {
    std::optional<Placement> best;
    int lowest_top = tall + 1;
    for (int turns = 0; turns < 4; ++turns) {
      const Shape& shape = shapes[i][turns];
      int* const row = many ? &start.row(shape) : nullptr;
      const int last = lowest_top - 1 - shape.height;
      const auto place = space.find(shape.with_margin, row ? *row : 0, last);
      if (row) *row = std::max(*row, place ? place->y : last + 1);
      if (!place) continue;
      best = {turns, place->x, place->y};
      lowest_top = place->y + shape.height;
    }
    if (!best) return std::nullopt;
    space.occupy(shapes[i][best->turns].cells, {best->x + margin, best->y + margin});
    packing.places[i] = *best;
    packing.height = std::max(packing.height, lowest_top);
  }
  return packing;
}

/// The lowest packing of several orders at one scale, or nothing.
std::optional<Packing> pack_at(const std::vector<Chart>& charts, const std::vector<Uv>& sizes, const Grid& grid,
                               double scale) {
  for (const Uv& size : sizes) {
    if (!(scale * std::max(size.x, size.y) <= grid.inside())) return std::nullopt;
  }
  std::vector<Shapes> shapes(charts.size());
  parallel_for(static_cast<int64_t>(charts.size()), 16,
               [&](int64_t i) { shapes[i] = shapes_of(charts[i], Cells(sizes[i], scale), grid.gutter); });
  std::array<std::optional<Packing>, 4> packings;
  const int orders = charts.size() <= kFewCharts ? 4 : 2;
  parallel_for(orders, 1, [&](int64_t i) { packings[i] = place_all(shapes, grid, scale, static_cast<Order>(i)); });
  std::optional<Packing> best;
  for (std::optional<Packing>& packing : packings) {
    if (packing && (!best || packing->height < best->height)) best = std::move(packing);
  }
  return best;
}

/// The largest scale found at which the charts fit.
std::optional<Packing> best_packing(const std::vector<Chart>& charts, const std::vector<Uv>& sizes, const Grid& grid,
                                    double area) {
  if (grid.inside() < 1) return std::nullopt;
  const double cells_each = std::pow(grid.gutter + 1, 2);
  if (static_cast<double>(charts.size()) * cells_each > std::pow(grid.inside() + grid.gutter, 2)) return std::nullopt;
  double longest = 0;
  for (const Uv& size : sizes) longest = std::max({longest, size.x, size.y});
  double scale = longest > 0 ? grid.inside() / longest : 1;
  if (area > 0) scale = std::min(scale, std::sqrt(kFirstUse / area) * grid.inside());

  std::optional<Packing> best;
  double too_large = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kAttempts; ++i) {
    std::optional<Packing> packing = pack_at(charts, sizes, grid, scale);
    double guess = 0.75 * scale;
    if (packing) guess = scale * std::sqrt(static_cast<double>(grid.inside()) / packing->height);
    if (packing && packing->height <= grid.inside()) {
      best = std::move(packing);
    } else {
      too_large = scale;
    }
    if (best) {
      if (too_large <= kPrecision * best->scale) break;
      if (longest > 0 && best->scale * longest >= (1 - 1e-6) * grid.inside()) break;
      if (guess >= too_large || guess <= best->scale)
        guess = (best->scale + std::min(too_large, 1.1 * best->scale)) / 2;
    }
    if (longest > 0) guess = std::min(guess, grid.inside() / longest);
    scale = guess;
  }
  return best;
}

void apply(const Packing& packing, const Grid& grid, double cell, std::vector<Chart>& charts,
           const std::vector<Uv>& sizes) {
  for (size_t i = 0; i < charts.size(); ++i) {
    const Cells cells(sizes[i], packing.scale);
    const Placement& place = packing.places[i];
    for (Uv& uv : charts[i].uv) {
      Uv p = cells(uv);
      int width = cells.width, height = cells.height;
      for (int turn = 0; turn < place.turns; ++turn) {
        p = {height - p.y, p.x};
        std::swap(width, height);
      }
      uv = {cell * (p.x + place.x + grid.border), 1 - cell * (p.y + place.y + grid.border)};
    }
  }
}

/// For more charts than cells: one square for each, without regard to texels.
void pack_in_squares(std::vector<Chart>& charts, const std::vector<Uv>& sizes) {
  const auto side = static_cast<size_t>(std::ceil(std::sqrt(static_cast<double>(charts.size()))));
  for (size_t i = 0; i < charts.size(); ++i) {
    const double longest = std::max(sizes[i].x, sizes[i].y);
    const double scale = longest > 0 ? 0.9 / longest : 0, square = 1 / static_cast<double>(side);
    for (Uv& uv : charts[i].uv) {
      const Uv p = scale * uv + Uv{static_cast<double>(i % side) + 0.05, static_cast<double>(i / side) + 0.05};
      uv = {square * p.x, 1 - square * p.y};
    }
  }
}

double area_of(const std::vector<Chart>& charts) {
  double doubled = 0;
  for (const Chart& chart : charts) {
    for (const Triangle& t : chart.corners) {
      doubled += std::abs(cross(chart.uv[t[1]] - chart.uv[t[0]], chart.uv[t[2]] - chart.uv[t[0]]));
    }
  }
  return doubled / 2;
}

}  // namespace

void pack(std::vector<Chart>& charts, const AtlasOptions& options) {
  std::vector<Uv> sizes;
  for (Chart& chart : charts) sizes.push_back(straighten(chart));
  const double area = area_of(charts);
  const int texels = (options.texture_size + kLargestGrid - 1) / kLargestGrid;  // a cell's side
  for (int gutter = options.gutter;; gutter /= 2) {
    Grid grid{options.texture_size / texels, (gutter + texels - 1) / texels, 0};
    grid.border = (grid.gutter + 1) / 2;
    if (const auto packing = best_packing(charts, sizes, grid, area)) {
      apply(*packing, grid, static_cast<double>(texels) / options.texture_size, charts, sizes);
      return;
    }
    if (gutter == 0) break;
  }
  pack_in_squares(charts, sizes);
}

}  // namespace lucid::mesh
