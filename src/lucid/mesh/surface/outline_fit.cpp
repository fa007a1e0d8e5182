// SPDX-License-Identifier: Apache-2.0
// Iterative correction of a field from the rays that disagree with the pictures' masks.
#include "lucid/mesh/surface/outline_fit.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/parallel.h"
#include "lucid/mesh/surface/rays.h"

namespace lucid::mesh {
namespace {

constexpr int kRounds = 6;
constexpr size_t kViewParts = 2;   // a round uses one picture of so many,
constexpr int kOutlineParts = 2;   // of these one pixel of so many near the outline,
constexpr size_t kOtherParts = 8;  // and one of so many elsewhere
constexpr int kOutlineReach = 3;   // pixels
constexpr float kMaskAlpha = 0.5f;
constexpr float kMinAlpha = 0.01f;  // no ray with less meets the surface
constexpr float kStep = 0.7f;       // along a ray, of the spacing
constexpr float kLowest = 0.3f;     // smaller values are not raised
constexpr float kAbove = 1.05f;     // a ray that should meet the surface raises its largest value to this,
constexpr float kBelow = 0.95f;     // and one that should not lowers its values to this
constexpr float kMaxChange = 0.5f;  // of a value's logarithm, by one ray
constexpr float kDamping = 0.5f;    // weight of no change in a sample's average

struct Pixel {
  int16_t column = 0, row = 0;
};

/// The pixels of a picture whose rays can be followed.
struct Pixels {
  std::vector<Pixel> outline, other;
};

struct Correction {
  CellPoint at;
  float change = 0;  // of the value's logarithm
};

bool in_mask(const CloudPicture& picture, int column, int row) {
  return picture.alpha[size_t(row) * size_t(picture.camera.width) + size_t(column)] > kMaskAlpha;
}

/// Marks the pixels within kOutlineReach of a change of the mask, in x or y. [H,W]
std::vector<char> near_outline(const CloudPicture& picture) {
  const int width = picture.camera.width, height = picture.camera.height;
  std::vector<char> marks(picture.alpha.size(), 0);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool here = in_mask(picture, x, y);
      const bool changes = (x + 1 < width && in_mask(picture, x + 1, y) != here) ||
                           (y + 1 < height && in_mask(picture, x, y + 1) != here);
      if (!changes) continue;
      for (int v = std::max(0, y - kOutlineReach + 1); v <= std::min(height - 1, y + kOutlineReach); ++v) {
        for (int u = std::max(0, x - kOutlineReach + 1); u <= std::min(width - 1, x + kOutlineReach); ++u) {
          marks[size_t(v) * size_t(width) + size_t(u)] = 1;
        }
      }
    }
  }
  return marks;
}

Pixels pixels_of(const CloudPicture& picture) {
  const std::vector<char> marks = near_outline(picture);
  Pixels result;
  for (int row = 0; row < picture.camera.height; ++row) {
    for (int column = 0; column < picture.camera.width; ++column) {
      const size_t i = size_t(row) * size_t(picture.camera.width) + size_t(column);
      const Pixel pixel{int16_t(column), int16_t(row)};
      if (marks[i]) {
        result.outline.push_back(pixel);
      } else if (picture.alpha[i] > kMinAlpha) {
        result.other.push_back(pixel);
      }
    }
  }
  return result;
}

class OutlineFit {
 public:
  OutlineFit(const std::vector<const CloudPicture*>& pictures, const Lattice& lattice, Field* field)
      : pictures_(pictures), lattice_(lattice), field_(*field), pixels_(pictures.size()), slots_(field->size(), 0) {
    parallel_for(int64_t(pictures.size()), 1, [&](int64_t i) { pixels_[size_t(i)] = pixels_of(*pictures[size_t(i)]); });
  }

  void run() {
    for (size_t round = 0; round < kRounds; ++round) {
      const ActiveBlocks raisable(field_, lattice_, kLowest), inside(field_, lattice_, 1);
      const std::vector<Job> jobs = jobs_of(round);
      std::vector<std::vector<Correction>> corrections(jobs.size());
      parallel_for(int64_t(jobs.size()), 1,
                   [&](int64_t i) { corrections[size_t(i)] = corrections_of(jobs[size_t(i)], raisable, inside); });
      for (const auto& of_job : corrections) {
        for (const Correction& correction : of_job) add(correction);
      }
      apply();
    }
  }

 private:
  struct Sum {  // of the corrections at one sample
    int64_t sample = 0;
    float change = 0, weight = 0;
  };

