// SPDX-License-Identifier: Apache-2.0
// The learned start's training: targets of a mesh, batches, the loss, and small trainings with resume.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/corpus/test_library.h"
#include "lucid/pretrain/shape/measure.h"
#include "lucid/pretrain/shape/trainer.h"
#include "lucid/shape/points.h"

namespace lucid::pretrain {
namespace {
namespace fs = std::filesystem;

/// A red box on a grey stick of 1/6 of a cell, along z.
corpus::Mesh lollipop() {
  corpus::Mesh mesh;
  mesh.normals.push_back({0, 0, 1});
  mesh.materials = {{.name = "red", .colour = {0.8F, 0.1F, 0.1F}, .texture = nullptr},
                    {.name = "grey", .colour = {0.5F, 0.5F, 0.5F}, .texture = nullptr}};
  constexpr int32_t kFaces[6][4] = {{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}};
  const auto box = [&](corpus::Float3 centre, corpus::Float3 half, int32_t material) {
    const auto first = static_cast<int32_t>(mesh.positions.size());
    for (int k = 0; k < 8; ++k) {
      mesh.positions.push_back({centre.x + ((k & 1) != 0 ? half.x : -half.x),
                                centre.y + ((k & 2) != 0 ? half.y : -half.y),
                                centre.z + ((k & 4) != 0 ? half.z : -half.z)});
    }
    for (const auto& f : kFaces) {
      for (const auto& corners : {std::array{f[0], f[1], f[2]}, std::array{f[0], f[2], f[3]}}) {
        corpus::Triangle triangle{.material = material};
        for (size_t i = 0; i < 3; ++i) triangle.position[i] = first + corners[i];
        mesh.triangles.push_back(triangle);
      }
    }
  };
  box({0.03F, 0.03F, 0.5F}, {0.2F, 0.3F, 0.2F}, 0);
  box({0.03F, 0.03F, -0.2F}, {0.005F, 0.005F, 0.5F}, 1);
  return mesh;
}

corpus::OkLab red() { return corpus::oklab_from_srgb({0.8F, 0.1F, 0.1F}); }

TEST(ShapeTargets, KeepAThinStickWholeAndTellWhereItRunsInItsCells) {
  const ShapeTarget target = shape_target(lollipop(), red(), {});
  const int64_t *cells = target.cells.data_ptr<int64_t>(), count = target.cells.numel();
  const int64_t column = 16 * shape::kSide + 16;  // of the stick, at 0.03125 +- half a cell
  int64_t found = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t z = cells[i] / (shape::kSide * shape::kSide);
    if (z < 5 || z > 19) continue;  // below the box
    EXPECT_EQ(cells[i] % (shape::kSide * shape::kSide), column);
    ++found;
    EXPECT_NEAR(target.offset[i][0].item<double>(), -0.02, 0.03);
    EXPECT_LT(target.spread[i][0].item<double>(), 0.1);
    EXPECT_GT(target.spread[i][2].item<double>(), 0.25);
    EXPECT_NEAR(target.rgb.at("")[i][1].item<double>(), 0.5, 0.02);
  }
  EXPECT_EQ(found, 15) << "no gap";
  // The box: its surface only, none of its inside.
  int64_t box = 0;
  for (int64_t i = 0; i < count; ++i) box += cells[i] / (shape::kSide * shape::kSide) > 20 ? 1 : 0;
  EXPECT_GT(box, 150);
  EXPECT_LT(box, 450);
}

TEST(ShapeTargets, AColourReplacesTheDominantOneOnly) {
  const ShapeTarget target = shape_target(lollipop(), red(), {"green"});
  const int64_t *cells = target.cells.data_ptr<int64_t>(), count = target.cells.numel();
  const Vec3<float> green = corpus::typical_colour("green");
  int64_t changed = 0;
  for (int64_t i = 0; i < count; ++i) {
    const torch::Tensor own = target.rgb.at("")[i], now = target.rgb.at("green")[i];
    if (cells[i] / (shape::kSide * shape::kSide) < 20) {
      EXPECT_LT((own - now).abs().max().item<double>(), 0.01) << "the stick stays grey";
    } else if (cells[i] / (shape::kSide * shape::kSide) > 21) {
      EXPECT_NEAR(now[1].item<double>(), green.y, 0.12);
      EXPECT_LT(now[0].item<double>(), 0.5);
      ++changed;
    }
  }
  EXPECT_GT(changed, 100);
}

TEST(ShapeTargets, CellsInCommon) {
  const auto cells = [](std::vector<int64_t> list) { return torch::tensor(list, torch::kLong); };
  EXPECT_EQ(cells_in_common(cells({1, 4, 9}), cells({1, 4, 9})), 1);
  EXPECT_EQ(cells_in_common(cells({1, 4, 9}), cells({2, 4, 9, 11})), 2.0 / 5);
  EXPECT_EQ(cells_in_common(cells({1}), cells({})), 0);
}

TEST(ShapeTargets, OutlinesOverlapByTheShareOfTheirPixels) {
  // A point is 3 x 3 pixels of 1/16 each. One pixel higher, 6 of 12 are shared; three pixels higher, none.
  const auto at = [](double z) { return torch::tensor({{0.01, 0.01, z}}, torch::kFloat); };
  EXPECT_EQ(outline_overlap(at(0.01), at(0.01)), 1);
  EXPECT_EQ(outline_overlap(at(0.01), at(0.01 + 1.0 / 16)), 6.0 / 12);
  EXPECT_EQ(outline_overlap(at(0.01), at(0.01 + 3.0 / 16)), 0);
}

TEST(ShapeLoss, IsLeastWhereTheNetworkSaysTheTarget) {
  ShapeData data;
  ShapeItem item{.word = "stick", .names = {"stick"}, .target = shape_target(lollipop(), red(), {})};
  data.items = {item};
  data.texts["stick"] = torch::zeros({4});
  const ShapeBatch batch = shape_batch(data, {{.item = 0, .name = "stick"}, {.item = 0, .name = "stick"}});
  EXPECT_EQ(batch.occupancy.sum().item<double>(), 2 * static_cast<double>(item.target.cells.numel()));
  torch::Tensor raw = torch::zeros({2 * shape::kCells, shape::kChannels});
  raw.select(1, 0).copy_(batch.occupancy.view({-1}) * 20 - 10);
  const torch::Tensor logits =
      torch::cat({torch::logit(batch.rgb, 1e-4), torch::atanh((2 * batch.offset).clamp(-.999, .999)),
                  torch::logit(batch.spread / shape::kWidestSpread, 1e-4)},
                 1);
  raw.slice(1, 1).index_copy_(0, batch.rows, logits);
  raw = raw.view({2, shape::kCells, shape::kChannels});
  const double best = shape_loss(raw, batch).item<double>();
  EXPECT_LT(best, 0.02);
  for (const int64_t channel : {0, 2, 5, 8}) {
    torch::Tensor worse = raw.clone();
    worse.select(2, channel).mul_(-1);
    EXPECT_GT(shape_loss(worse, batch).item<double>(), best + 0.02) << channel;
  }
}

/// Trainings on the two boxes of a small library.
class ShapeTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    auto entries = corpus::test::cube_library();
    entries["PluginFurnitureCatalog.properties"] =
        corpus::test::catalogue_text("name#2=Brick\nmodel#2=/test/brick/brick.obj\nlicense#2=CC BY 3.0\n");
    entries["test/brick/brick.obj"] =
        "mtllib brick.mtl\nv -2 -1 1\nv 2 -1 1\nv 2 1 1\nv -2 1 1\nv -2 -1 -1\nv 2 -1 -1\nv 2 1 -1\nv -2 1 -1\n"
        "usemtl clay\nf 1 2 3 4\nf 2 6 7 3\nf 6 5 8 7\nf 5 1 4 8\nf 4 3 7 8\nf 5 6 2 1\n";
    entries["test/brick/brick.mtl"] = "newmtl clay\nKd 0.8 0.1 0.1\n";
    corpus::test::write_zip(folder_.path / "test.sh3f", entries);
    write_file(folder_.path / "table.tsv", "test/cube\tcrate\t0\tn\tn\ntest/brick\ttrunk\t0\ty\ty\tchest\n");
  }
  ShapeRequest request(const std::string& out) const {
    ShapeRequest request{.models = {},
                         .out = folder_.path / out,
                         .prior = lucid::test::source_dir() / "models/mini",
                         .steps = 60,
                         .batch = 4,
                         .width = 16,
                         .hidden = 32,
                         .code_width = 4,
                         .rate = 5e-3,
                         .command = "lucid prior shape"};
    request.models.library = folder_.path;
    request.models.table = folder_.path / "table.tsv";
    return request;
  }
  static bool train(const ShapeRequest& request, const std::atomic<bool>* stop = nullptr) {
    return train_shape(request, {.folder = request.out, .seed = 3, .threads = 2, .stop = stop});
  }
  static std::vector<double> logged(const fs::path& folder, const std::string& key) {
    std::vector<double> values;
    std::ifstream in(folder / "progress/log.jsonl");
    for (std::string line; std::getline(in, line);) {
      const auto json = nlohmann::json::parse(line);
      if (json.contains(key)) values.push_back(json.at(key));
    }
    return values;
  }

 private:
  lucid::test::TemporaryFolder folder_;
};

