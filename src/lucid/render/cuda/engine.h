// SPDX-License-Identifier: Apache-2.0
// Host code of the CUDA rasteriser, for CUDA or its emulation: memory, and the order of kernel launches. A forward pass
// waits for the device at most once, for the number of pairs; meanwhile the device sorts by depth.
#pragma once

#include <array>
#include <bit>
#include <memory>
#include <span>
#include <vector>

#include "lucid/render/cuda/bin_kernels.h"
#include "lucid/render/cuda/blend_kernels.h"
#include "lucid/render/cuda/buffer.h"
#include "lucid/render/cuda/gather_kernels.h"
#include "lucid/render/inputs.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

/// State of one forward pass: the input of its backward pass, and the report that binning waits for.
struct Frame {
  View<double> view;
  std::array<float, 3> background{};
  int width = 0, height = 0;
  int64_t count = -1;  // Gaussians; -1 = no forward yet
  int sh_degree = 0;
  Stream stream{};  // of the last forward

  Buffer<Splat> splats;
  Buffer<Footprint> footprints;
  Buffer<uint32_t> touched, first_slot, order, begin;  // as in Projected and Pairs
  Buffer<TileEntry> entries;                           // [capacity] tile by tile, nearest first
  Buffer<TileRange> ranges;
  Buffer<TilePixels> pixels;

  Buffer<Report> report;
  Pinned<Report> host_report;
  Event reported;
  bool report_read = true;    // the host has waited for host_report
  int64_t reported_rows = 0;  // Gaussians in the forward pass of that report
  int64_t capacity = 0;       // capacity of the last forward pass's lists, in pairs
  int64_t next_capacity = 0;  // capacity for a forward pass that does not wait; 0 = unknown

  int64_t tiles() const { return int64_t(view.tiles_x) * view.tiles_y; }
  dim3 grid() const { return dim3(unsigned(view.tiles_x), unsigned(view.tiles_y)); }
  TileLists lists() const {
    return {splats.data(), entries.data(), ranges.data(), pixels.data(),
            width,         height,         view.tiles_x,  {background[0], background[1], background[2]}};
  }
};

/// The implementation of CudaRasterizer; its members have the same meaning.
class Engine {
 public:
  using Counting = CudaRasterizer::Counting;
  explicit Engine(Counting counting) : counting_(counting) {}

  void forward(const CloudView<float>& cloud, std::span<const ViewJob> jobs, const std::array<float, 3>& background,
               Stream stream) {
    check_jobs(cloud, jobs, background);
    if (cloud.count > UINT32_MAX) throw_too_many_pairs();  // Gaussians are numbered in 32 bits
    prepare_frames(jobs);
    for (const auto& job : jobs) {
      Frame& frame = *frames_[size_t(job.frame)];
      frame.view = make_view<double>(job.camera);
      frame.background = background;
      frame.width = job.camera.width;
      frame.height = job.camera.height;
      frame.sh_degree = cloud.sh_degree;
      frame.stream = stream;
      project(cloud, job.out.radii, &frame);
    }
    for (const auto& job : jobs) {
      Frame& frame = *frames_[size_t(job.frame)];
      const bool waits = counting_ == Counting::kExact || frame.next_capacity == 0;
      if (waits) wait_for_report(&frame);
      frame.capacity = waits ? int64_t((*frame.host_report).pairs) : frame.next_capacity;
    }
    for (const auto& job : jobs) {
      Frame& frame = *frames_[size_t(job.frame)];
      if (frame.report_read) check_report(frame);
      bin(cloud.count, &frame);
      launch("blend_tiles", blend_tiles, frame.grid(), kTileThreads, stream, frame.lists(), job.out,
             frame.report.data());
      frame.count = cloud.count;
    }
  }

