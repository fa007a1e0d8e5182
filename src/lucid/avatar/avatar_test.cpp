// SPDX-License-Identifier: Apache-2.0
// The shipped body: its sides, its poses, its OpenPose pictures; and bodies that are wrong.
#include "lucid/avatar/avatar.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/avatar/openpose.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/mapped_file.h"
#include "lucid/camera/sampler.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "mistakes.h"

namespace lucid::avatar {
namespace {

namespace fs = std::filesystem;
using lucid::test::mistake_of;

fs::path shipped_body() { return lucid::test::source_dir() / "models/body/body.glb"; }

const gaussians::StartOptions kStart{.count = 3000, .radius = 0.8};

Camera camera_at(double phi) { return orbit_camera(85, phi, 3.2, 0.68, 512, 512); }

PosedBody placed(const std::string& pose = "a") { return place_body(shipped_body(), pose, kStart).body; }

std::string shipped_bytes() { return std::string(MappedFile::open(shipped_body(), "")->bytes()); }

/// The shipped file with its JSON changed.
std::string changed(const std::function<void(nlohmann::json&)>& change) {
  const std::string bytes = shipped_bytes();
  const auto number_at = [&](size_t at) {
    uint32_t number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof(number));
    return number;
  };
  const auto bytes_of = [](size_t number) {
    const auto narrow = static_cast<uint32_t>(number);
    return std::string(reinterpret_cast<const char*>(&narrow), sizeof(narrow));
  };
  constexpr size_t kHeader = 12, kChunk = 8;
  const size_t length = number_at(kHeader);
  nlohmann::json json = nlohmann::json::parse(bytes.substr(kHeader + kChunk, length));
  change(json);
  std::string text = json.dump();
  text.resize((text.size() + 3) / 4 * 4, ' ');
  const std::string rest = bytes.substr(kHeader + kChunk + length);
  return bytes.substr(0, 8) + bytes_of(kHeader + kChunk + text.size() + rest.size()) + bytes_of(text.size()) + "JSON" +
         text + rest;
}

/// The node of that name.
nlohmann::json& node_named(nlohmann::json& json, const std::string& name) {
  return *std::ranges::find_if(json["nodes"], [&](const auto& node) { return node["name"] == name; });
}

class Bodies : public ::testing::Test {
 protected:
  fs::path saved(const std::string& name, const std::string& bytes) const {
    write_file(folder_.path / name, bytes);
    return folder_.path / name;
  }
  const lucid::test::TemporaryFolder folder_;
};

TEST(ShippedBody, IsSmallAndHasRigAndKeyPoints) {
  EXPECT_LE(fs::file_size(shipped_body()), 400'000U);
  const Body body = read_body(shipped_body());
  EXPECT_LE(body.triangles.size(), 3000U);
  EXPECT_GT(body.triangles.size(), 2000U);
  EXPECT_GE(body.joints.size(), 15U);
  ASSERT_TRUE(body.key_points);
  for (const KeyPoint& point : *body.key_points) EXPECT_GE(point.joint, 0);
}

TEST(ShippedBody, FrontAndBackAreWhereTheBodysAre) {
  const PosedBody body = placed();
  const ScreenPoints front = visible_points(body, camera_at(0)), back = visible_points(body, camera_at(180));
  for (const size_t k : {kNose, kRightEye, kLeftEye}) {
    EXPECT_TRUE(front[k]) << kKeyPointNames[k];
    EXPECT_FALSE(back[k]) << kKeyPointNames[k];
  }
  // A person who faces you has the left hand at the picture's right.
  for (const size_t k : {kLeftShoulder, kLeftWrist, kLeftHip, kLeftAnkle, kLeftEye}) {
    ASSERT_TRUE(front[k]) << kKeyPointNames[k];
    EXPECT_GT(front[k]->x, 256) << kKeyPointNames[k];
  }
  EXPECT_LT(back[kLeftShoulder]->x, 256);
  EXPECT_LT(front[kNose]->y, front[kNeck]->y);
  EXPECT_LT(front[kNeck]->y, front[kLeftAnkle]->y);
}

TEST(ShippedBody, TheFarSideOfTheFaceIsHidden) {
  const PosedBody body = placed();
  // Azimuth grows towards +x, which is the body's right.
  const ScreenPoints from_right = visible_points(body, camera_at(90)), from_left = visible_points(body, camera_at(-90));
  EXPECT_TRUE(from_right[kRightEar]);
  EXPECT_FALSE(from_right[kLeftEar]);
  EXPECT_FALSE(from_right[kLeftEye]);
  EXPECT_TRUE(from_left[kLeftEar]);
  EXPECT_FALSE(from_left[kRightEar]);
  EXPECT_TRUE(from_left[kNose]);
  // Joints are drawn through the body.
  for (size_t k = kNeck; k <= kLeftAnkle; ++k) EXPECT_TRUE(from_left[k]) << kKeyPointNames[k];
}

TEST(Skinning, TheRestPoseIsTheIdentity) {
  const Body body = read_body(shipped_body());
  const PosedBody rest = posed(body, read_pose(body, "a"));
  const mesh::TriangleMesh plain = asset::read_mesh(shipped_body());  // knows nothing of skins
  ASSERT_EQ(rest.mesh.positions.size(), plain.positions.size());
  for (size_t v = 0; v < plain.positions.size(); ++v) {
    const mesh::Point d = rest.mesh.positions[v] - plain.positions[v];
    ASSERT_LT(std::sqrt(dot(d, d)), 1e-5F) << v;
  }
}

TEST(Skinning, TheTPoseRaisesTheWristsToTheShoulders) {
  const Body body = read_body(shipped_body());
  const PosedBody rest = posed(body, read_pose(body, "a")), t = posed(body, read_pose(body, "t"));
  for (const size_t shoulder : {kRightShoulder, kLeftShoulder}) {
    const auto &before = *rest.key_points, &after = *t.key_points;
    EXPECT_LT(before[shoulder + 2].z, before[shoulder].z - 0.2F);
    EXPECT_NEAR(after[shoulder + 1].z, after[shoulder].z, 1e-5);
    EXPECT_NEAR(after[shoulder + 2].z, after[shoulder].z, 1e-5);
    EXPECT_NEAR(after[shoulder + 2].y, after[shoulder].y, 1e-5);
    EXPECT_EQ(after[shoulder + 2].x > 0, shoulder == kRightShoulder);
    const auto length = [](const mesh::Point& p) { return std::sqrt(dot(p, p)); };
    EXPECT_NEAR(length(after[shoulder + 2] - after[shoulder + 1]), length(before[shoulder + 2] - before[shoulder + 1]),
                1e-5);
  }
  // The mesh comes along: hands reach as far as the wrists and beyond, and nothing below the hips moves.
  const auto reach = [](const PosedBody& p) { return std::ranges::max(p.mesh.positions, {}, &mesh::Point::x).x; };
  EXPECT_GT(reach(t), (*t.key_points)[kRightWrist].x + 0.1F);
  const auto low = [](const PosedBody& p) { return std::ranges::min(p.mesh.positions, {}, &mesh::Point::z).z; };
  EXPECT_FLOAT_EQ(low(t), low(rest));
}

TEST_F(Bodies, APoseFileTurnsAJointAndWhatIsBelowIt) {
  const Body body = read_body(shipped_body());
  const fs::path file = saved("pose.json", R"({"lowerarm_l": [0, 0, 90]})");
  const PosedBody rest = posed(body, read_pose(body, "a")), bent = posed(body, read_pose(body, file));
  const auto &a = *rest.key_points, &b = *bent.key_points;
  const mesh::Point before = a[kLeftWrist] - a[kLeftElbow], after = b[kLeftWrist] - b[kLeftElbow];
  EXPECT_NEAR(after.x, -before.y, 1e-5);
  EXPECT_NEAR(after.y, before.x, 1e-5);
  EXPECT_NEAR(after.z, before.z, 1e-5);
  EXPECT_FLOAT_EQ(a[kRightWrist].x, b[kRightWrist].x);

  const UserMistake unknown = mistake_of([&] { read_pose(body, saved("bad.json", R"({"lowerarm_left": [0,0,0]})")); });
  EXPECT_EQ(unknown.key, "lowerarm_left");
  EXPECT_NE(unknown.hint.find("lowerarm_l"), std::string::npos);
  EXPECT_EQ(mistake_of([&] { read_pose(body, saved("bad.json", R"({"head": [0,0]})")); }).key, "head");
  EXPECT_THROW(read_pose(body, folder_.path / "none.json"), UserError);
}

TEST(OpenposePictures, HaveControlNetsColoursAndBlends) {
  ScreenPoints points;
  points[kNeck] = {100, 100};
  points[kRightShoulder] = {60, 100};
  points[kLeftShoulder] = {140, 100};
  const int size = 512;
  const std::vector<float> rgb = draw_openpose(points, size, size);
  const auto at = [&](int x, int y) {
    std::array<int, 3> colour{};
    for (size_t c = 0; c < 3; ++c)
      colour[c] = int(std::lround(255 * rgb[c * size * size + size_t(y) * size + size_t(x)]));
    return colour;
  };
  using Rgb = std::array<int, 3>;
  EXPECT_EQ(at(300, 300), (Rgb{0, 0, 0}));
  EXPECT_EQ(at(57, 100), (Rgb{255, 170, 0})) << "right shoulder, outside the limb";
  EXPECT_EQ(at(80, 100), (Rgb{153, 0, 0})) << "neck to right shoulder: 0.6 of the first colour on black";
  EXPECT_EQ(at(120, 100), (Rgb{153, 51, 0})) << "neck to left shoulder: 0.6 of the second colour";
  EXPECT_EQ(at(80, 105), (Rgb{0, 0, 0})) << "the half-width is 4";
  EXPECT_EQ(at(80, 104), (Rgb{153, 0, 0}));
  // The neck's disc (ff5500) under both limbs: below the ellipse's tip at its left, blended once.
  const Rgb neck = at(98, 100);
  EXPECT_NEAR(neck[0], 255, 1);
  EXPECT_NEAR(neck[1], 0.4 * 85, 1);
  EXPECT_EQ(std::ranges::max(draw_openpose(ScreenPoints{}, 64, 64)), 0) << "no points, no picture";
}

TEST(OpenposePictures, AreOneAViewAndDiffer) {
  const torch::Tensor pictures = openpose_pictures(placed(), {camera_at(0), camera_at(180)});
  ASSERT_EQ(pictures.sizes(), (std::vector<int64_t>{2, 3, 512, 512}));
  EXPECT_GT((pictures[0] - pictures[1]).abs().max().item<float>(), 0.5F);
  EXPECT_LE(pictures.max().item<float>(), 1);
  // The drawing lies where the mesh is seen: nine of ten bright pixels hit the body.
  const PosedBody body = placed();
  const mesh::MeshPicture seen = mesh::rasterize_mesh(body.mesh.positions, body.mesh.triangles, camera_at(0));
  int lit = 0, on_body = 0;
  const torch::Tensor brightest = pictures[0].amax(0).contiguous();
  for (int64_t i = 0; i < brightest.numel(); ++i) {
    if (brightest.data_ptr<float>()[i] < 0.1F) continue;
    ++lit;
    on_body += seen.triangle[size_t(i)] >= 0 ? 1 : 0;
  }
  EXPECT_GT(lit, 2000);
  EXPECT_GT(on_body, 0.9 * lit);
}

TEST(BodyStart, LiesOnTheFittedBody) {
  const PosedBody body = placed();
  const gaussians::Cloud cloud = gaussians_on_body(body, kStart);
  EXPECT_EQ(cloud.count(), 3000);
  EXPECT_LE(cloud.means.norm(2, 1).max().item<double>(), 0.8 + 1e-4);
  EXPECT_GT(cloud.means.norm(2, 1).max().item<double>(), 0.75);
  EXPECT_NEAR(cloud.sh_dc.abs().max().item<double>(), 0, 1e-6) << "mid-grey";
  const gaussians::Cloud again = gaussians_on_body(body, kStart);
  EXPECT_TRUE(torch::equal(cloud.means, again.means));
}

TEST_F(Bodies, AWrongFrontIsRefused) {
  gaussians::StartOptions turned = kStart;
  turned.file_rotate = "0,0,180";
  const UserMistake back = mistake_of([&] { place_body(shipped_body(), "a", turned); });
  EXPECT_NE(back.what_happened.find("front is -y"), std::string::npos) << back.what_happened;
  turned.file_rotate = "90,0,0";
  EXPECT_NE(mistake_of([&] { place_body(shipped_body(), "a", turned); }).what_happened.find("stands along"),
            std::string::npos);
  // A file whose front is at -z, and the turn that the message names.
  const fs::path file = saved("back.glb", changed([](nlohmann::json& json) {
                                node_named(json, "pelvis")["rotation"] = {0, 1, 0, 0};
                              }));
  EXPECT_NE(mistake_of([&] { place_body(file, "a", kStart); }).hint.find("0,0,180"), std::string::npos);
  turned.file_rotate = "0,0,180";
  EXPECT_NO_THROW(place_body(file, "a", turned));

  // A mesh without key points: its feet tell.
  mesh::TriangleMesh plain = asset::read_mesh(shipped_body());
  asset::write_mesh_ply(folder_.path / "front.ply", plain);
  EXPECT_TRUE(place_body(folder_.path / "front.ply", "a", kStart).warnings.empty());
  for (mesh::Point& p : plain.positions) p = {-p.x, -p.y, p.z};
  asset::write_mesh_ply(folder_.path / "back.ply", plain);
  EXPECT_EQ(place_body(folder_.path / "back.ply", "a", kStart).warnings.size(), 1U);
}

TEST_F(Bodies, APoseNeedsARig) {
  asset::write_mesh_ply(folder_.path / "mesh.ply", asset::read_mesh(shipped_body()));
  const Body plain = read_body(folder_.path / "mesh.ply");
  EXPECT_FALSE(plain.has_rig());
  EXPECT_FALSE(plain.key_points);
  EXPECT_NE(mistake_of([&] { read_pose(plain, "t"); }).what_happened.find("skeleton"), std::string::npos);
  EXPECT_EQ(posed(plain, read_pose(plain, "a")).mesh.positions.size(), plain.mesh_positions.size());
}

TEST_F(Bodies, HostileFilesGetOneLine) {
  using json = nlohmann::json;
  const auto refused = [&](const std::function<void(json&)>& change) {
    return mistake_of([&] { read_body(saved("bad.glb", changed(change))); });
  };
  const auto attributes = [](json& j) -> json& { return j["meshes"][0]["primitives"][0]["attributes"]; };
  EXPECT_NO_THROW(read_body(saved("good.glb", changed([](json&) {}))));
  EXPECT_EQ(refused([](json& j) { node_named(j, "openpose_nose")["name"] = "openpose_snout"; }).key, "openpose_snout");
  EXPECT_EQ(refused([](json& j) { node_named(j, "openpose_nose")["name"] = "nose"; }).key, "openpose_nose");
  EXPECT_EQ(refused([&](json& j) { attributes(j).erase("JOINTS_0"); }).key, "attributes");
  EXPECT_EQ(refused([&](json& j) { attributes(j)["WEIGHTS_0"] = attributes(j)["POSITION"]; }).key, "accessors[0]");
  EXPECT_EQ(refused([](json& j) { j["skins"][0]["joints"][0] = 2; }).key, "skins.joints") << "twice";
  EXPECT_EQ(refused([](json& j) { j["skins"][0]["joints"].push_back(0); }).key, "skins.inverseBindMatrices");
  EXPECT_EQ(refused([](json& j) { j["skins"][0]["joints"].erase(19); }).key, "JOINTS_0") << "a vertex follows it";
  EXPECT_EQ(refused([](json& j) { j["scenes"][0]["nodes"] = {0}; }).key, "skins.joints") << "outside the scene";
  EXPECT_EQ(refused([](json& j) { j["nodes"][2]["children"].push_back(1); }).key, "nodes[1]") << "a circle";
  EXPECT_EQ(refused([](json& j) { j["accessors"][3]["count"] = 1e9; }).key, "accessors[3]");
  const std::string good = shipped_bytes();
  EXPECT_THROW(read_body(saved("bad.glb", good.substr(0, good.size() / 2))), UserError);
}

TEST_F(Bodies, ChangedBitsAreRefusedOrHarmless) {
  const std::string good = shipped_bytes();
  for (size_t place = 0; place < good.size(); place += 397) {
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ (1 << (place % 8)));
    try {
      const Body body = read_body(saved("bad.glb", bad));
      const PosedBody rest = posed(body, read_pose(body, "a"));
      EXPECT_FALSE(rest.mesh.triangles.empty());
      for (const mesh::Triangle& t : rest.mesh.triangles) {
        for (const uint32_t v : t) ASSERT_LT(v, rest.mesh.positions.size());
      }
    } catch (const UserError& error) {
      EXPECT_FALSE(std::string(error.what()).empty());
    }
  }
}

}  // namespace
}  // namespace lucid::avatar
