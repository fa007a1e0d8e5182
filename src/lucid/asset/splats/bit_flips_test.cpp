// SPDX-License-Identifier: Apache-2.0
// Flips every bit of small files of every format. Each flip gives a UserError, or a cloud of finite numbers that is no
// larger than the file allows. With AddressSanitizer this is also a test of memory safety.
#include <sys/resource.h>

#include "lucid/asset/splats/splats.h"
#include "lucid/asset/splats/test_clouds.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

struct Written {
  Format format;
  SplatOptions options;
  const char* name;
};

int64_t peak_kilobytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(BitFlips, EveryBitOfEveryFormat) {
  const lucid::test::TemporaryFolder folder;
  for (const Written& written :
       {Written{Format::kSplatPly, {}, "a.ply"}, Written{Format::kSplatPly, {.big_endian = true}, "b.ply"},
        Written{Format::kSpz, {}, "3.spz"}, Written{Format::kSpz, {.spz_version = 4}, "4.spz"},
        Written{Format::kSplat, {}, "a.splat"}, Written{Format::kSplatGlb, {}, "a.glb"}}) {
    const auto file = folder.path / written.name;
    const int degree = written.format == Format::kSplatGlb ? 0 : 1;  // a short JSON
    write_splats(written.format, file, test::random_cloud(2, degree), written.options);
    const std::string bytes = read_file(file);
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);  // changed in place, which is fast
    const int64_t memory = peak_kilobytes();
    int refused = 0;
    for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      const auto at = static_cast<std::streamoff>(bit / 8);
      out.seekp(at).put(static_cast<char>(bytes[at] ^ (1 << bit % 8))).flush();
      try {
        const gaussians::Cloud cloud = read_splats(file);
        EXPECT_LE(cloud.count(), 3) << written.name << " bit " << bit;
        for (const torch::Tensor* x : cloud.parameters()) {
          EXPECT_TRUE(x->isfinite().all().item<bool>()) << written.name << " bit " << bit;
        }
      } catch (const UserError& error) {
        EXPECT_EQ(error.mistake().file, file.string());
        ++refused;
      }
      out.seekp(at).put(bytes[at]).flush();
    }
    EXPECT_GT(refused, 0) << written.name;
    EXPECT_EQ(read_splats(file).count(), 2) << written.name;  // all bits are as they were
    EXPECT_LE(peak_kilobytes() - memory, 64 * 1024) << written.name << ": a flip made the reader take memory";
  }
}

}  // namespace
}  // namespace lucid::asset
