// SPDX-License-Identifier: Apache-2.0
// A run from a mesh: its outline at the end with and without keep_shape, and its way through a checkpoint.
#include "lucid/app/file_start.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/base/sha256.h"
#include "lucid/start/test_shapes.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/trainer.h"

namespace lucid::app {
namespace {

namespace fs = std::filesystem;

/// A few steps that move things far, in pictures of 64 x 64.
train::TrainOptions hasty(const fs::path& mesh) {
  train::TrainOptions options;
  options.iterations = 14;
  options.use_progressive = false;
  options.views.width = options.views.height = 64;
  options.views.radius = {3.2, 3.2};
  options.start.count = 8000;
  options.start.file = mesh;
  options.start.file_fit = "off";
  options.rates.position_lr_init = options.rates.position_lr_final = 0.005;
  options.rates.scaling_lr = options.rates.scaling_lr_final = 0.05;
  options.rates.opacity_lr = 0.3;
  options.densify.densification_interval = 3;
  options.densify.densify_from_iter = 1;
  options.densify.opacity_reset_interval = 1'000'000;
  options.vis_interval = 0;
  options.save_process = options.save_video = false;
  return options;
}

gaussians::Cloud trained(const train::TrainOptions& options, const fs::path& folder, int64_t stop_after = 0) {
  static text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "models/mini");
  diffusion::UNetDenoiser denoiser(prior.unet);
  diffusion::ImageEncoder encoder(prior.vae);
  const text_to_image::ViewPrompts prompts = text_to_image::view_prompts(prior, "a table", "", "");
  const auto distiller = distill::make_distiller(options.score);
  const train::Scene scene{options, prior, encoder, denoiser, prompts, *distiller, nullptr, torch::kCPU};
  std::atomic<bool> stop = false;
  train::TrainCallbacks callbacks;
  RunOptions run;
  run.train = options;
  callbacks.start = [&] { return make_file_start(*file_start(run)); };
  callbacks.stop = &stop;
  callbacks.on_step = [&](const train::StepReport&, const train::Model& model) {
    stop = model.iteration == stop_after;
  };
  return train::train(scene, {folder}, "key", train::Begin::kFromCheckpoint, callbacks).model.cloud;
}

TEST(KeptShape, HasItsOutlineAtTheEnd) {
  const test::TemporaryFolder folder;
  const mesh::TriangleMesh torus = start::test::torus();
  asset::write_mesh_ply(folder.path / "torus.ply", torus);
  train::TrainOptions options = hasty(folder.path / "torus.ply");
  const auto iou = [&](const gaussians::Cloud& cloud) {
    return start::test::outline_iou(cloud, torus, start::test::views_around(256));
  };
  const gaussians::Cloud free = trained(options, folder.path / "free");
  options.start.keep_shape = 1;
  const gaussians::Cloud kept = trained(options, folder.path / "kept");
  RecordProperty("free", std::to_string(iou(free)));
  RecordProperty("kept", std::to_string(iou(kept)));
  EXPECT_GE(iou(kept), 0.85);
  EXPECT_LT(iou(free), iou(kept) - 0.05) << "nothing was held";
  EXPECT_GT(kept.count(), 8000) << "densified";
  EXPECT_GT(kept.sh_dc.abs().mean().item<double>(), 0.01) << "painted";

  trained(options, folder.path / "resumed", /*stop_after=*/5);
  const gaussians::Cloud resumed = trained(options, folder.path / "resumed");
  for (size_t g = 0; g < gaussians::Cloud::kGroups; ++g)
    EXPECT_TRUE(resumed.parameters()[g]->equal(*kept.parameters()[g])) << gaussians::Cloud::kNames[g];
}

TEST(FileStart, IsNamedWithItsHash) {
  const test::TemporaryFolder folder;
  asset::write_mesh_ply(folder.path / "torus.ply", start::test::torus());
  RunOptions options;
  EXPECT_FALSE(file_start(options));
  options.train.start.file = folder.path / "torus.ply";
  const nlohmann::json identity = identity_of(*file_start(options));
  EXPECT_EQ(identity["file"], "torus.ply");
  EXPECT_EQ(identity["sha256"], sha256_of_file(folder.path / "torus.ply"));

  options.train.start = {.file_scale = 3, .file_rotate = "y-up"};
  options.pretrained_model_path = "a.ply";
  const auto as_it_is = file_start(options);
  ASSERT_TRUE(as_it_is);
  EXPECT_EQ(as_it_is->file, "a.ply");
  EXPECT_EQ(as_it_is->file_scale, 1);
  EXPECT_EQ(as_it_is->file_fit, "off");
  EXPECT_EQ(as_it_is->file_rotate, "");
}

}  // namespace
}  // namespace lucid::app
