// SPDX-License-Identifier: Apache-2.0
// Tests of the safetensors reader and writer: round trips, and rejection of damaged or hostile headers.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/weights/state_dict.h"
#include "mistakes.h"
#include "repeated.h"

namespace lucid::weights {
namespace {

using test::mistake_of;
using test::repeated;
namespace fs = std::filesystem;

/// The bytes of a file with this header, followed by `data` zero bytes.
std::string with_header(const std::string& header, size_t data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + std::string(data, '\0');
}

std::map<std::string, torch::Tensor> sample_tensors() {
  torch::manual_seed(3);
  const torch::Tensor base = torch::randn({3, 5}) * 20;
  std::map<std::string, torch::Tensor> tensors;
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                          torch::kInt32, torch::kInt16, torch::kInt8}) {
    tensors[fmt::format("a.{}", c10::toString(type))] = base.to(type);
  }
  tensors["u8"] = torch::arange(7).to(torch::kUInt8);
  tensors["bool"] = base > 0;
  tensors["scalar"] = torch::tensor(2.5);
  tensors["empty"] = torch::empty({4, 0, 3});
  tensors["transposed"] = base.t();
  tensors["expanded"] = torch::ones({1, 3}).expand({2, 3});
  return tensors;
}

TEST(Safetensors, RoundTrip) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "deep" / "er" / "w.safetensors";
  const auto tensors = sample_tensors();
  write_safetensors(file, tensors, {{"format", "pt"}, {"note", "é \" \n"}});
  const StateDict state = read_safetensors(file);
  EXPECT_EQ(state.file, file);
  EXPECT_EQ(state.metadata.at("note"), "é \" \n");
  ASSERT_EQ(state.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor& back = state.tensors.at(name);
    EXPECT_EQ(back.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(back.equal(tensor)) << name;
  }
}

TEST(Safetensors, TensorsOutliveTheFileAndTheStateDict) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "w.safetensors";
  write_safetensors(file, {{"a", torch::arange(5000)}});
  torch::Tensor kept = read_safetensors(file).tensors.at("a").slice(0, 10);
  fs::remove(file);
  EXPECT_EQ(kept.sum().item<int64_t>(), 5000 * 4999 / 2 - 45);
  kept.add_(1);  // writing to it changes a private copy of the page, not the file
  EXPECT_EQ(kept[0].item<int64_t>(), 11);
}

TEST(Safetensors, DataThatIsNotAlignedIsCopied) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "w.safetensors";
  std::string header = R"({"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                       R"("a":{"dtype":"F32","shape":[2],"data_offsets":[3,11]}})";
  std::string bytes = with_header(header, 3);
  const float values[] = {1.5F, -2.25F};
  bytes.append(reinterpret_cast<const char*>(values), sizeof(values));
  for (int pad = 0; pad < 4; ++pad) {  // every alignment of the data section
    write_file(file,
               with_header(header + std::string(static_cast<size_t>(pad), ' '), 0) + bytes.substr(8 + header.size()));
    const torch::Tensor a = read_safetensors(file).tensors.at("a");
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data_ptr()) % 4, 0U);
    EXPECT_TRUE(a.equal(torch::tensor({1.5F, -2.25F})));
  }
}

TEST(Safetensors, BoolsOtherThanZeroAndOneBecomeTrue) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "w.safetensors";
  write_file(file,
             with_header(R"({"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})", 0) + std::string("\0\1\xff", 3));
  EXPECT_TRUE(read_safetensors(file).tensors.at("b").to(torch::kInt32).equal(torch::tensor({0, 1, 1}, torch::kInt32)));
}

TEST(SafetensorsGolden, FieldsOwnWriterIsRead) {
  const StateDict state = read_safetensors(test::goldens() / "sd" / "readers" / "expected.safetensors");
  EXPECT_GT(state.tensors.size(), 5U);
  for (const auto& [name, tensor] : state.tensors) EXPECT_TRUE(tensor.is_contiguous()) << name;
}

struct Hostile {
  const char* name;
  std::string header;
  size_t data;
  const char* says;  // part of the expected message
  const char* key = "";
};

std::string entry(const std::string& shape, const std::string& offsets, const std::string& dtype = "F32") {
  return fmt::format(R"({{"dtype":"{}","shape":{},"data_offsets":{}}})", dtype, shape, offsets);
}

/// `count` entries of empty tensors, each after a comma.
std::string repeated_names(int count) {
  std::string whole;
  for (int i = 0; i < count; ++i) whole += fmt::format(",\"{}\":", i) + entry("[0]", "[0,0]");
  return whole;
}