  /// Some pixels of one picture.
  struct Job {
    size_t picture = 0;
    std::vector<Pixel> pixels;
  };

  std::vector<Job> jobs_of(size_t round) const {
    constexpr size_t kPixelsOfJob = 512;
    std::vector<Job> jobs;
    const size_t turn = round / kViewParts;  // how often each picture was used before
    for (size_t i = round % kViewParts; i < pictures_.size(); i += kViewParts) {
      jobs.push_back({.picture = i, .pixels = {}});
      const auto add_pixel = [&](const Pixel& pixel) {
        if (jobs.back().pixels.size() == kPixelsOfJob) jobs.push_back({.picture = i, .pixels = {}});
        jobs.back().pixels.push_back(pixel);
      };
      for (const Pixel& p : pixels_[i].outline) {
        if ((p.column + p.row) % kOutlineParts == int(turn) % kOutlineParts) add_pixel(p);
      }
      const auto& other = pixels_[i].other;
      for (size_t k = turn % kOtherParts; k < other.size(); k += kOtherParts) add_pixel(other[k]);
    }
    return jobs;
  }

  /// In the order of the pixels.
  std::vector<Correction> corrections_of(const Job& job, const ActiveBlocks& raisable,
                                         const ActiveBlocks& inside) const {
    const CloudPicture& picture = *pictures_[job.picture];
    const PixelRays rays(picture.camera, lattice_);
    std::vector<Correction> corrections;
    for (const Pixel& p : job.pixels) {
      if (in_mask(picture, p.column, p.row)) {
        cover(rays, p, raisable, &corrections);
      } else {
        uncover(rays, p, inside, &corrections);
      }
    }
    return corrections;
  }

  /// For a pixel in the mask: raises the largest value on its ray if that is below 1.
  void cover(const PixelRays& rays, const Pixel& pixel, const ActiveBlocks& blocks,
             std::vector<Correction>* corrections) const {
    float largest = 0;
    CellPoint best;
    rays.march(pixel.column, pixel.row, kStep, blocks, [&](const CellPoint& at) {
      const float value = interpolate(field_, lattice_, at);
      if (value > largest) {
        largest = value;
        best = at;
      }
      return value < 1;
    });
    if (largest < 1 && largest > kLowest)
      corrections->push_back({best, std::min(kMaxChange, std::log(kAbove / largest))});
  }

  /// For a pixel outside the mask: lowers all values >= 1 on its ray.
  void uncover(const PixelRays& rays, const Pixel& pixel, const ActiveBlocks& blocks,
               std::vector<Correction>* corrections) const {
    rays.march(pixel.column, pixel.row, kStep, blocks, [&](const CellPoint& at) {
      const float value = interpolate(field_, lattice_, at);
      if (value >= 1) corrections->push_back({at, std::max(-kMaxChange, std::log(kBelow / value))});
      return true;
    });
  }

  void add(const Correction& correction) {
    const int64_t step_y = lattice_.size[0], step_z = step_y * lattice_.size[1];
    for (int c = 0; c < 8; ++c) {
      const int64_t i = correction.at.index + (c & 1) + (c >> 1 & 1) * step_y + (c >> 2) * step_z;
      const float weight = (c & 1 ? correction.at.u : 1 - correction.at.u) *
                           (c & 2 ? correction.at.v : 1 - correction.at.v) *
                           (c & 4 ? correction.at.w : 1 - correction.at.w);
      if (!(weight > 0)) continue;
      uint32_t& slot = slots_[size_t(i)];
      if (slot == 0) {
        sums_.push_back({i});
        slot = uint32_t(sums_.size());
      }
      Sum& sum = sums_[slot - 1];
      sum.change += weight * correction.change;
      sum.weight += weight;
    }
  }

  void apply() {
    for (const Sum& sum : sums_) {
      field_[size_t(sum.sample)] *= std::exp(sum.change / (sum.weight + kDamping));
      slots_[size_t(sum.sample)] = 0;
    }
    sums_.clear();
  }

  const std::vector<const CloudPicture*>& pictures_;
  const Lattice& lattice_;
  Field& field_;
  std::vector<Pixels> pixels_;
  std::vector<Sum> sums_;
  std::vector<uint32_t> slots_;  // 1 + the sample's place in sums_; 0 without corrections
};

}  // namespace

void fit_outlines(const std::vector<const CloudPicture*>& pictures, const Lattice& lattice, Field* field) {
  OutlineFit(pictures, lattice, field).run();
}

}  // namespace lucid::mesh
