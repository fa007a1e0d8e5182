// SPDX-License-Identifier: Apache-2.0
// Tests of the binary glTF writer. tinygltf's parser and stb_image read the files back; the container is also checked
// byte by byte.
#include <gtest/gtest.h>
#include <stb/stb_image.h>
#include <tiny_gltf.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/test_meshes.h"
#include "lucid/asset/mesh_files/vertex_colours.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

using mesh_files::number_at;

bool keep_encoded(tinygltf::Image* image, const int, std::string*, std::string*, int, int, const unsigned char* bytes,
                  int size, void*) {
  image->image.assign(bytes, bytes + size);
  return true;
}

class GlbWriter : public ::testing::Test {
 protected:
  std::string written(const mesh::TriangleMesh& mesh, const MeshFileOptions& options = {}) const {
    write_glb(file_, mesh, options);
    return read_file(file_);
  }
  tinygltf::Model parsed(const mesh::TriangleMesh& mesh, const MeshFileOptions& options = {}) const {
    const std::string bytes = written(mesh, options);
    tinygltf::TinyGLTF loader;
    loader.SetImageLoader(keep_encoded, nullptr);
    tinygltf::Model model;
    std::string error, warning;
    EXPECT_TRUE(loader.LoadBinaryFromMemory(&model, &error, &warning,
                                            reinterpret_cast<const unsigned char*>(bytes.data()),
                                            static_cast<unsigned>(bytes.size())));
    EXPECT_EQ(error + warning, "");
    return model;
  }
  static nlohmann::json json_of(const std::string& glb) {
    return nlohmann::json::parse(glb.substr(20, number_at<uint32_t>(glb, 12)));
  }
  /// The tightly packed numbers of an accessor.
  template <class Number>
  static std::vector<Number> numbers(const tinygltf::Model& model, int number, int type, int component) {
    const tinygltf::Accessor& accessor = model.accessors.at(size_t(number));
    EXPECT_EQ(accessor.type, type);
    EXPECT_EQ(accessor.componentType, component);
    const tinygltf::BufferView& view = model.bufferViews.at(size_t(accessor.bufferView));
    EXPECT_EQ(view.byteStride, 0U);
    std::vector<Number> values(accessor.count * size_t(tinygltf::GetNumComponentsInType(unsigned(type))));
    EXPECT_EQ(values.size() * sizeof(Number), view.byteLength);
    std::memcpy(values.data(), model.buffers.at(0).data.data() + view.byteOffset + accessor.byteOffset,
                view.byteLength);
    return values;
  }
  static const tinygltf::Primitive& primitive(const tinygltf::Model& model) {
    return model.meshes.at(0).primitives.at(0);
  }
  static std::vector<float> attribute(const tinygltf::Model& model, const char* name, int type) {
    return numbers<float>(model, primitive(model).attributes.at(name), type, TINYGLTF_COMPONENT_TYPE_FLOAT);
  }

  const lucid::test::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path / "mesh.glb";
};

TEST_F(GlbWriter, PositionsAreRotatedAndScaledToTheSize) {
  const mesh::TriangleMesh box = test::marked_box();
  const std::vector<float> p = attribute(parsed(box, {.size = 2}), "POSITION", TINYGLTF_TYPE_VEC3);
  ASSERT_EQ(p.size(), 3 * box.positions.size());
  const double scale = 2 / 1.6;  // the longest side is z
  for (size_t v = 0; v < box.positions.size(); ++v) {
    EXPECT_NEAR(p[3 * v], -scale * box.positions[v].x, 1e-6);
    EXPECT_NEAR(p[3 * v + 1], scale * box.positions[v].z, 1e-6);
    EXPECT_NEAR(p[3 * v + 2], scale * box.positions[v].y, 1e-6);
  }
  const std::vector<float> world = attribute(parsed(box, {.size = 0}), "POSITION", TINYGLTF_TYPE_VEC3);
  for (size_t v = 0; v < box.positions.size(); ++v) EXPECT_EQ(world[3 * v], -box.positions[v].x);
}