TEST_F(ShapeTraining, LearnsAndTheFolderOpens) {
  const ShapeRequest request = this->request("out");
  ASSERT_TRUE(train(request));
  const std::vector<double> losses = logged(request.out, "loss");
  ASSERT_GE(losses.size(), 3u);
  EXPECT_LT(losses.back(), 0.6 * losses.front());
  EXPECT_GT(logged(request.out, "overlap").back(), 0.3);
  shape::Model model = shape::Model::open(request.out, request.prior);
  EXPECT_EQ(std::ssize(model.description.names), 3);
  const auto subject = model.description.subject_of("a blue chest");
  ASSERT_TRUE(subject);
  Rng rng(1, "points");
  EXPECT_EQ(shape::points_of(model.shape_of(*subject, 0).grid, 500, rng).xyz.size(0), 500);
  EXPECT_NE(read_file(request.out / "README.md").find("2 models of 3 names"), std::string::npos);
  EXPECT_NE(read_file(request.out / "NOTICE.md").find("A. Author"), std::string::npos);
  EXPECT_THROW(train(request), UserError) << "holds a run already";
}

TEST_F(ShapeTraining, AResumedRunEndsWithTheBytesOfAnUnbrokenOne) {
  ShapeRequest whole = request("whole"), broken = request("broken");
  whole.steps = broken.steps = 6;
  ASSERT_TRUE(train(whole));
  std::atomic<bool> stop{false};
  broken.steps = 3;
  ASSERT_TRUE(train(broken, &stop));
  broken.steps = 6;
  broken.resume = true;
  ASSERT_TRUE(train(broken, &stop));
  for (const char* file : {"shape.safetensors", "shape.json", "checkpoints/shape.safetensors"})
    EXPECT_EQ(read_file(whole.out / file), read_file(broken.out / file)) << file;
}

}  // namespace
}  // namespace lucid::pretrain