TEST(Safetensors, AsManyTensorsAsTheLimitAllowsAreRead) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "w.safetensors";
  const std::string name(1000, 'n');
  write_file(file, with_header("{\"" + name + "\":" + entry("[2]", "[0,8]") + repeated_names(65535) + "}", 8));
  EXPECT_EQ(read_safetensors(file).tensors.size(), 65536U);
}

std::vector<Hostile> hostile_headers() {
  const std::string good = entry("[2]", "[0,8]");
  std::string deep(100000, '[');
  return {
      {"not JSON", "{\"w\":", 0, "not valid JSON"},
      {"empty header", "", 0, "not valid JSON"},
      {"array", "[1,2]", 0, "not a JSON object"},
      {"number", "7", 0, "not a JSON object"},
      {"null", "null", 0, "not a JSON object"},
      {"two documents", "{}{}", 0, "not valid JSON"},
      {"deep nesting", deep, 0, "nested too deeply"},
      {"deep in a tensor", "{\"w\":{\"shape\":[[[[[]]]]]}}", 0, "nested too deeply"},
      {"bad UTF-8", "{\"w\xff\xfe\":" + good + "}", 8, "not valid JSON"},
      {"number too large for JSON", "{\"w\":" + entry("[1e999]", "[0,8]") + "}", 8, "not valid JSON"},
      {"twice", "{\"w\":" + good + ",\"w\":" + good + "}", 8, "stands twice", "w"},
      {"field twice", "{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 8, "stands twice", "dtype"},
      {"entry is a text", "{\"w\":\"F32\"}", 0, "lacks", "w"},
      {"no dtype", "{\"w\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "lacks", "w"},
      {"dtype is a number", "{\"w\":{\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "lacks", "w"},
      {"shape is a number", "{\"w\":" + entry("2", "[0,8]") + "}", 8, "lacks", "w"},
      {"three offsets", "{\"w\":" + entry("[2]", "[0,8,9]") + "}", 8, "lacks", "w"},
      {"unknown dtype", "{\"w\":" + entry("[2]", "[0,8]", "F8_E4M3") + "}", 8, "F8_E4M3", "w"},
      {"negative extent", "{\"w\":" + entry("[-2]", "[0,8]") + "}", 8, "whole numbers", "w"},
      {"fractional extent", "{\"w\":" + entry("[2.0]", "[0,8]") + "}", 8, "whole numbers", "w"},
      {"too many dimensions", "{\"w\":" + entry("[1,1,1,1,1,1,1,1,2]", "[0,8]") + "}", 8, "whole numbers", "w"},
      {"huge extent", "{\"w\":" + entry("[18446744073709551615]", "[0,8]") + "}", 8, "larger", "w"},
      {"product wraps to 2", "{\"w\":" + entry("[9223372036854775809,2]", "[0,8]") + "}", 8, "larger", "w"},
      {"product wraps to 0", "{\"w\":" + entry("[4294967296,4294967296]", "[0,0]") + "}", 0, "larger", "w"},
      {"bytes wrap to 0", "{\"w\":" + entry("[4611686018427387904]", "[0,0]") + "}", 0, "larger", "w"},
      {"empty but strides wrap", "{\"w\":" + entry("[0,4294967296,4294967296]", "[0,0]") + "}", 0, "larger", "w"},
      {"too few bytes", "{\"w\":" + entry("[3]", "[0,8]") + "}", 8, "12", "w"},
      {"too many bytes", "{\"w\":" + entry("[1]", "[0,8]") + "}", 8, "8 bytes", "w"},
      {"reversed", "{\"w\":" + entry("[2]", "[8,0]") + "}", 8, "outside", "w"},
      {"beyond the end", "{\"w\":" + entry("[2]", "[4,12]") + "}", 8, "outside", "w"},
      {"far beyond the end", "{\"w\":" + entry("[2]", "[18446744073709551608,18446744073709551615]") + "}", 8,
       "outside", "w"},
      {"negative offset", "{\"w\":" + entry("[2]", "[-8,0]") + "}", 8, "whole numbers", "w"},
      {"overlap", "{\"v\":" + good + ",\"w\":" + entry("[2]", "[4,12]") + "}", 12, "overlaps that of 'v'", "w"},
      {"same data", "{\"v\":" + good + ",\"w\":" + good + "}", 8, "overlaps", "w"},
      {"gap", "{\"v\":" + good + ",\"w\":" + entry("[2]", "[12,20]") + "}", 20, "no owner", "w"},
      {"tail", "{\"w\":" + good + "}", 9, "belong to no tensor"},
      {"metadata is a list", "{\"__metadata__\":[1]}", 0, "__metadata__"},
      {"metadata of numbers", "{\"__metadata__\":{\"step\":1}}", 0, "texts", "step"},
      {"name of a megabyte", "{\"" + std::string(1 << 20, 'n') + "\":" + good + "}", 8, "a name has 1048576 bytes"},
      {"key of a megabyte in an entry", "{\"w\":{\"" + std::string(1 << 20, 'n') + "\":1}}", 0, "a name has"},
      {"long list", "{\"w\":" + entry("[1" + repeated(",1", 100) + "]", "[0,4]") + "}", 4, "more than 64 elements"},
      {"too many tensors", "{\"w\":" + good + repeated_names(65536) + "}", 8, "more than 65536 names"},
  };
}

TEST(SafetensorsHostile, EveryInvalidHeaderIsRejectedByName) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "w.safetensors";
  for (const Hostile& hostile : hostile_headers()) {
    SCOPED_TRACE(hostile.name);
    write_file(file, with_header(hostile.header, hostile.data));
    const UserMistake mistake = mistake_of([&] { read_safetensors(file); });
    EXPECT_EQ(mistake.file, file.string());
    EXPECT_NE(mistake.what_happened.find(hostile.says), std::string::npos) << mistake.what_happened;
    if (*hostile.key != '\0') {
      EXPECT_EQ(mistake.key, hostile.key);
    }
    EXPECT_FALSE(mistake.hint.empty());
    EXPECT_LT(one_line(mistake).size(), 1000U);
  }
}

TEST(SafetensorsHostile, HeaderLengthIsCheckedBeforeUse) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "w.safetensors";
  const std::string good = with_header("{\"w\":" + entry("[2]", "[0,8]") + "}", 8);
  for (const uint64_t length : {good.size() - 7, size_t{(32 << 20) + 1}, size_t{1} << 40, ~size_t{0}, ~size_t{0} - 7}) {
    std::string bytes = good;
    for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i) & 0xff);
    write_file(file, bytes);
    const UserMistake mistake = mistake_of([&] { read_safetensors(file); });
    EXPECT_NE(mistake.what_happened.find("the header claims"), std::string::npos) << mistake.what_happened;
  }
}