// glTF's words: up is +Y, the front faces +Z, left is +X.
TEST_F(GlbWriter, TheSidesFaceAsGltfWants) {
  const mesh::TriangleMesh box = test::marked_box();
  const tinygltf::Model model = parsed(box);
  const std::vector<float> normals = attribute(model, "NORMAL", TINYGLTF_TYPE_VEC3);
  const std::vector<float> p = attribute(model, "POSITION", TINYGLTF_TYPE_VEC3);
  const std::array<std::array<float, 3>, 6> wanted = {
      {{0, 0, 1}, {0, 0, -1}, {1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}}};  // in the order of kBoxSides
  for (size_t side = 0; side < 6; ++side) {
    for (size_t v = 4 * side; v < 4 * side + 4; ++v) {
      for (size_t axis = 0; axis < 3; ++axis) EXPECT_EQ(normals[3 * v + axis], wanted[side][axis]) << side;
    }
    // The triangles are counter-clockwise seen from where the normal points.
    const auto point = [&](size_t v) { return mesh::Point{p[3 * v], p[3 * v + 1], p[3 * v + 2]}; };
    const mesh::Triangle& t = box.triangles[2 * side];
    const mesh::Point across = cross(point(t[1]) - point(t[0]), point(t[2]) - point(t[0]));
    EXPECT_GT(across.x * wanted[side][0] + across.y * wanted[side][1] + across.z * wanted[side][2], 0) << side;
  }
}

TEST_F(GlbWriter, BoundsAreExactlyThoseOfTheStoredFloats) {
  const std::string bytes = written(test::marked_box(), {.size = 0.7});
  const nlohmann::json json = json_of(bytes);
  const std::vector<float> p = attribute(parsed(test::marked_box(), {.size = 0.7}), "POSITION", TINYGLTF_TYPE_VEC3);
  const nlohmann::json& accessor =
      json["accessors"][json["meshes"][0]["primitives"][0]["attributes"]["POSITION"].get<size_t>()];
  for (size_t axis = 0; axis < 3; ++axis) {
    float low = p[axis], high = p[axis];
    for (size_t i = axis; i < p.size(); i += 3) {
      low = std::min(low, p[i]);
      high = std::max(high, p[i]);
    }
    EXPECT_EQ(accessor["min"][axis].get<double>(), double{low});
    EXPECT_EQ(accessor["max"][axis].get<double>(), double{high});
  }
}

TEST_F(GlbWriter, TheContainerIsAlignedAndPadded) {
  mesh::TriangleMesh odd = test::marked_box();
  odd.triangles.pop_back();  // 33 indices of 16 bits: what follows them needs padding
  for (const mesh::TriangleMesh& mesh : {test::marked_box(), odd, test::coloured_box(), test::one_triangle()}) {
    for (const char* title : {"", "a", "ab", "abc"}) {  // every length of the JSON modulo 4
      const std::string bytes = written(mesh, {.title = title});
      ASSERT_EQ(bytes.substr(0, 4), "glTF");
      EXPECT_EQ(number_at<uint32_t>(bytes, 4), 2U);
      EXPECT_EQ(number_at<uint32_t>(bytes, 8), bytes.size());
      const size_t json_size = number_at<uint32_t>(bytes, 12), binary = 20 + json_size;
      EXPECT_EQ(bytes.substr(16, 4), "JSON");
      EXPECT_EQ(json_size % 4, 0U);
      EXPECT_EQ(bytes.substr(binary + 4, 4), std::string("BIN\0", 4));
      const size_t binary_size = number_at<uint32_t>(bytes, binary);
      EXPECT_EQ(binary_size % 4, 0U);
      EXPECT_EQ(binary + 8 + binary_size, bytes.size());

      const nlohmann::json json = json_of(bytes);
      const size_t length = json["buffers"][0]["byteLength"];
      EXPECT_GT(length + 4, binary_size);
      EXPECT_LE(length, binary_size);
      for (size_t i = length; i < binary_size; ++i) EXPECT_EQ(bytes[binary + 8 + i], 0);
      size_t end = 0;
      for (const nlohmann::json& view : json["bufferViews"]) {
        const size_t offset = view.value("byteOffset", size_t{0});
        EXPECT_EQ(offset % 4, 0U);
        EXPECT_GE(offset, end);
        EXPECT_LT(offset, end + 4);  // no gaps but padding
        end = offset + view["byteLength"].get<size_t>();
      }
      EXPECT_EQ(end, length);
    }
  }
}

