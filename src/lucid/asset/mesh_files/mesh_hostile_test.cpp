// SPDX-License-Identifier: Apache-2.0
// Tests of the mesh readers with hostile files: false counts, truncation, changed bits. Each gives a clear error or a
// mesh that holds together.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "goldens.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/mesh_parts.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/asset/mesh_files/test_meshes.h"
#include "lucid/asset/pictures/png_bytes.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

using Reader = mesh::TriangleMesh (*)(const std::filesystem::path&, std::string_view);

/// The error message of a reader; "" if it returns a mesh, which must hold together.
std::string refusal(Reader reader, const std::string& bytes, const std::filesystem::path& file = "hostile.file") {
  // A copy on the heap without a byte to spare, so that AddressSanitizer sees reads beyond the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  try {
    const mesh::TriangleMesh mesh = reader(file, {exact.data(), exact.size()});
    const size_t vertices = mesh.positions.size();
    EXPECT_FALSE(mesh.triangles.empty());
    EXPECT_TRUE(mesh.uvs.empty() || mesh.uvs.size() == vertices);
    EXPECT_TRUE(mesh.colours.empty() || mesh.colours.size() == vertices);
    EXPECT_EQ(mesh.texture.pixels.size(), size_t(mesh.texture.width) * size_t(mesh.texture.height));
    for (const mesh::Triangle& t : mesh.triangles) {
      for (const uint32_t v : t) EXPECT_LT(v, vertices);
    }
    for (const mesh::Point& p : mesh.positions) EXPECT_TRUE(std::isfinite(p.x + p.y + p.z));
    for (const Vec2<float>& uv : mesh.uvs) EXPECT_TRUE(uv.x >= 0 && uv.x <= 1 && uv.y >= 0 && uv.y <= 1);
    return "";
  } catch (const UserError& error) {
    EXPECT_EQ(error.mistake().file, file.string());
    return error.what();
  }
}

bool has_part(const std::string& message, const std::string& part) { return message.find(part) != std::string::npos; }

/// Every bit of the first bytes and of `more` spread over the rest is changed, and the file is cut at as many places.
void change_and_cut(Reader reader, const std::string& good, size_t first, size_t more) {
  ASSERT_EQ(refusal(reader, good), "");
  std::vector<size_t> places;
  for (size_t i = 0; i < std::min(first, good.size()); ++i) places.push_back(i);
  for (size_t i = 0; i < more; ++i) places.push_back(i * good.size() / more);
  for (const size_t place : places) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[place] = static_cast<char>(changed[place] ^ (1 << bit));
      refusal(reader, changed);
      if (::testing::Test::HasFailure()) FAIL() << "byte " << place << ", bit " << bit;
    }
    refusal(reader, good.substr(0, place));
    if (::testing::Test::HasFailure()) FAIL() << "cut at " << place;
  }
}

class HostileMeshFiles : public ::testing::Test {
 protected:
  std::string bytes_of(const std::function<void(const std::filesystem::path&)>& write) const {
    write(folder_.path / "mesh");
    return read_file(folder_.path / "mesh");
  }
  const lucid::test::TemporaryFolder folder_;
};

TEST_F(HostileMeshFiles, ChangedBitsAndCutsOfGlb) {
  const auto write = [](const mesh::TriangleMesh& mesh) { return [&](const auto& file) { write_glb(file, mesh); }; };
  change_and_cut(mesh_files::read_glb, bytes_of(write(test::marked_box())), 1600, 200);
  change_and_cut(mesh_files::read_glb, bytes_of(write(test::coloured_box())), 0, 400);
}

TEST_F(HostileMeshFiles, ChangedBitsAndCutsOfObjStlAndPly) {
  const mesh::TriangleMesh box = test::coloured_box();
  change_and_cut(mesh_files::read_obj, bytes_of([&](const auto& file) { write_obj(file, box); }), 0, 1000);
  change_and_cut(mesh_files::read_stl, bytes_of([&](const auto& file) { write_stl(file, box); }), 0, 700);
  change_and_cut(mesh_files::read_mesh_ply, bytes_of([&](const auto& file) { write_mesh_ply(file, box); }), 0, 700);
}

