// SPDX-License-Identifier: Apache-2.0
// How multi-view priors are told from others, the options that they get, and what does not go with them.
#include "lucid/app/run_options/multi_view.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "mistakes.h"

namespace lucid::app {
namespace {
namespace fs = std::filesystem;
using Given = std::map<std::string, std::string>;

/// Files that look like priors from outside.
class MultiViewOptions : public ::testing::Test {
 protected:
  MultiViewOptions() {
    const auto file_with = [](const char* name) {
      std::string bytes(1 << 20, '\0');
      bytes += name;
      return bytes;
    };
    write_file(joint_, file_with("model.diffusion_model.camera_embed.0.weight"));
    write_file(plain_, file_with("model.diffusion_model.time_embed.0.weight"));
    for (const auto& [folder, config] :
         {std::pair(joint_folder_, R"({"_class_name": "MultiViewUNetModel", "camera_dim": 16})"),
          {plain_folder_, R"({"_class_name": "UNet2DConditionModel"})"}}) {
      fs::create_directories(folder / "unet");
      write_file(folder / "unet/config.json", config);
    }
  }
  /// The options of a run with these flags. Throws UserError.
  void apply(const Given& given) {
    bound_ = std::make_unique<BoundOptions>();
    Given all = given;
    all.emplace("text", "a car");
    apply_given(bound_->table, "", all);
    check_options(bound_->options);
  }
  std::string refusal(const Given& given) {
    const UserMistake mistake = test::mistake_of([&] { apply(given); });
    return mistake.key + ": " + mistake.what_happened;
  }
  const RunOptions& options() const { return bound_->options; }

