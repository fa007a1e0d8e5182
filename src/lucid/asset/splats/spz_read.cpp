// SPDX-License-Identifier: Apache-2.0
// Reader of SPZ files, versions 1 to 4. Memory grows with the bytes that were decompressed, not with the header's
// claims. The checksums of gzip and zstd are verified.
#include <zlib.h>
#include <zstd.h>

#include "lucid/asset/splats/spz.h"
#include "lucid/asset/splats/spz_layout.h"
#include "lucid/asset/splats/spz_values.h"
#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/math/sh.h"

namespace lucid::asset::spz {
namespace {

namespace fs = std::filesystem;
using Sections = std::array<std::string_view, kSections>;

constexpr size_t kBuffer = size_t{1} << 16;  // bytes decompressed at a time
constexpr const char* kDamaged = "the file is damaged or cut short";

[[noreturn]] void refuse(const fs::path& file, const std::string& what, const std::string& hint = kDamaged) {
  throw UserError({.what_happened = what, .file = file.string(), .hint = hint});
}

/// Parses the 16 bytes that all versions share.
Header parsed_header(const fs::path& file, std::string_view bytes) {
  if (bytes.size() < kGzipHeader) refuse(file, "is too short for the header of an SPZ file");
  if (load<uint32_t>(bytes.data()) != kMagic) refuse(file, "is not an SPZ file", "a gzip file of something else?");
  const Header header{.version = load<uint32_t>(bytes.data() + 4),
                      .count = load<uint32_t>(bytes.data() + 8),
                      .degree = static_cast<uint8_t>(bytes[12]),
                      .fractional_bits = static_cast<uint8_t>(bytes[13]),
                      .flags = static_cast<uint8_t>(bytes[14]),
                      .streams = static_cast<uint8_t>(bytes[15])};
  if (header.version < 1 || header.version > 4) {
    refuse(file, fmt::format("has SPZ version {}", header.version), "versions 1 to 4 are read");
  }
  if (header.degree > kMostDegree) refuse(file, fmt::format("has SH degree {}", header.degree));
  if (header.fractional_bits > kMostFractionalBits) {
    refuse(file, fmt::format("has {} fractional bits; positions have 24 bits", header.fractional_bits));
  }
  if (header.count == 0) refuse(file, "holds no Gaussians", "");
  return header;
}

/// The limit of the reference reader: 9 bytes a Gaussian, compressed at most 1024 to 1.
void require_plausible_count(const fs::path& file, const Header& header, size_t file_size) {
  if (header.count <= INT32_MAX && header.count <= file_size * 1024 / 9) return;
  refuse(file, fmt::format("claims {} Gaussians, more than {} bytes can hold", header.count, file_size));
}

class GzipReader {
 public:
  GzipReader(const fs::path& file, std::string_view bytes) : file_(file), bytes_(bytes) {
    LUCID_CHECK(inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK, "zlib");
  }
  ~GzipReader() { inflateEnd(&stream_); }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// The next `size` bytes. Throws UserError if there are fewer.
  std::string take(size_t size) {
    std::string out;
    while (out.size() < size) {
      const std::string_view more = next(std::min(kBuffer, size - out.size()));
      if (more.empty()) refuse(file_, fmt::format("ends after {} of {} bytes of its contents", out.size(), size));
      out += more;
    }
    return out;
  }
  /// The number of bytes that are left. Verifies the checksum at the end.
  size_t skip_rest() {
    size_t skipped = 0;
    while (!ended_) skipped += next(kBuffer).size();
    if (!bytes_.empty() || stream_.avail_in != 0) refuse(file_, "has other data after its gzip stream");
    return skipped;
  }

