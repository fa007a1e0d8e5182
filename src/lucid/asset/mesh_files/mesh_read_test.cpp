// SPDX-License-Identifier: Apache-2.0
// Tests of the mesh readers: what lucid wrote comes back, and files as other programs write them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "goldens.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/asset/mesh_files/test_meshes.h"
#include "lucid/asset/mesh_files/vertex_colours.h"
#include "lucid/asset/pictures/png_bytes.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

using mesh_files::append_bytes;

/// A position as comparable values.
std::array<float, 3> xyz(const mesh::Point& p) { return {p.x, p.y, p.z}; }

void expect_same_positions(const mesh::TriangleMesh& a, const mesh::TriangleMesh& b) {
  ASSERT_EQ(a.positions.size(), b.positions.size());
  for (size_t v = 0; v < a.positions.size(); ++v) EXPECT_EQ(xyz(a.positions[v]), xyz(b.positions[v])) << v;
}

/// The colour of a triangle's middle, from the texture or the vertices.
mesh::Colour middle_colour(const mesh::TriangleMesh& mesh, const mesh::Triangle& t) {
  if (mesh.texture.width == 0) return mesh.colours.at(t[0]);
  const auto mean = [&](float Vec2<float>::*x) {
    return (mesh.uvs[t[0]].*x + mesh.uvs[t[1]].*x + mesh.uvs[t[2]].*x) / 3;
  };
  return mesh_files::texture_at(mesh.texture, {mean(&Vec2<float>::x), mean(&Vec2<float>::y)});
}

/// Each triangle faces outwards on the side whose colour it has.
void expect_marked_sides(const mesh::TriangleMesh& mesh) {
  ASSERT_EQ(mesh.triangles.size(), 12U);
  for (const mesh::Triangle& t : mesh.triangles) {
    const mesh::Colour colour = middle_colour(mesh, t);
    const auto side = std::find_if(test::kBoxSides.begin(), test::kBoxSides.end(),
                                   [&](const test::BoxSide& s) { return s.colour == colour; });
    ASSERT_NE(side, test::kBoxSides.end());
    const mesh::Point a = mesh.positions[t[0]];
    float length = 0;
    const mesh::Point n = normalized(cross(mesh.positions[t[1]] - a, mesh.positions[t[2]] - a), &length);
    EXPECT_NEAR(dot(n, side->outward), 1, 1e-5) << side->name;
  }
}

class MeshReaders : public ::testing::Test {
 protected:
  std::filesystem::path saved(const std::string& name, const std::string& bytes) const {
    write_file(folder_.path / name, bytes);
    return folder_.path / name;
  }
  const lucid::test::TemporaryFolder folder_;
};

TEST_F(MeshReaders, GlbComesBackExactly) {
  const std::filesystem::path file = folder_.path / "box.glb";
  const mesh::TriangleMesh box = test::marked_box(), coloured = test::coloured_box();
  write_glb(file, box, {.size = 0});
  const mesh::TriangleMesh read = read_mesh(file);
  expect_same_positions(read, box);
  EXPECT_EQ(read.triangles, box.triangles);
  ASSERT_EQ(read.uvs.size(), box.uvs.size());
  for (size_t v = 0; v < box.uvs.size(); ++v) {
    EXPECT_EQ(std::tuple(read.uvs[v].x, read.uvs[v].y), std::tuple(box.uvs[v].x, box.uvs[v].y));
  }
  EXPECT_EQ(std::tuple(read.texture.width, read.texture.height), std::tuple(box.texture.width, box.texture.height));
  EXPECT_EQ(read.texture.pixels, box.texture.pixels);
  EXPECT_TRUE(read.colours.empty());

  write_glb(file, coloured, {.size = 0});
  EXPECT_EQ(read_mesh(file).colours, coloured.colours);
  EXPECT_EQ(xyz(read_mesh(file, {.file_axes = true}).positions[0]),
            (std::array{-box.positions[0].x, box.positions[0].z, box.positions[0].y}));
}

TEST_F(MeshReaders, EveryColourSurvivesLinearLight) {
  mesh::TriangleMesh mesh = test::one_triangle();
  mesh.positions.resize(256);
  for (int i = 0; i < 256; ++i) mesh.colours.push_back({uint8_t(i), uint8_t(255 - i), uint8_t(i ^ 85)});
  write_glb(folder_.path / "m.glb", mesh);
  EXPECT_EQ(read_mesh(folder_.path / "m.glb").colours, mesh.colours);
}