TEST_F(HostileMeshFiles, GlbContainersThatLie) {
  const auto refused = [](const std::string& bytes) { return refusal(mesh_files::read_glb, bytes); };
  const std::string good = bytes_of([](const auto& file) { write_glb(file, test::one_triangle()); });
  const auto with = [&](size_t at, uint32_t value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, &value, sizeof(value));
    return bytes;
  };
  EXPECT_PRED2(has_part, refused(""), "not a binary glTF");
  EXPECT_PRED2(has_part, refused("PK"), "not a binary glTF");
  EXPECT_PRED2(has_part, refused(with(4, 1)), "version 1");
  EXPECT_PRED2(has_part, refused(with(8, 0xffffffff)), "claims 4294967295 bytes");
  EXPECT_PRED2(has_part, refused(with(12, 0xffffffff)), "chunk of 4294967295 bytes");
  EXPECT_PRED2(has_part, refused(with(16, 7)), "no JSON");
  EXPECT_PRED2(has_part, refused(test::glb_of("{", "")), "cannot be parsed");
  EXPECT_PRED2(has_part, refused(test::glb_of("[]", "")), "cannot be parsed");
  EXPECT_PRED2(has_part, refused(test::glb_of("{}", "")), "no triangles");
  // A million nested lists: no recursion without a limit.
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  EXPECT_PRED2(has_part, refused(test::glb_of("{\"extras\":" + deep + "}", "")), "nests deeper than 64 levels");
}