  void backward(int number, const CloudView<float>& cloud, const ImageGradients<float>& d_images,
                const CloudGradients<float>& d_cloud, Stream stream) {
    const Frame& frame = frame_with_forward(frames_, number);
    check_same_cloud(cloud, frame.count, frame.sh_degree);
    PairGradient* pairs = pairs_.reserve(frame.capacity);
    launch("blend_tiles_adjoint", blend_tiles_adjoint, frame.grid(), kAdjointThreads, stream, frame.lists(), d_images,
           pairs);
    const PairSums sums{pairs, frame.first_slot.data(), frame.touched.data(), frame.splats.data(), frame.capacity};
    launch("gather_gradients", gather_gradients, dim3(blocks_for(cloud.count, kGaussianThreads)), kGaussianThreads,
           stream, frame.view, cloud, sums, d_cloud);
  }

  /// Pairs that did not fit into the lists of the frame's last forward pass.
  int64_t lost_pairs(int number) {
    Frame& frame = frame_with_forward(frames_, number);
    if (!frame.report_read) wait_for_report(&frame);
    check_report(frame);
    const int64_t pairs = int64_t((*frame.host_report).pairs);
    return pairs > frame.capacity ? pairs - frame.capacity : 0;
  }

  int64_t blended_pairs(int number) {
    Frame& frame = frame_with_forward(frames_, number);
    copy_to_host(frame.host_report.get(), frame.report.data(), sizeof(Report), frame.stream);
    frame.reported.record(frame.stream);
    wait_for_report(&frame);
    return int64_t((*frame.host_report).blended);
  }

  int64_t waits() const { return waits_; }

 private:
  static constexpr unsigned kCheckBlocks = 1024;

  /// Creates the jobs' frames and reads the reports that their previous forward passes did not wait for. Those arrived
  /// long ago, so this costs no time. Throws for a NaN or Inf that such a report holds.
  void prepare_frames(std::span<const ViewJob> jobs) {
    const Frame* late = nullptr;
    for (const auto& job : jobs) {
      if (size_t(job.frame) >= frames_.size()) frames_.resize(size_t(job.frame) + 1);
      auto& frame = frames_[size_t(job.frame)];
      if (frame == nullptr) frame = std::make_unique<Frame>();
      if (!frame->report_read) {
        wait_for_report(frame.get());
        if ((*frame->host_report).first_not_finite != kAllFinite && frame->count >= 0) late = frame.get();
      }
      frame->count = -1;  // invalid until forward() has finished; an exception leaves it so
    }
    if (late != nullptr) check_report(*late);
  }

  /// Waits for the frame's report. Sets next_capacity to 1.5 times the pairs if that is more, or far less.
  void wait_for_report(Frame* frame) {
    frame->reported.wait();
    frame->report_read = true;
    ++waits_;
    const int64_t pairs = int64_t((*frame->host_report).pairs), capacity = pairs + pairs / 2 + 1024;
    if (pairs > UINT32_MAX) return;
    if (capacity > frame->next_capacity || 4 * capacity < frame->next_capacity) frame->next_capacity = capacity;
  }

  static void check_report(const Frame& frame) {
    const Report& report = *frame.host_report;
    if (report.first_not_finite != kAllFinite) {
      throw_not_finite(report.first_not_finite, frame.reported_rows, frame.sh_degree);
    }
    if (report.pairs > UINT32_MAX) throw_too_many_pairs();
  }