TEST_F(MeshReaders, ObjComesBack) {
  const std::filesystem::path file = folder_.path / "my box.obj";
  const mesh::TriangleMesh box = test::marked_box(), coloured = test::coloured_box();
  write_obj(file, box, {.size = 0});
  const mesh::TriangleMesh read = read_mesh(file);
  EXPECT_EQ(read.triangles, box.triangles);
  EXPECT_EQ(read.texture.pixels, box.texture.pixels);
  expect_same_positions(read, box);
  expect_marked_sides(read);
  for (size_t v = 0; v < box.uvs.size(); ++v) EXPECT_NEAR(read.uvs[v].y, box.uvs[v].y, 1e-7);

  write_obj(file, coloured, {.size = 0});
  EXPECT_EQ(read_mesh(file).colours, coloured.colours);
  expect_marked_sides(read_mesh(file));
}

TEST_F(MeshReaders, StlComesBackWithSharedVertices) {
  write_stl(folder_.path / "box.STL", test::marked_box(), {.print_size = 0});
  const mesh::TriangleMesh read = read_mesh(folder_.path / "box.STL");
  EXPECT_EQ(read.positions.size(), 8U);
  EXPECT_EQ(read.triangles.size(), 12U);
  EXPECT_TRUE(mesh::topology(read).closed());
  EXPECT_NEAR(mesh::signed_volume(read), 8 * 0.5 * 0.3 * 0.8, 1e-6);
}

TEST_F(MeshReaders, PlyComesBackWithVertexColours) {
  mesh::TriangleMesh box = test::coloured_box();
  for (size_t v = 0; v < 24; ++v) box.positions[v].x += 10 * static_cast<float>(v / 4);  // sides apart: nothing mixes
  write_mesh_ply(folder_.path / "box.ply", box);
  const mesh::TriangleMesh read = read_mesh(folder_.path / "box.ply");
  expect_same_positions(read, box);
  EXPECT_EQ(read.triangles, box.triangles);
  EXPECT_EQ(read.colours, box.colours);
}

// With LUCID_MESH_SAMPLES=FOLDER the files stay there, for tools/check_meshes.py and its like.
TEST_F(MeshReaders, SidesAreWhereEachFormatWantsThem) {
  const char* kept = std::getenv("LUCID_MESH_SAMPLES");
  const std::filesystem::path folder = kept != nullptr ? kept : folder_.path;
  const mesh::TriangleMesh box = test::marked_box(), coloured = test::coloured_box();
  for (const bool lit : {false, true}) {
    const std::string name = lit ? "lit.glb" : "textured.glb";
    write_glb(folder / name, box, {.lit = lit, .title = "a marked box"});
    expect_marked_sides(read_mesh(folder / name));
    EXPECT_EQ(read_mesh(folder / name).texture.width, box.texture.width);
  }
  write_glb(folder / "coloured.glb", coloured);
  expect_marked_sides(read_mesh(folder / "coloured.glb"));
  write_obj(folder / "textured box.obj", box, {.title = "a marked box"});
  expect_marked_sides(read_mesh(folder / "textured box.obj"));
  write_obj(folder / "coloured.obj", coloured);
  expect_marked_sides(read_mesh(folder / "coloured.obj"));

  for (const char* name : {"box.stl", "triangle.glb", "triangle.stl", "triangle.obj", "triangle.ply", "box.ply"}) {
    const bool triangle = std::string_view(name).starts_with("triangle");
    const FormatRow* row = std::find_if(kFormats.begin(), kFormats.end(), [&](const FormatRow& r) {
      return r.holds == Holds::kMesh && std::string_view(name).ends_with(r.extension);
    });
    write_mesh(row->format, folder / name, triangle ? test::one_triangle() : box);
    const mesh::TriangleMesh read = read_mesh(folder / name);
    ASSERT_EQ(read.triangles.size(), triangle ? 1U : 12U) << name;
    // Triangles keep their order and their corners' order, so each faces as it did.
    const mesh::TriangleMesh wanted = triangle ? test::one_triangle() : box;
    for (size_t i = 0; i < read.triangles.size(); ++i) {
      const auto direction = [i](const mesh::TriangleMesh& m) {
        const mesh::Point a = m.positions[m.triangles[i][0]];
        float length = 0;
        return normalized(cross(m.positions[m.triangles[i][1]] - a, m.positions[m.triangles[i][2]] - a), &length);
      };
      EXPECT_NEAR(dot(direction(read), direction(wanted)), 1, 1e-5) << name;
    }
  }
}

