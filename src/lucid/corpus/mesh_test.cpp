// SPDX-License-Identifier: Apache-2.0
// Tests of reading catalogues and meshes: orientation, normalisation, fallbacks, damaged libraries.
#include "lucid/corpus/mesh.h"

#include <cmath>
#include <fstream>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/corpus/views.h"
#include "mistakes.h"
#include "test_library.h"

namespace lucid::corpus {
namespace {
namespace fs = std::filesystem;

struct Library {
  lucid::test::TemporaryFolder folder;
  fs::path file = folder.path / "test.sh3f";
  explicit Library(const std::map<std::string, std::string>& entries = test::cube_library()) {
    test::write_zip(file, entries);
  }
  Mesh mesh(double yaw = 0) const {
    const Archive archive(file);
    return read_mesh(archive, read_catalogue(archive)[0], yaw);
  }
};

/// The middle pixel of the picture from `azimuth`, elevation 0, unshaded.
Float3 middle(const Mesh& mesh, double azimuth, double elevation = 0) {
  constexpr int kSize = 32;
  Renderer renderer(kSize);
  Pictures pictures(kSize, 1);
  render_shot(renderer, mesh, {.azimuth = azimuth, .elevation = elevation, .light = kFlatLight}, 0, pictures);
  const size_t at = kSize / 2 * kSize + kSize / 2, pixels = kSize * kSize;
  EXPECT_EQ(pictures.alpha[at], 255);
  return {pictures.rgb[at] / 255.0f, pictures.rgb[pixels + at] / 255.0f, pictures.rgb[2 * pixels + at] / 255.0f};
}

void expect_colour(const Float3& seen, const Float3& expected, const std::string& what) {
  EXPECT_NEAR(seen.x, expected.x, 0.01) << what;
  EXPECT_NEAR(seen.y, expected.y, 0.01) << what;
  EXPECT_NEAR(seen.z, expected.z, 0.01) << what;
}

const Float3 kFront{0.8f, 0.1f, 0.1f}, kRight{0.1f, 0.6f, 0.1f}, kBack{0.1f, 0.2f, 0.8f}, kLeft{0.95f, 0.8f, 0.1f};

TEST(CorpusMesh, ACubeShowsItsFrontAtAzimuthZero) {
  const Library library;
  const Mesh mesh = library.mesh();
  EXPECT_EQ(mesh.triangles.size(), 12u);
  expect_colour(middle(mesh, 0), kFront, "front");
  // At azimuth 90 the camera is at +x: it sees the side on the left of a viewer who looks at the front.
  expect_colour(middle(mesh, 90), kLeft, "azimuth 90");
  expect_colour(middle(mesh, 180), kBack, "back");
  expect_colour(middle(mesh, -90), kRight, "azimuth -90");
  expect_colour(middle(mesh, 0, 89.9), {1, 1, 1}, "top");
  expect_colour(middle(mesh, 0, -89.9), {0, 0, 0}, "bottom");
}

TEST(CorpusMesh, YawBringsTheSideAtAzimuthYawToTheFront) {
  const Library library;
  expect_colour(middle(library.mesh(90), 0), kLeft, "yaw 90");
  expect_colour(middle(library.mesh(180), 0), kBack, "yaw 180");
  expect_colour(middle(library.mesh(-90), 0), kRight, "yaw -90");
}

TEST(CorpusMesh, TheCataloguesRotationComesFirst) {
  auto entries = test::cube_library();
  // Rotates +x of the file to +z, its front: the right side faces forward.
  entries["PluginFurnitureCatalog.properties"] = test::catalogue_text("modelRotation#1=0 0 -1 0 1 0 1 0 0\n");
  expect_colour(middle(Library(entries).mesh(), 0), kRight, "rotated");
  entries["PluginFurnitureCatalog.properties"] = test::catalogue_text("modelRotation#1=0 0 x\n");
  const Library bad(entries);
  EXPECT_NE(lucid::test::mistake_of([&] { bad.mesh(); }).key.find("modelRotation#1"), std::string::npos);
}

TEST(CorpusMesh, FillsTheUnitSphereAboutItsBoxesCentre) {
  auto entries = test::cube_library();
  std::string& obj = entries["test/cube/cube.obj"];
  obj = "v 10 0 0\nv 14 0 0\nv 14 2 0\nv 10 2 0\nv 500 0 0\nf 1 2 3 4\n";  // the last vertex belongs to no face
  const Mesh mesh = Library(entries).mesh();
  float reach = 0;
  for (const Triangle& triangle : mesh.triangles) {
    for (const int32_t i : triangle.position) {
      const Float3& p = mesh.positions[static_cast<size_t>(i)];
      reach = std::max(reach, std::sqrt(dot(p, p)));
      EXPECT_NEAR(std::abs(p.x), 2 / std::sqrt(5.0), 1e-5);
      EXPECT_NEAR(std::abs(p.z), 1 / std::sqrt(5.0), 1e-5);
    }
  }
  EXPECT_NEAR(reach, 1, 1e-6);
}

TEST(CorpusMesh, ReadsTheCatalogue) {
  const Library library;
  const std::vector<CatalogueEntry> entries = read_catalogue(Archive(library.file));
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].id, "test/cube");
  EXPECT_EQ(entries[0].name, "Cube");
  EXPECT_EQ(entries[0].creator, "A. Author");
  EXPECT_EQ(entries[0].license, "CC0 é ©");
  const std::string notice = notice_text(entries);
  EXPECT_NE(notice.find("## CC0 é ©"), std::string::npos);
  EXPECT_NE(notice.find("**A. Author**: Cube (test/cube)"), std::string::npos);
}

