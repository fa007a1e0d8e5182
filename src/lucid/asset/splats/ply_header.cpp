// SPDX-License-Identifier: Apache-2.0
// Parser of PLY headers, line by line. An unknown word is an error.
#include "lucid/asset/splats/ply_header.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "lucid/base/error.h"

namespace lucid::asset::ply {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxHeader = size_t{1} << 20;  // bytes
constexpr size_t kMaxProperties = 4096;         // in all elements together

struct TypeName {
  std::string_view name;
  Scalar type;
};
constexpr TypeName kTypes[] = {
    {"char", Scalar::kInt8},      {"int8", Scalar::kInt8},       {"uchar", Scalar::kUint8},
    {"uint8", Scalar::kUint8},    {"short", Scalar::kInt16},     {"int16", Scalar::kInt16},
    {"ushort", Scalar::kUint16},  {"uint16", Scalar::kUint16},   {"int", Scalar::kInt32},
    {"int32", Scalar::kInt32},    {"uint", Scalar::kUint32},     {"uint32", Scalar::kUint32},
    {"float", Scalar::kFloat32},  {"float32", Scalar::kFloat32}, {"double", Scalar::kFloat64},
    {"float64", Scalar::kFloat64}};

class Parser {
 public:
  Parser(const fs::path& file, std::string_view bytes) : file_(file), bytes_(bytes.substr(0, kMaxHeader)) {}

  Header parse() {
    if (next_line() != "ply") fail("is not a PLY file: it does not begin with \"ply\"");
    while (true) {
      words_ = split(next_line());
      const std::string_view first = words_.empty() ? "comment" : words_[0];
      if (first == "end_header") break;
      if (first == "comment" || first == "obj_info") {
        parse_comment();
        continue;
      }
      if (first == "format") {
        parse_format();
      } else if (first == "element") {
        parse_element();
      } else if (first == "property") {
        parse_property();
      } else {
        fail(fmt::format("\"{}\" is not a keyword of a PLY header", shown(first)));
      }
    }
    if (!has_format_) fail("the header has no \"format\" line");
    header_.body = at_;
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError({.what_happened = what, .file = file_.string(), .line = line_, .hint = "is it a Gaussian PLY?"});
  }

  std::string_view next_line() {
    ++line_;
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail(line_ == 1 ? "is not a PLY file" : "the header has no \"end_header\" line");
    std::string_view line = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }

  void parse_comment() {
    if (words_.size() != 3) return;
    if (words_[1] == "SplatRenderMode:") header_.mip_filter = words_[2] == "mip";
    if (words_[1] == "antialiased") header_.mip_filter = words_[2] == "1";
  }

  static std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> words;
    while (true) {
      const size_t start = line.find_first_not_of(" \t");
      if (start == std::string_view::npos) return words;
      const size_t end = std::min(line.find_first_of(" \t", start), line.size());
      words.push_back(line.substr(start, end - start));
      line.remove_prefix(end);
    }
  }

  void parse_format() {
    if (has_format_ || words_.size() != 3 || words_[2] != "1.0") fail("expected one line \"format NAME 1.0\"");
    has_format_ = true;
    if (words_[1] == "ascii") {
      header_.format = Format::kAscii;
    } else if (words_[1] == "binary_little_endian") {
      header_.format = Format::kLittleEndian;
    } else if (words_[1] == "binary_big_endian") {
      header_.format = Format::kBigEndian;
    } else {
      fail(fmt::format("unknown format \"{}\"", shown(words_[1])));
    }
  }

  void parse_element() {
    if (words_.size() != 3) fail("expected \"element NAME COUNT\"");
    Element element;
    element.name = std::string(words_[1]);
    const std::string_view text = words_[2];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), element.count);
    if (error != std::errc() || end != text.data() + text.size()) {
      fail(fmt::format("\"{}\" is not a valid count of an element", shown(text)));
    }
    for (const Element& other : header_.elements) {
      if (other.name == element.name) fail(fmt::format("two elements \"{}\"", shown(element.name)));
    }
    header_.elements.push_back(std::move(element));
    if (header_.elements.size() > kMaxProperties) fail("too many elements");
  }

  Scalar type(std::string_view word) const {
    const auto* found =
        std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return t.name == word; });
    if (found == std::end(kTypes)) fail(fmt::format("unknown type \"{}\"", shown(word)));
    return found->type;
  }

  void parse_property() {
    if (header_.elements.empty()) fail("a property before any element");
    if (++properties_ > kMaxProperties) fail(fmt::format("more than {} properties", kMaxProperties));
    Property property;
    property.is_list = words_.size() == 5 && words_[1] == "list";
    if (property.is_list) {
      property.count_type = type(words_[2]);
      if (property.count_type == Scalar::kFloat32 || property.count_type == Scalar::kFloat64) {
        fail("the count of a list must be an integer");
      }
    } else if (words_.size() != 3) {
      fail("expected \"property TYPE NAME\" or \"property list TYPE TYPE NAME\"");
    }
    property.type = type(words_[words_.size() - 2]);
    property.name = std::string(words_.back());
    auto& properties = header_.elements.back().properties;
    for (const Property& other : properties) {
      if (other.name == property.name) fail(fmt::format("two properties \"{}\"", shown(property.name)));
    }
    properties.push_back(std::move(property));
  }

  const fs::path& file_;
  std::string_view bytes_;
  size_t at_ = 0;
  int line_ = 0;
  std::vector<std::string_view> words_;
  bool has_format_ = false;
  size_t properties_ = 0;
  Header header_;
};

}  // namespace

size_t size_of(Scalar type) {
  switch (type) {
    case Scalar::kInt8:
    case Scalar::kUint8:
      return 1;
    case Scalar::kInt16:
    case Scalar::kUint16:
      return 2;
    case Scalar::kInt32:
    case Scalar::kUint32:
    case Scalar::kFloat32:
      return 4;
    case Scalar::kFloat64:
      return 8;
  }
  LUCID_CHECK(false, "type {}", static_cast<int>(type));
  return 0;
}

bool Element::has_list() const {
  return std::any_of(properties.begin(), properties.end(), [](const Property& p) { return p.is_list; });
}

uint64_t Element::least_row_bytes(bool ascii) const {
  uint64_t bytes = 0;
  for (const Property& p : properties) bytes += ascii ? 2 : size_of(p.is_list ? p.count_type : p.type);
  return bytes;
}

Header parse_header(const fs::path& file, std::string_view bytes) { return Parser(file, bytes).parse(); }

std::string shown(std::string_view name) {
  constexpr size_t kShown = 60;
  return name.size() <= kShown ? std::string(name) : fmt::format("{}...", name.substr(0, kShown));
}

}  // namespace lucid::asset::ply