TEST_F(MeshReaders, StlAsText) {
  const std::string text =
      "solid a name\n facet normal 0 0 1\n  outer loop\n   vertex 0 0 0\n   vertex 1e0 0 0\n   vertex 0 +1 -0\n"
      "  endloop\n endfacet\n facet normal 0 0 0\r\n  outer loop\r\n   vertex 0 0 0\r\n   vertex 0 1 0\r\n"
      "   vertex -1.5E-1 0 1e-60\r\n  endloop\r\n endfacet\nendsolid\n";
  const mesh::TriangleMesh read = read_mesh(saved("t.stl", text));
  ASSERT_EQ(read.positions.size(), 4U);
  EXPECT_EQ(xyz(read.positions[3]), (std::array{-0.15F, 0.0F, 0.0F}));
  EXPECT_EQ(read.triangles, (std::vector<mesh::Triangle>{{0, 1, 2}, {0, 2, 3}}));
  // A binary file whose name begins with "solid", which some programs write.
  write_stl(folder_.path / "b.stl", test::marked_box());
  std::string binary = read_file(folder_.path / "b.stl");
  binary.replace(0, 5, "solid");
  EXPECT_EQ(read_mesh(saved("b.stl", binary)).triangles.size(), 12U);
}

TEST_F(MeshReaders, PlyOfOtherPrograms) {
  // Text, polygons, colours as floats, doubles, another order, further properties and elements.
  const std::string text =
      "ply\nformat ascii 1.0\ncomment a quad and a triangle\nelement camera 1\nproperty float f\n"
      "element vertex 5\nproperty float red\nproperty float green\nproperty float blue\nproperty double z\n"
      "property double x\nproperty double y\nproperty float quality\nelement face 2\nproperty uchar flags\n"
      "property list uchar uint vertex_index\nproperty list uchar float texcoord\nend_header\n0.5\n"
      "0 0.5 1 3 1 2 9\n1 1 1 3 2 2 9\n1 2 -1 3 2 3 9\n1 1 1 3 1 3 9\n1 1 1 0 0 0 9\n"
      "7 4 0 1 2 3 2 0.5 0.5\n7 3 0 1 4 0\n";
  const mesh::TriangleMesh read = read_mesh(saved("m.ply", text));
  EXPECT_EQ(read.triangles, (std::vector<mesh::Triangle>{{0, 1, 2}, {0, 2, 3}, {0, 1, 4}}));
  EXPECT_EQ(xyz(read.positions[2]), (std::array{2.0F, 3.0F, 3.0F}));
  EXPECT_EQ(read.colours[0], (mesh::Colour{0, 128, 255}));
  EXPECT_EQ(read.colours[2], (mesh::Colour{255, 255, 0}));

  std::string big =
      "ply\nformat binary_big_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
      "element face 1\nproperty list int short vertex_indices\nend_header\n";
  const auto append_reversed = [&](auto number) {
    std::string bytes;
    append_bytes(bytes, number);
    big.append(bytes.rbegin(), bytes.rend());
  };
  for (int i = 0; i < 9; ++i) append_reversed(static_cast<float>(i * i));
  append_reversed(int32_t{3});
  for (const int16_t v : {2, 1, 0}) append_reversed(v);
  const mesh::TriangleMesh turned = read_mesh(saved("b.ply", big));
  EXPECT_EQ(turned.triangles, (std::vector<mesh::Triangle>{{2, 1, 0}}));
  EXPECT_EQ(xyz(turned.positions[1]), (std::array{9.0F, 16.0F, 25.0F}));
  EXPECT_TRUE(turned.colours.empty());
}

