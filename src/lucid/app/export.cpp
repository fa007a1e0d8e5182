// SPDX-License-Identifier: Apache-2.0
// Exports of an asset: which cloud or mesh each format gets, and one line about each file.
#include "lucid/app/export.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/clean_cloud.h"
#include "lucid/asset/splats/ply_layout.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/error.h"
#include "lucid/mesh/extract.h"
#include "lucid/mesh/seen_weights.h"
#include "lucid/render/constants.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

using asset::Format;
using asset::Holds;

// Of the sum of a Gaussian's blending weights over the pixels of the view that shows it most.
constexpr float kUnseen = 0.02f;  // a fifth of one step of an 8-bit pixel
constexpr int kViews = 64, kPictureSize = 512;

std::string size_text(uintmax_t bytes) {
  return bytes >= 1u << 20 ? fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20))
                           : fmt::format("{:.0f} KiB", static_cast<double>(bytes) / 1024);
}

mesh::TriangleMesh mesh_of(const gaussians::Cloud& cloud, const std::vector<ExportTarget>& targets,
                           const ExportOptions& options, StageProgress& progress) {
  const bool coloured = std::ranges::any_of(targets, [](const ExportTarget& target) {
    return row_of(target.format).holds == Holds::kMesh && target.format != Format::kStl;
  });
  mesh::MeshOptions wanted{.faces = options.faces,
                           .texture_size = options.texture_size,
                           .colouring = !coloured                ? mesh::Colouring::kNone
                                        : options.vertex_colours ? mesh::Colouring::kVertexColours
                                                                 : mesh::Colouring::kTexture,
                           .watertight = options.watertight,
                           .resolution = options.resolution};
  if (!options.box.empty()) {
    const auto corner = [&](size_t at) {
      return mesh::Point{static_cast<float>(options.box[at]), static_cast<float>(options.box[at + 1]),
                         static_cast<float>(options.box[at + 2])};
    };
    wanted.box = mesh::Box{corner(0), corner(3)};
  }
  return mesh::extract_mesh(gaussians::activate(cloud).view(), wanted,
                            [&](const std::string& stage) { progress.begin(stage); });
}

/// The Gaussians with centres in options.box.
gaussians::Cloud cropped(const gaussians::Cloud& cloud, const ExportOptions& options) {
  if (options.box.empty()) return cloud;
  const torch::Tensor box = torch::tensor(options.box, torch::kFloat);
  const torch::Tensor inside =
      cloud.means.ge(box.slice(0, 0, 3)).logical_and(cloud.means.le(box.slice(0, 3, 6))).all(1);
  const torch::Tensor kept = inside.nonzero().squeeze(1);
  if (kept.size(0) == 0) throw UserError(UserMistake{.what_happened = "holds no Gaussian", .key = "--box"});
  return asset::selected(cloud, kept);
}

/// Leaves out Gaussians that no view from around the object shows; of a scene, those too faint to be seen at all.
gaussians::Cloud without_unseen(const gaussians::Cloud& cloud) {
  const gaussians::Activated active = gaussians::activate(cloud);
  const mesh::NormalisedCloud normal = mesh::normalise(active.view(), std::nullopt);
  if (normal.extent.is_scene()) {
    return asset::selected(cloud, (active.opacities >= render::kAlphaCut).nonzero().squeeze(1));
  }
  const std::vector<float> seen =
      mesh::seen_weights(normal.view(), mesh::fitting_cameras(normal, kViews, kPictureSize, 0));
  std::vector<int64_t> kept;
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] >= kUnseen) kept.push_back(normal.source[i]);
  }
  return asset::selected(cloud, torch::tensor(kept, torch::kLong));
}

/// Two clouds' pictures from 12 views around the first.
struct PicturePair {
  std::vector<mesh::CloudPicture> first, second;
};
PicturePair pictures_of(const gaussians::Cloud& original, const gaussians::Cloud& other) {
  constexpr int kJudged = 12;
  const mesh::NormalisedCloud frame = mesh::normalise(gaussians::activate(original).view(), std::nullopt);
  const std::vector<Camera> cameras = mesh::fitting_cameras(frame, kJudged, kPictureSize, 0.5);
  const auto pictures = [&](gaussians::Cloud cloud) {
    const torch::Tensor centre = torch::tensor({frame.centre.x, frame.centre.y, frame.centre.z});
    cloud.means = (cloud.means - centre) / frame.unit;
    cloud.log_scales = cloud.log_scales - std::log(frame.unit);
    return mesh::render_pictures(gaussians::activate(cloud).view(), cameras);
  };
  return {.first = pictures(original), .second = pictures(other)};
}

