// SPDX-License-Identifier: Apache-2.0
// Tests of KHR_gaussian_splatting files: the JSON that is written, round trips, files of other programs (integer
// attributes, strides, nodes, buffers outside), and files that lie.
#include "lucid/asset/splats/gltf.h"

#include <functional>
#include <nlohmann/json.hpp>

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/asset/splats/test_clouds.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/math/quaternion.h"
#include "mistakes.h"

namespace lucid::asset::gltf {
namespace {

using gaussians::Cloud;
using nlohmann::json;

uint32_t word(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
std::string word_bytes(size_t value) {
  const auto word = static_cast<uint32_t>(value);
  return {reinterpret_cast<const char*>(&word), sizeof word};
}

/// A GLB in its two parts.
struct Parts {
  json document;
  std::string binary;

  static Parts of(const std::string& glb) {
    const size_t length = word(glb, 12);
    return {json::parse(glb.substr(20, length)), glb.substr(20 + length + 8)};
  }
  std::string glb() const {
    std::string text = document.dump();
    text.resize((text.size() + 3) / 4 * 4, ' ');
    return "glTF" + word_bytes(2) + word_bytes(28 + text.size() + binary.size()) + word_bytes(text.size()) + "JSON" +
           text + word_bytes(binary.size()) + std::string("BIN\0", 4) + binary;
  }
  json& primitive() { return document["meshes"][0]["primitives"][0]; }
  json& accessor(const std::string& attribute) {
    return document["accessors"][primitive()["attributes"][attribute].get<size_t>()];
  }
  json& view(const std::string& attribute) {
    return document["bufferViews"][accessor(attribute)["bufferView"].get<size_t>()];
  }
  /// Replaces the numbers of an attribute by these bytes at the end of the buffer.
  void replace(const std::string& attribute, const std::string& bytes, int component_type, bool normalised) {
    view(attribute) = {{"buffer", 0}, {"byteOffset", binary.size()}, {"byteLength", bytes.size()}};
    accessor(attribute)["componentType"] = component_type;
    accessor(attribute)["normalized"] = normalised;
    binary += bytes;
    document["buffers"][0]["byteLength"] = binary.size();
  }
};

const std::string kPrefix = "KHR_gaussian_splatting:";
Parts parts_of(const Cloud& cloud) { return Parts::of(encode("x.glb", cloud)); }
Cloud decoded(const Parts& parts) { return decode("x.glb", parts.glb()); }

TEST(SplatGlb, TheDocumentIsThatOfTheExtension) {
  for (int degree = 0; degree <= 3; ++degree) {
    const Cloud cloud = test::random_cloud(7, degree);
    const std::string glb = encode("x.glb", cloud);
    EXPECT_EQ(word(glb, 8), glb.size());
    EXPECT_EQ(glb.size() % 4, 0u);
    Parts parts = Parts::of(glb);
    EXPECT_EQ(parts.document["asset"]["version"], "2.0");
    EXPECT_EQ(parts.document["extensionsUsed"], json::array({"KHR_gaussian_splatting"}));
    EXPECT_FALSE(parts.document.contains("extensionsRequired"));
    EXPECT_EQ(parts.document["buffers"][0]["byteLength"], parts.binary.size());
    EXPECT_EQ(parts.primitive()["mode"], 0);
    const json extension = parts.primitive()["extensions"]["KHR_gaussian_splatting"];
    EXPECT_EQ(extension["kernel"], "ellipse");
    EXPECT_EQ(extension["colorSpace"], "srgb_rec709_display");
    std::map<std::string, std::string> types = {{"POSITION", "VEC3"},
                                                {"COLOR_0", "VEC4"},
                                                {kPrefix + "ROTATION", "VEC4"},
                                                {kPrefix + "SCALE", "VEC3"},
                                                {kPrefix + "OPACITY", "SCALAR"}};
    for (int l = 0; l <= degree; ++l) {
      for (int k = 0; k <= 2 * l; ++k) types[kPrefix + fmt::format("SH_DEGREE_{}_COEF_{}", l, k)] = "VEC3";
    }
    EXPECT_EQ(parts.primitive()["attributes"].size(), types.size());
    for (const auto& [name, type] : types) {
      ASSERT_TRUE(parts.primitive()["attributes"].contains(name)) << name;
      EXPECT_EQ(parts.accessor(name)["type"], type);
      EXPECT_EQ(parts.accessor(name)["count"], 7);
      EXPECT_EQ(parts.view(name)["byteOffset"].get<size_t>() % 4, 0u);
    }
    for (int c = 0; c < 3; ++c) {
      EXPECT_EQ(parts.accessor("POSITION")["min"][c].get<float>(), cloud.means.amin(0)[c].item<float>());
      EXPECT_EQ(parts.accessor("POSITION")["max"][c].get<float>(), cloud.means.amax(0)[c].item<float>());
    }
  }
}

TEST(SplatGlb, TheFallbackColourIsLinear) {
  Cloud cloud = test::random_cloud(1, 0);
  cloud.sh_dc = torch::tensor({0.0f, 9.0f, -9.0f}).reshape({1, 1, 3});
  cloud.opacity_logits.zero_();
  Parts parts = parts_of(cloud);
  std::array<uint16_t, 4> colour;
  std::memcpy(colour.data(), parts.binary.data() + parts.view("COLOR_0")["byteOffset"].get<size_t>(), 8);
  EXPECT_NEAR(colour[0] / 65535.0, 0.214041, 1e-5);  // sRGB 0.5
  EXPECT_EQ(colour[1], 65535);
  EXPECT_EQ(colour[2], 0);
  EXPECT_NEAR(colour[3], 32767.5, 0.6);
}

TEST(SplatGlb, EveryFieldSurvives) {
  for (int degree = 0; degree <= 3; ++degree) {
    const Cloud cloud = test::random_cloud(1000, degree), back = decode("x.glb", encode("x.glb", cloud));
    EXPECT_TRUE(torch::equal(back.means, cloud.means));
    EXPECT_TRUE(torch::equal(back.sh_dc, cloud.sh_dc));
    EXPECT_TRUE(torch::equal(back.sh_rest, cloud.sh_rest));
    EXPECT_LE(test::largest_difference(back.log_scales, cloud.log_scales), 1e-6);
    EXPECT_LE(test::largest_difference(back.opacity_logits, cloud.opacity_logits), 1e-5);
    EXPECT_LE(test::largest_difference(back.quats, cloud.quats / cloud.quats.norm(2, {1}, true)), 1e-6);
  }
}

TEST(SplatGlb, ReadsIntegerAttributes) {
  Parts parts = parts_of(test::random_cloud(1, 0));
  parts.replace(kPrefix + "ROTATION", std::string("\x7f\x00\x81\x80", 4), 5120, true);        // 1, 0, -1, -128 -> -1
  parts.replace(kPrefix + "SCALE", std::string("\x01\x00\x00\x02\x80\x00", 6), 5123, false);  // 1, 512, 128
  parts.replace(kPrefix + "OPACITY", "\x33", 5121, true);                                     // 51 / 255 = 0.2
  const Cloud cloud = decoded(parts);
  const float quat[4] = {-1, 1, 0, -1};  // w,x,y,z
  for (int i = 0; i < 4; ++i) EXPECT_EQ(cloud.quats[0][i].item<float>(), quat[i]);
  const double scale[3] = {1, 512, 128};
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(cloud.log_scales[0][i].item<double>(), std::log(scale[i]), 1e-6);
  EXPECT_NEAR(cloud.opacity_logits[0][0].item<double>(), std::log(0.2 / 0.8), 1e-6);
}

TEST(SplatGlb, OpacitiesNearZeroAndOneHaveLimitedLogits) {
  Parts parts = parts_of(test::random_cloud(6, 0));
  const std::array<float, 6> opacities = {0, 1, 1e-9f, 1 - 6e-8f, 1.00005f, -0.00005f};
  parts.replace(kPrefix + "OPACITY", {reinterpret_cast<const char*>(opacities.data()), sizeof opacities}, 5126, false);
  const Cloud cloud = decoded(parts);
  const std::array<float, 6> expected = {-13.8f, 13.8f, -13.8f, 13.8f, 13.8f, -13.8f};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(cloud.opacity_logits[i][0].item<float>(), expected[i]) << i;
}

TEST(SplatGlb, ReadsInterleavedAttributes) {
  const Cloud cloud = test::random_cloud(5, 0);
  Parts parts = parts_of(cloud);
  std::string rows;
  for (int64_t n = 0; n < 5; ++n) {
    rows.append(reinterpret_cast<const char*>(cloud.means.data_ptr<float>() + 3 * n), 12);
    rows.append("12345678");
  }
  parts.replace("POSITION", rows, 5126, false);
  parts.view("POSITION")["byteStride"] = 20;
  EXPECT_TRUE(torch::equal(decoded(parts).means, cloud.means));
}

std::string base64(const std::string& bytes) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) bits = bits << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : digits[bits >> (18 - 6 * k) & 63];
  }
  return text;
}

