// SPDX-License-Identifier: Apache-2.0
// bench_raster: speed of the rasteriser on the CPU or a CUDA device. Each scene's results are compared with the
// reference implementation before they are timed.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/base/rng.h"
#include "lucid/render/cuda/memory.h"
#include "lucid/render/rasterize.h"
#include "peak.h"

namespace {

using lucid::Camera;
using lucid::peak_memory_mb;
using lucid::Rng;
namespace bench = lucid::bench;
namespace render = lucid::render;

constexpr double kDistance = 3.5, kFovY = 0.5, kElevation = 15, kAzimuth = 30;  // world units, radians, degrees

struct Opacity {
  const char* name;
  double low, high;
};
constexpr Opacity kOpacities[] = {{"trained", 0.1, 0.9}, {"early", 0.02, 0.1}};

template <class Real>
struct Scene {
  std::vector<Real> means, scales, quats, opacities, sh;
  render::CloudView<Real> cloud() const {
    return {int64_t(opacities.size()), 0, means.data(), scales.data(), quats.data(), opacities.data(), sh.data()};
  }
};

template <class To, class From>
std::vector<To> cast(const std::vector<From>& values) {
  return {values.begin(), values.end()};
}

Scene<double> in_double(const Scene<float>& s) {
  return {cast<double>(s.means), cast<double>(s.scales), cast<double>(s.quats), cast<double>(s.opacities),
          cast<double>(s.sh)};
}

/// Means uniform in the unit ball; scales shrink with the count, so that the overlap is the same for any count.
Scene<float> draw_scene(int count, const Opacity& opacity) {
  Rng rng(0, "bench_raster");
  Scene<float> s;
  const double size = 0.8 * std::pow(double(count), -1.0 / 3);
  while (int(s.opacities.size()) < count) {
    const double x = rng.uniform(-1, 1), y = rng.uniform(-1, 1), z = rng.uniform(-1, 1);
    if (x * x + y * y + z * z > 1) continue;
    for (const double v : {x, y, z}) s.means.push_back(float(v));
    for (int k = 0; k < 3; ++k) s.scales.push_back(float(size * rng.uniform(0.5, 1.5)));
    for (int k = 0; k < 4; ++k) s.quats.push_back(float(rng.normal()));
    s.opacities.push_back(float(rng.uniform(opacity.low, opacity.high)));
    for (int k = 0; k < 3; ++k) s.sh.push_back(float(0.5 * rng.normal()));
  }
  return s;
}

/// A camera that orbits the origin; z is up, azimuth 0 is the front (+y).
Camera orbit_camera(int size) {
  const double phi = kAzimuth * std::numbers::pi / 180, e = kElevation * std::numbers::pi / 180;
  const double eye[3] = {std::sin(phi) * std::cos(e), std::cos(phi) * std::cos(e), std::sin(e)};
  const double right[3] = {-std::cos(phi), std::sin(phi), 0};  // forward x up
  const double down[3] = {right[1] * eye[2], -right[0] * eye[2],
                          right[0] * eye[1] - right[1] * eye[0]};  // forward x right
  Camera camera;
  for (size_t k = 0; k < 3; ++k) {
    camera.camera_from_world[k] = right[k];
    camera.camera_from_world[4 + k] = down[k];
    camera.camera_from_world[8 + k] = -eye[k];
  }
  camera.camera_from_world[11] = kDistance;
  camera.camera_from_world[15] = 1;
  camera.tan_half_fov_x = camera.tan_half_fov_y = std::tan(kFovY / 2);
  camera.width = camera.height = size;
  return camera;
}

template <class Real>
struct Buffers {
  std::vector<Real> rgb, depth, alpha, d_rgb, d_depth, d_alpha, means, scales, quats, opacities, sh;
  Buffers(int64_t count, int64_t pixels)
      : rgb(size_t(3 * pixels)),
        depth(size_t(pixels)),
        alpha(size_t(pixels)),
        d_rgb(size_t(3 * pixels)),
        d_depth(size_t(pixels)),
        d_alpha(size_t(pixels)),
        means(size_t(3 * count)),
        scales(size_t(3 * count)),
        quats(size_t(4 * count)),
        opacities(size_t(count)),
        sh(size_t(3 * count)) {
    Rng rng(0, "bench_raster/upstream");
    for (auto* d : {&d_rgb, &d_depth, &d_alpha}) {
      for (Real& v : *d) v = Real(float(rng.normal()));  // rounded to float, so that both precisions get equal values
    }
  }
  render::Images<Real> images() { return {rgb.data(), depth.data(), alpha.data(), nullptr}; }
  render::ImageGradients<Real> d_images() const { return {d_rgb.data(), d_depth.data(), d_alpha.data()}; }
  render::CloudGradients<Real> gradients() {
    return {means.data(), scales.data(), quats.data(), opacities.data(), sh.data(), nullptr};
  }
};

double milliseconds(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

using Clock = std::function<double(const std::function<void()>&)>;  // returns the milliseconds that a body takes

/// Median of repeated runs after a warm-up run, for about `budget_ms` in total.
double median_milliseconds(double budget_ms, const Clock& clock, const std::function<void()>& body) {
  const double first = clock(body);
  const int runs = std::clamp(int(budget_ms / std::max(first, 0.01)), 5, 200);
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) times.push_back(clock(body));
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[size_t(runs / 2)];
}

/// Number of values whose error exceeds `tolerance` times the tensor's largest value, or is NaN.
int64_t far_values(const std::vector<float>& got, const std::vector<double>& expected, double tolerance) {
  double scale = 0;
  for (const double v : expected) scale = std::max(scale, std::abs(v));
  int64_t far = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    far += !(std::abs(double(got[i]) - expected[i]) <= tolerance * std::max(scale, 1e-30));
  }
  return far;
}