double psnr_between(const gaussians::Cloud& original, const gaussians::Cloud& other) {
  const PicturePair pair = pictures_of(original, other);
  return mesh::psnr(pair.first, pair.second);
}

/// The cloud without haze and floaters, and a line about what went.
gaussians::Cloud cleaned(const gaussians::Cloud& cloud, StageProgress& progress) {
  progress.begin("haze and floaters");
  gaussians::Cloud result = asset::selected(cloud, asset::clean_indices(cloud));
  const PicturePair pair = pictures_of(cloud, result);
  progress.end();
  spdlog::info("left out {} of {} Gaussians; the object is within {:.1f} dB", cloud.count() - result.count(),
               cloud.count(), mesh::psnr_of_object(pair.first, pair.second));
  return result;
}

asset::SplatOptions splat_options(const ExportOptions& options) {
  return {.axes = options.axes,
          .pad_to_sh3 = options.pad_to_sh3,
          .big_endian = options.big_endian,
          .spz_version = options.spz_version,
          .spz_fractional_bits = std::nullopt};
}

asset::MeshFileOptions mesh_file_options(const ExportOptions& options, const std::string& title) {
  asset::MeshFileOptions result{.lit = options.lit, .title = title};
  if (options.size > 0) {
    constexpr double kMillimetres = 1000;  // in a metre
    result.size = options.size;
    result.print_size = kMillimetres * options.size;
  }
  return result;
}

/// The line about a file of Gaussians: what --compact won and lost is measured on the file itself.
std::string report_on(const ExportTarget& target, const gaussians::Cloud& written, const gaussians::Cloud& original,
                      const ExportOptions& options) {
  const uintmax_t bytes = fs::file_size(target.file);
  std::string text = fmt::format("wrote {}: {} Gaussians, {}", target.file.string(), written.count(), size_text(bytes));
  if (options.compact && row_of(target.format).holds == Holds::kSplats) {
    const size_t floats = asset::ply::vertex_properties(3 * original.sh_rest.size(1)).size();
    const double ply = 4.0 * static_cast<double>(original.count()) * static_cast<double>(floats);
    text += fmt::format(" ({:.1f} times smaller than the PLY of all {}), {:.1f} dB to the original",
                        ply / static_cast<double>(bytes), original.count(),
                        psnr_between(original, asset::read_splats(target.file, options.axes)));
  }
  return text;
}

void write_all(const ExportSource& source, const std::vector<ExportTarget>& targets, const ExportOptions& options,
               Progress::Style style) {
  StageProgress progress(style, source.name);
  gaussians::Cloud cloud = cropped(asset::on_cpu(source.cloud), options);
  if (options.clean) cloud = cleaned(cloud, progress);
  std::optional<gaussians::Cloud> compact;
  std::optional<mesh::TriangleMesh> mesh;
  for (const ExportTarget& target : targets) {
    if (row_of(target.format).holds == Holds::kMesh) {
      if (!mesh) mesh = mesh_of(cloud, targets, options, progress);
      progress.begin(fmt::format("writing {}", target.file.string()));
      asset::write_mesh(target.format, target.file, *mesh, mesh_file_options(options, source.title));
      progress.end();
      spdlog::info("wrote {}: {} triangles, {}", target.file.string(), mesh->triangles.size(),
                   size_text(fs::file_size(target.file)));
      continue;
    }
    if (options.compact && !compact) {
      progress.begin("what no view sees");
      compact = without_unseen(cloud);
    }
    progress.begin(fmt::format("writing {}", target.file.string()));
    const gaussians::Cloud& written = compact ? *compact : cloud;
    asset::write_splats(target.format, target.file, written, splat_options(options));
    const std::string report = report_on(target, written, cloud, options);
    progress.end();
    spdlog::info("{}", report);
  }
}

}  // namespace

void export_asset(const ExportSource& source, const std::vector<ExportTarget>& targets, const ExportOptions& options,
                  Progress::Style style) {
  const torch::NoGradGuard no_grad;
  try {
    write_all(source, targets, options, style);
  } catch (const UserError& error) {
    UserMistake mistake = error.mistake();
    if (mistake.file.empty()) mistake.file = source.file.string();
    throw UserError(mistake);
  }
}

}  // namespace lucid::app
