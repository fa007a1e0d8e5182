// SPDX-License-Identifier: Apache-2.0
// Tests of build.h: content of a corpus built from a small library, and equal bytes for any number of threads.
#include "lucid/corpus/build.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/sha256.h"
#include "lucid/corpus/shards.h"
#include "lucid/json/json_config.h"
#include "mistakes.h"
#include "test_library.h"

namespace lucid::corpus {
namespace {
namespace fs = std::filesystem;

const std::atomic<bool> kGoOn = false;

struct Workshop {
  lucid::test::TemporaryFolder folder;
  BuildOptions options;
  Workshop() {
    auto entries = test::cube_library();
    entries["PluginFurnitureCatalog.properties"] =
        test::catalogue_text("name#2=Brick\nmodel#2=/test/brick/brick.obj\nlicense#2=CC BY 3.0\n");
    entries["test/brick/brick.obj"] = test::cube_obj().replace(7, 8, "brick.mtl");
    entries["test/brick/brick.mtl"] =
        "newmtl front\nKd 0.8 0.1 0.1\nnewmtl right\nKd 0.8 0.1 0.1\nnewmtl back\nKd 0.8 0.1 "
        "0.1\nnewmtl left\nKd 0.8 0.1 0.1\nnewmtl top\nKd 0.9 0.9 0.9\n";
    test::write_zip(folder.path / "test.sh3f", entries);
    write_file(folder.path / "table.tsv", "test/cube\ttoy cube\t0\tn\ty\ntest/brick\tbrick\t0\ty\ty\tred thing\n");
    options = {.library = folder.path,
               .table = folder.path / "table.tsv",
               .out = folder.path / "out",
               .sheet = {},
               .only = {},
               .size = 32,
               .views = 10,
               .recoloured_views = 4,
               .colours = 3};
  }
};

TEST(CorpusBuild, WritesItemsWithTheirCaptionsAndViews) {
  Workshop shop;
  const BuildReport report = build_corpus(shop.options, kGoOn);
  const Corpus corpus(shop.options.out);
  EXPECT_EQ(corpus.view_count(), report.views);
  EXPECT_EQ(report.words, 2);
  int recoloured = 0;
  for (const Item& item : corpus.items()) {
    recoloured += item.recoloured;
    const auto views = corpus.views({item.first_view});
    EXPECT_GT(views.alpha.mean().item<float>(), 0.1f);
    if (item.word == "brick" && !item.recoloured) {
      EXPECT_EQ(item.colour, "red");
      EXPECT_TRUE(item.mirrors);
      EXPECT_EQ(item.view_count, 10);
    }
    if (item.recoloured) {
      EXPECT_EQ(item.view_count, 4);
      EXPECT_NE(item.colour, "red");
    }
  }
  EXPECT_EQ(recoloured, 3);  // the cube has no dominant colour
  // Azimuths lie one in each sector, within the range that the trainer expects.
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < 10; ++i) indices.push_back(i);
  const Views views = corpus.views(indices);
  EXPECT_GE(views.azimuth.min().item<float>(), -180);
  EXPECT_LT(views.azimuth.max().item<float>(), 180);
  std::vector<int> sectors;
  for (int64_t i = 0; i < 10; ++i) {
    const float azimuth = views.azimuth[i].item<float>();
    sectors.push_back(static_cast<int>((azimuth < 0 ? azimuth + 360 : azimuth) / 36));
  }
  std::ranges::sort(sectors);
  EXPECT_EQ(sectors, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_GE(views.elevation.min().item<float>(), -5);
  EXPECT_LE(views.elevation.max().item<float>(), 60);

  const nlohmann::json vocabulary = read_json_object(shop.options.out / "vocabulary.json");
  EXPECT_EQ(vocabulary.at("names"), (nlohmann::json{"brick", "red thing", "toy cube"}));
  EXPECT_EQ(vocabulary.at("colours").size(), 11u);
  const std::string notice = read_file(shop.options.out / "NOTICE.md");
  EXPECT_NE(notice.find("CC BY 3.0"), std::string::npos);
  EXPECT_NE(notice.find("A. Author"), std::string::npos);
}

TEST(CorpusBuild, GroupsAreAQuarterTurnApartAndLeaveTheOtherViewsAlone) {
  Workshop shop;
  build_corpus(shop.options, kGoOn);
  const auto single_views = [&] {
    const Corpus corpus(shop.options.out);
    std::vector<int64_t> indices;
    for (const Item& item : corpus.items()) {
      for (int64_t view = item.first_view; view < item.first_grouped_view(); ++view) indices.push_back(view);
    }
    return corpus.views(indices).rgb;
  };
  const torch::Tensor without = single_views();
  shop.options.groups = 5;
  const BuildReport report = build_corpus(shop.options, kGoOn);
  EXPECT_TRUE(torch::equal(without, single_views()));
  const Corpus corpus(shop.options.out);
  std::set<float> starts, elevations;
  int64_t groups = 0;
  for (const Item& item : corpus.items()) {
    EXPECT_EQ(item.groups, item.recoloured ? 2 : 5);  // in proportion to 4 of 10 views
    groups += item.groups;
    for (int64_t group = 0; group < item.groups; ++group) {
      const int64_t first = item.first_grouped_view() + kGroupViews * group;
      const Views views = corpus.views({first, first + 1, first + 2, first + 3});
      const float *azimuth = views.azimuth.data_ptr<float>(), *elevation = views.elevation.data_ptr<float>();
      for (int64_t i = 0; i < kGroupViews; ++i) {
        EXPECT_EQ(elevation[i], elevation[0]);
        EXPECT_NEAR(std::remainder(azimuth[i] - azimuth[0] - 90 * static_cast<float>(i), 360.0f), 0, 1e-3);
        EXPECT_GE(azimuth[i], -180);
        EXPECT_LT(azimuth[i], 180);
      }
      starts.insert(azimuth[0]);
      elevations.insert(elevation[0]);
      // The cube's sides differ; so do the pictures of a group. Its light turns with the camera: no side is dark.
      if (item.recoloured || item.word != "brick") continue;
      for (int64_t i = 0; i < kGroupViews; ++i) {
        const torch::Tensor inside = views.alpha[i].expand({3, -1, -1}) > 0.99;
        const float brightness = views.rgb[i].masked_select(inside).max().item<float>();
        EXPECT_GT(brightness, 0.5f);
      }
    }
  }
  EXPECT_EQ(groups, report.groups);
  EXPECT_EQ(starts.size(), static_cast<size_t>(groups));
  EXPECT_EQ(elevations.size(), static_cast<size_t>(groups));
}

TEST(CorpusBuild, BytesDoNotDependOnTheNumberOfThreads) {
  Workshop shop;
  const int threads = omp_get_max_threads();
  std::vector<std::vector<std::string>> hashes;
  for (const int count : {1, 3}) {
    omp_set_num_threads(count);
    build_corpus(shop.options, kGoOn);
    hashes.emplace_back();
    for (const char* name : {"corpus.json", "shard_000.safetensors", "vocabulary.json", "NOTICE.md"}) {
      hashes.back().push_back(sha256_of_file(shop.options.out / name));
    }
  }
  omp_set_num_threads(threads);
  EXPECT_EQ(hashes[0], hashes[1]);
  shop.options.seed = 1;
  build_corpus(shop.options, kGoOn);
  EXPECT_NE(hashes[0][1], sha256_of_file(shop.options.out / "shard_000.safetensors"));
}

TEST(CorpusBuild, OnlyOneWordGivesItTheSamePictures) {
  Workshop shop;
  build_corpus(shop.options, kGoOn);
  const auto pictures = [&] {
    const Corpus corpus(shop.options.out);
    const auto brick = std::ranges::find(corpus.items(), "brick", &Item::word);
    return corpus.views({brick->first_view, brick->first_view + 1}).rgb;
  };
  const torch::Tensor all = pictures();
  shop.options.only = "brick";
  EXPECT_EQ(build_corpus(shop.options, kGoOn).models, 1);
  EXPECT_TRUE(torch::equal(all, pictures()));
  shop.options.only = "piano";
  EXPECT_NE(lucid::test::mistake_of([&] { build_corpus(shop.options, kGoOn); }).what_happened.find("piano"),
            std::string::npos);
}

TEST(CorpusBuild, StoppingLeavesNoCorpus) {
  Workshop shop;
  const std::atomic<bool> stop = true;
  build_corpus(shop.options, stop);
  EXPECT_FALSE(fs::exists(shop.options.out / "corpus.json"));
}

TEST(CorpusBuild, MissingModelsAndLibrariesAreNamed) {
  Workshop shop;
  write_file(shop.options.table, "test/sphere\tball\t0\ty\ty\n");
  EXPECT_EQ(lucid::test::mistake_of([&] { build_corpus(shop.options, kGoOn); }).key, "test/sphere");
  shop.options.library = shop.folder.path / "nowhere";
  EXPECT_NE(lucid::test::mistake_of([&] { build_corpus(shop.options, kGoOn); }).hint.find("sweethome3d-furniture"),
            std::string::npos);
}

TEST(CorpusBuild, EveryModelOfTheShippedTableIsInTheLibraries) {
  BuildOptions options;
  if (!fs::exists(options.library)) GTEST_SKIP() << "Debian's package sweethome3d-furniture is not installed";
  options.table = lucid::test::source_dir() / "models/corpus/sweethome3d.tsv";
  EXPECT_GE(build_corpus(options, kGoOn).words, 150);  // neither corpus nor sheet: only looks the models up
}

}  // namespace
}  // namespace lucid::corpus