  /// Check, projection, depth sort and scan. The copy of the report to the host is queued as early as possible.
  void project(const CloudView<float>& cloud, int32_t* radii, Frame* frame) {
    const int64_t count = cloud.count;
    const Stream stream = frame->stream;
    Report* report = frame->report.reserve(1);
    fill(report, 0, sizeof(Report), stream);
    fill(&report->first_not_finite, 0xff, sizeof(report->first_not_finite), stream);
    CheckedTensors tensors;
    const auto named = tensors_of(cloud);
    for (size_t t = 0; t < named.size(); ++t) {
      tensors.values[t] = named[t].values;
      tensors.sizes[t] = count * named[t].columns;
    }
    const unsigned blocks = blocks_for(count, kGaussianThreads);
    launch("find_not_finite", find_not_finite, dim3(blocks < kCheckBlocks ? blocks : kCheckBlocks), kGaussianThreads,
           stream, tensors, report);
    const Projected projected{frame->splats.reserve(count),
                              frame->footprints.reserve(count),
                              frame->touched.reserve(count),
                              depths_.reserve(count),
                              frame->order.reserve(count),
                              radii,
                              report};
    launch("project_gaussians", project_gaussians, dim3(blocks), kGaussianThreads, stream, frame->view, cloud,
           projected);
    copy_to_host(frame->host_report.get(), report, sizeof(Report), stream);
    frame->reported.record(stream);
    frame->report_read = false;
    frame->reported_rows = count;

    sort(&depths_, &spare_depths_, &frame->order, &spare_order_, count, kDepthBits, stream);
    uint32_t* in_order = spare_order_.reserve(count);  // the sort no longer needs this memory
    launch("touched_in_depth_order", touched_in_depth_order, dim3(blocks), kGaussianThreads, stream,
           frame->order.data(), frame->touched.data(), count, in_order);
    uint32_t* begin = frame->begin.reserve(count);
    if (count == 0) return;
    size_t bytes = 0;
    exclusive_scan(nullptr, &bytes, in_order, begin, count, stream);
    exclusive_scan(temporary_.reserve(int64_t(bytes)), &bytes, in_order, begin, count, stream);
  }

  /// Builds the tile lists. If the number of pairs was only estimated, unused places sort behind the last tile.
  void bin(int64_t count, Frame* frame) {
    const Stream stream = frame->stream;
    const int64_t capacity = frame->capacity, tiles = frame->tiles();
    TileRange* ranges = frame->ranges.reserve(tiles);
    fill(ranges, 0, size_t(tiles) * sizeof(TileRange), stream);
    frame->pixels.reserve(tiles);
    Pairs pairs{frame->order.data(),
                frame->begin.data(),
                frame->touched.data(),
                frame->footprints.data(),
                frame->first_slot.reserve(count),
                tiles_.reserve(capacity),
                entries_.reserve(capacity),
                count,
                capacity,
                frame->view.tiles_x};
    if (counting_ != Counting::kExact) fill(pairs.tiles, 0xff, size_t(capacity) * sizeof(uint32_t), stream);
    launch("make_pairs", make_pairs, dim3(blocks_for(count, kGaussianThreads)), kGaussianThreads, stream, pairs);
    sort(&tiles_, &spare_tiles_, &entries_, &frame->entries, capacity, std::bit_width(uint64_t(tiles)), stream);
    entries_.swap(frame->entries);
    launch("find_tile_ranges", find_tile_ranges, dim3(blocks_for(capacity, kGaussianThreads)), kGaussianThreads, stream,
           tiles_.data(), capacity, uint32_t(tiles), ranges);
  }

  /// Sorts by the lowest `bits` bits of the keys. The result is in `keys` and `values`, which may be swapped with the
  /// spare buffers.
  template <class Key, class Value>
  void sort(Buffer<Key>* keys, Buffer<Key>* spare_keys, Buffer<Value>* values, Buffer<Value>* spare_values,
            int64_t count, int bits, Stream stream) {
    if (count == 0) return;
    Key* second_keys = spare_keys->reserve(count);
    Value* second_values = spare_values->reserve(count);
    size_t bytes = 0;
    sort_pairs(nullptr, &bytes, keys->data(), second_keys, values->data(), second_values, count, bits, stream);
    if (sort_pairs(temporary_.reserve(int64_t(bytes)), &bytes, keys->data(), second_keys, values->data(), second_values,
                   count, bits, stream)) {
      keys->swap(*spare_keys);
      values->swap(*spare_values);
    }
  }

  // Scratch memory that all frames share; the stream orders their work.
  Buffer<uint64_t> depths_, spare_depths_;
  Buffer<uint32_t> spare_order_, tiles_, spare_tiles_;
  Buffer<TileEntry> entries_;
  Buffer<PairGradient> pairs_;
  Buffer<char> temporary_;
  std::vector<std::unique_ptr<Frame>> frames_;
  Counting counting_;
  int64_t waits_ = 0;
};

}  // namespace lucid::render::cuda::LUCID_CUDA_PLATFORM