TEST(CorpusMesh, MissingPartsFallBack) {
  auto entries = test::cube_library();
  entries["test/cube/cube.mtl"] += "map_Kd missing.png\n";
  expect_colour(middle(Library(entries).mesh(), 0), kFront, "a texture is missing");
  entries.erase("test/cube/cube.mtl");
  EXPECT_EQ(Library(entries).mesh().triangles.size(), 12u);
  entries["test/cube/cube.obj"] += "f 1 1 2\nf 1 2 1\n";  // no area
  EXPECT_EQ(Library(entries).mesh().triangles.size(), 12u);
}

TEST(CorpusMesh, InvisibleMaterialsAreLeftOut) {
  auto entries = test::cube_library();
  const std::string mtl = entries["test/cube/cube.mtl"];
  entries["test/cube/cube.mtl"] = "newmtl front\nKd 0.8 0.1 0.1\nd 0.05\n" + mtl.substr(mtl.find("newmtl right"));
  expect_colour(middle(Library(entries).mesh(), 0), kBack, "the back from inside");
}

TEST(CorpusMesh, DamageIsOneMistakeThatNamesArchiveAndEntry) {
  const Library good;
  const fs::path cut = good.folder.path / "cut.sh3f";
  const std::string bytes = read_file(good.file);
  write_file(cut, bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(lucid::test::mistake_of([&] { Archive archive(cut); }).file, cut.string());

  for (const std::string obj : {"", "f 1 2 3\n", "v 1 2 3\nv 1 2 3\nv 1 2 3\nf 1 2 3\n", "v nan inf 1\nf 1 1 1\n",
                                "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99999999\n", "\xff\xfe\x00garbage"}) {
    auto entries = test::cube_library();
    entries["test/cube/cube.obj"] = obj;
    const Library library(entries);
    const UserMistake mistake = lucid::test::mistake_of([&] { library.mesh(); });
    EXPECT_EQ(mistake.file, library.file.string());
    EXPECT_EQ(mistake.key, "test/cube/cube.obj");
  }
  auto entries = test::cube_library();
  entries.erase("test/cube/cube.obj");
  const Library library(entries);
  EXPECT_EQ(lucid::test::mistake_of([&] { library.mesh(); }).key, "test/cube/cube.obj");
  entries.erase("PluginFurnitureCatalog.properties");
  const Library empty(entries);
  EXPECT_EQ(lucid::test::mistake_of([&] { empty.mesh(); }).file, empty.file.string());
}

TEST(CorpusMesh, AFlippedByteIsReported) {
  const Library good;
  std::string bytes = read_file(good.file);
  const size_t at = bytes.find("test/cube/cube.obj") + 40;  // inside the packed data
  bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
  write_file(good.file, bytes);
  EXPECT_FALSE(lucid::test::mistake_of([&] { good.mesh(); }).what_happened.empty());
}

TEST(CorpusMesh, ReadsAStandAloneObj) {
  const lucid::test::TemporaryFolder folder;
  const fs::path file = folder.path / "pin.obj";
  // A needle that points forward: +z in the file, +y in the world. The named material file does not exist.
  write_file(file, "mtllib none.mtl\nusemtl none\nv 0 0 3\nv 0.1 0 -1\nv -0.1 0 -1\nv 0 0.1 -1\nf 1 2 3\nf 1 3 4\n");
  const Mesh mesh = read_shape(file);
  ASSERT_EQ(mesh.triangles.size(), 2u);
  const Float3 tip = mesh.positions[0];
  EXPECT_GT(tip.y, 0.99f);
  EXPECT_NEAR(tip.x, 0, 1e-6);
  EXPECT_LT(mesh.positions[1].x, 0) << "x is negated";
  EXPECT_GT(mesh.positions[3].z, mesh.positions[1].z) << "y is up";
  for (const char* bytes : {"", "v 0 0 0\n", "f 1 2 3\n", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n"}) {
    write_file(file, bytes);
    EXPECT_EQ(lucid::test::mistake_of([&] { read_shape(file); }).file, file.string()) << bytes;
  }
  EXPECT_NE(lucid::test::mistake_of([&] { read_shape(folder.path / "none.obj"); }).file, "");
}

}  // namespace
}  // namespace lucid::corpus
