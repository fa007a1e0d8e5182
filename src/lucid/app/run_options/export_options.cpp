// SPDX-License-Identifier: Apache-2.0
// Parsing of output files and formats.
#include "lucid/app/run_options/export_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/spelling.h"
#include "lucid/config/check_range.h"

namespace lucid::app {
namespace {

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const asset::FormatRow& row : asset::kFormats) names.emplace_back(row.name);
  return names;
}

const asset::FormatRow* find_name(const std::string& name) {
  const auto* found = std::ranges::find(asset::kFormats, name, &asset::FormatRow::name);
  return found == asset::kFormats.end() ? nullptr : found;
}

[[noreturn]] void refuse_name(const std::string& name, const std::string& key) {
  const std::vector<std::string> near = near_words(name, format_names());
  throw UserError({.what_happened = fmt::format("no format is called '{}'", name),
                   .key = key,
                   .hint = near.empty() ? fmt::format("one of {}", fmt::join(format_names(), ", "))
                                        : fmt::format("did you mean {}?", fmt::join(near, " or "))});
}

}  // namespace

const asset::FormatRow& row_of(asset::Format format) {
  const auto* found = std::ranges::find(asset::kFormats, format, &asset::FormatRow::format);
  LUCID_CHECK(found != asset::kFormats.end(), "format {} has no row", static_cast<int>(format));
  return *found;
}

ExportTarget parse_target(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon != std::string::npos && text.find('/') > colon) {  // a colon in a folder's name is none of ours
    const asset::FormatRow* row = find_name(text.substr(0, colon));
    if (row == nullptr) refuse_name(text.substr(0, colon), text);
    if (colon + 1 == text.size()) throw UserError({.what_happened = "names no file after the colon", .key = text});
    return {row->format, text.substr(colon + 1)};
  }
  const std::string extension = asset::lower_extension(text);
  const auto* found = std::ranges::find(asset::kFormats, extension, &asset::FormatRow::extension);
  if (found != asset::kFormats.end()) return {found->format, text};
  throw UserError({.what_happened = extension.empty() ? "has no extension that names a format"
                                                      : fmt::format("'{}' is no extension of a format", extension),
                   .file = text,
                   .hint = fmt::format("NAME:FILE chooses one of {}", fmt::join(format_names(), ", "))});
}

std::vector<asset::Format> parse_format_names(const std::string& text, const std::string& key) {
  std::vector<asset::Format> formats;
  for (size_t begin = 0; begin <= text.size() && !text.empty();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    std::erase_if(name, [](unsigned char c) { return std::isspace(c) != 0; });
    const asset::FormatRow* row = find_name(name);
    if (row == nullptr) refuse_name(name, key);
    if (std::ranges::find(formats, row->format) == formats.end()) formats.push_back(row->format);
    begin = end + 1;
  }
  return formats;
}

std::vector<ExportTarget> targets_in(const std::filesystem::path& folder, const std::string& name,
                                     const std::vector<asset::Format>& formats) {
  std::vector<ExportTarget> targets;
  for (const asset::Format format : formats) {
    const asset::FormatRow& row = row_of(format);
    const bool first = &row == std::ranges::find(asset::kFormats, row.extension, &asset::FormatRow::extension);
    const char* what = first ? "" : row.holds == asset::Holds::kPoints ? "_points" : "_splats";
    targets.push_back({format, folder / fmt::format("{}{}{}", name, what, row.extension)});
  }
  return targets;
}

void check_export(const ExportOptions& options) {
  using config::check_range;
  check_range("--faces", static_cast<double>(options.faces), 100, 1e7);
  check_range("--texture-size", options.texture_size, 64, 8192);
  if (options.resolution != 0) check_range("--resolution", options.resolution, 16, 512);
  if (options.size != 0) check_range("--size", options.size, 1e-4, 1e4);
  check_range("--spz-version", options.spz_version, 3, 4);
  if (options.box.empty()) return;
  for (size_t axis = 0; axis < 3; ++axis) {
    if (!(options.box[axis] < options.box[axis + 3])) {  // also NaN
      throw UserError({.what_happened = fmt::format("the low {0} {1:g} is not below the high {0} {2:g}", "xyz"[axis],
                                                    options.box[axis], options.box[axis + 3]),
                       .key = "--box"});
    }
  }
}

}  // namespace lucid::app
