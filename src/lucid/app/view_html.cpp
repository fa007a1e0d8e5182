// SPDX-License-Identifier: Apache-2.0
// Fills the template of the HTML viewer: the asset as base64, title and kind escaped for where they stand.
#include "lucid/app/view_html.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "lucid/app/run_options/web_folder.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/spz.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/html.h"
#include "lucid/json/utf8.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;  // an int counts base64's letters, and browsers give up earlier

std::string gzip_of(const std::string& bytes) {
  constexpr int kGzip = 15 + 16, kMemory = 9;
  z_stream stream{};
  LUCID_CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) == Z_OK,
              "zlib");
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib does not write to it
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  LUCID_CHECK(code == Z_STREAM_END, "zlib {}", code);
  return out;
}

std::string base64_of(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a zero
  const int letters =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(letters));
  return text;
}

/// JSON text for a script element: no "<", so that no title can end the element. Bytes that are not UTF-8 become
/// U+FFFD.
std::string script_json(const nlohmann::json& value) {
  std::string text;
  for (const char c : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

ViewScene view_scene(const fs::path& file, const gaussians::Cloud& cloud, const std::string& title) {
  const torch::NoGradGuard no_grad;
  return {.title = title, .kind = "spz", .gzip = false, .data = asset::spz::encode(file, asset::on_cpu(cloud), {})};
}

ViewScene view_scene(const fs::path& file, const mesh::TriangleMesh& mesh, const std::string& title) {
  const asset::MeshFileOptions options{.size = 0, .title = valid_utf8(title)};  // in the units of the file
  return {.title = title, .kind = "glb", .gzip = true, .data = gzip_of(asset::glb_bytes(file, mesh, options))};
}

std::string view_html(const fs::path& file, const std::string& text, const ViewScene& scene) {
  if (scene.data.size() > kMostBytes) throw UserError("the asset is too large for an HTML file");
  const std::string title = valid_utf8(scene.title);
  const std::array<std::pair<std::string_view, std::string>, 3> values = {
      {{"@@TITLE@@", html_escaped(title)},
       {"@@SCENE@@", script_json({{"title", title}, {"kind", scene.kind}, {"gzip", scene.gzip}})},
       {"@@DATA@@", base64_of(scene.data)}}};
  std::string html;
  size_t done = 0;  // of the template; what is filled in is not searched
  for (const auto& [marker, value] : values) {
    const size_t at = text.find(marker, done);
    if (at == std::string::npos || text.find(marker, at + 1) != std::string::npos) {
      throw UserError({.what_happened = fmt::format("must have {} once", marker),
                       .file = file.string(),
                       .hint = "it is not from this version of lucid; run `make web` again"});
    }
    html.append(text, done, at - done).append(value);
    done = at + marker.size();
  }
  return html.append(text, done);
}

void write_view_html(const fs::path& output, const ViewScene& scene) {
  const fs::path file = web_file("view.html");
  write_file(output, view_html(file, read_file(file), scene));
}

}  // namespace lucid::app
