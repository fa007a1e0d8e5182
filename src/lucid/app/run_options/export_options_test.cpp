// SPDX-License-Identifier: Apache-2.0
// Output files and formats as users type them.
#include "lucid/app/run_options/export_options.h"

#include <gtest/gtest.h>

#include <functional>

#include <set>

#include "lucid/base/error.h"

namespace lucid::app {
namespace {
using asset::Format;

std::string mistake_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const UserError& error) {
    return one_line(error.mistake());
  }
  return "no mistake";
}

TEST(ExportOptions, TheExtensionOrANameInFrontChoosesTheFormat) {
  EXPECT_EQ(parse_target("a/chair.glb").format, Format::kGlb);
  EXPECT_EQ(parse_target("chair.PLY").format, Format::kMeshPly);
  EXPECT_EQ(parse_target("splat-ply:chair.ply").format, Format::kSplatPly);
  EXPECT_EQ(parse_target("splat-ply:chair.ply").file, "chair.ply");
  EXPECT_EQ(parse_target("spz:any").file, "any");
  EXPECT_EQ(parse_target("./a:b/chair.spz").file, "./a:b/chair.spz");
}

TEST(ExportOptions, EveryFormatCanBeNamed) {
  std::set<std::string_view> names;
  for (const asset::FormatRow& row : asset::kFormats) {
    const std::string file = fmt::format("x{}", row.extension);
    const ExportTarget target = parse_target(fmt::format("{}:{}", row.name, file));
    EXPECT_EQ(target.format, row.format);
    EXPECT_EQ(&row_of(row.format), &row);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(row_of(parse_target(file).format).extension, row.extension);
  }
}

TEST(ExportOptions, ListsOfFormats) {
  EXPECT_EQ(parse_format_names("glb, spz,glb", "export"), (std::vector<Format>{Format::kGlb, Format::kSpz}));
  EXPECT_TRUE(parse_format_names("", "export").empty());
  EXPECT_NE(mistake_of([] { parse_format_names("glb,", "export"); }), "no mistake");
}

TEST(ExportOptions, FilesInAFolderHaveNamesOfTheirOwn) {
  std::vector<Format> all;
  for (const asset::FormatRow& row : asset::kFormats) all.push_back(row.format);
  std::set<std::string> files;
  for (const ExportTarget& target : targets_in("out", "chair", all)) {
    EXPECT_TRUE(files.insert(target.file.string()).second) << target.file;
    EXPECT_EQ(target.file.extension(), row_of(target.format).extension);
  }
  EXPECT_EQ(targets_in("out", "chair", {Format::kGlb})[0].file, "out/chair.glb");
  EXPECT_EQ(targets_in("out", "chair", {Format::kSplatGlb})[0].file, "out/chair_splats.glb");
}

TEST(ExportOptions, MistakesNameTheFormatsThatThereAre) {
  EXPECT_NE(mistake_of([] { parse_target("chair.fbx"); }).find("splat-glb"), std::string::npos);
  EXPECT_NE(mistake_of([] { parse_target("chair"); }).find("extension"), std::string::npos);
  EXPECT_NE(mistake_of([] { parse_target("slpat:chair.ply"); }).find("did you mean splat"), std::string::npos);
  EXPECT_NE(mistake_of([] { parse_target("glb:"); }).find("no file"), std::string::npos);
  EXPECT_NE(mistake_of([] { check_export({.faces = 3}); }).find("--faces"), std::string::npos);
  EXPECT_NE(mistake_of([] { check_export({.box = {0, 0, 0, 1, -1, 1}}); }).find("low y 0"), std::string::npos);
  EXPECT_EQ(mistake_of([] { check_export({.box = {0, 0, 0, 1, 1, 1}}); }), "no mistake");
}

}  // namespace
}  // namespace lucid::app
