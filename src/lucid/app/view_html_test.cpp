// SPDX-License-Identifier: Apache-2.0
// The HTML viewer's file: what is inside is read back by other code than the one that wrote it.
#include "lucid/app/view_html.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/app/run_options/web_folder.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/test_meshes.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "mistakes.h"

#include <zlib.h>

namespace lucid::app {
namespace {

const std::string kTemplate =
    "<title>@@TITLE@@</title><script id=\"scene\">@@SCENE@@</script><script id=\"data\">@@DATA@@</script>end";

/// What stands between two texts that occur once.
std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const size_t begin = text.find(before);
  if (begin == std::string::npos) ADD_FAILURE() << before << " is missing";
  const size_t from = begin + before.size();
  return text.substr(from, text.find(after, from) - from);
}
std::string title_in(const std::string& html) { return between(html, "<title>", "</title>"); }
nlohmann::json scene_in(const std::string& html) {
  return nlohmann::json::parse(between(html, "<script id=\"scene\">", "</script>"));
}

std::string data_in(const std::string& html) {
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string text = between(html, "<script id=\"data\">", "</script>");
  EXPECT_EQ(text.size() % 4, 0u);
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(letters.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 255);
  }
  return bytes;
}

TEST(ViewHtml, HoldsTheGaussiansInLucidsAxes) {
  const test::TemporaryFolder folder;
  for (const int degree : {0, 3}) {
    const gaussians::Cloud cloud = asset::test::random_cloud(101, degree);
    const std::string html = view_html("t.html", kTemplate, view_scene("a.ply", cloud, "a cloud"));
    EXPECT_EQ(scene_in(html), (nlohmann::json{{"title", "a cloud"}, {"kind", "spz"}, {"gzip", false}}));
    write_file(folder.path / "back.spz", data_in(html));
    const gaussians::Cloud back = asset::read_splats(folder.path / "back.spz", asset::Axes::kLucid);
    ASSERT_EQ(back.count(), 101);
    EXPECT_EQ(back.sh_degree(), degree);
    EXPECT_LT((back.means - cloud.means).abs().max().item<float>(), 1e-4);
    EXPECT_LT((back.log_scales - cloud.log_scales).abs().max().item<float>(), 1.01 / 32);
  }
}

TEST(ViewHtml, HoldsTheMeshInTheUnitsOfItsFile) {
  const test::TemporaryFolder folder;
  const mesh::TriangleMesh box = asset::test::marked_box();
  const std::string html = view_html("t.html", kTemplate, view_scene("a.obj", box, "a box"));
  EXPECT_EQ(scene_in(html), (nlohmann::json{{"title", "a box"}, {"kind", "glb"}, {"gzip", true}}));
  const std::string packed = data_in(html);
  write_file(folder.path / "back.gz", packed);
  const gzFile in = gzopen((folder.path / "back.gz").c_str(), "rb");
  std::string bytes(size_t{1} << 20, '\0');
  const int count = gzread(in, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(in);
  ASSERT_GT(count, 0);
  write_file(folder.path / "back.glb", bytes.substr(0, static_cast<size_t>(count)));
  const mesh::TriangleMesh back = asset::read_mesh(folder.path / "back.glb");
  ASSERT_EQ(back.positions.size(), box.positions.size());
  EXPECT_EQ(back.triangles.size(), box.triangles.size());
  for (size_t i = 0; i < box.positions.size(); ++i) {
    EXPECT_NEAR(back.positions[i].x, box.positions[i].x, 1e-6);
    EXPECT_NEAR(back.positions[i].z, box.positions[i].z, 1e-6);
  }
}

TEST(ViewHtml, NoTitleEndsItsElement) {
  const ViewScene plain{.title = "", .kind = "spz", .data = "x"};
  for (const std::string title : {"</script><script>alert(1)</script>", "<!-- \"a\" & 'b'", "@@DATA@@ @@SCENE@@",
                                  "</title><b>", "Käse \xe2\x80\xa8"}) {
    ViewScene scene = plain;
    scene.title = title;
    const std::string html = view_html("t.html", kTemplate, scene);
    EXPECT_EQ(scene_in(html).at("title"), title);
    const std::string shown = title_in(html);
    EXPECT_EQ(shown.find('<'), std::string::npos) << shown;
    EXPECT_EQ(data_in(html), "x");
    EXPECT_TRUE(html.ends_with("</script>end")) << html;
  }
  ViewScene broken = plain;
  broken.title = "caf\xe9";  // Latin-1
  EXPECT_EQ(scene_in(view_html("t.html", kTemplate, broken)).at("title"), "caf\xef\xbf\xbd");
}

TEST(ViewHtml, EveryLengthOfDataIsWhole) {
  for (size_t length = 0; length < 9; ++length) {
    std::string data;
    for (size_t i = 0; i < length; ++i) data += static_cast<char>(251 - 37 * i);
    EXPECT_EQ(data_in(view_html("t.html", kTemplate, {.title = "", .kind = "spz", .data = data})), data);
  }
}

TEST(ViewHtml, ATemplateOfAnotherVersionIsRefused) {
  const ViewScene scene{.title = "", .kind = "spz", .data = "x"};
  for (const char* text : {"", "@@TITLE@@ @@SCENE@@", "@@TITLE@@ @@SCENE@@ @@DATA@@ @@DATA@@", "@@DATA@@ @@TITLE@@"}) {
    const UserMistake mistake = test::mistake_of([&] { view_html("web/view.html", text, scene); });
    EXPECT_EQ(mistake.file, "web/view.html") << text;
    EXPECT_NE(mistake.hint.find("make web"), std::string::npos);
  }
}

TEST(ViewHtml, AMissingTemplateNamesTheCommandThatMakesIt) {
  const test::TemporaryFolder folder;
  const char* before = std::getenv("LUCID_DATA");
  const std::string kept = before != nullptr ? before : "";
  setenv("LUCID_DATA", folder.path.c_str(), 1);
  const UserMistake mistake =
      test::mistake_of([&] { write_view_html(folder.path / "out.html", {.title = "", .kind = "spz", .data = "x"}); });
  write_file(folder.path / "web/manifest.json", "{}");
  write_file(folder.path / "web/view.html", kTemplate);
  write_view_html(folder.path / "out.html", {.title = "t", .kind = "spz", .data = "x"});
  if (before != nullptr) {
    setenv("LUCID_DATA", kept.c_str(), 1);
  } else {
    unsetenv("LUCID_DATA");
  }
  EXPECT_NE(mistake.hint.find("make web"), std::string::npos);
  EXPECT_EQ(title_in(read_file(folder.path / "out.html")), "t");
}

}  // namespace
}  // namespace lucid::app
