// SPDX-License-Identifier: Apache-2.0
// Fuzz target: reads the input as a file of Gaussians, and as a .splat file, and writes what was read in every format.
// Input that begins as an uncompressed SPZ file of version 1 to 3 is compressed first, because mutations of compressed
// bytes fail the checksum.
#include <zlib.h>

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/dot_splat.h"
#include "lucid/asset/splats/gltf.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/asset/splats/spz.h"
#include "lucid/base/error.h"
#include "memory_file.h"

namespace {

using lucid::gaussians::Cloud;

std::string gzip(std::string_view raw) {
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(deflateBound(&stream, raw.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  stream.avail_in = static_cast<uInt>(raw.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Writes a cloud that was read: it must be finite, and its files must be readable.
void write_and_read(const Cloud& read) {
  for (const torch::Tensor* x : read.parameters()) {
    if (!x->isfinite().all().item<bool>()) std::abort();
  }
  const Cloud cloud = lucid::asset::turned(read, lucid::asset::from_lucid(lucid::asset::Axes::kYUp));
  if (lucid::asset::dot_splat::decode("x", lucid::asset::dot_splat::encode(cloud)).count() != cloud.count())
    std::abort();
  if (lucid::asset::gltf::decode("x", lucid::asset::gltf::encode("x", cloud)).count() != cloud.count()) std::abort();
  std::string spz;
  try {
    spz = lucid::asset::spz::encode("x", cloud, {.version = 4});
  } catch (const lucid::UserError&) {  // a position that does not fit
    return;
  }
  try {
    lucid::asset::spz::decode("x", spz);
  } catch (const lucid::UserError& error) {  // many equal Gaussians compress beyond the reader's limit
    if (cloud.count() < 1000) std::abort();
  }
}

void read_as(const std::function<Cloud()>& read) {
  constexpr int64_t kMostWritten = 5000;  // Gaussians; more only take time
  try {
    const Cloud cloud = read();
    if (cloud.count() <= kMostWritten) write_and_read(cloud);
  } catch (const lucid::UserError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const torch::NoGradGuard no_grad;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (lucid::asset::spz::is_zstd_spz(bytes) && size > 4 && bytes[4] < 4) bytes = gzip(bytes);
  const lucid::fuzz::MemoryFile file(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  read_as([&] { return lucid::asset::read_splats(file.path()); });
  read_as([&] { return lucid::asset::dot_splat::decode("x", bytes); });
  return 0;
}
