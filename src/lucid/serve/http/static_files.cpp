// SPDX-License-Identifier: Apache-2.0
// The index of the page's files, and the choice of a compressed form.
#include "lucid/serve/http/static_files.h"

#include <algorithm>
#include <sstream>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::serve::http {
namespace {
namespace fs = std::filesystem;

constexpr size_t kMostBytes = 64 << 20;

/// Nothing for files that are not part of a page.
const char* content_type_of(const std::string& extension) {
  static const std::map<std::string, const char*> kTypes = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".webp", "image/webp"},
      {".jpg", "image/jpeg"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".wasm", "application/wasm"},
      {".txt", "text/plain; charset=utf-8"},
      {".ply", "application/octet-stream"},
      {".spz", "application/octet-stream"},
      {".splat", "application/octet-stream"},
      {".glb", "model/gltf-binary"},
  };
  const auto at = kTypes.find(extension);
  return at == kTypes.end() ? nullptr : at->second;
}

/// NAME-1A2B3C4D.EXTENSION
bool has_hash(const std::string& path) {
  constexpr size_t kDigits = 8;
  const size_t dash = path.rfind('-');
  if (dash == std::string::npos || path.find('.', dash) != dash + 1 + kDigits) return false;
  return std::all_of(path.begin() + static_cast<std::ptrdiff_t>(dash) + 1,
                     path.begin() + static_cast<std::ptrdiff_t>(dash + 1 + kDigits),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

}  // namespace

bool accepts(const std::string& accept_encoding, const std::string& coding) {
  std::istringstream items(accept_encoding);
  for (std::string item; std::getline(items, item, ',');) {
    std::erase_if(item, [](char c) { return c == ' ' || c == '\t'; });
    const size_t end = std::min(item.find(';'), item.size());
    if (item.compare(0, end, coding) != 0) continue;
    const std::string quality = item.substr(end);  // "" or ";q=0.5"
    return !quality.starts_with(";q=0") || quality.find_first_not_of("0.", 3) != std::string::npos;
  }
  return false;
}

StaticFiles::StaticFiles(const fs::path& folder) {
  if (folder.empty() || !fs::is_directory(folder)) return;
  size_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_symlink() || !entry.is_regular_file()) continue;
    const fs::path relative = fs::relative(entry.path(), folder);
    if (std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part.string()[0] == '.'; })) {
      continue;
    }
    const std::string extension = relative.extension().string();
    const std::string coding = extension == ".br" ? "br" : extension == ".gz" ? "gzip" : "";
    const fs::path plain = coding.empty() ? relative : fs::path(relative).replace_extension();
    const char* type = content_type_of(plain.extension().string());
    if (type == nullptr) continue;
    auto content = std::make_shared<const std::string>(read_file(entry.path(), kMostBytes));
    bytes += content->size();
    if (bytes > kMostBytes) {
      throw UserError({.what_happened = "the page's folder holds more than 64 MB",
                       .file = folder.string(),
                       .hint = "name the folder that `make web` wrote"});
    }
    const std::string path = (fs::path("/") / plain).generic_string();
    File& file = files_[path];
    file.content_type = type;
    file.cache_control = has_hash(path) ? "public, max-age=31536000, immutable" : "no-cache";
    file.forms[coding] = std::move(content);
  }
}

std::optional<Response> StaticFiles::find(const std::string& path, const std::string& accept_encoding) const {
  const auto at = files_.find(path == "/" ? "/index.html" : path);
  if (at == files_.end()) return std::nullopt;
  const File& file = at->second;
  Response response{.content_type = file.content_type,
                    .headers = {{"Cache-Control", file.cache_control}, {"Vary", "Accept-Encoding"}}};
  for (const char* coding : {"br", "gzip"}) {
    const auto form = file.forms.find(coding);
    if (form == file.forms.end() || !accepts(accept_encoding, coding)) continue;
    response.shared_body = form->second;
    response.headers.emplace_back("Content-Encoding", coding);
    return response;
  }
  const auto plain = file.forms.find("");
  if (plain == file.forms.end()) return std::nullopt;
  response.shared_body = plain->second;
  return response;
}

}  // namespace lucid::serve::http
