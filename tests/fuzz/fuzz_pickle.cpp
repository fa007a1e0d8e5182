// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the pickle parser and the check of names, without a file around them. A zip's checksum would reject most
// mutations before the parser sees them. What was parsed must be whole: indices, pairs and depth.
#include <cstdlib>
#include <stdexcept>

#include "lucid/base/error.h"
#include "lucid/weights/pickle.h"
#include "lucid/weights/pickle_names.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using lucid::weights::Pickle;
  size_t used = 0;
  try {
    const Pickle pickle = Pickle::parse({reinterpret_cast<const char*>(data), size}, used);
    if (used > size || pickle.root() >= pickle.size()) std::abort();
    for (Pickle::Id id = 0; id < pickle.size(); ++id) {
      for (const Pickle::Id item : pickle[id].items) {
        if (item >= pickle.size()) std::abort();
      }
      if (pickle[id].kind == Pickle::Kind::kCall && pickle[id].items.size() < 2) std::abort();
      pickle.entries(id);
      pickle.arguments(id);
    }
    lucid::weights::refuse_foreign_names("x", pickle);
  } catch (const std::runtime_error&) {  // UserError among them
  }
  return 0;
}