TEST_F(GlbWriter, TextureAndCoordinatesComeBackExactly) {
  const mesh::TriangleMesh box = test::marked_box();
  const tinygltf::Model model = parsed(box);
  const std::vector<float> uvs = attribute(model, "TEXCOORD_0", TINYGLTF_TYPE_VEC2);
  ASSERT_EQ(uvs.size(), 2 * box.uvs.size());
  for (size_t v = 0; v < box.uvs.size(); ++v) {
    EXPECT_EQ(uvs[2 * v], box.uvs[v].x);
    EXPECT_EQ(uvs[2 * v + 1], box.uvs[v].y);
  }
  ASSERT_EQ(model.images.size(), 1U);
  EXPECT_EQ(model.images[0].mimeType, "image/png");
  const std::vector<unsigned char>& png = model.images[0].image;
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(png.data(), static_cast<int>(png.size()), &width, &height, &channels, 0), &stbi_image_free);
  ASSERT_NE(pixels, nullptr);
  ASSERT_EQ(std::tuple(width, height, channels), std::tuple(box.texture.width, box.texture.height, 3));
  EXPECT_EQ(std::memcmp(pixels.get(), box.texture.pixels.data(), 3 * box.texture.pixels.size()), 0);

  const tinygltf::Material& material = model.materials.at(0);
  EXPECT_EQ(material.pbrMetallicRoughness.baseColorTexture.index, 0);
  EXPECT_EQ(model.textures.at(0).source, 0);
  const tinygltf::Sampler& sampler = model.samplers.at(size_t(model.textures[0].sampler));
  EXPECT_EQ(sampler.magFilter, TINYGLTF_TEXTURE_FILTER_LINEAR);
  EXPECT_EQ(sampler.minFilter, TINYGLTF_TEXTURE_FILTER_LINEAR_MIPMAP_LINEAR);
  EXPECT_EQ(sampler.wrapS, TINYGLTF_TEXTURE_WRAP_CLAMP_TO_EDGE);
  EXPECT_EQ(sampler.wrapT, TINYGLTF_TEXTURE_WRAP_CLAMP_TO_EDGE);
}

TEST_F(GlbWriter, VertexColoursAreLinear) {
  mesh::TriangleMesh mesh = test::one_triangle();
  mesh.colours = {{0, 1, 10}, {188, 128, 255}, {11, 12, 254}};
  const tinygltf::Model model = parsed(mesh);
  EXPECT_TRUE(model.images.empty() && model.textures.empty());
  const int number = primitive(model).attributes.at("COLOR_0");
  EXPECT_TRUE(model.accessors.at(size_t(number)).normalized);
  const auto c = numbers<uint16_t>(model, number, TINYGLTF_TYPE_VEC4, TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT);
  // From the sRGB standard's formula: ((x + 0.055) / 1.055) ^ 2.4, x / 12.92 up to 10.
  const std::vector<double> wanted = {0, 1 / 255.0 / 12.92, 10 / 255.0 / 12.92, 1,        0.502886, 0.215861, 1,
                                      1, 0.003347,          0.003677,           0.991102, 1};
  ASSERT_EQ(c.size(), wanted.size());
  for (size_t i = 0; i < c.size(); ++i) EXPECT_NEAR(c[i] / 65535.0, wanted[i], 0.6 / 65535) << i;
}

