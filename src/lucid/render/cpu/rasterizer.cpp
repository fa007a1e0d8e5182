// SPDX-License-Identifier: Apache-2.0
// CpuRasterizer: project, bin and blend in the forward pass, their adjoints in the backward pass. A tile writes only
// its own pixels and pair slots, and a Gaussian sums its slots in order, so the bits do not depend on the threads.
#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "lucid/base/parallel.h"
#include "lucid/render/cpu/frame.h"
#include "lucid/render/inputs.h"

namespace lucid::render {
namespace {

/// Copies one tile into the planar images and adds the background.
void write_tile(const CpuRasterizer::Frame& frame, const cpu::TileJob& job, const cpu::TileImage& tile,
                const Images<float>& out) {
  const int64_t pixels = int64_t(frame.width) * frame.height;
  for (int row = 0; row < job.rows; ++row) {
    const int64_t at = int64_t(job.y0 + row) * frame.width + job.x0;
    const int from = row * kTile;
    for (int c = 0; c < job.columns; ++c) {
      const float left = tile.transmittance[from + c];
      if (out.rgb != nullptr) {
        out.rgb[at + c] = tile.red[from + c] + left * frame.background[0];
        out.rgb[pixels + at + c] = tile.green[from + c] + left * frame.background[1];
        out.rgb[2 * pixels + at + c] = tile.blue[from + c] + left * frame.background[2];
      }
      if (out.depth != nullptr) out.depth[at + c] = tile.depth[from + c];
      if (out.alpha != nullptr) out.alpha[at + c] = 1 - left;
    }
  }
}

/// Reads one tile's dL/d(images). `behind` becomes the sum of weight * value [12] over the whole pixel, background
/// included.
void read_tile(const CpuRasterizer::Frame& frame, const cpu::TileJob& job, const cpu::TileImage& tile,
               const ImageGradients<float>& d_images, cpu::TileGradient* out) {
  const int64_t pixels = int64_t(frame.width) * frame.height;
  *out = {};
  for (int row = 0; row < job.rows; ++row) {
    const int64_t at = int64_t(job.y0 + row) * frame.width + job.x0;
    for (int c = 0; c < job.columns; ++c) {
      const int to = row * kTile + c;
      const float left = tile.transmittance[to];
      float worth = 0;
      if (d_images.rgb != nullptr) {
        out->red[to] = d_images.rgb[at + c];
        out->green[to] = d_images.rgb[pixels + at + c];
        out->blue[to] = d_images.rgb[2 * pixels + at + c];
        worth += out->red[to] * (tile.red[to] + left * frame.background[0]) +
                 out->green[to] * (tile.green[to] + left * frame.background[1]) +
                 out->blue[to] * (tile.blue[to] + left * frame.background[2]);
      }
      if (d_images.depth != nullptr) {
        out->depth[to] = d_images.depth[at + c];
        worth += out->depth[to] * tile.depth[to];
      }
      if (d_images.alpha != nullptr) {
        out->alpha[to] = d_images.alpha[at + c];
        worth += out->alpha[to] * (1 - left);
      }
      out->behind[to] = worth;
    }
  }
}

/// A stopwatch: returns the milliseconds since the last call, or since construction.
class Stopwatch {
 public:
  double operator()() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

struct CpuRasterizer::State {
  const cpu::BlendKernels* kernels = &cpu::blend_kernels();
  std::vector<std::unique_ptr<Frame>> frames;
  cpu::BinScratch bins;
  std::vector<PairGradient> pairs;  // by slot
  std::vector<uint8_t> written;     // by slot: whether the backward pass has written pairs[slot]