bool validate(const Buffers<float>& got, const Buffers<double>& expected) {
  const auto check = [](const char* name, const std::vector<float>& a, const std::vector<double>& b, double tolerance) {
    const int64_t far = far_values(a, b, tolerance);
    if (far <= int64_t(b.size()) / 1000) return true;  // a few pixels on a threshold may differ
    fmt::print(stderr, "{}: {} of {} values differ from the reference\n", name, far, b.size());
    return false;
  };
  return check("rgb", got.rgb, expected.rgb, 2e-4) & check("depth", got.depth, expected.depth, 2e-4) &
         check("alpha", got.alpha, expected.alpha, 2e-4) & check("d_means", got.means, expected.means, 2e-3) &
         check("d_scales", got.scales, expected.scales, 2e-3) & check("d_quats", got.quats, expected.quats, 2e-3) &
         check("d_opacities", got.opacities, expected.opacities, 2e-3) & check("d_sh", got.sh, expected.sh, 2e-3);
}

struct Measurement {
  int count = 0, size = 0, threads = 1;
  const char* opacity = "";
  double forward_ms = 0, backward_ms = 0, reference_ms = 0;
  int64_t pairs = 0;
  render::CpuStatistics cpu = {};  // of one forward and one backward pass; CPU only

  /// Operations per blended pair: hit() of blend_body.h and the colours in the forward pass (a comparison, a minimum
  /// and a rounding count as one operation each); hit() and adjoint() in the backward pass. Pixels that are not blended
  /// and work per Gaussian do not count; they lower the fraction of the peak.
  static constexpr double kForward = 36, kBackward = 67;
  double gflops() const { return double(pairs) * (kForward + kBackward) / (forward_ms + backward_ms) * 1e-6; }
  double giga_exps() const { return 2 * double(pairs) / (forward_ms + backward_ms) * 1e-6; }

  /// Bytes that a step must move: each array counts once for every pass over memory that reads or writes it.
  double bytes() const {
    const double gaussian = 4 * 14;                  // parameters; the gradients have the same size
    const double made = 48 + 44 + 28 + 8;            // splat, footprint, rows, depth
    const double pixel = 4 * (5 + 5) + 4 * (5 + 5);  // image and tile, written and read
    const double entry = 2 * 8 + 1;                  // tile lists
    const double seen = (48 + 8) * 2 + 2 * 48;       // splats and gradient sums of the visited entries
    return count * (3 * gaussian + 2 * made) + double(size) * size * pixel + double(cpu.entries) * entry +
           double(cpu.visited) * seen;
  }
};

/// Limit of the reference's work in (pixel, Gaussian) pairs, since it evaluates all of them. A larger image is reduced
/// to a strip, and the time is scaled to the whole image.
constexpr int64_t kReferenceWork = 400'000'000;

