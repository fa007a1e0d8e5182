// SPDX-License-Identifier: Apache-2.0
// Output files of a training run: point cloud, test views, contact sheets and videos.
#include "lucid/train/outputs.h"

#include "lucid/asset/cameras_json.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/pictures/turntable.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/base/error.h"
#include "lucid/math/sh.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/layer.h"

namespace lucid::train {
namespace fs = std::filesystem;
namespace {

int output_pixels(int64_t requested, int training) { return requested > 0 ? static_cast<int>(requested) : training; }

std::vector<Camera> views_for_tests(const TrainOptions& options) {
  return test_views(options.views, output_pixels(options.output_size, options.views.width),
                    output_pixels(options.output_size, options.views.height));
}

/// One channel scaled linearly to [0, 1].
torch::Tensor stretched(const torch::Tensor& x) {
  const torch::Tensor low = x.min();
  return (x - low) / (x.max() - low).clamp_min(1e-12);
}

}  // namespace

fs::path Workspace::point_cloud(int64_t iteration) const {
  return root / "point_cloud" / fmt::format("iteration_{}", iteration) / "point_cloud.ply";
}

fs::path Workspace::test_views(int64_t iteration) const {
  return root / "test_six_views" / fmt::format("{}", iteration);
}

std::string view_name(const Camera& camera) {
  return fmt::format("polar{:.0f}_azimuth{:03.0f}", camera.theta, camera.phi);
}

gaussians::RenderedView plain_view(const gaussians::Cloud& cloud, const Camera& camera,
                                   gaussians::ViewRenderer& renderer) {
  return renderer.forward(0, gaussians::activate(cloud), camera, {1, 1, 1}).cpu();
}

void write_start(const Workspace& workspace, const gaussians::Cloud& cloud, const TrainOptions& options) {
  const torch::Tensor rgb = (cloud.sh_dc.squeeze(1) * kSh0 + 0.5).clamp(0, 1);
  asset::write_points_ply(workspace.root / "init_points3d.ply", cloud.means, rgb);
  asset::write_cameras_json(workspace.root / "cameras.json", views_for_tests(options));
}

void write_sheet(const Workspace& workspace, const StepReport& report, int64_t iteration, text_to_image::Prior& prior) {
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<torch::Tensor>> rows;
  const torch::ScalarType dtype = nn::compute_dtype(*prior.vae);
  const auto decoded = [&](const torch::Tensor& latents) {
    std::vector<torch::Tensor> pictures;  // one by one, because decoding one 512 x 512 image takes a gigabyte
    for (const torch::Tensor& each : latents.to(nn::activation_dtype(dtype, latents)).split(1)) {
      pictures.push_back(((prior.vae->decode(each).to(torch::kFloat) + 1) / 2).cpu());
    }
    return torch::cat(pictures);
  };
  const torch::Tensor uncond = decoded(report.x0_uncond), guided = decoded(report.x0_guided);  // [B,3,H,W]
  const torch::Tensor latents = report.latents.cpu(), d_latents = report.d_latents.cpu();
  for (size_t i = 0; i < report.views.size(); ++i) {
    const gaussians::RenderedView view = report.views[i].cpu();
    const auto b = static_cast<int64_t>(i);
    const int64_t height = view.rgb.size(1), width = view.rgb.size(2);
    const auto shown = [&](const torch::Tensor& x) { return asset::resize_nearest(x, height, width); };
    const torch::Tensor saturation =
        std::get<0>(view.rgb.max(0, true)) - std::get<0>(view.rgb.min(0, true));  // [1,H,W]
    rows.push_back({view.rgb, asset::depth_image(view.depth, view.alpha), view.alpha.expand({3, -1, -1}),
                    asset::colour_map(saturation), shown(asset::latents_image(latents[b])), shown(uncond[b]),
                    shown(guided[b]), shown(asset::colour_map(stretched(d_latents[b].norm(2, 0, true))))});
  }
  asset::write_png(workspace.sheets() / fmt::format("iteration_{:05}.png", iteration), asset::contact_sheet(rows));
}

void write_process_frame(const Workspace& workspace, const gaussians::Cloud& cloud, const TrainOptions& options,
                         gaussians::ViewRenderer& renderer, int64_t frame) {
  const ViewOptions& v = options.views;
  const double phi = v.default_azimuth + 360.0 * static_cast<double>(frame % options.turntable_frames) /
                                             static_cast<double>(options.turntable_frames);
  const bool from_above = options.pro_render_45 && 2 * frame >= std::min(options.pro_frames_num, options.iterations);
  const double polar = from_above ? kPolarFromAbove : v.default_polar;
  const Camera camera = orbit_camera(polar, phi, v.default_radius, v.default_fovy, v.width, v.height);
  asset::write_png(workspace.process_frames() / fmt::format("{:05}.png", frame),
                   plain_view(cloud, camera, renderer).rgb);
}

void write_process_video(const Workspace& workspace, int64_t frames) {
  const fs::path first = workspace.process_frames() / "00000.png";
  if (!fs::exists(first)) return;
  const torch::Tensor sample = asset::read_png(first);
  asset::VideoWriter film(workspace.root / "process_videos" / "process.mp4", static_cast<int>(sample.size(2)),
                          static_cast<int>(sample.size(1)));
  for (int64_t frame = 0; frame < frames; ++frame) {
    const fs::path file = workspace.process_frames() / fmt::format("{:05}.png", frame);
    if (fs::exists(file)) film.add(asset::read_png(file));
  }
  film.finish();
}

void write_result(const Workspace& workspace, const gaussians::Cloud& cloud, const TrainOptions& options,
                  gaussians::ViewRenderer& renderer, int64_t iteration) {
  asset::write_ply(workspace.point_cloud(iteration), gaussians::smoothed(cloud));
  const fs::path folder = workspace.test_views(iteration);
  const size_t rings = options.views.render_45 ? 2 : 1;
  std::vector<std::vector<torch::Tensor>> rows(2 * rings);  // colours and depths of the first ring, and from above
  const std::vector<Camera> cameras = views_for_tests(options);
  for (size_t i = 0; i < cameras.size(); ++i) {
    const gaussians::RenderedView view = plain_view(cloud, cameras[i], renderer);
    const torch::Tensor depth = asset::depth_image(view.depth, view.alpha);
    const std::string name = view_name(cameras[i]);
    asset::write_png(folder / (name + ".png"), view.rgb);
    asset::write_png(folder / (name + "_depth.png"), depth);
    const size_t ring = rings * i / cameras.size();
    rows[2 * ring].push_back(view.rgb);
    rows[2 * ring + 1].push_back(depth);
  }
  asset::write_png(folder / "sheet.png", asset::contact_sheet(rows));
}

void write_turntables(const fs::path& folder, const gaussians::Cloud& cloud, const TrainOptions& options,
                      gaussians::ViewRenderer& renderer) {
  const int width = output_pixels(options.output_size, options.views.width);
  const int height = output_pixels(options.output_size, options.views.height);
  const gaussians::Activated activated = gaussians::activate(cloud);
  for (const double polar : {options.views.default_polar, kPolarFromAbove}) {
    asset::write_rgb_and_depth(
        folder, polar == kPolarFromAbove ? "turntable_above" : "turntable", activated,
        {.cameras = turntable(options.views, static_cast<int>(options.turntable_frames), polar, width, height)},
        renderer);
  }
}

}  // namespace lucid::train