TEST_F(MeshReaders, ObjOfOtherPrograms) {
  saved("m.mtl", "newmtl red\nKd 1 0 0\nnewmtl half\nKd 0.5 0.5 0.5\n");
  const mesh::TriangleMesh read = read_mesh(saved("m.obj",
                                                  "mtllib m.mtl\r\nv 0 0 0\r\nv 1 0 0\r\nv 1 1 0\r\nv 0 1 0\r\n"
                                                  "usemtl red\r\nf 1 2 3 4\r\nusemtl half\r\nf -1 -2 -3\r\n"));
  ASSERT_EQ(read.triangles.size(), 3U);
  EXPECT_EQ(read.positions.size(), 7U);  // a vertex has the colour of one material
  EXPECT_EQ(read.colours[read.triangles[0][0]], (mesh::Colour{255, 0, 0}));
  EXPECT_EQ(read.colours[read.triangles[2][0]], (mesh::Colour{128, 128, 128}));
  EXPECT_EQ(xyz(read.positions[read.triangles[2][0]]), (std::array{-0.0F, 0.0F, 1.0F}));  // y up becomes z up
  EXPECT_EQ(xyz(read.positions[read.triangles[2][1]]), (std::array{-1.0F, 0.0F, 1.0F}));
  // A missing MTL leaves a mesh without colours.
  const mesh::TriangleMesh plain =
      read_mesh(saved("p.obj", "mtllib none.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nusemtl red\nf 1 2 3\n"));
  EXPECT_TRUE(plain.colours.empty());
  // Files outside the OBJ's folder are not read.
  std::filesystem::create_directory(folder_.path / "below");
  const mesh::TriangleMesh beside =
      read_mesh(saved("below/p.obj", "mtllib ../m.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nusemtl red\nf 1 2 3\n"));
  EXPECT_TRUE(beside.colours.empty());
}

/// Binary chunk and accessors of glTF files made in the tests below.
class GlbReader : public MeshReaders {
 protected:
  /// Appends an array and declares its accessor. `rest`: more members of the accessor, with a leading comma.
  template <class Number>
  int add(const std::vector<Number>& numbers, size_t count, int component, const char* type,
          const std::string& rest = "") {
    binary_.resize((binary_.size() + 3) / 4 * 4);
    views_ += fmt::format("{}{{\"buffer\":0,\"byteOffset\":{},\"byteLength\":{}}}", views_.empty() ? "" : ",",
                          binary_.size(), numbers.size() * sizeof(Number));
    accessors_ += fmt::format("{}{{\"bufferView\":{},\"componentType\":{},\"count\":{},\"type\":\"{}\"{}}}",
                              accessors_.empty() ? "" : ",", arrays_, component, count, type, rest);
    binary_.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number));
    return arrays_++;
  }
  mesh::TriangleMesh read(const std::string& members) {
    const std::string json = fmt::format(
        "{{\"asset\":{{\"version\":\"2.0\"}},\"buffers\":[{{\"byteLength\":{}}}],\"bufferViews\":[{}],"
        "\"accessors\":[{}],{}}}",
        binary_.size(), views_, accessors_, members);
    const std::string bytes = test::glb_of(json, binary_);
    return mesh_files::read_glb("test.glb", bytes);  // in the file's axes
  }

  std::string binary_, views_, accessors_;
  int arrays_ = 0;
};

TEST_F(GlbReader, TransformsOfTheNodesAreApplied) {
  add<float>({1, 0, 0, 0, 1, 0, 0, 0, 1}, 3, 5126, "VEC3");
  const char* meshes = R"("meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],)";
  // Stretched, then a quarter turn about z, then moved; below a node whose matrix moves by (10, 20, 30).
  const mesh::TriangleMesh turned = read(std::string(meshes) + R"("scenes":[{"nodes":[1]}],"nodes":[
      {"mesh":0,"rotation":[0,0,0.70710678118,0.70710678118],"scale":[2,3,4],"translation":[1,2,3]},
      {"children":[0],"matrix":[1,0,0,0, 0,1,0,0, 0,0,1,0, 10,20,30,1]}])");
  const float wanted[3][3] = {{11, 24, 33}, {8, 22, 33}, {11, 22, 37}};
  for (size_t v = 0; v < 3; ++v) {
    for (size_t axis = 0; axis < 3; ++axis) EXPECT_NEAR(xyz(turned.positions[v])[axis], wanted[v][axis], 1e-5);
  }
  EXPECT_EQ(turned.triangles, (std::vector<mesh::Triangle>{{0, 1, 2}}));
  // A matrix by columns: x goes to y, y to z, z to x. Two nodes show the mesh; a third is not in the scene.
  const mesh::TriangleMesh twice = read(std::string(meshes) + R"("scene":1,"scenes":[{"nodes":[2]},{"nodes":[0,1]}],
      "nodes":[{"mesh":0},{"mesh":0,"matrix":[0,2,0,0, 0,0,3,0, 4,0,0,0, 0,0,0,1]},{"mesh":0}])");
  ASSERT_EQ(twice.triangles.size(), 2U);
  std::vector<std::array<float, 3>> corners;
  for (const mesh::Point& p : twice.positions) corners.push_back(xyz(p));
  for (const auto& corner :
       {std::array{1.0F, 0.0F, 0.0F}, {0.0F, 2.0F, 0.0F}, {0.0F, 0.0F, 3.0F}, {4.0F, 0.0F, 0.0F}}) {
    EXPECT_EQ(std::count(corners.begin(), corners.end(), corner), 1) << corner[0] << " " << corner[1];
  }
  // A mirroring scale keeps the outside outside. Without scenes, the nodes without a parent count.
  const mesh::TriangleMesh mirrored = read(std::string(meshes) + R"("nodes":[{"mesh":0,"scale":[-1,1,1]}])");
  EXPECT_EQ(mirrored.triangles, (std::vector<mesh::Triangle>{{0, 2, 1}}));
}