TEST(SplatGltf, ReadsEmbeddedAndNeighbouringBuffers) {
  const lucid::test::TemporaryFolder folder;
  const Cloud cloud = test::random_cloud(5, 1);
  Parts parts = parts_of(cloud);
  for (const size_t padding : {0, 1, 2}) {  // all three lengths of base64's end
    parts.document["buffers"][0]["uri"] =
        "data:application/octet-stream;base64," + base64(parts.binary + std::string(padding, 'x'));
    test::put_file(folder.path / "a.gltf", " \n" + parts.document.dump(2));
    EXPECT_TRUE(torch::equal(read_splats(folder.path / "a.gltf", Axes::kLucid).means, cloud.means));
  }
  parts.document["buffers"][0]["uri"] = "my%20data.bin";
  test::put_file(folder.path / "a.gltf", parts.document.dump());
  test::put_file(folder.path / "my data.bin", parts.binary);
  EXPECT_TRUE(torch::equal(read_splats(folder.path / "a.gltf", Axes::kLucid).means, cloud.means));
  for (const std::string uri :
       {"/etc/passwd", "https://a.b/c.bin", "missing.bin", "", "data:text/plain,abc", "data:;base64,!!!!", "."}) {
    parts.document["buffers"][0]["uri"] = uri;
    test::put_file(folder.path / "a.gltf", parts.document.dump());
    EXPECT_THROW(read_splats(folder.path / "a.gltf"), UserError) << uri;
  }
}