TEST_F(HostileMeshFiles, GlbMembersThatLie) {
  // The good file: three vertices and three 16-bit indices.
  const std::string good =
      R"({"asset":{"version":"2.0"},"buffers":[{"byteLength":44}],"bufferViews":[
      {"buffer":0,"byteOffset":0,"byteLength":36},{"buffer":0,"byteOffset":36,"byteLength":6}],"accessors":[
      {"bufferView":0,"componentType":5126,"count":3,"type":"VEC3"},
      {"bufferView":1,"componentType":5123,"count":3,"type":"SCALAR"}],
      "meshes":[{"primitives":[{"attributes":{"POSITION":0},"indices":1}]}],
      "nodes":[{"mesh":0}],"scenes":[{"nodes":[0]}]})";
  std::string binary;
  for (const float x : {0, 0, 0, 1, 0, 0, 0, 1, 0}) mesh_files::append_bytes(binary, x);
  for (const uint16_t v : {0, 1, 2}) mesh_files::append_bytes(binary, v);
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string json = good;
    const size_t at = json.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return refusal(mesh_files::read_glb, test::glb_of(json.replace(at, from.size(), to), binary));
  };
  EXPECT_EQ(refused("", ""), "");
  for (const char* count : {"4", "0", "4000000000", "281474976710656"}) {
    EXPECT_PRED2(has_part, refused("\"count\":3", std::string("\"count\":") + count), "do not fit") << count;
  }
  for (const char* count : {"-1", "1e300", "9223372036854775808", "0.5", "\"3\"", "null", "true"}) {
    EXPECT_PRED2(has_part, refused("\"count\":3", std::string("\"count\":") + count), "count: is not a whole number");
  }
  EXPECT_PRED2(has_part, refused("\"byteLength\":36", "\"byteLength\":46"), "bufferViews[0]");
  EXPECT_PRED2(has_part, refused("\"byteOffset\":0", "\"byteOffset\":281474976710655"), "bufferViews[0]");
  EXPECT_PRED2(has_part, refused("\"byteLength\":36", "\"byteStride\":281474976710655,\"byteLength\":36"),
               "do not fit");
  EXPECT_PRED2(has_part, refused("\"byteLength\":36", "\"byteStride\":4,\"byteLength\":36"), "do not fit");
  EXPECT_PRED2(has_part, refused("\"bufferView\":0", "\"bufferView\":2"), "no bufferViews[2]");
  EXPECT_PRED2(has_part, refused("\"bufferView\":0,", ""), "has no data");
  EXPECT_PRED2(has_part, refused("\"bufferView\":0", "\"sparse\":{},\"bufferView\":0"), "sparse");
  EXPECT_PRED2(has_part, refused("5126", "5130"), "component type 5130");
  EXPECT_PRED2(has_part, refused("VEC3", "VEC2"), "components");
  EXPECT_PRED2(has_part, refused("VEC3", "MAT4"), "components");
  EXPECT_PRED2(has_part, refused("5123", "5126"), "accessors[1]");
  EXPECT_PRED2(has_part, refused("5123", "5122"), "does not hold indices");
  EXPECT_PRED2(has_part, refused("\"POSITION\":0", "\"POSITION\":7"), "no accessors[7]");
  EXPECT_PRED2(has_part, refused("\"POSITION\":0", "\"NORMAL\":0"), "lacks POSITION");
  EXPECT_PRED2(has_part, refused("\"POSITION\":0", "\"POSITION\":0,\"COLOR_0\":1"), "components");
  EXPECT_PRED2(has_part, refused("{\"POSITION\":0}", "[]"), "lacks POSITION");
  EXPECT_PRED2(has_part, refused("\"mesh\":0", "\"mesh\":1"), "no meshes[1]");
  EXPECT_PRED2(has_part, refused("\"mesh\":0", "\"mesh\":0,\"children\":[0]"), "reached twice");
  EXPECT_PRED2(has_part, refused("\"mesh\":0", "\"mesh\":0,\"children\":[-1]"), "not a list of nodes");
  EXPECT_PRED2(has_part, refused("\"mesh\":0", "\"mesh\":0,\"scale\":[1,2]"), "list of 3 numbers");
  EXPECT_PRED2(has_part, refused("\"mesh\":0", "\"mesh\":0,\"scale\":[1e300,1e300,1]"), "not finite");
  EXPECT_PRED2(has_part, refused("[{\"nodes\":[0]}]", "[{\"nodes\":[0,0]}]"), "reached twice");
  EXPECT_PRED2(has_part, refused("[{\"nodes\":[0]}]", "[{\"nodes\":[5]}]"), "no nodes[5]");
  EXPECT_PRED2(has_part, refused("{\"byteLength\":44}", "{\"byteLength\":44,\"uri\":\"/etc/passwd\"}"),
               "outside the file");
  EXPECT_PRED2(has_part, refused("\"meshes\"", "\"extensionsRequired\":[\"KHR_draco_mesh_compression\"],\"meshes\""),
               "KHR_draco_mesh_compression");
  EXPECT_PRED2(has_part, refused("\"indices\":1", "\"indices\":1,\"material\":0"), "no materials[0]");
  binary[36] = 3;
  EXPECT_PRED2(has_part, refused("", ""), "vertex 3, but only 3");
  binary[36] = 0;
  binary[3] = binary[2] = '\xff';
  EXPECT_PRED2(has_part, refused("", ""), "not finite");
}

/// `item`, count times, with commas.
std::string repeated(const std::string& item, size_t count) {
  std::string list = item;
  for (size_t i = 1; i < count; ++i) list += "," + item;
  return list;
}

// A file of some kilobytes that shows one array of triangles, or a list of primitives, thousands of times.
TEST_F(HostileMeshFiles, AMeshRepeatedWithoutEndIsRefused) {
  const auto refused = [](size_t vertices, size_t primitives, size_t nodes) {
    const std::string json = fmt::format(
        R"({{"buffers":[{{}}],"bufferViews":[{{"buffer":0,"byteLength":{}}}],"accessors":[{{"bufferView":0,
        "componentType":5120,"count":{},"type":"VEC3"}}],"meshes":[{{"primitives":[{}]}}],"nodes":[{}]}})",
        vertices * 3, vertices, repeated(R"({"attributes":{"POSITION":0}})", primitives),
        repeated(R"({"mesh":0})", nodes));
    return refusal(mesh_files::read_glb, test::glb_of(json, std::string(vertices * 3, 'x')));
  };
  EXPECT_EQ(refused(300, 2, 3), "");
  EXPECT_PRED2(has_part, refused(1 << 14, 1, (1 << 10) + 1), "more than 16777216 vertices");
  EXPECT_PRED2(has_part, refused(3, 1 << 11, (1 << 9) + 1), "more than 1048576 primitives");
}