/// A camera for a horizontal strip through the middle of the image, with the same rays.
Camera strip_of(const Camera& camera, int rows) {
  Camera strip = camera;
  strip.height = rows;
  strip.tan_half_fov_y = camera.tan_half_fov_y * rows / camera.height;
  return strip;
}

/// A backend to measure, with one scene and its buffers.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual void forward(const Camera& camera) = 0;
  virtual void backward() = 0;
  virtual void fetch(Buffers<float>* to) = 0;
  virtual int64_t blended_pairs() = 0;
  virtual render::CpuStatistics statistics() { return {}; }
};

constexpr std::array<float, 3> kWhite{1, 1, 1};

class CpuBackend : public Backend {
 public:
  CpuBackend(const Scene<float>& scene, const Buffers<float>& buffers) : scene_(scene), buffers_(buffers) {}
  void forward(const Camera& camera) override {
    rasterizer_.forward(0, scene_.cloud(), camera, kWhite, buffers_.images());
  }
  void backward() override { rasterizer_.backward(0, scene_.cloud(), buffers_.d_images(), buffers_.gradients()); }
  void fetch(Buffers<float>* to) override { *to = buffers_; }
  int64_t blended_pairs() override { return rasterizer_.blended_pairs(0); }
  render::CpuStatistics statistics() override { return rasterizer_.statistics(0); }

 private:
  const Scene<float>& scene_;
  Buffers<float> buffers_;
  render::CpuRasterizer rasterizer_;
};

class CudaBackend : public Backend {
 public:
  CudaBackend(const Scene<float>& scene, const Buffers<float>& buffers)
      : means_(scene.means), scales_(scene.scales), quats_(scene.quats), opacities_(scene.opacities), sh_(scene.sh) {
    Buffers<float> initial = buffers;
    for (const auto* values : members(&initial)) buffers_.emplace_back(*values);
    cloud_ = {int64_t(scene.opacities.size()),
              0,
              means_.data(),
              scales_.data(),
              quats_.data(),
              opacities_.data(),
              sh_.data()};
  }
  void forward(const Camera& camera) override {
    rasterizer_.forward(0, cloud_, camera, kWhite, {at(0), at(1), at(2), nullptr});
  }
  void backward() override {
    rasterizer_.backward(0, cloud_, {at(3), at(4), at(5)}, {at(6), at(7), at(8), at(9), at(10), nullptr});
  }
  void fetch(Buffers<float>* to) override {
    const auto values = members(to);
    for (size_t i = 0; i < values.size(); ++i) buffers_[i].download(values[i]);
  }
  int64_t blended_pairs() override { return rasterizer_.blended_pairs(0); }

 private:
  static std::array<std::vector<float>*, 11> members(Buffers<float>* b) {
    return {&b->rgb,   &b->depth,  &b->alpha, &b->d_rgb,     &b->d_depth, &b->d_alpha,
            &b->means, &b->scales, &b->quats, &b->opacities, &b->sh};
  }
  float* at(size_t i) const { return buffers_[i].data(); }

  render::cuda::DeviceArray<float> means_, scales_, quats_, opacities_, sh_;
  std::vector<render::cuda::DeviceArray<float>> buffers_;
  render::CloudView<float> cloud_;
  render::CudaRasterizer rasterizer_;
};

struct Device {
  std::string name;
  bool cuda = false;
  std::vector<int> counts, sizes;
  Clock clock;

  std::unique_ptr<Backend> backend(const Scene<float>& scene, const Buffers<float>& buffers) const {
    if (cuda) return std::make_unique<CudaBackend>(scene, buffers);
    return std::make_unique<CpuBackend>(scene, buffers);
  }
};

