// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the body of an avatar. It must throw a UserError or give a skeleton whose indices are all there.
#include <cstdlib>

#include "lucid/avatar/body.h"
#include "lucid/base/error.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lucid::fuzz::MemoryFile file(data, size, ".glb");
  try {
    const lucid::avatar::Body body = lucid::avatar::read_body(file.path());
    const auto joints = static_cast<int>(body.joints.size());
    for (int i = 0; i < joints; ++i) {
      if (body.joints[static_cast<size_t>(i)].parent >= i) std::abort();
    }
    for (const auto& triangle : body.triangles) {
      for (const uint32_t v : triangle) {
        if (v >= body.mesh_positions.size()) std::abort();
      }
    }
    if (!body.skin.empty() && body.skin.size() != body.mesh_positions.size()) std::abort();
    for (const auto& skin : body.skin) {
      for (const uint16_t joint : skin.joints) {
        if (joint >= joints) std::abort();
      }
    }
  } catch (const lucid::UserError&) {
  }
  return 0;
}
