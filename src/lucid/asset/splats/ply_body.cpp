// SPDX-License-Identifier: Apache-2.0
// Reader of PLY rows. Every length is checked before it is used.
#include "lucid/asset/splats/ply_body.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "lucid/base/error.h"

namespace lucid::asset::ply {
namespace {

template <class T>
double load(const char* from, bool swap) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, from, sizeof(T));
  if (swap) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

constexpr std::string_view kBlank = " \t\r";

std::string_view next_word(std::string_view& line) {
  const size_t start = std::min(line.find_first_not_of(kBlank), line.size());
  const size_t end = std::min(line.find_first_of(kBlank, start), line.size());
  const std::string_view word = line.substr(start, end - start);
  line.remove_prefix(end);
  return word;
}

std::optional<double> number(std::string_view word) {
  if (!word.empty() && word[0] == '+') word.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

void Body::fail(const Element& element, int64_t row, const std::string& what, const std::string& key) const {
  throw UserError({.what_happened = fmt::format("row {} (from 0) of element \"{}\" {}", row, shown(element.name), what),
                   .file = file_.string(),
                   .key = shown(key),
                   .hint = "the file is damaged or cut short"});
}

void Body::require_room(const Element& element) const {
  const uint64_t row = element.least_row_bytes(format_ == Format::kAscii);
  // + 1, because the last line of an ASCII file needs no line feed. A division, because the product may overflow.
  const uint64_t room = left() + (format_ == Format::kAscii ? 1 : 0);
  if (row == 0 || element.count <= room / row) return;
  throw UserError({.what_happened = fmt::format("claims {} rows of element \"{}\", of at least {} bytes each, but only "
                                                "{} bytes are left",
                                                element.count, shown(element.name), row, left()),
                   .file = file_.string(),
                   .hint = "the file is damaged or cut short"});
}

void Body::skip(const Element& element) {
  if (element.properties.empty()) return;
  if (format_ != Format::kAscii && !element.has_list()) {
    at_ += element.count * element.least_row_bytes(false);  // require_room() has checked that this fits
    return;
  }
  for (uint64_t row = 0; row < element.count; ++row) {
    if (format_ == Format::kAscii) {
      read_ascii_row(element, static_cast<int64_t>(row), nullptr, nullptr);
    } else {
      read_binary_row(element, static_cast<int64_t>(row), nullptr, nullptr);
    }
  }
}

void Body::read(const Element& element, const Sink& sink, const Sink& items) {
  require_room(element);
  for (int64_t row = 0; row < static_cast<int64_t>(element.count); ++row) {
    if (format_ == Format::kAscii) {
      read_ascii_row(element, row, sink, items);
    } else {
      read_binary_row(element, row, sink, items);
    }
  }
}

double Body::take(Scalar type) {
  const char* from = bytes_.data() + at_;
  at_ += size_of(type);
  const bool swap = format_ == Format::kBigEndian;
  switch (type) {
    case Scalar::kInt8:
      return load<int8_t>(from, swap);
    case Scalar::kUint8:
      return load<uint8_t>(from, swap);
    case Scalar::kInt16:
      return load<int16_t>(from, swap);
    case Scalar::kUint16:
      return load<uint16_t>(from, swap);
    case Scalar::kInt32:
      return load<int32_t>(from, swap);
    case Scalar::kUint32:
      return load<uint32_t>(from, swap);
    case Scalar::kFloat32:
      return load<float>(from, swap);
    case Scalar::kFloat64:
      return load<double>(from, swap);
  }
  LUCID_CHECK(false, "type {}", static_cast<int>(type));
  return 0;
}

void Body::read_binary_row(const Element& element, int64_t row, const Sink& sink, const Sink& items) {
  for (size_t i = 0; i < element.properties.size(); ++i) {
    const Property& property = element.properties[i];
    if (left() < size_of(property.is_list ? property.count_type : property.type)) {
      fail(element, row, "is cut short", property.name);
    }
    if (!property.is_list) {
      const double value = take(property.type);
      if (sink) sink(row, i, value);
      continue;
    }
    const double count = take(property.count_type);  // an integer of at most 32 bits, exact in double
    if (count < 0 || count * static_cast<double>(size_of(property.type)) > static_cast<double>(left())) {
      fail(element, row, fmt::format("has a list of {} items, which the file cannot hold", count), property.name);
    }
    if (!items) {
      at_ += static_cast<size_t>(count) * size_of(property.type);
      continue;
    }
    for (int64_t item = 0; item < static_cast<int64_t>(count); ++item) items(row, i, take(property.type));
  }
}

void Body::read_ascii_row(const Element& element, int64_t row, const Sink& sink, const Sink& items) {
  std::string_view line;
  while (line.find_first_not_of(kBlank) == std::string_view::npos) {  // skip blank lines
    if (left() == 0) fail(element, row, "is missing");
    const size_t end = std::min(bytes_.find('\n', at_), bytes_.size());
    line = bytes_.substr(at_, end - at_);
    at_ = std::min(end + 1, bytes_.size());
  }
  const auto value_of = [&](const Property& property) {
    const std::string_view word = next_word(line);
    if (word.empty()) fail(element, row, "is cut short", property.name);
    const auto value = number(word);
    if (!value) fail(element, row, fmt::format("has \"{}\", which is not a number", shown(word)), property.name);
    return *value;
  };
  for (size_t i = 0; i < element.properties.size(); ++i) {
    const Property& property = element.properties[i];
    const double value = value_of(property);
    if (!property.is_list) {
      if (sink) sink(row, i, value);
      continue;
    }
    // Each item takes at least one character, so a list cannot have more items than the line has characters.
    if (!(value >= 0 && value <= static_cast<double>(line.size()))) {
      fail(element, row, fmt::format("has a list of {} items", value), property.name);
    }
    for (int64_t item = 0; item < static_cast<int64_t>(value); ++item) {
      const double item_value = value_of(property);
      if (items) items(row, i, item_value);
    }
  }
  if (!next_word(line).empty()) fail(element, row, "has more values than properties");
}

}  // namespace lucid::asset::ply
