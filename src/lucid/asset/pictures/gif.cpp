// SPDX-License-Identifier: Apache-2.0
// GIF89a (CompuServe 1990): header, palette, loop count, and LZW-coded frames. Written here because libgif is not among
// the libraries that lucid links, and libav is optional.
#include "lucid/asset/pictures/gif.h"

#include <algorithm>

#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

constexpr int kColourBits = 8;  // the palette has 2^8 entries

void put16(std::string& bytes, int value) {
  bytes += static_cast<char>(value & 255);
  bytes += static_cast<char>(value >> 8 & 255);
}

/// Packs codes of growing width, lowest bit first, into sub-blocks of at most 255 bytes.
class CodeWriter {
 public:
  explicit CodeWriter(std::string& bytes) : bytes_(bytes) {}
  void put(int code, int width) {
    held_ |= static_cast<uint32_t>(code) << count_;
    for (count_ += width; count_ >= 8; count_ -= 8, held_ >>= 8) put_byte(static_cast<char>(held_ & 255));
  }
  void finish() {
    if (count_ > 0) put_byte(static_cast<char>(held_ & 255));
    end_block();
    bytes_ += '\0';
  }

 private:
  void put_byte(char byte) {
    block_ += byte;
    if (block_.size() == 255) end_block();
  }
  void end_block() {
    if (block_.empty()) return;
    bytes_ += static_cast<char>(block_.size());
    bytes_ += block_;
    block_.clear();
  }
  std::string& bytes_;
  std::string block_;
  uint32_t held_ = 0;
  int count_ = 0;
};

/// LZW with a clear code whenever the table of 4096 codes is full.
void put_lzw(std::string& bytes, const std::vector<uint8_t>& indices) {
  constexpr int kClear = 1 << kColourBits, kEnd = kClear + 1, kFirstFree = kClear + 2, kMostCodes = 4096;
  bytes += static_cast<char>(kColourBits);
  CodeWriter codes(bytes);
  std::vector<int16_t> next(size_t{kMostCodes} << kColourBits);  // code of (prefix, index); 0 = none
  int width = kColourBits + 1, free = kFirstFree;
  codes.put(kClear, width);
  int prefix = indices.front();
  for (size_t i = 1; i < indices.size(); ++i) {
    const size_t key = static_cast<size_t>(prefix) << kColourBits | indices[i];
    if (next[key] != 0) {
      prefix = next[key];
      continue;
    }
    codes.put(prefix, width);
    prefix = indices[i];
    if (free == kMostCodes) {
      codes.put(kClear, width);
      std::ranges::fill(next, int16_t{0});
      width = kColourBits + 1;
      free = kFirstFree;
      continue;
    }
    if (free == 1 << width) ++width;
    next[key] = static_cast<int16_t>(free++);
  }
  codes.put(prefix, width);
  // The decoder has by now one code more than the last that it was given here, so its width may grow before the end.
  if (free == 1 << width && width < 12) ++width;
  codes.put(kEnd, width);
  codes.finish();
}

struct ChangedArea {
  int left = 0, top = 0, width = 1, height = 1;
};

/// The smallest rectangle that holds every difference; one pixel if there is none.
ChangedArea changed(const std::vector<uint8_t>& before, const std::vector<uint8_t>& after, int width) {
  const auto height = static_cast<int>(after.size()) / width;
  int left = width, right = -1, top = height, bottom = -1;
  for (int y = 0; y < height; ++y) {
    const auto row = static_cast<int64_t>(y) * width;
    const auto begin = after.begin() + row, end = begin + width;
    const auto first = std::mismatch(begin, end, before.begin() + row).first;
    if (first == end) continue;
    int last = width - 1;
    while (after[static_cast<size_t>(row + last)] == before[static_cast<size_t>(row + last)]) --last;
    left = std::min(left, static_cast<int>(first - begin));
    right = std::max(right, last);
    top = std::min(top, y);
    bottom = y;
  }
  if (right < 0) return {};
  return {.left = left, .top = top, .width = right - left + 1, .height = bottom - top + 1};
}

}  // namespace

GifEncoder::GifEncoder(int width, int height, int fps, const std::vector<Palette::Colour>& palette, bool transparent)
    : width_(width), height_(height), fps_(fps), transparent_(transparent) {
  constexpr int kMostSide = 65535, kMostFps = 50;
  LUCID_CHECK(width >= 1 && width <= kMostSide && height >= 1 && height <= kMostSide && fps >= 1 && fps <= kMostFps,
              "{} x {} at {}", width, height, fps);
  LUCID_CHECK(palette.size() <= Palette::kMostColours, "{} colours", palette.size());
  bytes_ = "GIF89a";
  put16(bytes_, width);
  put16(bytes_, height);
  bytes_ += static_cast<char>(0x80 | (kColourBits - 1) << 4 | (kColourBits - 1));  // a palette, of 2^8 entries
  bytes_ += '\0';                                                                  // index of the background
  bytes_ += '\0';                                                                  // square pixels
  for (size_t k = 0; k < size_t{1} << kColourBits; ++k) {
    for (size_t c = 0; c < 3; ++c) bytes_ += k < palette.size() ? static_cast<char>(palette[k][c]) : '\0';
  }
  bytes_ += "\x21\xFF\x0BNETSCAPE2.0\x03\x01";
  put16(bytes_, 0);  // loops endlessly
  bytes_ += '\0';
}

void GifEncoder::add(const std::vector<uint8_t>& indices) {
  LUCID_CHECK(indices.size() == static_cast<size_t>(width_) * static_cast<size_t>(height_), "{} indices",
              indices.size());
  constexpr int kKeep = 1, kRestoreBackground = 2;  // what happens to the frame before the next one
  // Delays are whole hundredths of a second; rounding the times keeps the average rate exact.
  const auto time = [&](int64_t frame) { return static_cast<int>((frame * 200 + fps_) / (2 * fps_)); };
  bytes_ += "\x21\xF9\x04";
  bytes_ += static_cast<char>(transparent_ ? kRestoreBackground << 2 | 1 : kKeep << 2);
  put16(bytes_, time(frames_ + 1) - time(frames_));
  bytes_ += static_cast<char>(Palette::kTransparent);
  bytes_ += '\0';
  ChangedArea part{.width = width_, .height = height_};
  if (!transparent_ && !last_.empty()) part = changed(last_, indices, width_);
  bytes_ += ',';
  for (const int value : {part.left, part.top, part.width, part.height}) put16(bytes_, value);
  bytes_ += '\0';  // no palette of its own, not interlaced
  std::vector<uint8_t> pixels;
  pixels.reserve(static_cast<size_t>(part.width) * static_cast<size_t>(part.height));
  for (int y = part.top; y < part.top + part.height; ++y) {
    const auto row = indices.begin() + static_cast<int64_t>(y) * width_ + part.left;
    pixels.insert(pixels.end(), row, row + part.width);
  }
  put_lzw(bytes_, pixels);
  last_ = indices;
  ++frames_;
}

std::string GifEncoder::finish() {
  bytes_ += ';';
  return std::move(bytes_);
}

}  // namespace lucid::asset