/// Compares the device's results with the reference. Returns the reference's milliseconds for the whole image, or
/// nothing if the results differ.
std::optional<double> validated(const Device& device, const Scene<float>& scene, const Camera& camera) {
  const auto count = int64_t(scene.opacities.size());
  const int64_t affordable = kReferenceWork / (count * camera.width);
  const int rows = int(std::clamp<int64_t>(affordable, 1, camera.height));
  const Camera strip = strip_of(camera, rows);
  const int64_t strip_pixels = int64_t(camera.width) * rows;
  const Scene<double> wide = in_double(scene);
  Buffers<double> expected(count, strip_pixels);
  const double reference_ms = milliseconds([&] {
    render::reference::forward<double>(wide.cloud(), strip, {1, 1, 1}, expected.images());
    render::reference::backward<double>(wide.cloud(), strip, {1, 1, 1}, expected.d_images(), expected.gradients());
  });
  Buffers<float> got(count, strip_pixels);
  const auto backend = device.backend(scene, got);
  backend->forward(strip);
  backend->backward();
  backend->fetch(&got);
  if (!validate(got, expected)) return std::nullopt;
  return reference_ms * camera.height / rows;
}

void measure(Measurement* m, const Device& device, const Scene<float>& scene, const Camera& camera) {
  omp_set_num_threads(m->threads);
  const auto timed = device.backend(scene, Buffers<float>(m->count, int64_t(m->size) * m->size));
  m->forward_ms = median_milliseconds(400, device.clock, [&] { timed->forward(camera); });
  m->backward_ms = median_milliseconds(600, device.clock, [&] { timed->backward(); });
  m->pairs = timed->blended_pairs();
  m->cpu = timed->statistics();
}

void print_json(const Measurement& m, const Device& device, const bench::Peak& peak) {
  std::string line = fmt::format(
      "\"n\": {}, \"width\": {}, \"height\": {}, \"opacity\": \"{}\", \"threads\": {}, \"forward_ms\": {:.4f}, "
      "\"backward_ms\": {:.4f}, \"reference_ms\": {:.1f}, \"pairs\": {}, \"device\": \"{}\", \"peak_mb\": {}",
      m.count, m.size, m.size, m.opacity, m.threads, m.forward_ms, m.backward_ms, m.reference_ms, m.pairs, device.name,
      peak_memory_mb());
  if (!device.cuda) {
    line += fmt::format(
        ", \"isa\": \"{}\", \"fraction_of_peak\": {:.4f}, \"fraction_of_exp_peak\": {:.4f}, \"peak_gflops\": {:.1f}, "
        "\"megabytes\": {:.1f}, \"entries\": {}, \"visited\": {}, \"project_ms\": {:.3f}, \"bin_ms\": {:.3f}, "
        "\"blend_ms\": {:.3f}, \"adjoint_ms\": {:.3f}, \"gather_ms\": {:.3f}",
        render::cpu_isa(), m.gflops() / peak.fma_gflops, m.giga_exps() / peak.exp_giga, peak.fma_gflops,
        m.bytes() * 1e-6, m.cpu.entries, m.cpu.visited, m.cpu.project_ms, m.cpu.bin_ms, m.cpu.blend_ms,
        m.cpu.adjoint_ms, m.cpu.gather_ms);
  }
  fmt::print("{{{}}}\n", line);
  std::fflush(stdout);
}