TEST(SplatGlb, NodesPlaceTheGaussians) {
  const Cloud cloud = test::random_cloud(4, 3);
  Parts parts = parts_of(cloud);
  double length = 0;
  const Quat<double> a = normalized(Quat<double>{1, 2, -3, 4}, &length),
                     b = normalized(Quat<double>{-2, 1, 1, 5}, &length);
  const Mat3<double> ra = rotation(a), rb = rotation(b);
  // parent: matrix 2 ra with a translation; child: 0.25 rb
  parts.document["nodes"] = json::array(
      {{{"children", {1}},
        {"matrix",
         {2 * ra.c0.x, 2 * ra.c0.y, 2 * ra.c0.z, 0, 2 * ra.c1.x, 2 * ra.c1.y, 2 * ra.c1.z, 0,  //
          2 * ra.c2.x, 2 * ra.c2.y, 2 * ra.c2.z, 0, 5, 6, 7, 1}}},
       {{"mesh", 0}, {"rotation", {b.x, b.y, b.z, b.w}}, {"scale", {0.25, 0.25, 0.25}}, {"translation", {1, 0, 0}}}});
  Cloud expected = turned(turned(cloud, rb), ra);
  expected.means = expected.means * 0.5 + torch::tensor({5 + 2 * ra.c0.x, 6 + 2 * ra.c0.y, 7 + 2 * ra.c0.z});
  const Cloud got = decoded(parts);
  EXPECT_LE(test::largest_difference(got.means, expected.means), 1e-5);
  EXPECT_LE(test::largest_difference(got.log_scales, cloud.log_scales + std::log(0.5)), 1e-5);
  EXPECT_LE(test::largest_difference(got.sh_rest, expected.sh_rest), 1e-5);
  const torch::Tensor unit = expected.quats / expected.quats.norm(2, {1}, true);
  EXPECT_GE((got.quats * unit).sum(1).abs().min().item<double>(), 1 - 1e-6);
}

