// SPDX-License-Identifier: Apache-2.0
// The short form of fuzzing: every fuzz target on its committed corpus, in the ordinary build. An input that a fuzzer
// found is a file of the corpus too, so that it stays fixed. tools/fuzz.sh is the long form.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "goldens.h"

// Each target defines the function that libFuzzer calls; here it is called after the target.
#define LLVMFuzzerTestOneInput fuzz_pickle
#include "fuzz_pickle.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_zip_entries
#include "fuzz_zip_entries.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_safetensors
#include "fuzz_safetensors.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_torch_file
#include "fuzz_torch_file.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_tokenizer
#include "fuzz_tokenizer.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_yaml
#include "fuzz_yaml.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_http
#include "fuzz_http.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_rows
#include "fuzz_rows.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_mesh_files
#include "fuzz_mesh_files.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_splats
#include "fuzz_splats.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_body
#include "fuzz_body.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_configs
#include "fuzz_configs.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_single_file
#include "fuzz_single_file.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_adapters
#include "fuzz_adapters.cpp"
#undef LLVMFuzzerTestOneInput

namespace {
namespace fs = std::filesystem;

struct FuzzTarget {
  const char* name;
  int (*run)(const uint8_t*, size_t);
};
const FuzzTarget kTargets[] = {{"pickle", fuzz_pickle},
                               {"zip_entries", fuzz_zip_entries},
                               {"safetensors", fuzz_safetensors},
                               {"torch_file", fuzz_torch_file},
                               {"tokenizer", fuzz_tokenizer},
                               {"yaml", fuzz_yaml},
                               {"http", fuzz_http},
                               {"rows", fuzz_rows},
                               {"mesh_files", fuzz_mesh_files},
                               {"splats", fuzz_splats},
                               {"body", fuzz_body},
                               {"configs", fuzz_configs},
                               {"single_file", fuzz_single_file},
                               {"adapters", fuzz_adapters}};

/// The bytes of a file of the corpus; .hex holds them as hexadecimal digits.
std::string input_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (file.extension() != ".hex") return bytes;
  std::string digits, decoded;
  std::ranges::copy_if(bytes, std::back_inserter(digits), [](unsigned char c) { return std::isxdigit(c) != 0; });
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    decoded += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return decoded;
}

class FuzzCorpus : public testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzCorpus, EveryInputIsReadOrRefused) {
  size_t inputs = 0;
  for (const auto& entry : fs::directory_iterator(lucid::test::source_dir() / "tests/fuzz/corpus" / GetParam().name)) {
    const std::string bytes = input_of(entry.path());
    SCOPED_TRACE(entry.path().string());
    EXPECT_NO_THROW(GetParam().run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
    ++inputs;
  }
  EXPECT_GT(inputs, 0U);
  std::cout << inputs << " inputs\n";
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
