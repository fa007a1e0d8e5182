// SPDX-License-Identifier: Apache-2.0
// Reads the body of an avatar, and hands out what a run wants of it.
#include "lucid/app/avatar_figure.h"

#include <spdlog/spdlog.h>

#include <memory>

#include "lucid/app/mesh_guide.h"
#include "lucid/asset/cameras_json.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/camera/sampler.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

fs::path file_of(const avatar::AvatarOptions& options) {
  return options.body == avatar::kNeutralBody ? data_folder() / "models" / "body" / "body.glb" : fs::path(options.body);
}

gaussians::StartOptions start_of(const RunOptions& options) {
  gaussians::StartOptions start = options.train.start;
  start.seed = static_cast<uint64_t>(options.seed);
  return start;
}

bool is_a_file(const std::string& pose) { return pose != "a" && pose != "t"; }

}  // namespace

std::optional<AvatarFigure> AvatarFigure::open(const RunOptions& options) {
  const avatar::AvatarOptions& given = options.avatar;
  if (given.body.empty()) return std::nullopt;
  const fs::path file = file_of(given);
  avatar::PlacedBody placed = avatar::place_body(file, given.pose, start_of(options));
  if (!options.controlnet.empty() && control_kind(options) == "openpose" && !placed.body.key_points) {
    throw UserError({.what_happened = "has no key points, which an OpenPose picture is drawn of",
                     .file = file.string(),
                     .key = "control",
                     .hint = "18 nodes named openpose_nose and so on, or a depth ControlNet"});
  }
  for (const std::string& warning : placed.warnings) spdlog::warn("{}: {}", file.string(), warning);
  spdlog::info("{}: {}", file.string(), placed.about);
  AvatarFigure figure;
  figure.body_ = std::move(placed.body);
  figure.identity_ = {{"body", file.filename().string()}, {"sha256", sha256_of_file(file)}};
  if (is_a_file(given.pose)) figure.identity_["pose_sha256"] = sha256_of_file(given.pose);
  return figure;
}

gaussians::Cloud AvatarFigure::start(const RunOptions& options) const {
  return avatar::gaussians_on_body(body_, start_of(options));
}

std::function<torch::Tensor(const std::vector<Camera>&)> AvatarFigure::control_images(const RunOptions& options) const {
  if (options.controlnet.empty()) return nullptr;
  if (control_kind(options) == "depth") {
    const auto guide = std::make_shared<MeshGuide>(body_.mesh, static_cast<int>(options.train.views.width));
    return [guide](const std::vector<Camera>& cameras) { return guide->disparity(cameras); };
  }
  return [body = body_](const std::vector<Camera>& cameras) { return avatar::openpose_pictures(body, cameras); };
}

std::optional<text_to_image::ViewPrompts> AvatarFigure::head_prompts(text_to_image::Prior& prior,
                                                                     const RunOptions& options) const {
  if (options.avatar.head_rate == 0) return std::nullopt;
  return text_to_image::view_prompts(prior, options.text + " head", options.negative, options.inverse_text);
}

train::CloseUp AvatarFigure::head(const text_to_image::ViewPrompts& prompts,
                                  const avatar::AvatarOptions& options) const {
  const mesh::Point at = avatar::head_of(body_);
  return {.rate = options.head_rate,
          .from_iter = options.head_from_iter,
          .target = {at.x, at.y, at.z},
          .prompts = &prompts};
}

int preview_figure(const RunOptions& options) {
  constexpr int kAround = 8, kSize = 512;
  constexpr std::array kPolar = {60.0, 80.0, 100.0};
  const auto figure = AvatarFigure::open(options);
  LUCID_CHECK(figure, "a preview without a body");
  const fs::path folder = options.avatar.preview;
  make_folder(folder);
  std::vector<Camera> cameras;
  for (const double polar : {kPolar[1], kPolar[0], kPolar[2]}) {
    for (const Camera& camera : turntable(options.train.views, kAround, polar, kSize, kSize)) cameras.push_back(camera);
  }
  const torch::Tensor depth = MeshGuide(figure->body().mesh, kSize).disparity(cameras);
  std::vector<std::vector<torch::Tensor>> rows;
  const auto add = [&](const char* name, const torch::Tensor& pictures) {
    for (int64_t i = 0; i < pictures.size(0); ++i)
      asset::write_png(folder / fmt::format("{}_{:02}.png", name, i), pictures[i]);
    rows.push_back(pictures.slice(0, 0, kAround).expand({-1, 3, -1, -1}).unbind(0));
  };
  add("depth", depth);
  if (figure->body().key_points) add("openpose", avatar::openpose_pictures(figure->body(), cameras));
  asset::write_cameras_json(folder / "cameras.json", cameras);
  asset::write_png(folder / "sheet.png", asset::contact_sheet(rows));
  spdlog::info("{} views of the body; look at {}", cameras.size(), (folder / "sheet.png").string());
  return 0;
}

}  // namespace lucid::app
