// SPDX-License-Identifier: Apache-2.0
// Assets found in folders of runs and of files.
#include "lucid/eval/found_assets.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::eval {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest =
    R"({"prompt": "a red cup", "seed": 3, "iterations": 40, "seconds": 1.5, "peak_mb": 7})";

TEST(FoundAssets, AreRunsAndFilesByName) {
  const lucid::test::TemporaryFolder folder;
  write_file(folder.path / "b" / "run" / "manifest.json", kManifest);
  write_file(folder.path / "b" / "run" / "init_points3d.ply", "");
  write_file(folder.path / "b" / "unfinished" / "init_points3d.ply", "");
  write_file(folder.path / "a_blue_tea_pot_s12.ply", "");
  write_file(folder.path / "chairs_set.spz", "");
  write_file(folder.path / "notes.txt", "");
  const std::vector<FoundAsset> found = find_assets(folder.path / "");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].prompt, "a blue tea pot");
  EXPECT_EQ(found[0].name, "a_blue_tea_pot_s12");
  EXPECT_EQ(found[0].seed, 12);
  EXPECT_EQ(found[1].prompt, "a red cup");
  EXPECT_EQ(found[1].name, "run");
  EXPECT_EQ(found[1].seed, 3);
  EXPECT_EQ(found[1].seconds, 1.5);
  EXPECT_EQ(found[1].peak_mb, 7);
  EXPECT_EQ(found[1].file, folder.path / "b" / "run" / "point_cloud" / "iteration_40" / "point_cloud.ply");
  EXPECT_EQ(found[2].prompt, "chairs set");
  EXPECT_EQ(found[2].seed, 0);
  EXPECT_EQ(find_assets(folder.path / "b" / "run" / "")[0].name, "run");
  EXPECT_EQ(find_assets(folder.path / "chairs_set.spz").size(), 1u);
}

TEST(FoundAssets, NoneAndADamagedManifestAreErrors) {
  const lucid::test::TemporaryFolder folder;
  EXPECT_THROW(find_assets(folder.path), UserError);
  EXPECT_THROW(find_assets(folder.path / "nowhere"), UserError);
  write_file(folder.path / "run" / "manifest.json", R"({"prompt": "a cup"})");
  EXPECT_THROW(find_assets(folder.path), UserError);
}

}  // namespace
}  // namespace lucid::eval
