// SPDX-License-Identifier: Apache-2.0
// Tests of the torch.save reader: golden files of both formats, and rejection of hostile pickles and zips.
#include "lucid/weights/torch_file.h"

#include <gtest/gtest.h>
#include <zip.h>

#include <random>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/weights/pickle.h"
#include "mistakes.h"
#include "repeated.h"

namespace lucid::weights {
namespace {

namespace fs = std::filesystem;
using test::mistake_of;
using test::repeated;

fs::path readers() { return test::goldens() / "sd" / "readers"; }

class BothFormatsGolden : public testing::TestWithParam<const char*> {};

TEST_P(BothFormatsGolden, EveryTensorComesBack) {
  const auto expected = read_safetensors(readers() / "expected.safetensors").tensors;
  EXPECT_TRUE(looks_like_torch_file(readers() / GetParam()));
  const StateDict found = read_torch_file(readers() / GetParam());
  ASSERT_EQ(found.tensors.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(found.tensors.contains(name)) << name;
    EXPECT_EQ(found.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(found.tensors.at(name).equal(tensor)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Readers, BothFormatsGolden, testing::Values("zip.bin", "legacy.bin"),
                         [](const auto& param) { return std::string(param.param) == "zip.bin" ? "Zip" : "Legacy"; });

TEST(TorchFileGolden, UnknownClassesAreLeftOutAndTheStateDictIsFound) {
  const auto expected = read_safetensors(readers() / "expected.safetensors").tensors;
  const StateDict found = read_torch_file(readers() / "unknown-global.ckpt");
  ASSERT_EQ(found.tensors.size(), 2u);
  EXPECT_TRUE(found.tensors.at("a").equal(expected.at("f32")));
  EXPECT_TRUE(found.tensors.at("b").equal(expected.at("f32")[2]));
}

TEST(TorchFileGolden, NestedDictsAreNamedByPath) {
  const StateDict found = read_torch_file(test::goldens() / "adapters" / "ti_a1111.pt");
  EXPECT_EQ(found.metadata.at("name"), "golden-old");
  EXPECT_EQ(found.tensors.at("string_to_param.*").sizes(), (std::vector<int64_t>{2, 32}));
}

// Hostile files; their pickles are written opcode by opcode.

std::string text(const std::string& s) {
  std::string bytes = "\x8c";
  bytes += static_cast<char>(s.size());
  return bytes += s;
}
std::string name(const std::string& module, const std::string& what) { return "c" + module + "\n" + what + "\n"; }
std::string number(int64_t value) {
  std::string bytes = "\x8a\x08";
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff);
  return bytes;
}
std::string numbers(const std::vector<int64_t>& values) {
  std::string bytes = "(";
  for (const int64_t v : values) bytes += number(v);
  return bytes + "t";
}

struct BadTensor {
  const char* what;
  std::vector<int64_t> sizes = {2, 3}, strides = {3, 1};
  int64_t offset = 0, storage = 6;
  std::string key = "0", type = "FloatStorage";
};

std::string tensor(const BadTensor& bad) {
  return name("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") + name("torch", bad.type) + text(bad.key) +
         text("cpu") + number(bad.storage) + "tQ" + number(bad.offset) + numbers(bad.sizes) + numbers(bad.strides) +
         "\x89" + name("collections", "OrderedDict") + ")RtR";
}

std::string dict(const std::string& key, const std::string& value) { return "\x80\x02}" + text(key) + value + "s."; }

fs::path write_zip(const fs::path& folder, const std::string& pickle, const std::string& storage = std::string(24, 0)) {
  const fs::path file = folder / "hostile.bin";
  fs::remove(file);
  int code = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_CREATE, &code);
  const auto add = [&](const char* entry, const std::string& bytes) {
    const auto index = zip_file_add(zip, entry, zip_source_buffer(zip, bytes.data(), bytes.size(), 0), 0);
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  };
  add("x/data.pkl", pickle);
  add("x/data/0", storage);
  EXPECT_EQ(zip_close(zip), 0);
  return file;
}

TEST(TorchFileHostile, AnHonestFileByHand) {
  const test::TemporaryFolder folder;
  const StateDict file = read_torch_file(write_zip(folder.path, dict("w", tensor({.what = "nothing"}))));
  EXPECT_TRUE(file.tensors.at("w").equal(torch::zeros({2, 3})));
}

TEST(TorchFileHostile, TensorsOutsideTheirStorageAreRejectedByName) {
  const std::vector<BadTensor> bad_tensors = {
      {.what = "more rows than the storage", .sizes = {3, 3}},
      {.what = "strides beyond the storage", .strides = {4, 1}},
      {.what = "an offset beyond the storage", .offset = 1},
      {.what = "a huge offset", .offset = INT64_MAX},
      {.what = "a huge size", .sizes = {INT64_MAX, 3}},
      {.what = "sizes whose product wraps", .sizes = {int64_t{1} << 32, int64_t{1} << 32}, .strides = {0, 0}},
      {.what = "a small storage widened beyond the file", .sizes = {1 << 20, 1 << 10}, .strides = {0, 0}},
      {.what = "strides whose sum wraps", .sizes = {2, 2}, .strides = {INT64_MAX, INT64_MAX}},
      {.what = "a storage larger than its entry", .storage = 7},
      {.what = "a storage larger than the file", .storage = int64_t{1} << 40},
      {.what = "doubles in a storage of floats", .type = "DoubleStorage"},
      {.what = "a storage that is not there", .key = "1"},
      {.what = "a storage outside the folder", .key = "../../x"},
  };
  const test::TemporaryFolder folder;
  for (const BadTensor& bad : bad_tensors) {
    const fs::path file = write_zip(folder.path, dict("w", tensor(bad)));
    EXPECT_NE(mistake_of([&] { read_torch_file(file); }).what_happened, "") << bad.what;
  }
}

TEST(TorchFileHostile, NegativeOrMissingNumbersAreNoTensor) {
  const test::TemporaryFolder folder;
  for (const BadTensor& bad : std::vector<BadTensor>{{.what = "size", .sizes = {-2, 3}},
                                                     {.what = "stride", .strides = {-3, 1}},
                                                     {.what = "offset", .offset = -1},
                                                     {.what = "storage", .storage = -6},
                                                     {.what = "axes", .strides = {1}},
                                                     {.what = "type", .type = "QInt8Storage"}}) {
    EXPECT_TRUE(read_torch_file(write_zip(folder.path, dict("w", tensor(bad)))).tensors.empty()) << bad.what;
  }
}

TEST(TorchFileHostile, NothingIsExecuted) {
  const test::TemporaryFolder folder;
  const fs::path mark = folder.path / "executed";
  const std::string command = text("touch " + mark.string()), system = name("os", "system");
  for (const std::string& call : {system + command + "\x85R", std::string("(").append(command).append("ios\nsystem\n"),
                                  std::string("(").append(system).append(command).append("o"),
                                  name("builtins", "eval") + text("1/0") + "\x85\x81"}) {
    const fs::path file = write_zip(folder.path, dict("w", call));
    const std::string problem = mistake_of([&] { read_torch_file(file); }).what_happened;
    EXPECT_EQ(problem, call.find("eval") == std::string::npos ? "calls os.system: not a weight file"
                                                              : "calls builtins.eval: not a weight file");
    EXPECT_FALSE(fs::exists(mark));
  }
}

// What other programs would run is refused by name wherever it stands, also beside good tensors and in plain pickles.
TEST(TorchFileHostile, ForeignNamesAreRefused) {
  const test::TemporaryFolder folder;
  const auto problem = [&](const fs::path& file) { return mistake_of([&] { read_weights(file); }).what_happened; };
  const std::string good = tensor({.what = "nothing"}), system = name("posix", "system");
  const std::string state = "\x80\x02}" + text("w") + good + "s";
  EXPECT_EQ(problem(write_zip(folder.path, state + "0" + system + text("true") + "\x85R.")),
            "calls posix.system: not a weight file");
  EXPECT_EQ(problem(write_zip(folder.path, state + text("f") + name("torch", "load") + "s.")),
            "names torch.load: not a weight file");
  const std::string assembled = text("nt") + text("system") + "\x93" + text("true") + "\x85R";  // STACK_GLOBAL
  EXPECT_EQ(problem(write_zip(folder.path, dict("w", assembled))), "calls nt.system: not a weight file");
  EXPECT_EQ(problem(write_zip(folder.path, dict("w", name("collections", "OrderedDict.pop")))),
            "names collections.OrderedDict.pop: not a weight file");
  const fs::path plain = folder.path / "plain.ckpt";
  write_file(plain, "\x80\x04" + system + text("true") + "\x85R.");
  EXPECT_EQ(problem(plain), "calls posix.system: not a weight file");
  write_file(plain, "cos\nsystem\n(S'true'\ntR.");
  EXPECT_EQ(problem(plain), "calls os.system: not a weight file");
  write_file(plain, "\x80\x04}" + text("a value") + "K\x01s.");
  EXPECT_EQ(problem(plain), "is a pickle, but not one that torch.save wrote");
  std::string legacy = read_file(readers() / "legacy.bin");
  const std::string dict_name = "collections\nOrderedDict";
  ASSERT_NE(legacy.find(dict_name), std::string::npos);
  legacy.replace(legacy.find(dict_name), dict_name.size(), "collections\nOrderedDamn");
  write_file(plain, legacy);
  EXPECT_EQ(problem(plain), "calls collections.OrderedDamn: not a weight file");
}

TEST(TorchFileHostile, NestedTuplesAreRefused) {
  const test::TemporaryFolder folder;
  const auto problem = [&](const std::string& value) {
    const fs::path file = write_zip(folder.path, dict("w", value));
    return mistake_of([&] { read_torch_file(file); }).what_happened;
  };
  std::string bomb = ")", fine = "N";  // each level holds the one before twice: 2^n values, if it were unfolded
  for (int i = 0; i < 100; ++i) bomb += "2\x86";
  for (int i = 0; i < 60; ++i) fine += "\x85";
  EXPECT_NE(problem(bomb).find("deeper than 64 levels"), std::string::npos);
  EXPECT_TRUE(read_torch_file(write_zip(folder.path, dict("w", fine))).tensors.empty());
}

TEST(TorchFileHostile, DeepAndCircularValuesEnd) {
  const test::TemporaryFolder folder;
  std::string deep(200'000, ']');
  deep += std::string(199'999, 'a');
  std::string parameters;  // a parameter of a parameter of ...
  for (int i = 0; i < 50'000; ++i) parameters += name("torch._utils", "_rebuild_parameter");
  parameters += "N";
  for (int i = 0; i < 50'000; ++i) parameters += "\x85R";
  const std::string circle = "}q\x05" + text("a") + "h\x05s";
  std::string laughs = "}q\x01";  // "billion laughs": each dict holds the one before a hundred times
  for (char level = 2; level < 6; ++level) {
    laughs.append("0}q").append(1, level).append("(");
    for (char i = 0; i < 100; ++i) {
      laughs += text({i});
      laughs.append("h").append(1, static_cast<char>(level - 1));
    }
    laughs += "u";
  }
  EXPECT_TRUE(read_torch_file(write_zip(folder.path, dict("w", circle))).tensors.empty());
  const auto problem = [&](const std::string& value) {
    const fs::path file = write_zip(folder.path, dict("w", value));
    return mistake_of([&] { read_torch_file(file); }).what_happened;
  };
  EXPECT_NE(problem(deep).find("deeper than"), std::string::npos);
  EXPECT_NE(problem(parameters).find("deeper than"), std::string::npos);
  EXPECT_NE(problem(laughs).find("one another"), std::string::npos);
  // One text of a megabyte at a hundred places.
  std::string texts = "}X" + std::string("\0\0\x10\0", 4) + std::string(1 << 20, 'x') +
                      "q\x01"
                      "0(";
  for (char i = 0; i < 100; ++i) texts += text({i}) + "h\x01";
  EXPECT_NE(problem(texts + "u").find("texts are too long"), std::string::npos);
  EXPECT_NE(problem("}X" + std::string("\xe9\x03\0\0", 4) + std::string(1001, 'n') + "K\x01s").find("a name has 1003"),
            std::string::npos);
}

TEST(TorchFileHostile, BrokenPicklesSayWhere) {
  const auto problem = [](const std::string& bytes) -> std::string {
    size_t used = 0;
    try {
      Pickle::parse(bytes, used);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  for (const std::string& bytes : {std::string(""),
                                   std::string("."),
                                   std::string("(."),
                                   std::string("R."),
                                   std::string("K"),
                                   std::string("h\x07."),
                                   std::string("}K\x01u."),
                                   std::string("N]s."),
                                   std::string("NNa."),
                                   std::string("t."),
                                   std::string("(K\x01\x64."),
                                   std::string("X\xff\xff\xff\xff\x61"),
                                   std::string("I12x\n."),
                                   std::string("Fone\n."),
                                   std::string("cos"),
                                   std::string("\x80\x09."),
                                   std::string("\x82\x01."),
                                   std::string("\xff."),
                                   std::string("\x8d\xff\xff\xff\xff\xff\xff\xff\xff."),
                                   std::string(2 << 20, 'N'),
                                   std::string(2 << 20, '('),
                                   "N" + std::string(2 << 20, '2'),
                                   "N" + std::string(2 << 20, '\x94'),
                                   text(std::string(127, 'x')) + "q\x01" + repeated("0h\x01h\x01\x93", 4) +
                                       "X\xe9\x03" + std::string(1003, '\0') + "h\x01\x93.",
                                   repeated("(N" + std::string(1000, '2') + "l", 6000)}) {
    EXPECT_NE(problem(bytes).find("byte"), std::string::npos) << testing::PrintToString(bytes.substr(0, 20));
  }
}

TEST(TorchFileHostile, CutAndDamagedFilesNeverCrash) {
  const test::TemporaryFolder folder;
  std::mt19937 random(1);
  for (const char* from : {"zip.bin", "legacy.bin"}) {
    const std::string whole = read_file(readers() / from);
    const fs::path file = folder.path / "damaged.bin";
    int refused = 0;
    const auto attempt = [&](const std::string& bytes) {
      write_file(file, bytes);
      try {
        for (const auto& [name, tensor] : read_torch_file(file).tensors) tensor.contiguous();
      } catch (const UserError&) {
        ++refused;
      }
    };
    for (size_t length = 0; length < whole.size(); length += 7) attempt(whole.substr(0, length));
    EXPECT_EQ(refused, static_cast<int>((whole.size() + 6) / 7)) << from << ": a cut file was accepted";
    for (int i = 0; i < 1500; ++i) {
      std::string bytes = whole;
      for (int k = 0; k <= i % 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
      attempt(bytes);
    }
  }
}

/// A pickle of one object of this class whose state is {1: 2}; with `more`, it is given a state of 60 000 entries
/// `more` + 1 times.
std::string object_with_state(const std::string& class_name, int more = 0) {
  std::string entries;
  for (int i = 0; i < (more > 0 ? 60'000 : 1); ++i) entries += "K\x01K\x02";
  const std::string memo(1, '\0');
  std::string bytes = "\x80\x02}q" + memo + "(" + entries + "u0c" + class_name + ")\x81";
  for (int i = 0; i <= more; ++i) bytes += "h" + memo + "b";
  return bytes + ".";
}

TEST(PickleOfTorchScript, AttributesOfModulesAreReadAndThoseOfOtherObjectsAreNot) {
  size_t used = 0;
  const Pickle module = Pickle::parse(object_with_state("__torch__.clip\nCLIP\n"), used);
  ASSERT_EQ(module.entries(module.root()).size(), 1U);
  EXPECT_EQ(module[module.entries(module.root())[0].second].integer, 2);
  const Pickle other = Pickle::parse(object_with_state("os\nsystem\n"), used);
  EXPECT_TRUE(other.entries(other.root()).empty());
}

TEST(PickleOfTorchScript, OneStateGivenManyTimesIsRefused) {
  size_t used = 0;
  EXPECT_NO_THROW(Pickle::parse(object_with_state("__torch__.clip\nCLIP\n", 1), used));
  const std::string bytes = object_with_state("__torch__.clip\nCLIP\n", 1000);
  EXPECT_THROW(Pickle::parse(bytes, used), std::runtime_error);
}

}  // namespace
}  // namespace lucid::weights
