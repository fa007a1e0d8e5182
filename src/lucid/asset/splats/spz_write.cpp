// SPDX-License-Identifier: Apache-2.0
// Writer of SPZ files, versions 3 and 4.
#include <zlib.h>
#include <zstd.h>

#include "lucid/asset/splats/spz.h"
#include "lucid/asset/splats/spz_layout.h"
#include "lucid/asset/splats/spz_values.h"
#include "lucid/base/error.h"
#include "lucid/base/parallel.h"

namespace lucid::asset::spz {
namespace {

constexpr int kMostAutomaticBits = 16;  // steps of 1.5e-5; more bits compress worse and show no difference
constexpr int kZstdLevel = 12;
constexpr int64_t kGrain = 4096;

/// The largest number of fractional bits with which all positions fit. Throws UserError if there is none, or if
/// `wanted` is more.
int fractional_bits_for(const std::filesystem::path& file, const CloudArrays& cloud, std::optional<int> wanted) {
  int64_t farthest = 0;
  for (int64_t i = 0; i < 3 * cloud.count; ++i) {
    if (std::abs(cloud.means[i]) > std::abs(cloud.means[farthest])) farthest = i;
  }
  const double most = std::abs(static_cast<double>(cloud.means[farthest]));
  const auto fits = [&](int bits) { return std::round(std::ldexp(most, bits)) <= kMostPosition; };
  int bits = wanted.value_or(kMostAutomaticBits);
  while (!wanted && bits > 0 && !fits(bits)) --bits;
  if (fits(bits)) return bits;
  throw UserError({.what_happened = fmt::format("Gaussian {} (from 0) is {:g} from the origin along an axis, but "
                                                "positions with {} fractional bits end at {:g}",
                                                farthest / 3, most, bits, std::ldexp(kMostPosition, -bits)),
                   .file = file.string(),
                   .hint = wanted ? "choose fewer fractional bits" : "remove distant Gaussians first"});
}

std::array<std::string, kSections> sections_of(const CloudArrays& cloud, const Header& header) {
  std::array<std::string, kSections> sections;
  std::array<uint8_t*, kSections> to{};
  const auto bytes = section_bytes(header);
  for (int s = 0; s < kSections; ++s) {
    sections[s].resize(bytes[s] * header.count);
    to[s] = reinterpret_cast<uint8_t*>(sections[s].data());
  }
  parallel_for(cloud.count, kGrain, [&](int64_t n) {
    for (int64_t i = 3 * n; i < 3 * n + 3; ++i) {
      put_position(cloud.means[i], header.fractional_bits, to[kPositions] + 3 * i);
      to[kColours][i] = colour_byte(cloud.dc[i]);
      to[kScales][i] = scale_byte(cloud.log_scales[i]);
    }
    to[kAlphas][n] = alpha_byte(cloud.logits[n]);
    const uint32_t rotation = packed_rotation(cloud.quats + 4 * n);
    std::memcpy(to[kRotations] + 4 * n, &rotation, sizeof rotation);
    for (int64_t k = 0; k < cloud.rest; ++k) {
      for (int64_t i = 3 * (n * cloud.rest + k), c = 0; c < 3; ++c) {
        to[kSh][i + c] = sh_byte(cloud.sh_rest[i + c], sh_bucket(k));
      }
    }
  });
  return sections;
}

std::string header_bytes(const Header& header) {
  std::string bytes;
  store(bytes, kMagic);
  store(bytes, header.version);
  store(bytes, header.count);
  store(bytes, static_cast<uint8_t>(header.degree));
  store(bytes, static_cast<uint8_t>(header.fractional_bits));
  store(bytes, header.flags);
  store(bytes, header.streams);
  if (header.version >= 4) {
    store(bytes, header.toc_offset);
    bytes.resize(kZstdHeader);  // zeros
  }
  return bytes;
}

class GzipWriter {
 public:
  GzipWriter() {
    constexpr int kGzip = 16 + MAX_WBITS, kMemory = 9;
    LUCID_CHECK(deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) == Z_OK,
                "zlib");
  }
  ~GzipWriter() { deflateEnd(&stream_); }
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  void add(std::string_view bytes) {
    constexpr size_t kPiece = size_t{1} << 30;  // zlib counts in 32 bits
    for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) {
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream_.avail_in = static_cast<uInt>(std::min(kPiece, bytes.size()));
      run(Z_NO_FLUSH);
    }
  }
  std::string finish() {
    run(Z_FINISH);
    return std::move(out_);
  }

 private:
  void run(int flush) {
    std::array<char, 1 << 16> buffer;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(buffer.size());
      LUCID_CHECK(deflate(&stream_, flush) != Z_STREAM_ERROR, "zlib");
      out_.append(buffer.data(), buffer.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }
  z_stream stream_{};
  std::string out_;
};

/// One frame, with the size of its contents and a checksum.
std::string zstd_frame(const std::string& raw) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  const size_t size = ZSTD_compress2(context.get(), frame.data(), frame.size(), raw.data(), raw.size());
  LUCID_CHECK(ZSTD_isError(size) == 0, "zstd: {}", ZSTD_getErrorName(size));
  frame.resize(size);
  return frame;
}

std::string version4(Header header, const std::array<std::string, kSections>& sections) {
  std::string toc, frames;
  for (const std::string& raw : sections) {
    if (raw.empty()) continue;  // degree 0 has no SH section
    const std::string frame = zstd_frame(raw);
    store(toc, static_cast<uint64_t>(frame.size()));
    store(toc, static_cast<uint64_t>(raw.size()));
    frames += frame;
    ++header.streams;
  }
  header.toc_offset = kZstdHeader;
  return header_bytes(header) + toc + frames;
}

}  // namespace

std::string encode(const std::filesystem::path& file, const gaussians::Cloud& cloud, const WriteOptions& options) {
  LUCID_CHECK(options.version == 3 || options.version == 4, "SPZ version {}", options.version);
  const CloudArrays arrays = arrays_of(cloud);
  LUCID_CHECK(arrays.count > 0 && arrays.count <= INT32_MAX, "{} Gaussians", arrays.count);
  const Header header{.version = static_cast<uint32_t>(options.version),
                      .count = static_cast<uint32_t>(arrays.count),
                      .degree = cloud.sh_degree(),
                      .fractional_bits = fractional_bits_for(file, arrays, options.fractional_bits),
                      .flags = cloud.screen_filter == render::Filter::kMip ? kAntialiased : uint8_t{0}};
  const auto sections = sections_of(arrays, header);
  if (header.version == 4) return version4(header, sections);
  GzipWriter gzip;
  gzip.add(header_bytes(header));
  for (const std::string& section : sections) gzip.add(section);
  return gzip.finish();
}

}  // namespace lucid::asset::spz
