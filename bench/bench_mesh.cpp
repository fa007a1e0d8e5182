// SPDX-License-Identifier: Apache-2.0
// bench_mesh: quality and time of the meshes of Gaussian PLY files, at views that fitting did not see. With --mesh it
// scores the meshes of other programs in the same way. A mesh is checked before its row is printed.
#include <fmt/format.h>
#include <omp.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/camera/sampler.h"
#include "lucid/mesh/extract.h"
#include "lucid/mesh/measure.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "mesh_sheet.h"
#include "outside_mesh.h"

namespace {

namespace asset = lucid::asset;
namespace bench = lucid::bench;
namespace fs = std::filesystem;
namespace mesh = lucid::mesh;
using lucid::UserError;
using json = nlohmann::ordered_json;

constexpr double kJudgingPhase = 0.5;              // fitting uses 0
constexpr double kPsnr = 26, kBelowCeiling = 2.5;  // dB: a mesh reaches the first, or comes that near to its ceiling

// Of tools/check_blender.py.
constexpr double kPictureFovy = 40 * std::numbers::pi / 180;  // radians
constexpr int kPictureSamples = 8;                            // along each axis of a pixel

struct Options {
  std::vector<std::string> assets;
  std::string other;  // --mesh: a mesh file of another program, with {} for the asset's name
  std::string sheet, keep;
  int views = 12, size = 512, threads = 0;
  bool json = false;
  mesh::MeshOptions mesh;
};

/// A named file of --mesh or --keep for an asset.
std::string file_for(const std::string& pattern, const fs::path& asset) {
  const size_t at = pattern.find("{}");
  return at == std::string::npos ? pattern : pattern.substr(0, at) + asset.stem().string() + pattern.substr(at + 2);
}

/// Refuses a mesh whose figures would mean nothing.
void validate(const mesh::TriangleMesh& m, const mesh::MeshOptions& options) {
  const size_t vertices = m.positions.size();
  LUCID_CHECK(!m.triangles.empty() && int64_t(m.triangles.size()) <= options.faces, "{} faces, at most {} wanted",
              m.triangles.size(), options.faces);
  for (const auto& p : m.positions) {
    LUCID_CHECK(std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z), "a vertex at {} {} {}", p.x, p.y, p.z);
  }
  for (const auto& triangle : m.triangles) {
    for (const uint32_t v : triangle) LUCID_CHECK(v < vertices, "vertex {} of {}", v, vertices);
  }
  LUCID_CHECK(m.uvs.empty() || m.uvs.size() == vertices, "{} uvs, {} vertices", m.uvs.size(), vertices);
  for (const auto& uv : m.uvs) LUCID_CHECK(uv.x >= 0 && uv.x <= 1 && uv.y >= 0 && uv.y <= 1, "uv {} {}", uv.x, uv.y);
  LUCID_CHECK(m.texture.width > 0 || m.colours.size() == vertices, "{} colours", m.colours.size());
}