TEST_F(GlbReader, StripsFansAndTrianglesWithoutIndices) {
  add<float>({0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 2, 2, 0, 3, 3, 0}, 6, 5126, "VEC3");
  const int indices = add<uint8_t>({0, 1, 2, 3}, 4, 5121, "SCALAR");
  const auto triangles = [&](const std::string& rest) {
    return read(R"("nodes":[{"mesh":0}],"meshes":[{"primitives":[{"attributes":{"POSITION":0})" + rest + "}]}]")
        .triangles;
  };
  using Triangles = std::vector<mesh::Triangle>;
  EXPECT_EQ(triangles(""), (Triangles{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(triangles(fmt::format(",\"mode\":5,\"indices\":{}", indices)), (Triangles{{0, 1, 2}, {1, 3, 2}}));
  EXPECT_EQ(triangles(fmt::format(",\"mode\":6,\"indices\":{}", indices)), (Triangles{{0, 1, 2}, {0, 2, 3}}));
  EXPECT_EQ(triangles(fmt::format(",\"indices\":{}", indices)), (Triangles{{0, 1, 2}}));  // the fourth is left over
  EXPECT_THROW(triangles(",\"mode\":1"), UserError);                                      // lines only
}

TEST_F(GlbReader, QuantisedAndInterleavedArrays) {
  // Positions as normalised 16-bit numbers in 8 bytes each (KHR_mesh_quantization), colours as bytes.
  const std::vector<int16_t> positions = {32767, 0, 0, 7, -32767, -32768, 0, 7, 0, 16384, 32767, 7};
  add(positions, 3, 5122, "VEC3", ",\"normalized\":true");
  views_.insert(views_.size() - 1, ",\"byteStride\":8");
  add<uint8_t>({255, 0, 55, 9, 0, 255, 0, 9, 128, 128, 128, 9}, 3, 5121, "VEC4", ",\"normalized\":true");
  const mesh::TriangleMesh mesh = read(R"("extensionsRequired":["KHR_mesh_quantization"],"nodes":[{"mesh":0}],
      "meshes":[{"primitives":[{"attributes":{"POSITION":0,"COLOR_0":1}}]}])");
  EXPECT_EQ(xyz(mesh.positions[0]), (std::array{1.0F, 0.0F, 0.0F}));
  EXPECT_EQ(xyz(mesh.positions[1]), (std::array{-1.0F, -1.0F, 0.0F}));
  EXPECT_NEAR(mesh.positions[2].y, 0.5, 1e-4);
  EXPECT_EQ(mesh.colours, (std::vector<mesh::Colour>{{255, 0, 128}, {0, 255, 0}, {188, 188, 188}}));  // linear -> sRGB
}

/// A texture of one colour.
std::string png_of(const mesh::Colour& colour) {
  std::vector<mesh::Colour> pixels(16, colour);
  return encode_png(pixels.front().data(), 4, 4, 3);
}

TEST_F(GlbReader, SeveralMaterialsBecomeVertexColours) {
  add<float>({0, 0, 0, 1, 0, 0, 0, 1, 0}, 3, 5126, "VEC3");
  add<float>({0.1F, 0.1F, 0.9F, 0.1F, 0.1F, 0.9F}, 3, 5126, "VEC2");
  const auto picture = [&](const mesh::Colour& colour) {
    const std::string png = png_of(colour);
    return add(std::vector<char>(png.begin(), png.end()), 1, 5121, "SCALAR");
  };
  const int red = picture({200, 10, 20}), blue = picture({10, 20, 200});
  const std::string members = fmt::format(
      R"("nodes":[{{"mesh":0}}],"images":[{{"mimeType":"image/png","bufferView":{}}},{{"bufferView":{}}}],
      "textures":[{{"source":0}},{{"source":1}}],"materials":[
      {{"pbrMetallicRoughness":{{"baseColorTexture":{{"index":0}}}}}},
      {{"pbrMetallicRoughness":{{"baseColorTexture":{{"index":1}}}}}},
      {{"pbrMetallicRoughness":{{"baseColorFactor":[0.5,1,0,1]}}}},
      {{"pbrMetallicRoughness":{{"baseColorTexture":{{"index":0}},"baseColorFactor":[1,1,0,1]}}}}],)",
      red, blue);
  const auto mesh = [&](const std::vector<int>& materials) {
    std::string primitives;
    for (const int m : materials) {
      primitives += fmt::format("{}{{\"attributes\":{{\"POSITION\":0,\"TEXCOORD_0\":1}},\"material\":{}}}",
                                primitives.empty() ? "" : ",", m);
    }
    return read(members + "\"meshes\":[{\"primitives\":[" + primitives + "]}]");
  };
  const mesh::TriangleMesh same = mesh({0, 0});
  EXPECT_EQ(same.texture.width, 4);
  EXPECT_EQ(same.uvs.size(), 6U);
  EXPECT_TRUE(same.colours.empty());
  const mesh::TriangleMesh two = mesh({0, 1});
  EXPECT_EQ(two.texture.width, 0);
  ASSERT_EQ(two.colours.size(), 6U);
  EXPECT_EQ(two.colours[5], (mesh::Colour{10, 20, 200}));
  const mesh::TriangleMesh mixed = mesh({0, 1, 2, 3});
  EXPECT_EQ(mixed.texture.width, 0);
  EXPECT_TRUE(mixed.uvs.empty());
  ASSERT_EQ(mixed.colours.size(), 12U);
  EXPECT_EQ(mixed.colours[0], (mesh::Colour{200, 10, 20}));
  EXPECT_EQ(mixed.colours[3], (mesh::Colour{10, 20, 200}));
  EXPECT_EQ(mixed.colours[6], (mesh::Colour{188, 255, 0}));
  EXPECT_EQ(mixed.colours[9], (mesh::Colour{200, 10, 0}));
}

TEST_F(GlbReader, ARepeatedTextureBecomesVertexColours) {
  add<float>({0, 0, 0, 1, 0, 0, 0, 1, 0}, 3, 5126, "VEC3");
  add<float>({-1.9F, 2.1F, 1e30F, 0.1F, 0.1F, -7.1F}, 3, 5126, "VEC2");
  const std::string png = png_of({1, 2, 3});
  add(std::vector<char>(png.begin(), png.end()), 1, 5121, "SCALAR");
  const mesh::TriangleMesh mesh = read(R"("nodes":[{"mesh":0}],"images":[{"bufferView":2}],"textures":[{"source":0}],
      "materials":[{"pbrMetallicRoughness":{"baseColorTexture":{"index":0}}}],
      "meshes":[{"primitives":[{"attributes":{"POSITION":0,"TEXCOORD_0":1},"material":0}]}])");
  EXPECT_EQ(mesh.texture.width, 0);
  EXPECT_EQ(mesh.colours, std::vector<mesh::Colour>(3, {1, 2, 3}));
}

TEST(TextureAt, IsBilinearBetweenTexelCentresAndRepeats) {
  const mesh::Texture texture{.width = 2, .height = 2, .pixels = {{0, 0, 0}, {200, 0, 0}, {0, 100, 0}, {200, 100, 40}}};
  const auto at = [&](float u, float v) { return mesh_files::texture_at(texture, {u, v}); };
  EXPECT_EQ(at(0.25F, 0.25F), (mesh::Colour{0, 0, 0}));
  EXPECT_EQ(at(0.75F, 0.25F), (mesh::Colour{200, 0, 0}));
  EXPECT_EQ(at(0.25F, 0.75F), (mesh::Colour{0, 100, 0}));
  EXPECT_EQ(at(0.5F, 0.75F), (mesh::Colour{100, 100, 20}));
  EXPECT_EQ(at(0.375F, 0.25F), (mesh::Colour{50, 0, 0}));
  EXPECT_EQ(at(0, 0.25F), (mesh::Colour{100, 0, 0}));  // half of the texel on the other side
  EXPECT_EQ(at(7.75F, -2.75F), at(0.75F, 0.25F));
}

}  // namespace
}  // namespace lucid::asset