TEST_F(HostileMeshFiles, StlThatLies) {
  const auto refused = [](const std::string& bytes) { return refusal(mesh_files::read_stl, bytes); };
  std::string good = bytes_of([](const auto& file) { write_stl(file, test::one_triangle()); });
  EXPECT_PRED2(has_part, refused(""), "not an STL");
  EXPECT_PRED2(has_part, refused(good + "x"), "claims 1 triangles");
  good[80] = 2;
  EXPECT_PRED2(has_part, refused(good), "claims 2 triangles");
  good[80] = good[81] = good[82] = good[83] = '\xff';
  EXPECT_PRED2(has_part, refused(good), "claims 4294967295 triangles");
  EXPECT_PRED2(has_part, refused(std::string(84, '\0')), "no triangles");
  EXPECT_PRED2(has_part, refused("solid\nendsolid\n"), "no triangles");
  EXPECT_PRED2(has_part, refused("solid\nvertex 1 2 3\nvertex 1 2 3\nendsolid"), "without three corners");
  EXPECT_PRED2(has_part, refused("solid vertex 1 2 x vertex 1 2 3 vertex 1 2 3"), "without three corners");
  EXPECT_PRED2(has_part, refused("solid vertex 1 2 1e999 vertex 1 2 3 vertex 1 2 3"), "without three corners");
  EXPECT_PRED2(has_part, refused("solid vertex 1 2 1e99 vertex 1 2 3 vertex 1 2 3"), "not finite");
  EXPECT_PRED2(has_part, refused("solid vertex nan 2 1 vertex 1 2 3 vertex 1 2 3"), "not finite");
}

TEST_F(HostileMeshFiles, PlyThatLies) {
  const auto refused = [](const std::string& vertices, const std::string& rest) {
    return refusal(mesh_files::read_mesh_ply, "ply\nformat ascii 1.0\nelement vertex " + vertices +
                                                  "\nproperty float x\nproperty float y\nproperty float z\n" + rest);
  };
  const std::string face = "element face 1\nproperty list uchar int vertex_indices\nend_header\n";
  const std::string points = "0 0 0\n1 0 0\n0 1 0\n";
  EXPECT_EQ(refused("3", face + points + "3 0 1 2\n"), "");
  EXPECT_PRED2(has_part, refused("3", face + points + "3 0 1 3\n"), "vertex 3, but only 3");
  EXPECT_PRED2(has_part, refused("3", face + points + "3 0 1 -1\n"), "vertex index -1");
  EXPECT_PRED2(has_part, refused("3", face + points + "3 0 1 1.5\n"), "vertex index 1.5");
  EXPECT_PRED2(has_part, refused("3", face + points + "3 0 1 nan\n"), "vertex index nan");
  EXPECT_PRED2(has_part, refused("3", face + points + "3 0 1 4294967296\n"), "vertex index 4294967296");
  EXPECT_PRED2(has_part, refused("3", face + points + "2 0 1\n"), "no triangles");
  EXPECT_PRED2(has_part, refused("3", face + "0 0 0\n1 0 nan\n0 1 0\n3 0 1 2\n"), "not finite");
  EXPECT_PRED2(has_part, refused("4000000000", face + points), "claims 4000000000 rows");
  EXPECT_PRED2(has_part, refused("3", "end_header\n" + points), "no faces");
  EXPECT_PRED2(has_part, refused("3", "element face 1\nproperty int x\nend_header\n" + points + "1\n"),
               "vertex_indices");
  EXPECT_PRED2(has_part, refused("3", "nonsense\n"), "a PLY with vertices and faces was expected");
  EXPECT_PRED2(has_part,
               refusal(mesh_files::read_mesh_ply,
                       "ply\nformat binary_little_endian 1.0\nelement vertex 9000000000000000000\n"
                       "element face 1\nproperty list uchar int vertex_indices\nend_header\n"),
               "lacks the vertex properties");
}

