// SPDX-License-Identifier: Apache-2.0
// Reads the asset of an edit, and compares it with the result.
#include "lucid/app/edited_asset.h"

#include <spdlog/spdlog.h>

#include "lucid/asset/pictures/image.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/edit/compare.h"
#include "lucid/edit/prompts/prompts.h"
#include "lucid/edit/word_mask.h"
#include "lucid/eval/found_assets.h"
#include "lucid/math/sh.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

gaussians::Cloud on_device(gaussians::Cloud cloud, torch::Device device) {
  for (torch::Tensor* parameter : cloud.parameters()) *parameter = parameter->to(device);
  return cloud;
}

/// A colour below 0 is shown as 0 and has no gradient, so no edit could raise it. Raises such colours of degree 0 to
/// just above 0, which looks the same, of the Gaussians `inside` [N] bool (undefined: of all).
void free_clamped_colours(gaussians::Cloud& cloud, const torch::Tensor& inside) {
  constexpr double kJustAbove = 1e-3;
  if (cloud.sh_degree() > 0) return;
  const torch::Tensor raised = cloud.sh_dc.clamp_min((kJustAbove - 0.5) / kSh0);
  cloud.sh_dc = inside.defined() ? torch::where(inside.view({-1, 1, 1}), raised, cloud.sh_dc) : raised;
}

/// The cameras of a preset look at a ball around the origin. An asset far larger or smaller would not be seen whole.
void warn_of_size(const gaussians::Cloud& cloud, const ViewOptions& views) {
  const double seen = views.default_radius * std::sin(views.default_fovy / 2);
  const double size = torch::quantile(cloud.means.norm(2, 1), 0.95).item<double>();
  if (size > 1.3 * seen || size < 0.15 * seen) {
    spdlog::warn(
        "most of the asset lies within {:.2f} of the origin, and the cameras show {:.2f}; --default-radius and "
        "--radius-range move them",
        size, seen);
  }
}

}  // namespace

std::optional<EditedAsset> EditedAsset::open(RunOptions& options) {
  const edit::EditOptions& given = options.edit;
  if (given.asset.empty()) return std::nullopt;
  std::error_code none;
  const fs::path file =
      fs::is_directory(given.asset, none) ? eval::asset_of_run(given.asset).file : fs::path(given.asset);
  EditedAsset edited;
  const bool instructed = options.train.score.instructed();  // needs no prompt of the asset as it is
  edited.from_ = given.from.empty() ? edit::prompt_of_asset(file).value_or("") : given.from;
  if (edited.from_.empty() && !instructed) {
    throw UserError({.what_happened = "has no prompt: no manifest.json of its run is beside it or above",
                     .file = file.string(),
                     .hint = "--from \"what it shows\""});
  }
  if (!instructed) edit::check_pair(edited.from_, options.text);
  edited.mask_ = edit::Mask::of(given);
  edited.source_ = asset::read_splats(file);
  edited.identity_ = {{"file", file.filename().string()}, {"sha256", sha256_of_file(file)}, {"from", edited.from_}};
  if (!given.mask_images.empty()) {
    edited.mask_pictures_ = edit::read_mask_pictures(given.mask_images, options.train.views);
    edited.cut(edited.marked_by_pictures(), options.train);
  } else if (given.mask_word.empty()) {
    edited.cut(edited.mask_ ? edited.mask_->inside(edited.source_.means) : torch::Tensor(), options.train);
  }

  train::TrainOptions& train = options.train;
  train.sh_degree = train.start.sh_degree = edited.source_.sh_degree();
  train.mip_filter = edited.source_.screen_filter == render::Filter::kMip;
  train.filter_3d = 0;                                              // the file's Gaussians have it already
  train.augment.scale_aug_ratio = train.augment.shs_aug_ratio = 0;  // the source would not have the same noise
  warn_of_size(edited.source_, train.views);
  return edited;
}

torch::Tensor EditedAsset::marked_by_pictures() const {
  gaussians::ViewRenderer renderer(torch::kCPU);
  return edit::marked(source_, mask_pictures_, renderer);
}

void EditedAsset::cut(const torch::Tensor& inside, train::TrainOptions& options) {
  free_clamped_colours(source_, inside);
  changing_ = source_;
  if (!inside.defined()) return;
  edit::Parts parts = edit::split(source_, inside);
  spdlog::info("the mask holds {} of {} Gaussians", parts.inside.count(), source_.count());
  changing_ = std::move(parts.inside);
  if (parts.outside.count() > 0) held_ = std::move(parts.outside);
  const torch::Tensor bytes = inside.to(torch::kUInt8).contiguous();
  identity_["mask_sha256"] =
      sha256_of_bytes({reinterpret_cast<const char*>(bytes.data_ptr<uint8_t>()), static_cast<size_t>(bytes.numel())});
  options.refine.iter = 0;  // it would repaint what is to stay
}

void EditedAsset::find_word(text_to_image::Prior& prior, RunOptions& options) {
  if (options.edit.mask_word.empty()) return;
  mask_pictures_ = edit::word_pictures(
      prior, source_, {.prompt = from_, .word = options.edit.mask_word, .threshold = options.edit.mask_threshold},
      options.train.views);
  has_found_mask_ = true;
  cut(marked_by_pictures(), options.train);
}

gaussians::Cloud EditedAsset::changing() const {
  gaussians::Cloud copy = changing_;
  for (torch::Tensor* parameter : copy.parameters()) *parameter = parameter->clone();
  return copy;
}

train::EditScene EditedAsset::scene(const text_to_image::ViewPrompts& prompts, torch::Device device) const {
  train::EditScene scene{
      .source = on_device(source_, device), .prompts = &prompts, .held = std::nullopt, .confine = nullptr};
  if (held_) scene.held = on_device(*held_, device);
  if (mask_) scene.confine = [mask = *mask_](gaussians::Cloud& cloud) { mask.confine(cloud); };
  return scene;
}

nlohmann::json EditedAsset::write_comparison(const train::Workspace& workspace, const gaussians::Cloud& after,
                                             const train::TrainOptions& options) const {
  const torch::Device device = after.means.device();
  gaussians::ViewRenderer renderer(device);
  const gaussians::Cloud before = on_device(source_, device);
  const edit::BeforeAfter assets{.before = before, .after = after};
  edit::write_comparison_sheet(workspace.root / "before_after.png", assets, options, renderer);
  if (has_found_mask_) {
    make_folder(workspace.root / "mask");
    for (const edit::MaskPicture& picture : mask_pictures_) {
      asset::write_png(workspace.root / "mask" / (train::view_name(picture.camera) + ".png"),
                       picture.white.expand({3, -1, -1}).contiguous());
    }
  }
  if (options.save_video)
    edit::write_comparison_video(workspace.root / "videos" / "before_after.mp4", assets, options, renderer);
  edit::Covers covers;
  if (mask_) covers = [this](const Camera& camera) { return mask_->covers(camera); };
  if (!mask_pictures_.empty())
    covers = [this](const Camera& camera) { return edit::white_pixels(mask_pictures_, camera); };
  const edit::Change change = edit::change_of(assets, options, covers, renderer);
  nlohmann::json json = {
      {"object_change", change.object}, {"ground_change", change.ground}, {"outline_iou", change.outline_iou}};
  if (covers) json["outside_change"] = change.outside;
  return json;
}

}  // namespace lucid::app