  test::TemporaryFolder folder_;
  fs::path joint_ = folder_.path / "mvdream.pt", plain_ = folder_.path / "sd.ckpt",
           joint_folder_ = folder_.path / "mvdream", plain_folder_ = folder_.path / "sd";
  std::unique_ptr<BoundOptions> bound_;
};

TEST_F(MultiViewOptions, ThePriorsAreTold) {
  EXPECT_TRUE(is_multi_view(joint_));
  EXPECT_TRUE(is_multi_view(joint_folder_));
  for (const fs::path& other :
       {plain_, plain_folder_, folder_.path, folder_.path / "nowhere", fs::path(), embedded_prior()})
    EXPECT_FALSE(is_multi_view(other)) << other;
}

TEST_F(MultiViewOptions, OneMultiViewPriorHasItsOwnDefaults) {
  for (const fs::path& prior : {joint_, joint_folder_}) {
    apply({{"model_key", prior.string()}, {"preset", "draft"}, {"guidance_scale", "10"}});
    const train::TrainOptions& t = options().train;
    EXPECT_EQ(t.iterations, 1500) << "of the preset";
    EXPECT_EQ(t.views.width, 256);
    EXPECT_EQ(t.views.height, 256);
    EXPECT_EQ(t.views.theta.low, 60);
    EXPECT_EQ(t.views.theta.high, 90);
    EXPECT_TRUE(t.views.relative_radius);
    EXPECT_FALSE(t.views.jitter_pose);
    EXPECT_FALSE(t.use_progressive);
    EXPECT_EQ(t.batch, 4);
    EXPECT_EQ(t.augment.flip_ratio, 0);
    EXPECT_FALSE(t.score.perpneg);
    EXPECT_EQ(t.score.guidance_scale, 10) << "a flag";
    EXPECT_NE(options().negative.find("poorly drawn face"), std::string::npos);
    EXPECT_EQ(main_prior(options()), prior);
  }
  apply({{"model_key", plain_.string()}});
  EXPECT_EQ(options().train.views.width, 512);
  EXPECT_TRUE(options().train.score.perpneg);
}

TEST_F(MultiViewOptions, APriorsOwnPresetsSayWhatItsGroupsWant) {
  const fs::path own = folder_.path / "own", mini = test::source_dir() / "models/mini";
  fs::create_directories(own / "unet");
  fs::copy(mini / "presets", own / "presets", fs::copy_options::recursive);
  write_file(own / "unet/config.json", R"({"_class_name": "UNet2DConditionModel", "camera_dim": 16})");
  const auto of = [&](const fs::path& prior, const std::string& preset, const std::string& start) {
    apply({{"model_key", prior.string()}, {"preset", preset}});
    apply_start_preset(bound_->table, prior, preset, start);
    return options().train;
  };
  for (const std::string preset : {"draft", "default", "fine"}) {
    for (const std::string start : {"sphere", "learned"}) {
      SCOPED_TRACE(preset + " from " + start);
      const train::TrainOptions plain = of(mini, preset, start), joint = of(own, preset, start);
      EXPECT_EQ(joint.batch, 4);
      EXPECT_EQ(joint.iterations * joint.batch, plain.iterations * plain.batch) << "as many pictures";
      EXPECT_EQ(joint.score.warmup_iter * plain.iterations, plain.score.warmup_iter * joint.iterations);
      EXPECT_EQ(joint.score.view_guidance, 0);
      EXPECT_FALSE(joint.score.perpneg);
      EXPECT_EQ(joint.views.width, 128);
      EXPECT_EQ(joint.augment.flip_ratio, 0);
      EXPECT_EQ(joint.score.t_range_high, plain.score.t_range_high);
    }
  }
  apply({{"model_key", own.string()}, {"refine_prior", mini.string()}, {"preset", "draft"}});
  EXPECT_EQ(options().train.batch, 2);
  const auto first = multi_view_options(bound_->table);
  EXPECT_EQ(first->options.train.batch, 4);
  EXPECT_EQ(first->options.train.views.width, 128);
  EXPECT_EQ(first->options.train.score.view_guidance, 0);
}

TEST_F(MultiViewOptions, TheFirstOfTwoPriorsHasItsFilesOptions) {
  const fs::path file = folder_.path / "own.yaml";
  write_file(file, "GuidanceParams:\n  C_batch_size: 8\n");
  apply({{"model_key", joint_.string()},
         {"refine_prior", plain_folder_.string()},
         {"multi_view_config", file.string()},
         {"guidance_scale", "10"},
         {"bg_aug_ratio", "0.3"}});
  EXPECT_EQ(main_prior(options()), plain_folder_);
  EXPECT_EQ(options().train.views.width, 512);
  EXPECT_EQ(options().train.batch, 4);
  EXPECT_EQ(options().train.score.guidance_scale, 10);
  EXPECT_TRUE(options().train.score.perpneg);
  const auto first = multi_view_options(bound_->table);
  EXPECT_EQ(first->options.train.views.width, 256);
  EXPECT_EQ(first->options.train.batch, 8);
  EXPECT_EQ(first->options.train.score.guidance_scale, 7.5) << "the file's, not the flag's";
  EXPECT_EQ(first->options.train.augment.bg_aug_ratio, 0.3) << "a flag that the file leaves open";
  EXPECT_FALSE(first->options.train.score.perpneg);
  EXPECT_EQ(first->options.text, "a car");
  check_joint_steps(first->options.train);
}

TEST_F(MultiViewOptions, ContradictionsAreRefused) {
  const std::string joint = joint_.string(), plain = plain_.string();
  for (const auto& [given, start] : std::vector<std::pair<Given, std::string>>{
           {{{"model_key", joint}, {"C_batch_size", "5"}}, "C_batch_size: 5 is not a multiple of 4"},
           {{{"model_key", joint}, {"C_batch_size", "2"}}, "C_batch_size: 2"},
           {{{"model_key", joint}, {"perpneg", "true"}}, "perpneg: "},
           {{{"model_key", joint}, {"view_guidance", "1"}}, "view_guidance: "},
           {{{"model_key", joint}, {"flip_ratio", "0.5"}}, "flip_ratio: "},
           {{{"model_key", joint}, {"refine_iter", "1"}, {"refine_views", "6"}}, "refine_views: 6"},
           {{{"model_key", joint}, {"controlnet_model_key", "depth"}}, ": draws 4 views at once; a ControlNet"},
           {{{"model_key", joint}, {"refine_prior", joint_folder_.string()}}, "refine_prior: is a multi-view prior"},
           {{{"model_key", joint}, {"refine_prior", "/nowhere"}}, "refine_prior: '/nowhere' is not on this machine"},
           {{{"model_key", plain}, {"refine_prior", plain}}, "refine_prior: comes after"},
           {{{"refine_prior", plain}}, "refine_prior: comes after"}}) {
    EXPECT_EQ(refusal(given).substr(0, start.size()), start);
  }
  EXPECT_EQ(test::mistake_of([&] { refuse_multi_view(joint_, "lucid edit"); }).what_happened,
            "draws 4 views at once; lucid edit wants one picture at a time");
  refuse_multi_view(plain_, "lucid edit");
}

}  // namespace
}  // namespace lucid::app
