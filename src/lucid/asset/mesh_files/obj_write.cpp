// SPDX-License-Identifier: Apache-2.0
// Writer of OBJ files with their MTL and PNG.
#include <array>
#include <iterator>

#include "lucid/asset/mesh_files/frame.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/pictures/png_bytes.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace mesh_files {
namespace {

/// A file name that every reader of OBJ and MTL finds: spaces separate words there, "#" begins a comment, and "-" at
/// the front an option. Bytes of UTF-8 stay.
std::string plain_name(std::string name) {
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       c == '-' || c == '.' || byte >= 0x80;
    if (!plain) c = '_';
  }
  if (name.starts_with('-')) name.front() = '_';
  return name;
}

std::string material_text(const std::string& picture) {
  // Kd multiplies the picture; Ks 0 and illum 1: no highlights.
  return fmt::format("# lucid\nnewmtl colours\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nd 1\nillum 1\nmap_Kd {}\n", picture);
}

std::string obj_text(const mesh::TriangleMesh& mesh, const MeshFileOptions& options, const std::string& material_file) {
  const double scale = scale_to(mesh, options.size);
  const bool textured = mesh.texture.width > 0;
  std::string text = "# lucid: y up, front +z\n";
  const std::string title = one_line_title(options.title);
  if (!title.empty()) text += "# " + title + "\n";
  if (textured) text += "mtllib " + material_file + "\n";
  text += "o mesh\n";
  const auto out = std::back_inserter(text);
  for (size_t v = 0; v < mesh.positions.size(); ++v) {
    const mesh::Point p = scaled(gltf_from_lucid(mesh.positions[v]), scale);
    fmt::format_to(out, "v {} {} {}", p.x, p.y, p.z);  // the shortest text that reads back as the same float
    if (!textured && !mesh.colours.empty()) {
      const mesh::Colour& c = mesh.colours[v];
      fmt::format_to(out, " {:.4f} {:.4f} {:.4f}", c[0] / 255.0, c[1] / 255.0, c[2] / 255.0);
    }
    text += '\n';
  }
  if (textured) {
    for (const Vec2<float>& uv : mesh.uvs) fmt::format_to(out, "vt {} {}\n", uv.x, 1 - double{uv.y});  // v goes up
  }
  for (const mesh::Point& n : mesh.normals) {
    const mesh::Point turned = gltf_from_lucid(n);
    fmt::format_to(out, "vn {} {} {}\n", turned.x, turned.y, turned.z);
  }
  if (textured) text += "usemtl colours\n";
  for (const mesh::Triangle& t : mesh.triangles) {
    text += 'f';
    for (const uint32_t v : t) {
      const uint64_t number = uint64_t{v} + 1;
      if (textured && !mesh.normals.empty()) {
        fmt::format_to(out, " {0}/{0}/{0}", number);
      } else if (textured) {
        fmt::format_to(out, " {0}/{0}", number);
      } else if (!mesh.normals.empty()) {
        fmt::format_to(out, " {0}//{0}", number);
      } else {
        fmt::format_to(out, " {}", number);
      }
    }
    text += '\n';
  }
  return text;
}

}  // namespace
}  // namespace mesh_files

void write_obj(const std::filesystem::path& file, const mesh::TriangleMesh& mesh, const MeshFileOptions& options) {
  mesh_files::check_mesh(mesh);
  const std::string name = mesh_files::plain_name(file.stem().string());
  const std::string material_file = name + ".mtl", picture = name + "_texture.png";
  const mesh::Texture& texture = mesh.texture;
  // The OBJ comes last: when it is there, so is what it names.
  if (texture.width > 0) {
    write_file(file.parent_path() / picture,
               encode_png(texture.pixels.front().data(), texture.width, texture.height, 3));
    write_file(file.parent_path() / material_file, mesh_files::material_text(picture));
  }
  write_file(file, mesh_files::obj_text(mesh, options, material_file));
}

}  // namespace lucid::asset