 private:
  /// At most `size` bytes, at least one unless the stream has ended.
  std::string_view next(size_t size) {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_out = static_cast<uInt>(size);
    while (!ended_ && stream_.avail_out == size) {
      if (stream_.avail_in == 0 && !bytes_.empty()) {
        constexpr size_t kPiece = size_t{1} << 30;  // zlib counts in 32 bits
        const std::string_view piece = bytes_.substr(0, kPiece);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
        stream_.avail_in = static_cast<uInt>(piece.size());
        bytes_.remove_prefix(piece.size());
      }
      const int status = inflate(&stream_, Z_NO_FLUSH);
      ended_ = status == Z_STREAM_END;
      if (status == Z_BUF_ERROR) refuse(file_, "its gzip stream has no end");
      if (status != Z_OK && !ended_) {
        refuse(file_, fmt::format("its gzip stream is damaged ({})", stream_.msg != nullptr ? stream_.msg : "zlib"));
      }
    }
    return {buffer_.data(), size - stream_.avail_out};
  }

  const fs::path& file_;
  std::string_view bytes_;  // not yet passed to zlib
  z_stream stream_{};
  bool ended_ = false;
  std::array<char, kBuffer> buffer_;
};

/// Decompresses one zstd frame whose contents have `size` bytes.
std::string zstd_contents(const fs::path& file, std::string_view frame, size_t size) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  constexpr int kMostWindow = 27;  // 128 MB, the limit of the decoder unless told otherwise
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMostWindow);
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  std::string out, buffer(kBuffer, '\0');
  while (true) {
    ZSTD_outBuffer piece{buffer.data(), buffer.size(), 0};
    const size_t left = ZSTD_decompressStream(context.get(), &piece, &in);
    if (ZSTD_isError(left) != 0) {
      refuse(file, fmt::format("its zstd stream is damaged ({})", ZSTD_getErrorName(left)));
    }
    out.append(buffer.data(), piece.pos);
    if (out.size() > size) refuse(file, fmt::format("a stream holds more than the {} bytes it declares", size));
    if (left == 0) break;
    if (in.pos == in.size && piece.pos < piece.size) refuse(file, "a zstd stream is cut short");
  }
  if (out.size() != size || in.pos != in.size) {
    refuse(file, fmt::format("a stream holds {} bytes instead of {}", out.size(), size));
  }
  return out;
}

/// The decompressed sections of version 4, in order; an empty section has no stream.
std::array<std::string, kSections> zstd_sections(const fs::path& file, std::string_view bytes, const Header& header) {
  const auto each = section_bytes(header);
  const size_t streams = kSections - (header.degree == 0 ? 1 : 0);
  if (header.streams != streams) {
    refuse(file, fmt::format("has {} streams; SH degree {} needs {}", header.streams, header.degree, streams));
  }
  constexpr size_t kTocRow = 16;
  if (header.toc_offset < kZstdHeader || header.toc_offset > bytes.size() ||
      bytes.size() - header.toc_offset < streams * kTocRow) {
    refuse(file, fmt::format("has its table of contents at byte {}", header.toc_offset));
  }
  std::string_view toc = bytes.substr(header.toc_offset), rest = toc.substr(streams * kTocRow);
  std::array<std::string, kSections> sections;
  for (size_t s = 0; s < streams; ++s, toc.remove_prefix(kTocRow)) {
    const auto compressed = load<uint64_t>(toc.data()), raw = load<uint64_t>(toc.data() + 8);
    const uint64_t expected = each[s] * header.count;
    if (raw != expected) refuse(file, fmt::format("declares {} bytes for stream {} instead of {}", raw, s, expected));
    if (compressed > rest.size()) refuse(file, fmt::format("is cut short in stream {}", s));
    sections[s] = zstd_contents(file, rest.substr(0, compressed), raw);
    rest.remove_prefix(compressed);
  }
  if (!rest.empty()) refuse(file, fmt::format("has {} bytes after its last stream", rest.size()));
  return sections;
}

