// SPDX-License-Identifier: Apache-2.0
// Tests of the OBJ, STL and PLY writers: files parsed by tinyobjloader or byte by byte.
#include <gtest/gtest.h>
#include <stb/stb_image.h>
#include <tiny_obj_loader.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "goldens.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/test_meshes.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

using mesh_files::number_at;
using mesh_files::point_at;

int64_t files_in(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

struct ParsedObj {
  tinyobj::attrib_t attributes;
  std::vector<tinyobj::shape_t> shapes;
  std::vector<tinyobj::material_t> materials;
};

/// Reads an OBJ as other programs do: the MTL from the file's folder.
ParsedObj parsed_obj(const std::filesystem::path& file) {
  ParsedObj obj;
  std::string warning, error;
  const std::string folder = file.parent_path().string() + "/";
  EXPECT_TRUE(tinyobj::LoadObj(&obj.attributes, &obj.shapes, &obj.materials, &warning, &error, file.c_str(),
                               folder.c_str(), true, false));
  EXPECT_EQ(warning + error, "");
  return obj;
}

class ObjWriter : public ::testing::Test {
 protected:
  const lucid::test::TemporaryFolder folder_;
};

TEST_F(ObjWriter, ATexturedMeshIsFoundWithItsPicture) {
  // Spaces and "#" end a name in an MTL, "-" begins an option.
  for (const char* name : {"box.obj", "my  red #box.obj", "-s box.obj", "caf\xc3\xa9.obj"}) {
    const mesh::TriangleMesh box = test::marked_box();
    const std::filesystem::path file = folder_.path / name / name;
    write_obj(file, box, {.size = 0, .title = "a\nv 1 2 3"});
    EXPECT_EQ(files_in(file.parent_path()), 3) << name;
    const ParsedObj obj = parsed_obj(file);
    ASSERT_EQ(obj.materials.size(), 1U) << name;
    const tinyobj::material_t& material = obj.materials[0];
    EXPECT_EQ(std::tuple(material.diffuse[0], material.diffuse[1], material.diffuse[2]), std::tuple(1, 1, 1));
    EXPECT_EQ(std::tuple(material.specular[0], material.illum), std::tuple(0, 1));
    ASSERT_EQ(obj.shapes.size(), 1U);
    ASSERT_EQ(obj.shapes[0].mesh.indices.size(), 36U);
    ASSERT_EQ(obj.attributes.vertices.size(), 72U);
    ASSERT_EQ(obj.attributes.texcoords.size(), 48U);
    ASSERT_EQ(obj.attributes.normals.size(), 72U);
    // As other programs see it: v = 0 is the picture's last row. The colour at each corner is then its side's, or white
    // in the upper left corner.
    int width = 0, height = 0, channels = 0;
    const std::unique_ptr<stbi_uc, void (*)(void*)> picture(
        stbi_load((file.parent_path() / material.diffuse_texname).c_str(), &width, &height, &channels, 3),
        &stbi_image_free);
    ASSERT_NE(picture, nullptr) << material.diffuse_texname;
    for (size_t i = 0; i < 36; ++i) {
      const tinyobj::index_t& corner = obj.shapes[0].mesh.indices[i];
      EXPECT_EQ(corner.vertex_index, static_cast<int>(box.triangles[i / 3][i % 3]));
      EXPECT_EQ(corner.texcoord_index, corner.vertex_index);
      EXPECT_EQ(corner.normal_index, corner.vertex_index);
      const auto v = static_cast<size_t>(corner.vertex_index);
      const float* p = obj.attributes.vertices.data() + 3 * v;
      EXPECT_EQ(std::tuple(p[0], p[1], p[2]), std::tuple(-box.positions[v].x, box.positions[v].z, box.positions[v].y));
      const float* n = obj.attributes.normals.data() + 3 * v;
      EXPECT_EQ(std::tuple(n[0], n[1], n[2]), std::tuple(-box.normals[v].x, box.normals[v].z, box.normals[v].y));
      const float* uv = obj.attributes.texcoords.data() + 2 * v;
      const auto column = static_cast<int>(uv[0] * static_cast<float>(width));
      const auto row = static_cast<int>((1 - uv[1]) * static_cast<float>(height));
      const stbi_uc* texel = picture.get() + 3 * (row * width + column);
      const mesh::Colour wanted = v % 4 == 3 ? mesh::Colour{255, 255, 255} : test::kBoxSides[v / 4].colour;
      EXPECT_EQ((mesh::Colour{texel[0], texel[1], texel[2]}), wanted) << v;
    }
  }
}

TEST_F(ObjWriter, VertexColoursFollowThePosition) {
  const mesh::TriangleMesh box = test::coloured_box();
  write_obj(folder_.path / "box.obj", box, {.size = 3.2});
  EXPECT_EQ(files_in(folder_.path), 1);
  const ParsedObj obj = parsed_obj(folder_.path / "box.obj");
  ASSERT_EQ(obj.attributes.colors.size(), 72U);
  for (size_t v = 0; v < 24; ++v) {
    EXPECT_NEAR(obj.attributes.vertices[3 * v + 1], 2 * box.positions[v].z, 1e-6);
    for (size_t c = 0; c < 3; ++c) EXPECT_EQ(std::lround(obj.attributes.colors[3 * v + c] * 255), box.colours[v][c]);
  }
}

TEST_F(ObjWriter, AMeshOfPositionsAlone) {
  write_obj(folder_.path / "plain.obj", test::one_triangle());
  EXPECT_EQ(read_file(folder_.path / "plain.obj"),
            "# lucid: y up, front +z\no mesh\nv -0 0 0\nv -1 0 0\nv -0 0.5 0\nf 1 2 3\n");
}

class StlWriter : public ::testing::Test {
 protected:
  std::string written(const mesh::TriangleMesh& mesh, const MeshFileOptions& options = {}) const {
    write_stl(folder_.path / "mesh.stl", mesh, options);
    return read_file(folder_.path / "mesh.stl");
  }
  const lucid::test::TemporaryFolder folder_;
};

TEST_F(StlWriter, FacetsAreInMillimetresWithZUp) {
  const mesh::TriangleMesh box = test::marked_box();
  for (const auto& [options, scale] :
       {std::pair(MeshFileOptions{}, 100 / 1.6), {{.print_size = 40}, 25.0}, {{.print_size = 0}, 1.0}}) {
    const std::string bytes = written(box, options);
    ASSERT_EQ(bytes.size(), 84U + 50 * 12);
    EXPECT_FALSE(bytes.starts_with("solid"));
    EXPECT_EQ(number_at<uint32_t>(bytes, 80), 12U);
    for (size_t i = 0; i < 12; ++i) {
      const mesh::Point n = point_at(bytes, 84 + 50 * i), wanted = test::kBoxSides[i / 2].outward;
      EXPECT_EQ(std::tuple(n.x, n.y, n.z), std::tuple(wanted.x, wanted.y, wanted.z));
      for (size_t k = 0; k < 3; ++k) {
        const mesh::Point p = point_at(bytes, 84 + 50 * i + 12 * (k + 1)), q = box.positions[box.triangles[i][k]];
        EXPECT_NEAR(p.x, scale * q.x, 1e-5);
        EXPECT_NEAR(p.y, scale * q.y, 1e-5);
        EXPECT_NEAR(p.z, scale * q.z, 1e-5);
      }
      EXPECT_EQ(number_at<uint16_t>(bytes, 84 + 50 * i + 48), 0);
    }
  }
}

TEST_F(StlWriter, AFacetWithoutAreaHasNoNormal) {
  mesh::TriangleMesh mesh = test::one_triangle();
  mesh.triangles.push_back({1, 1, 2});
  const std::string bytes = written(mesh);
  for (size_t i = 0; i < 12; ++i) EXPECT_EQ(bytes[84 + 50 + i], 0);
}

class MeshPlyWriter : public ::testing::Test {
 protected:
  std::string written(const mesh::TriangleMesh& mesh) const {
    write_mesh_ply(folder_.path / "mesh.ply", mesh);
    return read_file(folder_.path / "mesh.ply");
  }
  const lucid::test::TemporaryFolder folder_;
};

TEST_F(MeshPlyWriter, VerticesOfOnePositionBecomeOneWithTheirMeanColour) {
  mesh::TriangleMesh box = test::coloured_box();
  box.normals.clear();
  const std::string bytes = written(box);
  const std::string header =
      "ply\nformat binary_little_endian 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\n"
      "property uchar red\nproperty uchar green\nproperty uchar blue\nelement face 12\n"
      "property list uchar int vertex_indices\nend_header\n";
  ASSERT_EQ(bytes.substr(0, header.size()), header);
  ASSERT_EQ(bytes.size(), header.size() + 8 * 15 + 12 * 13);
  for (size_t v = 0; v < 8; ++v) {
    const size_t at = header.size() + 15 * v;
    const mesh::Point p = point_at(bytes, at), d = p - test::kBoxCentre;
    // The corner's three sides, by the signs of its offset from the centre.
    int sum[3] = {};
    for (const test::BoxSide& side : test::kBoxSides) {
      if (dot(side.outward, d) <= 0) continue;
      for (size_t c = 0; c < 3; ++c) sum[c] += side.colour[c];
    }
    for (size_t c = 0; c < 3; ++c) EXPECT_EQ(number_at<uint8_t>(bytes, at + 12 + c), (sum[c] + 1) / 3) << v;
  }
  for (size_t i = 0; i < 12; ++i) {
    const size_t at = header.size() + 8 * 15 + 13 * i;
    EXPECT_EQ(bytes[at], 3);
    for (size_t k = 0; k < 3; ++k) {
      const auto v = static_cast<size_t>(number_at<int32_t>(bytes, at + 1 + 4 * k));
      ASSERT_LT(v, 8U);
      const mesh::Point p = point_at(bytes, header.size() + 15 * v), q = box.positions[box.triangles[i][k]];
      EXPECT_EQ(std::tuple(p.x, p.y, p.z), std::tuple(q.x, q.y, q.z));
    }
  }
}

TEST_F(MeshPlyWriter, ATextureIsReadAtTheVertices) {
  mesh::TriangleMesh box = test::marked_box();
  // Only the front: no vertex is shared, so no colours mix.
  box.triangles = {{0, 1, 2}, {0, 2, 3}};
  for (auto* points : {&box.positions, &box.normals}) points->resize(4);
  box.uvs.resize(4);
  const std::string bytes = written(box);
  const size_t body = bytes.find("end_header\n") + 11;
  EXPECT_NE(bytes.find("property float nz\n"), std::string::npos);
  for (size_t v = 0; v < 4; ++v) {
    const size_t at = body + v * 27;
    const mesh::Point n = point_at(bytes, at + 12);
    EXPECT_EQ(std::tuple(n.x, n.y, n.z), std::tuple(0, 1, 0));
    const mesh::Colour colour = {number_at<uint8_t>(bytes, at + 24), number_at<uint8_t>(bytes, at + 25),
                                 number_at<uint8_t>(bytes, at + 26)};
    EXPECT_EQ(colour, v == 3 ? (mesh::Colour{255, 255, 255}) : test::kBoxSides[0].colour) << v;
  }
}

TEST(MeshWriter, EachMeshFormatHasItsWriter) {
  const lucid::test::TemporaryFolder folder;
  const mesh::TriangleMesh box = test::marked_box();
  for (const FormatRow& row : kFormats) {
    const std::filesystem::path file = folder.path / fmt::format("{}{}", row.name, row.extension);
    if (row.holds != Holds::kMesh) {
      EXPECT_THROW(write_mesh(row.format, file, box), std::logic_error);
      continue;
    }
    write_mesh(row.format, file, box);
    const mesh::TriangleMesh read = read_mesh(file);  // by the extension: the content is of this format
    EXPECT_EQ(read.triangles.size(), 12U) << row.name;
    EXPECT_GT(mesh::signed_volume(read), 0) << row.name;
  }
}

}  // namespace
}  // namespace lucid::asset