TEST(SafetensorsHostile, EveryTruncationIsNoticed) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "w.safetensors";
  const std::string good = with_header("{\"w\":" + entry("[2]", "[0,8]") + "}", 8);
  for (size_t size = 0; size < good.size(); ++size) {
    write_file(file, good.substr(0, size));
    EXPECT_EQ(mistake_of([&] { read_safetensors(file); }).file, file.string()) << size;
  }
  write_file(file, good);
  EXPECT_EQ(read_safetensors(file).tensors.size(), 1U);
}

TEST(SafetensorsHostile, MissingFilesFoldersAndPipesAreRejected) {
  const test::TemporaryFolder folder;
  const fs::path missing = folder.path / "none.safetensors", pipe = folder.path / "pipe.safetensors";
  EXPECT_NE(mistake_of([&] { read_safetensors(missing); }).what_happened.find("No such file"), std::string::npos);
  EXPECT_EQ(mistake_of([&] { read_safetensors(folder.path); }).what_happened, "is not a regular file");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(mistake_of([&] { read_safetensors(pipe); }).what_happened, "is not a regular file");
}

// A file with one flipped bit is either still well-formed (a renamed tensor, another dtype of the same width) or
// rejected. No read may leave the mapping; the sum over every element shows that under a sanitizer.
TEST(SafetensorsHostile, FlippedBitsOfTheHeaderNeverCrash) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path / "w.safetensors";
  const std::string good = with_header("{\"__metadata__\":{\"a\":\"b\"},\"v\":" + entry("[2,1]", "[0,8]") +
                                           ",\"w\":" + entry("[3]", "[8,14]", "F16") + "}",
                                       14);
  size_t refused = 0, read = 0;
  for (size_t bit = 0; bit < (good.size() - 14) * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    write_file(file, bytes);
    try {
      for (const auto& [name, tensor] : read_safetensors(file).tensors) {
        EXPECT_EQ(tensor.to(torch::kFloat64).sum().item<double>(), 0.0) << name;
      }
      ++read;
    } catch (const UserError& error) {
      EXPECT_EQ(error.mistake().file, file.string());
      ++refused;
    }
  }
  EXPECT_GT(refused, 10 * read / 2);
  EXPECT_GT(read, 0U);
}

}  // namespace
}  // namespace lucid::weights
