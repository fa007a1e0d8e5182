// SPDX-License-Identifier: Apache-2.0
// Test fixture: writes a furniture library with a cube whose six sides have different colours.
#pragma once

#include <gtest/gtest.h>
#include <zip.h>

#include <filesystem>
#include <map>
#include <string>

namespace lucid::corpus::test {

inline void write_zip(const std::filesystem::path& file, const std::map<std::string, std::string>& entries) {
  int code = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  ASSERT_NE(zip, nullptr);
  for (const auto& [name, bytes] : entries) {
    zip_source_t* source = zip_source_buffer(zip, bytes.data(), bytes.size(), 0);
    ASSERT_GE(zip_file_add(zip, name.c_str(), source, ZIP_FL_OVERWRITE), 0);
  }
  ASSERT_EQ(zip_close(zip), 0);
}

inline std::string catalogue_text(const std::string& more = "") {
  return "# a comment\nid=Test\nname=Test\nlicense=CC0 \\u00e9 \xA9\nprovider=Somebody\n\n"
         "name#1=Cube\ncategory#1=Shapes\nmodel#1=/test/cube/cube.obj\ncreator#1=A. Author\n" +
         more;
}

/// A cube in the coordinates of furniture libraries (y up, front +z). Front red, back blue, top white, bottom black;
/// seen from the front, right green and left yellow.
inline std::string cube_obj() {
  return "mtllib cube.mtl\n"
         "v -1 -1 1\nv 1 -1 1\nv 1 1 1\nv -1 1 1\nv -1 -1 -1\nv 1 -1 -1\nv 1 1 -1\nv -1 1 -1\n"
         "usemtl front\nf 1 2 3 4\nusemtl right\nf 2 6 7 3\nusemtl back\nf 6 5 8 7\n"
         "usemtl left\nf 5 1 4 8\nusemtl top\nf 4 3 7 8\nusemtl bottom\nf 5 6 2 1\n";
}

inline std::string cube_mtl() {
  return "newmtl front\nKd 0.8 0.1 0.1\nnewmtl right\nKd 0.1 0.6 0.1\nnewmtl back\nKd 0.1 0.2 0.8\n"
         "newmtl left\nKd 0.95 0.8 0.1\nnewmtl top\nKd 1 1 1\nnewmtl bottom\nKd 0 0 0\n";
}

inline std::map<std::string, std::string> cube_library() {
  return {{"PluginFurnitureCatalog.properties", catalogue_text()},
          {"test/cube/cube.obj", cube_obj()},
          {"test/cube/cube.mtl", cube_mtl()}};
}

}  // namespace lucid::corpus::test