void print_row(const Measurement& m, const Device& device, const bench::Peak& peak) {
  const double per_pair = 1e6 / double(std::max<int64_t>(m.pairs, 1));
  fmt::print("{:>7} {:>5} {:>8} {:>3} {:>9.2f} {:>9.2f} {:>8.2f} {:>6.3f} {:>6.3f} {:>9.0f}x {:>7}", m.count, m.size,
             m.opacity, m.threads, m.forward_ms, m.backward_ms, double(m.pairs) * 1e-6, m.forward_ms * per_pair,
             m.backward_ms * per_pair, m.reference_ms / (m.forward_ms + m.backward_ms), peak_memory_mb());
  if (!device.cuda) {
    const auto& c = m.cpu;
    fmt::print(" {:>7.1f}% {:>6.1f}   {:.1f} + {:.1f} + {:.1f} | {:.1f} + {:.1f}", 100 * m.gflops() / peak.fma_gflops,
               m.bytes() * 1e-6, c.project_ms, c.bin_ms, c.blend_ms, c.adjoint_ms, c.gather_ms);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

/// The CPU, timed by the host's clock, or the current CUDA device, timed by CUDA events.
Device device_named(std::string_view name, bool quick) {
  if (name == "cpu") {
    return quick ? Device{"cpu", false, {10'000, 50'000}, {256, 512}, milliseconds}
                 : Device{"cpu", false, {10'000, 50'000, 100'000, 500'000}, {256, 512, 1024}, milliseconds};
  }
  render::CudaRasterizer probe;  // throws UserError if there is no CUDA device
  const auto timer = std::make_shared<render::cuda::DeviceTimer>();
  return {render::cuda_device(), true, {100'000, 500'000}, {512, 1024}, [timer](const std::function<void()>& body) {
            timer->start();
            body();
            return timer->stop();
          }};
}

struct Options {
  bool json = false, quick = false;
  std::string_view device = "cpu";
};

int run(const Options& options) {
  const Device device = device_named(options.device, options.quick);
  const int most = omp_get_max_threads();
  const bench::Peak peak = device.cuda ? bench::Peak{} : bench::measure_peak(render::cpu_isa());
  std::vector<int> threads{most};
  if (!device.cuda && !options.quick && most > 1) threads.push_back(1);
  if (!options.json) {
    fmt::print("rasteriser, {}\n", device.cuda
                                       ? device.name
                                       : fmt::format("{} kernels, {} threads; peak {:.0f} GFLOP/s, {:.1f}e9 exp/s",
                                                     render::cpu_isa(), most, peak.fma_gflops, peak.exp_giga));
    fmt::print("{:>7} {:>5} {:>8} {:>3} {:>9} {:>9} {:>8} {:>6} {:>6} {:>10} {:>7} {:>8} {:>6}   {}\n", "n", "size",
               "opacity", "thr", "fwd ms", "bwd ms", "Mpairs", "fwd/p", "bwd/p", "reference", "peak MB", "of peak",
               "MB", device.cuda ? "" : "project + bin + blend | adjoint + gather (ms)");
  }
  for (const Opacity& opacity : kOpacities) {
    if (options.quick && &opacity != kOpacities) break;
    for (const int count : device.counts) {
      const Scene<float> scene = draw_scene(count, opacity);
      for (const int size : device.sizes) {
        const Camera camera = orbit_camera(size);
        omp_set_num_threads(most);
        const auto reference_ms = validated(device, scene, camera);
        if (!reference_ms) return 1;
        for (const int n : threads) {
          Measurement m{
              .count = count, .size = size, .threads = n, .opacity = opacity.name, .reference_ms = *reference_ms};
          measure(&m, device, scene, camera);
          options.json ? print_json(m, device, peak) : print_row(m, device, peak);
        }
      }
    }
  }
  return 0;
}

int usage() {
  fmt::print(stderr,
             "usage: bench_raster [--json] [--quick] [--device cpu|cuda] [--scene N trained|early]\n"
             "  --json prints one JSON object per line; --quick measures fewer scenes\n"
             "  --scene writes a scene of N Gaussians to stdout, 14 floats each: mean, scale, quaternion, opacity, SH\n"
             "  OMP_NUM_THREADS and LUCID_ISA select the CPU's threads and kernels\n");
  return 2;
}

/// Writes the scene, so that other programs can be timed on the same Gaussians (tools/bench_gsplat.py).
int write_scene(int count, std::string_view opacity_name) {
  for (const Opacity& opacity : kOpacities) {
    if (opacity_name != opacity.name || count < 1) continue;
    const Scene<float> s = draw_scene(count, opacity);
    for (size_t i = 0; i < s.opacities.size(); ++i) {
      float row[14];
      std::copy_n(s.means.data() + 3 * i, 3, row);
      std::copy_n(s.scales.data() + 3 * i, 3, row + 3);
      std::copy_n(s.quats.data() + 4 * i, 4, row + 6);
      row[10] = s.opacities[i];
      std::copy_n(s.sh.data() + 3 * i, 3, row + 11);
      if (std::fwrite(row, sizeof(row), 1, stdout) != 1) return 1;
    }
    return 0;
  }
  return usage();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "--scene") return write_scene(std::atoi(argv[2]), arguments[2]);
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--json") {
      options.json = true;
    } else if (arguments[i] == "--quick") {
      options.quick = true;
    } else if (arguments[i] == "--device" && i + 1 < arguments.size()) {
      options.device = arguments[++i];
    } else {
      return usage();
    }
  }
  if (options.device != "cpu" && options.device != "cuda") return usage();
  try {
    return run(options);
  } catch (const lucid::UserError& error) {
    fmt::print(stderr, "{}\n", lucid::one_line(error.mistake()));
    return 2;
  }
}