TEST(SplatGlb, SeveralMeshesAreJoinedWithTheHighestDegree) {
  const Cloud cloud = test::random_cloud(4, 1);
  Parts parts = parts_of(cloud);
  json second = parts.primitive();
  for (int k = 0; k < 3; ++k) second["attributes"].erase(kPrefix + fmt::format("SH_DEGREE_1_COEF_{}", k));
  parts.document["meshes"].push_back({{"primitives", json::array({second})}});
  parts.document["nodes"].push_back({{"mesh", 1}, {"translation", {10, 0, 0}}});
  parts.document["scenes"][0]["nodes"] = {1, 0};
  const Cloud got = decoded(parts);
  ASSERT_EQ(got.count(), 8);
  EXPECT_EQ(got.sh_degree(), 1);
  EXPECT_TRUE(torch::equal(got.sh_dc.narrow(0, 0, 4), got.sh_dc.narrow(0, 4, 4)));
  EXPECT_EQ(got.sh_rest.abs().sum({1, 2}).eq(0).sum().item<int64_t>(), 4);
  parts.document.erase("scene");
  parts.document.erase("scenes");
  EXPECT_EQ(decoded(parts).count(), 8);
}

/// What is said about a change of a good document.
std::string refusal(const std::function<void(Parts&)>& change) {
  Parts parts = parts_of(test::random_cloud(3, 1));
  change(parts);
  const UserMistake mistake = lucid::test::mistake_of([&] { decoded(parts); });
  EXPECT_EQ(mistake.file, "x.glb");
  return one_line(mistake);
}
#define EXPECT_REFUSED(part, ...)                                          \
  {                                                                        \
    const std::string said = refusal([&](Parts& p) { __VA_ARGS__; });      \
    EXPECT_NE(said.find(part), std::string::npos) << said << #__VA_ARGS__; \
  }

TEST(SplatGlbHostile, OtherMeshesAndExtensions) {
  EXPECT_REFUSED("holds no Gaussians", p.primitive().erase("extensions"));
  EXPECT_REFUSED("holds no Gaussians", p.document["scenes"][0]["nodes"] = json::array());
  EXPECT_REFUSED("holds no Gaussians", p.document["nodes"][0].erase("mesh"));
  EXPECT_REFUSED("KHR_draco_mesh_compression", p.document["extensionsRequired"] = {"KHR_draco_mesh_compression"});
  EXPECT_REFUSED("compressed by KHR_x_spz",
                 p.primitive()["extensions"]["KHR_gaussian_splatting"]["extensions"] = {{"KHR_x_spz", {{"a", 1}}}});
  EXPECT_REFUSED("kernel \"box\"", p.primitive()["extensions"]["KHR_gaussian_splatting"]["kernel"] = "box");
  EXPECT_REFUSED("lin_rec709",
                 p.primitive()["extensions"]["KHR_gaussian_splatting"]["colorSpace"] = "lin_rec709_display");
}

