// SPDX-License-Identifier: Apache-2.0
// Golden tests of the reference and the CPU rasteriser: images and gradients of an independent autograd rasteriser.
#include <gtest/gtest.h>

#include "lucid/render/golden_scene_test.h"

namespace lucid::render::test {
namespace {

TEST(RenderGolden, ThereAreCases) { EXPECT_FALSE(golden_files().empty()); }

TEST(RenderGolden, ReferenceInDouble) {
  for (const auto& path : golden_files()) {
    SCOPED_TRACE(path.filename());
    const GoldenFile file(path);
    expect_golden(file, run_reference(scene_of(file)), {kGoldenReference, kGoldenReference, 0});
  }
}

TEST(RenderGolden, ReferenceInFloat) {
  for (const auto& path : golden_files()) {
    SCOPED_TRACE(path.filename());
    const GoldenFile file(path);
    expect_golden(file, run_reference(scene_of(file).as<float>()), {kGoldenForward, kGoldenBackward, kGoldenExcused});
  }
}

TEST(RenderGolden, CpuOnEveryInstructionSet) {
  for_each_isa([] {
    CpuRasterizer rasterizer;
    for (const auto& path : golden_files()) {
      SCOPED_TRACE(path.filename());
      const GoldenFile file(path);
      expect_golden(file, run_cpu(scene_of(file).as<float>(), &rasterizer),
                    {kGoldenForward, kGoldenBackward, kGoldenExcused});
    }
  });
}

}  // namespace
}  // namespace lucid::render::test
