// SPDX-License-Identifier: Apache-2.0
// Starts from files: outlines of three shapes, colours, axes and fitting, points, Gaussians, and files that are broken.
#include "lucid/start/file_start.h"

#include <gtest/gtest.h>

#include <cmath>

#include "goldens.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/pictures/png_bytes.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/gaussians/starts.h"
#include "lucid/math/sh.h"
#include "lucid/start/test_shapes.h"
#include "mistakes.h"

namespace lucid::start {
namespace {

using gaussians::Cloud;
using gaussians::StartOptions;
namespace fs = std::filesystem;

class FileStarts : public ::testing::Test {
 protected:
  fs::path saved(const std::string& name, const std::string& bytes) const {
    write_file(folder_.path / name, bytes);
    return folder_.path / name;
  }
  fs::path saved(const std::string& name, const mesh::TriangleMesh& mesh) const {
    asset::write_mesh_ply(folder_.path / name, mesh);
    return folder_.path / name;
  }
  const lucid::test::TemporaryFolder folder_;
};

torch::Tensor colours_of(const Cloud& cloud) { return cloud.sh_dc.squeeze(1) * kSh0 + 0.5; }  // [N,3]

/// The largest distance from the origin.
double reach(const Cloud& cloud) { return cloud.means.norm(2, 1).max().item<double>(); }

std::string ascii_ply(const std::string& properties, const std::string& rows, int count) {
  return fmt::format("ply\nformat ascii 1.0\nelement vertex {}\n{}end_header\n{}", count, properties, rows);
}
constexpr const char* kXyz = "property float x\nproperty float y\nproperty float z\n";

TEST_F(FileStarts, TheFirstRenderHasTheMeshsOutline) {
  for (const auto& [name, mesh] : {std::pair{"cube", test::cube()},
                                   {"torus", test::torus()},
                                   {"table", test::table()},
                                   {"sheet", test::sheet()}}) {
    const fs::path file = saved("shape.ply", mesh);
    const FileStart start = read_start({.count = 20000, .file = file, .file_fit = "off"});
    ASSERT_EQ(start.cloud.count(), 20000);
    const double iou = test::outline_iou(start.cloud, mesh, test::views_around(512));
    EXPECT_GE(iou, 0.9) << name;
    RecordProperty(name, std::to_string(iou));
  }
}

TEST_F(FileStarts, GaussiansLieFlatOnTheSurface) {
  const FileStart start = read_start({.count = 600, .file = saved("cube.ply", test::cube()), .file_fit = "off"});
  const Cloud& cloud = start.cloud;
  const torch::Tensor from_middle = cloud.means.abs();
  EXPECT_TRUE(torch::allclose(from_middle.amax(1), torch::full({600}, 0.4F))) << "on a side of the cube";
  // The normal, R(q) z, is the axis of the side.
  const auto q = cloud.quats.unbind(1);
  const torch::Tensor normal = torch::stack(
      {2 * (q[1] * q[3] + q[0] * q[2]), 2 * (q[2] * q[3] - q[0] * q[1]), 1 - 2 * (q[1] * q[1] + q[2] * q[2])}, 1);
  const torch::Tensor side = std::get<1>(from_middle.max(1, true));
  EXPECT_TRUE(torch::allclose(normal.gather(1, side).abs(), torch::ones({600, 1}), 1e-4, 1e-4));
  EXPECT_GT((normal * cloud.means).sum(1).min().item<double>(), 0.39) << "and points outwards";
  EXPECT_LT((cloud.log_scales.select(1, 2) - cloud.log_scales.select(1, 0)).max().item<double>(), std::log(0.2));
  // Each side has a sixth.
  const torch::Tensor counts = torch::bincount(side.squeeze(1));
  for (int64_t axis = 0; axis < 3; ++axis) EXPECT_NEAR(counts[axis].item<int64_t>(), 200, 2);
}

TEST_F(FileStarts, AreAFunctionOfTheSeed) {
  StartOptions options{.count = 300, .seed = 4, .file = saved("cube.ply", test::cube())};
  const Cloud a = read_start(options).cloud, b = read_start(options).cloud;
  for (size_t g = 0; g < Cloud::kGroups; ++g) EXPECT_TRUE(a.parameters()[g]->equal(*b.parameters()[g]));
  options.seed = 5;
  EXPECT_FALSE(read_start(options).cloud.means.equal(a.means));
}

TEST_F(FileStarts, FitTurnAndScale) {
  mesh::TriangleMesh stick;
  test::add_box(stick, {10, 20, 30}, {1, 2, 8});
  stick.positions.push_back({1000, 0, 0});  // of no triangle
  const auto start = [&](StartOptions options) {
    options.count = 4000;
    options.file = saved("stick.ply", stick);
    return read_start(options).cloud;
  };
  const auto extent = [](const Cloud& cloud) {
    const torch::Tensor half = (std::get<0>(cloud.means.max(0)) - std::get<0>(cloud.means.min(0))) / 2;
    return std::array{half[0].item<double>(), half[1].item<double>(), half[2].item<double>()};
  };
  const double corner = std::sqrt(1 + 4 + 64);  // of the box
  const Cloud fitted = start({.radius = 0.7});
  EXPECT_NEAR(reach(fitted), 0.7, 0.01);
  EXPECT_NEAR(extent(fitted)[2], 0.7 * 8 / corner, 0.01);
  EXPECT_NEAR(reach(start({.radius = 0.7, .file_scale = 2})), 1.4, 0.02);
  const Cloud left = start({.file_fit = "off"});
  EXPECT_NEAR(left.means.mean(0)[2].item<double>(), 30, 0.3);
  // About x by 90 degrees: z goes to -y. Then about z: y goes to -x.
  const Cloud turned = start({.radius = 0.7, .file_rotate = "90,0,90"});
  EXPECT_NEAR(extent(turned)[0], 0.7 * 8 / corner, 0.01);
  EXPECT_NEAR(extent(turned)[1], 0.7 * 1 / corner, 0.01);
  EXPECT_NEAR(extent(start({.radius = 0.7, .file_rotate = "y-up"}))[1], 0.7 * 8 / corner, 0.01) << "file's z is y";
  for (const char* bad : {"90", "1,2,3,4", "a,b,c", "1,2,nan", "z-up", "1,2,3x"}) {
    const UserMistake mistake = lucid::test::mistake_of([&] { start({.file_rotate = bad}); });
    EXPECT_EQ(mistake.key, "init_rotate") << bad;
  }
}

TEST_F(FileStarts, YUpFilesAreTurnedUpright) {
  mesh::TriangleMesh tall;
  test::add_box(tall, {0, 0.2F, 0.5F}, {0.1F, 0.2F, 0.5F});
  for (const char* name : {"tall.glb", "tall.obj"}) {
    asset::write_mesh(std::string(name).ends_with("glb") ? asset::Format::kGlb : asset::Format::kObj,
                      folder_.path / name, tall, {.size = 0});
    const Cloud cloud = read_start({.count = 500, .file = folder_.path / name, .file_fit = "off"}).cloud;
    EXPECT_GT(cloud.means.select(1, 2).max().item<double>(), 0.97) << "up";
    EXPECT_GT(cloud.means.select(1, 1).max().item<double>(), 0.39) << "front";
  }
}

TEST_F(FileStarts, ColoursAreTheDisplayValuesOfTextureAndVertices) {
  // A square, the left half of its texture red and the right half of a mid blue; 64 x 64 texels.
  mesh::TriangleMesh square;
  square.positions = {{-1, 0, -1}, {1, 0, -1}, {1, 0, 1}, {-1, 0, 1}};
  square.triangles = {{0, 1, 2}, {0, 2, 3}};
  square.uvs = {{0, 1}, {1, 1}, {1, 0}, {0, 0}};
  square.texture = {.width = 64, .height = 64, .pixels = std::vector<mesh::Colour>(64 * 64, {200, 0, 0})};
  for (size_t i = 0; i < square.texture.pixels.size(); ++i) {
    if (i % 64 >= 32) square.texture.pixels[i] = {0, 0, 120};
  }
  asset::write_glb(folder_.path / "square.glb", square, {.size = 0});
  const Cloud cloud = read_start({.count = 400, .file = folder_.path / "square.glb", .file_fit = "off"}).cloud;
  const torch::Tensor x = cloud.means.select(1, 0), colours = colours_of(cloud);
  const torch::Tensor left = x<-0.2, right = x> 0.2;
  const auto expect_all = [&](const torch::Tensor& rows, std::array<float, 3> colour) {
    const torch::Tensor part = colours.index({rows});
    EXPECT_GT(part.size(0), 100);
    for (int64_t c = 0; c < 3; ++c)
      EXPECT_TRUE(torch::allclose(part.select(1, c), torch::full({part.size(0)}, colour[size_t(c)] / 255), 1e-3, 1e-3));
  };
  expect_all(left, {200, 0, 0});
  expect_all(right, {0, 0, 120});

  square.texture = {};
  square.uvs.clear();
  square.colours = {{200, 0, 0}, {200, 0, 0}, {200, 0, 0}, {200, 0, 0}};
  for (const char* name : {"v.ply", "v.glb", "v.obj"}) {
    const asset::Format format = std::string(name).ends_with("ply")   ? asset::Format::kMeshPly
                                 : std::string(name).ends_with("glb") ? asset::Format::kGlb
                                                                      : asset::Format::kObj;
    asset::write_mesh(format, folder_.path / name, square, {.size = 0});
    const torch::Tensor all = colours_of(read_start({.count = 50, .file = folder_.path / name}).cloud);
    EXPECT_TRUE(torch::allclose(all, torch::tensor({200 / 255.0F, 0.0F, 0.0F}).expand({50, 3}), 1e-2, 3e-3)) << name;
  }
  const Cloud grey = read_start({.count = 50, .file = saved("cube.ply", test::cube())}).cloud;
  EXPECT_TRUE(torch::allclose(colours_of(grey), torch::full({50, 3}, 0.5F))) << "without colours";
}

TEST_F(FileStarts, AFineTextureIsAveraged) {
  mesh::TriangleMesh square;
  square.positions = {{-1, 0, -1}, {1, 0, -1}, {1, 0, 1}, {-1, 0, 1}};
  square.triangles = {{0, 1, 2}, {0, 2, 3}};
  square.uvs = {{0, 1}, {1, 1}, {1, 0}, {0, 0}};
  square.texture = {.width = 256, .height = 256, .pixels = std::vector<mesh::Colour>(256 * 256, {0, 0, 0})};
  for (size_t i = 0; i < square.texture.pixels.size(); ++i) {
    if ((i % 256 + i / 256) % 2 == 0) square.texture.pixels[i] = {255, 255, 255};  // a chessboard of single texels
  }
  asset::write_glb(folder_.path / "board.glb", square);
  const torch::Tensor colours = colours_of(read_start({.count = 100, .file = folder_.path / "board.glb"}).cloud);
  EXPECT_LT((colours - 0.5).abs().max().item<double>(), 0.02) << "and not black or white by chance";
}

TEST_F(FileStarts, PointsWithAndWithoutNormalsAndColours) {
  std::string rows;
  for (int i = 0; i < 100; ++i) rows += fmt::format("{} {} 0 0 0 2 {} 0 255\n", i % 10, i / 10, i);
  const std::string names =
      "property float nx\nproperty float ny\nproperty float nz\nproperty uchar red\nproperty uchar green\nproperty "
      "uchar "
      "blue\n";
  const fs::path file = saved("points.ply", ascii_ply(kXyz + names, rows, 100));
  const Cloud cloud = read_start({.count = 5000, .radius = 0.7, .file = file}).cloud;
  EXPECT_EQ(cloud.count(), 100) << "as many as the file has";
  EXPECT_NEAR(reach(cloud), 0.7, 1e-4);
  EXPECT_NEAR(colours_of(cloud)[57][0].item<double>(), 57 / 255.0, 1e-6);
  EXPECT_NEAR(colours_of(cloud)[57][2].item<double>(), 1, 1e-6);
  EXPECT_TRUE(torch::allclose(cloud.quats, torch::tensor({1.F, 0.F, 0.F, 0.F}).expand({100, 4}))) << "normal z";
  EXPECT_TRUE(torch::allclose(cloud.log_scales.select(1, 0) + std::log(0.1), cloud.log_scales.select(1, 2)));
  EXPECT_EQ(read_start({.count = 40, .file = file}).cloud.count(), 40) << "thinned";
  EXPECT_EQ(read_start({.count = 350, .file = file, .file_resample = true}).cloud.count(), 350) << "multiplied";

  const fs::path bare = saved("bare.ply", ascii_ply(kXyz, "0 0 0\n1 0 0\n0 1 0\n0 0 1\n", 4));
  const Cloud round = read_start({.count = 10, .file = bare}).cloud;
  EXPECT_TRUE(round.log_scales.select(1, 0).equal(round.log_scales.select(1, 2)));
  EXPECT_TRUE(torch::allclose(colours_of(round), torch::full({4, 3}, 0.5F)));
}

TEST_F(FileStarts, AScansHolesStraysAndZeroNormals) {
  std::string rows = "nan nan nan 0 0 0\n5000 0 0 0 0 0\n";  // not seen; a reflection
  for (int i = 0; i < 4998; ++i) rows += fmt::format("{} {} {} 0 0 0\n", i % 17, i % 18, i % 19);
  const std::string names = "property float nx\nproperty float ny\nproperty float nz\n";
  const FileStart start =
      read_start({.count = 9000, .radius = 0.5, .file = saved("scan.ply", ascii_ply(kXyz + names, rows, 5000))});
  EXPECT_EQ(start.cloud.count(), 4999);
  ASSERT_EQ(start.warnings.size(), 1U);
  EXPECT_EQ(start.warnings[0], "1 points that are not finite are left out");
  const torch::Tensor cluster = std::get<0>(start.cloud.means.sort(0)).slice(0, 0, 4998);
  for (int64_t axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(cluster.select(1, axis).min().item<double>(), -cluster.select(1, axis).max().item<double>(), 0.05);
    EXPECT_GT(cluster.select(1, axis).max().item<double>(), 0.25) << "the stray one does not shrink the rest";
  }
  EXPECT_LT(start.cloud.log_scales.max().item<double>() - start.cloud.log_scales.median().item<double>(), 2.4);
  EXPECT_TRUE(start.cloud.log_scales.select(1, 0).equal(start.cloud.log_scales.select(1, 2))) << "round";
}

TEST_F(FileStarts, GaussiansAreTakenAsTheyAre) {
  const Cloud saved_cloud = gaussians::make_start({.kind = "box", .count = 200, .sh_degree = 1, .seed = 7});
  saved_cloud.sh_rest.normal_();
  const fs::path file = folder_.path / "g.ply";
  asset::write_ply(file, saved_cloud);
  const FileStart as_is = read_start({.count = 50, .sh_degree = 1, .file = file});
  for (size_t g = 0; g < Cloud::kGroups; ++g)
    EXPECT_TRUE(torch::allclose(*as_is.cloud.parameters()[g], *saved_cloud.parameters()[g])) << g;
  EXPECT_TRUE(as_is.warnings.empty());

  const FileStart flat = read_start({.sh_degree = 0, .file = file});
  EXPECT_EQ(flat.cloud.sh_degree(), 0);
  ASSERT_EQ(flat.warnings.size(), 1U);
  EXPECT_NE(flat.warnings[0].find("--sh-degree 1 keeps them"), std::string::npos);
  EXPECT_EQ(read_start({.sh_degree = 3, .file = file}).cloud.sh_degree(), 3);

  const Cloud big = read_start({.file = file, .file_scale = 4}).cloud;
  EXPECT_TRUE(torch::allclose(big.means, saved_cloud.means * 4));
  EXPECT_TRUE(torch::allclose(big.log_scales, saved_cloud.log_scales + std::log(4.0), 1e-4, 1e-4));
  EXPECT_NEAR(reach(read_start({.radius = 2, .file = file, .file_fit = "on"}).cloud), 2, 0.01);
  for (const int64_t count : {50, 130, 900}) {
    EXPECT_EQ(read_start({.count = count, .file = file, .file_resample = true}).cloud.count(), count);
  }
  for (const auto& [format, name] : {std::pair{asset::Format::kSpz, "g.spz"},
                                     {asset::Format::kSplat, "g.splat"},
                                     {asset::Format::kSplatGlb, "g.glb"}}) {
    asset::write_splats(format, folder_.path / name, saved_cloud);
    const Cloud read = read_start({.file = folder_.path / name}).cloud;
    EXPECT_EQ(read.count(), 200) << name;
    EXPECT_LT((std::get<0>(read.means.max(0)) - std::get<0>(saved_cloud.means.max(0))).abs().max().item<double>(),
              0.01);
  }
}

/// The mistake in one line.
std::string refusal(const StartOptions& options) {
  return one_line(lucid::test::mistake_of([&] { read_start(options); }));
}

TEST_F(FileStarts, BrokenFilesAreRefusedInOneLine) {
  const auto refused = [&](const std::string& name, const std::string& bytes) {
    return refusal({.count = 10, .file = saved(name, bytes)});
  };
  const auto expect = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  };
  for (const char* name : {"e.ply", "e.glb", "e.stl", "e.spz", "e.splat"}) expect(refused(name, ""), name);
  expect(refused("e.obj", ""), "holds no triangles");
  expect(refused("a.fbx", "x"), "lucid reads .glb, .obj, .stl and .ply");
  expect(refusal({.file = folder_.path / "none.obj"}), "none.obj");
  expect(refusal({.file = folder_.path / "none.ply"}), "none.ply");
  expect(refused("line.obj", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n"), "without area");
  expect(refused("huge.obj", "v 0 0 0\nv 1e38 0 0\nv 0 1e38 0\nv 3e38 3e38 3e38\nf 1 2 9\n"), "vertex 9");
  expect(refused("nan.obj", "v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"), "nan.obj");
  expect(refused("nan.ply", ascii_ply(kXyz, "nan 0 0\n", 1)), "no point that is finite");
  expect(refused("zero.ply", ascii_ply(kXyz, "", 0)), "holds no points");
  expect(refused("cut.ply", ascii_ply(kXyz, "1 2 3\n", 4000)), "claims 4000 rows");
  expect(refused("flat.ply", ascii_ply("property float x\nproperty float y\n", "1 2\n", 1)),
         "lacks the vertex properties");
}

TEST_F(FileStarts, HugeCoordinatesAndOneTriangleStillFit) {
  const Cloud huge = read_start({.count = 100,
                                 .radius = 0.5,
                                 .file = saved("huge.obj",
                                               "v 0 0 0\nv 1e38 0 0\nv 0 1e38 "
                                               "0\nf 1 2 3\n")})
                         .cloud;
  EXPECT_LE(reach(huge), 0.5001);
  EXPECT_TRUE(huge.log_scales.isfinite().all().item<bool>());
  const Cloud tiny =
      read_start(
          {.count = 100, .radius = 0.5, .file = saved("tiny.obj", "v 0 0 0\nv 1e-30 0 0\nv 0 1e-30 0\nf 1 2 3\n")})
          .cloud;
  EXPECT_GT(reach(tiny), 0.3);
}

TEST_F(FileStarts, WindowsLineEndsChangeNothing) {
  const std::string obj =
      "mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl red\nf 1/1 2/2 3/3\n";
  const std::string mtl = "newmtl red\nKd 1 1 1\nmap_Kd t.png\n";
  const std::string ply =
      ascii_ply(std::string(kXyz) + "property uchar red\nproperty uchar green\nproperty uchar blue\n",
                "0 0 0 255 0 0\n1 0 0 255 0 0\n0 1 0 255 0 0\n", 3);
  const std::vector<uint8_t> red = {255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0};
  saved("t.png", asset::encode_png(red.data(), 2, 2, 3));
  const auto windows = [](const std::string& text) {
    std::string result;
    for (const char c : text) result += c == '\n' ? "\r\n" : std::string(1, c);
    return result;
  };
  for (const bool is_windows : {false, true}) {
    saved("m.mtl", is_windows ? windows(mtl) : mtl);
    const FileStart mesh = read_start({.count = 20, .file = saved("w.obj", is_windows ? windows(obj) : obj)});
    EXPECT_TRUE(mesh.warnings.empty()) << mesh.warnings.front();
    const torch::Tensor wanted = torch::tensor({1.F, 0.F, 0.F});
    EXPECT_TRUE(torch::allclose(colours_of(mesh.cloud), wanted.expand({20, 3}), 1e-3, 1e-3)) << is_windows;
    const FileStart points = read_start({.count = 20, .file = saved("w.ply", is_windows ? windows(ply) : ply)});
    EXPECT_TRUE(torch::allclose(colours_of(points.cloud), wanted.expand({3, 3}), 1e-3, 1e-3)) << is_windows;
  }
}

TEST_F(FileStarts, MissingAndForeignTexturesAreLeftOutWithAWarning) {
  fs::create_directory(folder_.path / "mesh");
  const std::vector<uint8_t> red = {255, 0, 0};
  saved("secret.png", asset::encode_png(red.data(), 1, 1, 3));  // outside the mesh's folder
  const auto warnings = [&](const std::string& texture) {
    saved("mesh/m.mtl", "newmtl a\nKd 0 1 0\nmap_Kd " + texture + "\n");
    saved("mesh/m.obj", "mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl a\nf 1/1 2/2 3/3\n");
    const FileStart start = read_start({.count = 10, .file = folder_.path / "mesh/m.obj"});
    EXPECT_TRUE(torch::allclose(colours_of(start.cloud), torch::tensor({0.F, 1.F, 0.F}).expand({10, 3}), 1e-3, 1e-3))
        << "the material's colour";
    return start.warnings;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(warnings("none.png"), Texts{"'none.png' is not there, so it is left out"});
  EXPECT_EQ(warnings("../secret.png"), Texts{"'../secret.png' lies outside the mesh's folder, so it is left out"});
  EXPECT_EQ(warnings("..\\secret.png"), Texts{"'../secret.png' lies outside the mesh's folder, so it is left out"});
  const std::string absolute = (folder_.path / "secret.png").string();
  EXPECT_EQ(warnings(absolute), Texts{"'" + absolute + "' lies outside the mesh's folder, so it is left out"});
  saved("mesh/text.png", "no picture");
  EXPECT_EQ(warnings("text.png"),
            Texts{"'text.png' is no PNG or JPEG of at most 8192 x 8192 pixels, so it is left out"});

  saved("mesh/m.obj", "mtllib gone.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n");
  EXPECT_EQ(read_start({.count = 10, .file = folder_.path / "mesh/m.obj"}).warnings,
            Texts{"'gone.mtl' is not there, so it is left out"});
}

}  // namespace
}  // namespace lucid::start