/// Of all threads of this process so far.
double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What one asset's process reports.
json measure(const fs::path& file, const Options& options, const std::string& sheet_row) {
  const auto parameters = asset::read_ply(file);
  const auto cloud = lucid::gaussians::activate(parameters);
  const mesh::NormalisedCloud normal = mesh::normalise(cloud.view(), std::nullopt);
  mesh::MeshReport report;
  const double processor_begin = processor_seconds();
  const auto begin = std::chrono::steady_clock::now();
  mesh::TriangleMesh made;
  if (!options.other.empty()) {
    made = bench::outside_mesh(asset::read_mesh(file_for(options.other, file)), normal, options.mesh);
  } else {
    made = mesh::extract_mesh(
        cloud.view(), options.mesh, [](const std::string&) {}, &report);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double processor = processor_seconds() - processor_begin;
  const int64_t peak = lucid::peak_memory_mb();
  if (options.other.empty()) validate(made, options.mesh);
  if (!options.keep.empty()) asset::write_glb(file_for(options.keep, file), made, {.size = 0});
  if (!sheet_row.empty()) bench::write_sheet_row(sheet_row, cloud.view(), normal, made);

  const auto cameras =
      bench::in_original(normal, mesh::fitting_cameras(normal, options.views, options.size, kJudgingPhase));
  const mesh::MeshScore score = mesh::score(made, mesh::render_pictures(cloud.view(), cameras));
  const mesh::Topology topology = mesh::topology(made);
  json stages = json::object();
  for (const auto& [name, spent] : report.seconds) stages[name] = stages.value(name, 0.0) + spent;
  return {{"asset", file.stem().string()},
          {"gaussians", cloud.view().count},
          {"faces", made.triangles.size()},
          {"vertices", made.positions.size()},
          {"components", topology.components},
          {"border_edges", topology.border_edges},
          {"non_manifold_edges", topology.non_manifold_edges},
          {"psnr", score.psnr},
          {"inside", score.psnr_inside},
          {"ceiling", score.ceiling},
          {"iou", score.iou},
          {"outline", score.outline},
          {"density", report.surface.density},
          {"hull_alpha", report.surface.hull_alpha},
          {"charts", report.atlas.charts},
          {"stretch", report.atlas.mean_stretch},
          {"stretch_99", report.atlas.stretch_99},
          {"used", report.atlas.used},
          {"stages", stages},
          {"seconds", seconds},
          {"processor_seconds", processor},
          {"peak_mb", peak},
          {"threads", options.threads}};
}

/// Calls measure() in a process of its own, so that the peak memory is this asset's. Nothing if it failed.
std::optional<json> measure_apart(const fs::path& file, const Options& options, const std::string& sheet_row) {
  int ends[2];
  LUCID_CHECK(pipe(ends) == 0, "no pipe");
  const pid_t child = fork();
  LUCID_CHECK(child >= 0, "no process");
  if (child == 0) {
    close(ends[0]);
    int code = 1;
    try {
      omp_set_num_threads(options.threads);
      at::set_num_threads(options.threads);
      const std::string text = measure(file, options, sheet_row).dump();
      code = write(ends[1], text.data(), text.size()) == ssize_t(text.size()) ? 0 : 1;
    } catch (const UserError& error) {
      lucid::UserMistake mistake = error.mistake();
      if (mistake.file.empty()) mistake.file = file.string();
      fmt::print(stderr, "{}\n", lucid::one_line(mistake));
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}: {}\n", file.string(), error.what());
    }
    _exit(code);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) text.append(buffer, size_t(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return json::parse(text);
}

double number(const json& row, const char* key) { return row[key].is_number() ? row[key].get<double>() : INFINITY; }

bool reaches_bar(const json& row) {
  return number(row, "psnr") >= kPsnr || number(row, "psnr") >= number(row, "ceiling") - kBelowCeiling;
}

void print_row(const json& row) {
  std::string stages;
  for (const auto& [name, seconds] : row["stages"].items()) stages += fmt::format(" {} {:.1f}", name, double(seconds));
  const int64_t border = row["border_edges"], crossed = row["non_manifold_edges"];
  fmt::print(
      "{:<22} {:>6} {:>6} {:>10} {:>6.2f}{} {:>6.2f} {:>7.2f} {:>6.3f} {:>7.2f} {:>6} {:>7.2f} {:>5.2f} {:>7.1f} "
      "{:>7.1f} {:>6} {}\n",
      row["asset"].get<std::string>(), row["faces"].get<int64_t>(), row["vertices"].get<int64_t>(),
      border + crossed == 0 ? "closed" : fmt::format("{}+{}", border, crossed), number(row, "psnr"),
      reaches_bar(row) ? ' ' : '!', number(row, "inside"), number(row, "ceiling"), number(row, "iou"),
      number(row, "outline"), row["charts"].get<int64_t>(), number(row, "stretch"), number(row, "used"),
      number(row, "seconds"), number(row, "processor_seconds"), row["peak_mb"].get<int64_t>(), stages);
  std::fflush(stdout);
}

/// The median and the worst of each column.
void print_summary(const std::vector<json>& rows) {
  const auto line = [&](const char* title, const auto& pick) {
    const auto of = [&](const char* key, bool more_is_better) {
      std::vector<double> values;
      for (const json& row : rows) values.push_back(number(row, key));
      std::sort(values.begin(), values.end());
      return pick(values, more_is_better);
    };
    fmt::print(
        "{:<22} {:>24} {:>6.2f}  {:>6.2f} {:>7.2f} {:>6.3f} {:>7.2f} {:>6} {:>7.2f} {:>5.2f} {:>7.1f} {:>7.1f} "
        "{:>6.0f}\n",
        title, "", of("psnr", true), of("inside", true), of("ceiling", true), of("iou", true), of("outline", true), "",
        of("stretch", false), of("used", true), of("seconds", false), of("processor_seconds", false),
        of("peak_mb", false));
  };
  line("median", [](const std::vector<double>& v, bool) { return (v[(v.size() - 1) / 2] + v[v.size() / 2]) / 2; });
  line("worst",
       [](const std::vector<double>& v, bool more_is_better) { return more_is_better ? v.front() : v.back(); });
  const auto reached = std::count_if(rows.begin(), rows.end(), reaches_bar);
  fmt::print("{} of {} reach {} dB or come within {} dB of their ceiling\n", reached, rows.size(), kPsnr,
             kBelowCeiling);
}

int run(const Options& options) {
  if (!options.json) {
    fmt::print("meshes at {} unseen views of {} x {} pixels, {} threads\n", options.views, options.size, options.size,
               options.threads);
    fmt::print("{:<22} {:>6} {:>6} {:>10} {:>6}  {:>6} {:>7} {:>6} {:>7} {:>6} {:>7} {:>5} {:>7} {:>7} {:>6}  {}\n",
               "asset", "faces", "verts", "open+bad", "PSNR", "inside", "ceiling", "IoU", "outline", "charts",
               "stretch", "used", "seconds", "cpu s", "MB", "seconds by stage");
  }
  std::vector<json> rows;
  std::vector<std::string> sheet_rows;
  for (const std::string& file : options.assets) {
    const std::string sheet_row = options.sheet.empty() ? "" : fmt::format("{}.{}.png", options.sheet, rows.size());
    const auto row = measure_apart(file, options, sheet_row);
    if (!row) continue;
    rows.push_back(*row);
    if (!sheet_row.empty()) sheet_rows.push_back(sheet_row);
    options.json ? fmt::print("{}\n", row->dump()) : print_row(*row);
    std::fflush(stdout);
  }
  if (!options.json && !rows.empty()) print_summary(rows);
  if (!sheet_rows.empty()) bench::join_sheet(options.sheet, sheet_rows);
  return rows.size() == options.assets.size() ? 0 : 1;
}

/// PSNR between the picture that another program drew of a mesh file (transparent or over white), and shade()'s.
int compare_pictures(const std::string& mesh_file, const std::string& picture_file, const std::array<double, 3>& eye) {
  const auto theirs = asset::read_png(picture_file);
  const auto size = int(theirs.size(2));
  const auto camera = lucid::look_at(eye, {0, 0, 0}, {0, 0, 1}, kPictureFovy, size, int(theirs.size(1)));
  const mesh::ShadedPicture ours = mesh::shade(asset::read_mesh(mesh_file), camera, {1, 1, 1}, kPictureSamples);
  const double error = (torch::tensor(ours.rgb).view_as(theirs) - theirs).square().mean().item<double>();
  fmt::print("{:.2f} dB between {} and lucid's picture of {}\n", -10 * std::log10(error), picture_file, mesh_file);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  lucid::let_idle_threads_sleep(argv);
  CLI::App app{"scores the meshes of Gaussian PLY files against the Gaussians' own pictures"};
  Options options;
  bool vertex_colours = false;
  app.add_option("assets", options.assets, "3DGS PLY files")->type_name("FILE");
  app.add_option("--mesh", options.other,
                 "score this mesh file instead, {} stands for the asset's name; a mesh without colours is decimated "
                 "to --faces and gets vertex colours")
      ->type_name("FILE");
  app.add_option("--keep", options.keep, "write the meshes as .glb; {} stands for the asset's name")->type_name("FILE");
  app.add_option("--sheet", options.sheet, "write a PNG with Gaussians, mesh and wireframe of each asset")
      ->type_name("FILE");
  app.add_option("--views", options.views, "pictures to judge by")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--size", options.size, "their width and height")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads; 0 = all cores")->capture_default_str();
  app.add_option("--faces", options.mesh.faces, "triangles at most")->capture_default_str();
  app.add_option("--texture-size", options.mesh.texture_size, "pixels")->capture_default_str();
  app.add_option("--resolution", options.mesh.resolution, "grid cells along the longest side; 0 = automatic");
  app.add_flag("--vertex-colours", vertex_colours, "in place of a texture");
  app.add_flag("--watertight", options.mesh.watertight, "closed and manifold");
  app.add_option("--density", options.mesh.density, "density of the surface; 0 = searched");
  app.add_option("--hull-alpha", options.mesh.hull_alpha, "alpha of the visual hull; 0 = searched, tiny = no hull");
  app.add_option("--sweeps", options.mesh.sweeps, "of the least-squares solver of colours; 0 = projection only");
  std::string picture;
  std::array<double, 3> eye{0, 4, 1.5};
  app.add_option("--beside", picture, "compare this picture of --mesh by tools/check_blender.py with lucid's")
      ->type_name("PNG");
  app.add_option("--eye", eye, "where its camera is")->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object per line");
  CLI11_PARSE(app, argc, argv);
  if (options.threads <= 0) options.threads = lucid::core_count();
  if (vertex_colours) options.mesh.colouring = mesh::Colouring::kVertexColours;
  if (!picture.empty()) return compare_pictures(options.other, picture, eye);
  if (options.assets.empty()) throw UserError("no asset is named; --help shows the options");
  return run(options);
} catch (const UserError& error) {
  fmt::print(stderr, "bench_mesh: {}\n", lucid::one_line(error.mistake()));
  return 2;
}