  /// Prepares the job's frame. Until forward() sets its count, the frame is invalid; an exception leaves it so.
  Frame& begin_frame(const ViewJob& job, const CloudView<float>& cloud, const std::array<float, 3>& background) {
    if (size_t(job.frame) >= frames.size()) frames.resize(size_t(job.frame) + 1);
    auto& place = frames[size_t(job.frame)];
    if (place == nullptr) place = std::make_unique<Frame>();
    place->count = -1;
    place->view = make_view<double>(job.camera);
    place->background = background;
    place->width = job.camera.width;
    place->height = job.camera.height;
    place->sh_degree = cloud.sh_degree;
    return *place;
  }
};

CpuRasterizer::CpuRasterizer() : state_(std::make_unique<State>()) {}
CpuRasterizer::~CpuRasterizer() = default;
CpuRasterizer::CpuRasterizer(CpuRasterizer&&) noexcept = default;
CpuRasterizer& CpuRasterizer::operator=(CpuRasterizer&&) noexcept = default;

void CpuRasterizer::forward(int number, const CloudView<float>& cloud, const Camera& camera,
                            const std::array<float, 3>& background, const Images<float>& out) {
  const ViewJob job{.frame = number, .camera = camera, .out = out};
  forward(cloud, {&job, 1}, background);
}

void CpuRasterizer::forward(const CloudView<float>& cloud, std::span<const ViewJob> jobs,
                            const std::array<float, 3>& background) {
  check_jobs(cloud, jobs, background);
  check_elements(cloud);
  std::vector<int64_t> first_tile{0};  // number of each job's first tile; last, the number of all tiles
  Stopwatch lap;
  for (const ViewJob& job : jobs) {
    Frame& frame = state_->begin_frame(job, cloud, background);
    cpu::project_cloud(cloud, &frame, &state_->bins, job.out.radii);
    frame.times.project_ms = lap();
    cpu::build_tile_lists(&frame, &state_->bins);
    frame.times.bin_ms = lap();
    frame.images.resize(size_t(frame.tiles()));
    frame.results.resize(size_t(frame.tiles()));
    first_tile.push_back(first_tile.back() + frame.tiles());
  }
  parallel_for(first_tile.back(), 1, [&](int64_t at) {
    const auto number = size_t(std::ranges::upper_bound(first_tile, at) - first_tile.begin()) - 1;
    Frame& frame = *state_->frames[size_t(jobs[number].frame)];
    const auto tile = size_t(at - first_tile[number]);
    const cpu::TileJob job = frame.job(int64_t(tile));
    frame.results[tile] = state_->kernels->forward(job, &frame.images[tile]);
    write_tile(frame, job, frame.images[tile], jobs[number].out);
  });
  const double blend_ms = lap();
  for (const ViewJob& job : jobs) {
    Frame& frame = *state_->frames[size_t(job.frame)];
    frame.times.blend_ms = blend_ms / double(jobs.size());
    frame.count = cloud.count;
  }
}

void CpuRasterizer::backward(int number, const CloudView<float>& cloud, const ImageGradients<float>& d_images,
                             const CloudGradients<float>& d_cloud) {
  Frame& frame = frame_with_forward(state_->frames, number);
  check_same_cloud(cloud, frame.count, frame.sh_degree);
  Stopwatch lap;
  state_->pairs.resize(frame.entries.size());
  state_->written.assign(frame.entries.size(), 0);
  parallel_for(frame.tiles(), 1, [&](int64_t tile) {
    cpu::TileJob job = frame.job(tile);
    job.count = frame.results[size_t(tile)].visited;
    for (int64_t k = 0; k < job.count; ++k) state_->written[job.entries[k].slot] = 1;
    cpu::TileGradient gradient;
    read_tile(frame, job, frame.images[size_t(tile)], d_images, &gradient);
    state_->kernels->backward(job, &gradient, state_->pairs.data());
  });
  frame.times.adjoint_ms = lap();
  cpu::gather_gradients(frame, cloud, state_->pairs.data(), state_->written.data(), d_cloud);
  frame.times.gather_ms = lap();
}

int64_t CpuRasterizer::blended_pairs(int number) const { return statistics(number).pairs; }

CpuStatistics CpuRasterizer::statistics(int number) const {
  const Frame& frame = frame_with_forward(state_->frames, number);
  CpuStatistics s = frame.times;
  s.entries = int64_t(frame.entries.size());
  for (const cpu::TileResult& result : frame.results) {
    s.pairs += result.pairs;
    s.visited += result.visited;
  }
  return s;
}

}  // namespace lucid::render