TEST_F(GlbWriter, MaterialSaysHowItIsShown) {
  const auto material = [&](const mesh::TriangleMesh& mesh, bool lit) {
    return json_of(written(mesh, {.lit = lit}))["materials"][0];
  };
  for (const mesh::TriangleMesh& mesh : {test::marked_box(), test::coloured_box()}) {
    const nlohmann::json unlit = material(mesh, false), lit = material(mesh, true);
    EXPECT_EQ(unlit["extensions"], nlohmann::json::parse(R"({"KHR_materials_unlit": {}})"));
    EXPECT_FALSE(lit.contains("extensions"));
    for (const nlohmann::json& m : {unlit, lit}) {
      EXPECT_EQ(m["pbrMetallicRoughness"]["metallicFactor"], 0);
      EXPECT_FALSE(m.contains("doubleSided"));  // the box is closed
      EXPECT_FALSE(m.contains("alphaMode"));
    }
  }
  EXPECT_EQ(json_of(written(test::marked_box()))["extensionsUsed"],
            nlohmann::json::parse(R"(["KHR_materials_unlit"])"));
  EXPECT_FALSE(json_of(written(test::marked_box())).contains("extensionsRequired"));
  EXPECT_FALSE(json_of(written(test::marked_box(), {.lit = true})).contains("extensionsUsed"));
  // Without colours an unlit mesh would be a white outline.
  EXPECT_FALSE(material(test::one_triangle(), false).contains("extensions"));
  EXPECT_EQ(material(test::one_triangle(), false)["doubleSided"], true);
}

TEST_F(GlbWriter, IndicesHave16BitsWhereTheyFit) {
  for (const uint32_t vertices : {65535U, 65536U}) {
    mesh::TriangleMesh mesh;
    for (uint32_t v = 0; v < vertices; ++v) mesh.positions.push_back({static_cast<float>(v), 0, 1});
    mesh.triangles = {{0, 1, vertices - 1}, {2, 3, 4}};
    const tinygltf::Model model = parsed(mesh);
    const int number = primitive(model).indices;
    if (vertices == 65535) {
      EXPECT_EQ(numbers<uint16_t>(model, number, TINYGLTF_TYPE_SCALAR, TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT),
                (std::vector<uint16_t>{0, 1, 65534, 2, 3, 4}));
    } else {
      EXPECT_EQ(numbers<uint32_t>(model, number, TINYGLTF_TYPE_SCALAR, TINYGLTF_COMPONENT_TYPE_UNSIGNED_INT),
                (std::vector<uint32_t>{0, 1, 65535, 2, 3, 4}));
    }
  }
}

TEST_F(GlbWriter, ExtrasHaveTitleAndScale) {
  const auto extras = [&](const MeshFileOptions& options) {
    return json_of(written(test::marked_box(), options))["asset"]["extras"];
  };
  EXPECT_EQ(extras({.title = "a \"red\" box"})["title"], "a \"red\" box");
  EXPECT_NEAR(extras({.size = 0.4})["scale"].get<double>(), 0.25, 1e-6);
  EXPECT_EQ(extras({.size = 0})["scale"], 1);
  EXPECT_FALSE(extras({}).contains("title"));
  EXPECT_EQ(extras({.title = "two\nlines\x7f"})["title"], "two lines ");
  EXPECT_EQ(extras({.title = "caf\xc3\xa9 \xff!"})["title"], "caf\xc3\xa9 \xef\xbf\xbd!");  // invalid UTF-8
  EXPECT_EQ(json_of(written(test::marked_box()))["asset"]["generator"], "lucid");
}

TEST_F(GlbWriter, NormalsHaveUnitLength) {
  mesh::TriangleMesh mesh = test::one_triangle();
  mesh.normals = {{0, -3, 0}, {0, -0.99F, 0.1F}, {0, 0, 0}};
  const std::vector<float> n = attribute(parsed(mesh), "NORMAL", TINYGLTF_TYPE_VEC3);
  for (size_t v = 0; v < 3; ++v) EXPECT_NEAR(std::hypot(n[3 * v], n[3 * v + 1], n[3 * v + 2]), 1, 1e-6) << v;
}

TEST_F(GlbWriter, RefusesWhatIsNoMeshAndFoldersThatCannotBeWritten) {
  EXPECT_THROW(write_glb(file_, {}), std::logic_error);
  mesh::TriangleMesh mesh = test::one_triangle();
  mesh.triangles[0][2] = 3;
  EXPECT_THROW(write_glb(file_, mesh), std::logic_error);
  mesh = test::one_triangle();
  mesh.positions[1].y = NAN;
  EXPECT_THROW(write_glb(file_, mesh), std::logic_error);
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_THROW(write_glb("/proc/none/mesh.glb", test::one_triangle()), UserError);
}

}  // namespace
}  // namespace lucid::asset
