// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the tokenizer. An input that begins with 'm' is a list of merges, any other is a prompt for the
// tokenizer of the embedded prior.
#include <algorithm>
#include <cstdlib>

#include "goldens.h"
#include "lucid/base/error.h"
#include "lucid/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using lucid::text::Tokenizer;
  static const Tokenizer tokenizer = Tokenizer::from_folder(lucid::test::source_dir() / "models/mini/tokenizer");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    if (text.starts_with('m')) {
      Tokenizer::from_merges(text.substr(1), false).encode("a photo of a cat");
      return 0;
    }
    const std::vector<int64_t> ids = tokenizer.encode_padded(text);
    if (ids.size() != 77 || ids.front() != tokenizer.bos()) std::abort();
    if (std::ranges::find(ids, tokenizer.eos()) == ids.end()) std::abort();
    if (tokenizer.count(text) < 0) std::abort();
  } catch (const lucid::UserError&) {
  }
  return 0;
}