TEST(SplatGlbHostile, AttributesThatAreMissingOrOfOtherTypes) {
  EXPECT_REFUSED("lacks the attribute KHR_gaussian_splatting:SCALE",
                 p.primitive()["attributes"].erase(kPrefix + "SCALE"));
  EXPECT_REFUSED("lacks the attribute KHR_gaussian_splatting:SH_DEGREE_1_COEF_2",
                 p.primitive()["attributes"].erase(kPrefix + "SH_DEGREE_1_COEF_2"));
  EXPECT_REFUSED("not of type VEC4", p.accessor(kPrefix + "ROTATION")["type"] = "VEC3");
  EXPECT_REFUSED("same count", p.accessor(kPrefix + "SCALE")["count"] = 2);
  EXPECT_REFUSED("component type 5125", p.accessor(kPrefix + "SCALE")["componentType"] = 5125);
  EXPECT_REFUSED("sparse", p.accessor(kPrefix + "SCALE")["sparse"] = json::object());
  EXPECT_REFUSED("sparse", p.accessor(kPrefix + "SCALE").erase("bufferView"));
  EXPECT_REFUSED("not that of a glTF", p.accessor(kPrefix + "SCALE")["count"] = "3");
  EXPECT_REFUSED("not that of a glTF", p.accessor(kPrefix + "SCALE")["count"] = -3);
  EXPECT_REFUSED("not that of a glTF", p.accessor(kPrefix + "SCALE")["count"] = 3.5);
  EXPECT_REFUSED("holds no Gaussians", p.accessor("POSITION")["count"] = 0);
}

TEST(SplatGlbHostile, LengthsAndOffsetsBeyondTheFile) {
  const uint64_t huge = uint64_t{1} << 63;
  for (const uint64_t count : {uint64_t{4}, uint64_t{4000000000}, huge, UINT64_MAX}) {
    EXPECT_REFUSED("rows do not fit", for (json& a : p.document["accessors"]) a["count"] = count);
  }
  for (const uint64_t offset : {uint64_t{1}, uint64_t{37}, huge, UINT64_MAX}) {
    EXPECT_REFUSED("rows do not fit", p.accessor("POSITION")["byteOffset"] = offset);
    EXPECT_REFUSED("rows do not fit", p.view("POSITION")["byteLength"] = 36 - std::min<uint64_t>(offset, 36));
    EXPECT_REFUSED("does not fit into its buffer",
                   p.view("POSITION")["byteOffset"] = p.binary.size() - 36 + std::min(offset, huge));
  }
  EXPECT_REFUSED("every 8 bytes", p.view("POSITION")["byteStride"] = 8);
  EXPECT_REFUSED("every 256 bytes", p.view("POSITION")["byteStride"] = 256);
  EXPECT_REFUSED("rows do not fit", p.view("POSITION")["byteStride"] = 16);
  EXPECT_REFUSED("bufferViews[99]", p.accessor("POSITION")["bufferView"] = 99);
  EXPECT_REFUSED("buffers[99]", p.view("POSITION")["buffer"] = 99);
  EXPECT_REFUSED("accessors[99]", p.primitive()["attributes"]["POSITION"] = 99);
  EXPECT_REFUSED("meshes[99]", p.document["nodes"][0]["mesh"] = 99);
  EXPECT_REFUSED("nodes[99]", p.document["scenes"][0]["nodes"] = {99});
  EXPECT_REFUSED("scenes[99]", p.document["scene"] = 99);
  EXPECT_REFUSED("buffers[0]", p.document["buffers"][0]["byteLength"] = 99999);
  EXPECT_REFUSED("buffers[0]", p.binary.clear());
}