TEST_F(HostileMeshFiles, ObjThatLies) {
  const auto refused = [](const std::string& bytes) { return refusal(mesh_files::read_obj, bytes); };
  const std::string points = "v 0 0 0\nv 1 0 0\nv 0 1 0\n";
  EXPECT_EQ(refused(points + "f 1 2 3\n"), "");
  EXPECT_PRED2(has_part, refused(""), "no triangles");
  EXPECT_PRED2(has_part, refused(points), "no triangles");
  EXPECT_PRED2(has_part, refused(points + "f 1 2 4\n"), "vertex 4, but only 3");
  EXPECT_PRED2(has_part, refused(points + "f 1 2 2147483647\n"), "only 3 vertices");
  refused(points + "f 1 2 99999999999999999999\n");  // tinyobjloader wraps it: any result that holds together
  EXPECT_NE(refused(points + "f 1 2 0\n"), "");
  EXPECT_NE(refused(points + "f 1 2 -9\n"), "");
  EXPECT_PRED2(has_part, refused("v 0 0 0\nv 1 0 nan\r\nv 0 1 0\nf 1 2 3\n"), ":2: has a position that is no number");
  EXPECT_PRED2(has_part, refused("v 0 0 1e999\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"), "not finite");
}

TEST_F(HostileMeshFiles, FilesThatAreNoMeshFiles) {
  EXPECT_THROW(read_mesh(folder_.path / "none.glb"), UserError);
  write_file(folder_.path / "mesh.fbx", "x");
  try {
    read_mesh(folder_.path / "mesh.fbx");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_PRED2(has_part, error.what(), "\".fbx\"");
    EXPECT_PRED2(has_part, error.what(), "lucid reads .glb");
  }
  for (const char* extension : {"glb", "obj", "stl", "ply"}) {
    const std::filesystem::path file = folder_.path / (std::string("noise.") + extension);
    write_file(file, std::string(1000, '\x93'));
    EXPECT_THROW(read_mesh(file), UserError) << extension;
  }
}

TEST_F(HostileMeshFiles, TexturesAreBounded) {
  mesh_files::TextureStore textures;
  // A PNG header that declares 8193 x 1 pixels, and one of 8192 x 8192 without data.
  const auto png = [](uint32_t width, uint32_t height) {
    std::string bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    for (const uint32_t side : {width, height}) {
      for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(side >> shift);
    }
    return bytes + std::string("\x08\x02\0\0\0\0\0\0\0\0\0\0\0IDAT", 17);
  };
  const auto get = [&](const std::string& name, const std::string& bytes) {
    return textures.get(name, [&]() -> std::string_view { return bytes; });
  };
  EXPECT_EQ(get("wide", png(8193, 1)), nullptr);
  EXPECT_EQ(get("empty", png(8192, 8192)), nullptr);
  EXPECT_EQ(get("gif", "GIF89a............................"), nullptr);
  EXPECT_EQ(get("none", ""), nullptr);
  // A good one is decoded once.
  const std::vector<uint8_t> pixels(8192 * 3, 7);
  const auto texture = get("good", encode_png(pixels.data(), 8192, 1, 3));
  ASSERT_NE(texture, nullptr);
  EXPECT_EQ(texture->pixels, std::vector<mesh::Colour>(8192, {7, 7, 7}));
  EXPECT_EQ(get("good", "other bytes"), texture);
}

}  // namespace
}  // namespace lucid::asset