void unpack_gaussian(const Header& header, const std::array<const uint8_t*, kSections>& from, const CloudArrays& to,
                     int64_t n) {
  for (int64_t i = 3 * n; i < 3 * n + 3; ++i) {
    to.means[i] = header.version == 1 ? half(from[kPositions] + 2 * i)
                                      : position(from[kPositions] + 3 * i, header.fractional_bits);
    to.dc[i] = dc(from[kColours][i]);
    to.log_scales[i] = log_scale(from[kScales][i]);
  }
  to.logits[n] = logit(from[kAlphas][n]);
  if (header.version >= 3) {
    uint32_t rotation = 0;
    std::memcpy(&rotation, from[kRotations] + 4 * n, sizeof rotation);
    unpack_rotation(rotation, to.quats + 4 * n);
  } else {
    unpack_rotation_bytes(from[kRotations] + 3 * n, to.quats + 4 * n);
  }
  const int64_t stored = sh_count(header.degree) - 1;  // >= to.rest
  for (int64_t i = 0; i < 3 * to.rest; ++i) to.sh_rest[3 * n * to.rest + i] = sh(from[kSh][3 * n * stored + i]);
}

gaussians::Cloud unpacked(const fs::path& file, const Header& header, const Sections& sections) {
  const int degree = std::min(header.degree, kMaxShDegree);
  gaussians::Cloud cloud = new_cloud(header.count, sh_count(degree) - 1);
  if ((header.flags & kAntialiased) != 0) cloud.screen_filter = render::Filter::kMip;
  const CloudArrays to = arrays_of(cloud);
  std::array<const uint8_t*, kSections> from{};
  for (int s = 0; s < kSections; ++s) from[s] = reinterpret_cast<const uint8_t*>(sections[s].data());
  constexpr int64_t kGrain = 4096;
  parallel_for(to.count, kGrain, [&](int64_t n) { unpack_gaussian(header, from, to, n); });
  for (int64_t i = 0; header.version == 1 && i < 3 * to.count; ++i) {
    if (!std::isfinite(to.means[i])) {
      refuse(file,
             fmt::format("position of Gaussian {} (from 0) is {}; every number must be finite", i / 3, to.means[i]));
    }
  }
  return cloud;
}

gaussians::Cloud decoded_gzip(const fs::path& file, std::string_view bytes) {
  GzipReader gzip(file, bytes);
  const Header header = parsed_header(file, gzip.take(kGzipHeader));
  if (header.version > 3) refuse(file, "is a gzip file of SPZ version 4, which has no gzip");
  require_plausible_count(file, header, bytes.size());
  const std::string body = gzip.take(gaussian_bytes(header) * header.count);
  const size_t rest = gzip.skip_rest();
  if (rest != 0 && (header.flags & kHasExtensions) == 0) {
    refuse(file, fmt::format("has {} bytes after its last Gaussian", rest));
  }
  Sections sections;
  size_t at = 0;
  const auto each = section_bytes(header);
  for (int s = 0; s < kSections; ++s) {
    sections[s] = std::string_view(body).substr(at, each[s] * header.count);
    at += sections[s].size();
  }
  return unpacked(file, header, sections);
}

gaussians::Cloud decoded_zstd(const fs::path& file, std::string_view bytes) {
  Header header = parsed_header(file, bytes);
  if (header.version != 4) refuse(file, fmt::format("is SPZ version {} without its gzip", header.version));
  if (bytes.size() < kZstdHeader) refuse(file, "is too short for the header of an SPZ file");
  header.toc_offset = load<uint32_t>(bytes.data() + kGzipHeader);
  require_plausible_count(file, header, bytes.size());
  const auto contents = zstd_sections(file, bytes, header);
  return unpacked(file, header, Sections{contents[0], contents[1], contents[2], contents[3], contents[4], contents[5]});
}

}  // namespace

bool is_zstd_spz(std::string_view bytes) { return bytes.starts_with("NGSP"); }
bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

gaussians::Cloud decode(const fs::path& file, std::string_view bytes) {
  return is_zstd_spz(bytes) ? decoded_zstd(file, bytes) : decoded_gzip(file, bytes);
}

}  // namespace lucid::asset::spz