TEST(SplatGlbHostile, NodesThatLoopScaleOrMultiply) {
  EXPECT_REFUSED("two parents", p.document["nodes"][0]["children"] = {0});
  EXPECT_REFUSED("two parents", p.document["scenes"][0]["nodes"] = {0, 0});
  EXPECT_REFUSED("positive and uniform", p.document["nodes"][0]["scale"] = {1, 2, 1});
  EXPECT_REFUSED("positive and uniform", p.document["nodes"][0]["scale"] = {-1, -1, -1});
  EXPECT_REFUSED("positive and uniform", p.document["nodes"][0]["scale"] = {0, 0, 0});
  EXPECT_REFUSED("rotation is zero", p.document["nodes"][0]["rotation"] = {0, 0, 0, 0});
  EXPECT_REFUSED("mirrors", p.document["nodes"][0]["matrix"] = {-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1});
  EXPECT_REFUSED("uniform scale", p.document["nodes"][0]["matrix"] = {1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1});
  EXPECT_REFUSED("infinite", p.document["nodes"][0]["scale"] = {1e39, 1e39, 1e39});
  EXPECT_REFUSED("infinite", p.document["nodes"][0]["translation"] = {1e39, 0, 0});
}

TEST(SplatGlbHostile, ManyNodesOfOneMeshCannotMultiplyIt) {
  Parts parts = parts_of(test::random_cloud(100, 0));
  for (int i = 1; i < 1000; ++i) {
    parts.document["nodes"].push_back({{"mesh", 0}});
    parts.document["scenes"][0]["nodes"].push_back(i);
  }
  const UserMistake mistake = lucid::test::mistake_of([&] { decoded(parts); });
  EXPECT_NE(mistake.what_happened.find("more than it can hold"), std::string::npos) << one_line(mistake);
}

TEST(SplatGlbHostile, BadNumbersAreNamed) {
  const auto put = [](Parts& p, const std::string& attribute, size_t index, float value) {
    std::memcpy(p.binary.data() + p.view(attribute)["byteOffset"].get<size_t>() + 4 * index, &value, 4);
  };
  EXPECT_REFUSED("row 1 (from 0) is nan", put(p, "POSITION", 4, NAN));
  EXPECT_REFUSED("row 2 (from 0) is inf", put(p, kPrefix + "SH_DEGREE_1_COEF_1", 6, INFINITY));
  EXPECT_REFUSED("row 1 (from 0) is -1; no scale is negative", put(p, kPrefix + "SCALE", 3, -1));
  EXPECT_REFUSED("row 2 (from 0) is 1.5; opacities are between 0 and 1", put(p, kPrefix + "OPACITY", 2, 1.5f));
}

TEST(SplatGlbHostile, ChunksThatLie) {
  const std::string glb = encode("x.glb", test::random_cloud(2, 0));
  const auto message = [](const std::string& bytes) {
    return one_line(lucid::test::mistake_of([&] { decode("x.glb", bytes); }));
  };
  const auto with = [&](size_t at, uint32_t value) {
    std::string bytes = glb;
    return bytes.replace(at, 4, word_bytes(value));
  };
  EXPECT_NE(message(with(4, 1)).find("GLB version 1"), std::string::npos);
  EXPECT_NE(message(with(8, UINT32_MAX)).find("cut short"), std::string::npos);
  EXPECT_NE(message(with(8, 20)).find("does not fit"), std::string::npos);
  EXPECT_NE(message(with(8, 3)).find("no JSON chunk"), std::string::npos);
  EXPECT_NE(message(with(12, UINT32_MAX)).find("does not fit"), std::string::npos);
  EXPECT_NE(message(with(16, 0)).find("not JSON"), std::string::npos);
  EXPECT_NE(message("glTF" + word_bytes(2)).find("too short"), std::string::npos);
  for (size_t length = 4; length < glb.size(); ++length) EXPECT_NE(message(glb.substr(0, length)), "");
  // Deep nesting must not overflow the stack.
  const std::string deep(1 << 20, '[');
  EXPECT_NE(message("{\"asset\":" + deep).find("nests deeper than 64 levels"), std::string::npos);
}

}  // namespace
}  // namespace lucid::asset::gltf
