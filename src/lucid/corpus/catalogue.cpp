// SPDX-License-Identifier: Apache-2.0
// Reads the catalogue, a Java .properties file (Latin-1 with \uXXXX escapes), and formats the credits.
#include "lucid/corpus/catalogue.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "lucid/base/error.h"

namespace lucid::corpus {
namespace {

constexpr const char* kCatalogue = "PluginFurnitureCatalog.properties";

void append_utf8(std::string& text, unsigned code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// Latin-1 with backslash escapes -> UTF-8.
std::string decoded(const std::string& raw) {
  std::string text;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      append_utf8(text, static_cast<unsigned char>(raw[i]));
      continue;
    }
    const char escape = raw[++i];
    unsigned code = 0;
    if (escape == 'u' && i + 4 < raw.size() &&
        std::from_chars(raw.data() + i + 1, raw.data() + i + 5, code, 16).ptr == raw.data() + i + 5) {
      append_utf8(text, code);
      i += 4;
    } else {
      text += escape == 't' || escape == 'n' ? ' ' : escape;
    }
  }
  return text;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\f"), end = text.find_last_not_of(" \t\r\f");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

/// All key=value lines; a backslash at the end of a line continues it on the next.
std::map<std::string, std::string> read_properties(const std::string& bytes) {
  std::map<std::string, std::string> properties;
  std::istringstream in(bytes);
  for (std::string line, next; std::getline(in, line);) {
    line = trimmed(line);
    while (line.ends_with('\\') && std::getline(in, next)) line = line.substr(0, line.size() - 1) + trimmed(next);
    const size_t equals = line.find('=');
    if (line.empty() || line[0] == '#' || line[0] == '!' || equals == std::string::npos) continue;
    properties[trimmed(line.substr(0, equals))] = decoded(trimmed(line.substr(equals + 1)));
  }
  return properties;
}

}  // namespace

std::vector<CatalogueEntry> read_catalogue(const Archive& archive) {
  const std::map<std::string, std::string> properties = read_properties(archive.read(kCatalogue));
  const auto get = [&](const std::string& key) {
    const auto found = properties.find(key);
    return found == properties.end() ? std::string() : found->second;
  };
  const auto fail = [&](const std::string& key, const std::string& what) {
    return UserError({.what_happened = what,
                      .file = archive.file().string(),
                      .key = fmt::format("{}: {}", kCatalogue, key),
                      .hint = "the furniture library is damaged"});
  };
  std::vector<CatalogueEntry> entries;
  for (int number = 1; properties.contains(fmt::format("name#{}", number)); ++number) {
    const auto of = [&](const char* key) { return get(fmt::format("{}#{}", key, number)); };
    CatalogueEntry entry{.id = {},
                         .name = of("name"),
                         .category = of("category"),
                         .creator = of("creator"),
                         .license = of("license"),
                         .model = of("model")};
    while (entry.model.starts_with('/')) entry.model.erase(0, 1);
    if (entry.model.empty()) throw fail(fmt::format("model#{}", number), "is missing");
    const size_t slash = entry.model.rfind('/');
    entry.id = slash == std::string::npos ? entry.model : entry.model.substr(0, slash);
    if (entry.license.empty()) entry.license = get("license");
    if (entry.creator.empty()) entry.creator = get("provider");
    if (const std::string text = of("modelRotation"); !text.empty()) {
      std::istringstream in(text);
      for (double& value : entry.rotation) {
        if (!(in >> value) || !std::isfinite(value)) {
          throw fail(fmt::format("modelRotation#{}", number), "is not nine numbers");
        }
      }
    }
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) throw fail("name#1", "is missing: no models in it");
  return entries;
}

std::string notice_text(const std::vector<CatalogueEntry>& used) {
  std::map<std::string, std::map<std::string, std::set<std::string>>> credits;  // licence, creator, models
  for (const CatalogueEntry& entry : used) {
    credits[entry.license][entry.creator].insert(fmt::format("{} ({})", entry.name, entry.id));
  }
  std::string text =
      "# Models behind these pictures\n\n"
      "The pictures are renders, some of them recoloured, of 3D models from the furniture libraries of Sweet Home 3D\n"
      "(https://www.sweethome3d.com; converted and packed by Emmanuel Puybaret / eTeks).\n";
  for (const auto& [license, creators] : credits) {
    text += fmt::format("\n## {}\n\n", license);
    for (const auto& [creator, models] : creators)
      text += fmt::format("- **{}**: {}\n", creator, fmt::join(models, ", "));
  }
  return text;
}

}  // namespace lucid::corpus
