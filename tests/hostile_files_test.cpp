// SPDX-License-Identifier: Apache-2.0
// Hostile files as a user meets them: `lucid` refuses each with one line and exit code 2, and its peak memory stays
// near what it takes for an honest small file. docs/guide/weights.md states the limits.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <iostream>

#include "goldens.h"
#include "process.h"
#include "repeated.h"

namespace {
namespace fs = std::filesystem;
using lucid::write_file;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::repeated;
using lucid::test::TemporaryFolder;

std::string with_header(const std::string& header) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header;
}

std::string header_of_empty_tensors(int count) {
  std::string header = "{";
  for (int i = 0; i < count; ++i) {
    header += fmt::format(R"({}"model.layer.{}.weight":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
                          i == 0 ? "" : ",", i);
  }
  return header + "}";
}

void write_zip(const fs::path& file, const std::vector<std::pair<std::string, std::string>>& entries, bool packed) {
  fs::remove(file);
  int code = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_CREATE, &code);
  for (const auto& [name, bytes] : entries) {
    const auto at = zip_file_add(zip, name.c_str(), zip_source_buffer(zip, bytes.data(), bytes.size(), 0), 0);
    ASSERT_GE(at, 0);
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(at), packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 1);
  }
  ASSERT_EQ(zip_close(zip), 0);
}

std::string called(const std::string& module, const std::string& name) {
  return "\x80\x02}\x8c\x01w" + ("c" + module + "\n" + name + "\n") + "\x8c\x04true\x85Rs.";
}

constexpr double kMega = 1e6;

/// What `lucid info` takes for a small file, in bytes.
int64_t usual_memory(const TemporaryFolder& folder) {
  const Outcome outcome = lucid_run({"info", (lucid::test::goldens() / "adapters/ti_a1111.pt").string()}, folder);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return outcome.peak_bytes;
}

/// `lucid info FILE` says each of `parts` in one line, with exit code 2, in at most `megabytes` more memory than usual.
void expect_refused(const fs::path& file, const std::vector<std::string>& parts, double megabytes, int64_t usual,
                    const TemporaryFolder& folder) {
  const Outcome outcome = lucid_run({"info", file.string()}, folder);
  expect_one_line(outcome, parts);
  const double more = static_cast<double>(outcome.peak_bytes - usual) / kMega;
  std::error_code none;
  std::cout << fmt::format("{:<28} {:>6.1f} MB file  {:>6.1f} MB of memory\n", file.filename().string(),
                           static_cast<double>(fs::file_size(file, none)) / kMega, std::max(more, 0.0));
  EXPECT_LT(more, megabytes) << file.filename();
}

TEST(HostileFiles, APickleThatCallsAProgramIsRefusedEverywhere) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "evil.ckpt", part = folder.path / "prior";
  write_zip(file, {{"x/data.pkl", called("os", "system")}}, false);
  const std::string says = "calls os.system: not a weight file";
  const std::string mini = (lucid::test::source_dir() / "models/mini").string();
  expect_one_line(lucid_run({"info", file.string()}, folder), {"evil.ckpt", says});
  expect_one_line(lucid_run({"prior", "check", file.string()}, folder), {"evil.ckpt", says});
  const std::string output = (folder.path / "out").string();
  for (const char* option : {"--prior", "--lora", "--textual-inversion", "--controlnet"}) {
    std::vector<std::string> arguments = {"generate", "--output", output,        "--iterations",
                                          "1",        option,     file.string(), "a box"};
    if (std::string(option) != "--prior") arguments.insert(arguments.end(), {"--prior", mini});
    expect_one_line(lucid_run(arguments, folder), {says});
  }
  fs::copy(lucid::test::goldens() / "sd/tiny-sd2-v", part, fs::copy_options::recursive);
  fs::remove_all(part / "unet");
  fs::create_directory(part / "unet");
  fs::copy(lucid::test::goldens() / "sd/tiny-sd2-v/unet/config.json", part / "unet/config.json");
  fs::copy(file, part / "unet/diffusion_pytorch_model.bin");
  expect_one_line(lucid_run({"prior", "check", part.string()}, folder), {"diffusion_pytorch_model.bin", says});
}

TEST(HostileFiles, BombsAreRefusedInLittleMemory) {
  const TemporaryFolder folder;
  const int64_t usual = usual_memory(folder);
  const auto refused = [&](const std::string& name, const std::string& bytes, const std::string& says,
                           double megabytes) {
    write_file(folder.path / name, bytes);
    expect_refused(folder.path / name, {name, says}, megabytes, usual, folder);
  };
  refused("tensors.safetensors", with_header(header_of_empty_tensors(300'000)), "more than 65536 names", 80);
  refused("header.safetensors", with_header(repeated(" ", (32 << 20) + 1)), "the header claims", 60);
  refused("names.safetensors", with_header("{\"" + std::string(1 << 20, 'n') + "\":{}}"), "a name has", 20);
  refused("lists.safetensors", with_header("{\"w\":{\"shape\":[" + repeated("1,", 10 << 20) + "1]}}"), "elements", 60);
  const auto pickle = [&](const std::string& name, const std::string& content, const std::string& says,
                          double megabytes) {
    write_zip(folder.path / name, {{"x/data.pkl", content}}, false);
    expect_refused(folder.path / name, {name, says}, megabytes, usual, folder);
  };
  const std::string proto = "\x80\x02";
  pickle("values.ckpt", proto + repeated("N", 30 << 20), "too many values", 260);
  pickle("stack.ckpt", proto + "N" + repeated("2", 30 << 20), "too many values on the stack", 120);
  pickle("memo.ckpt", proto + "N" + repeated("\x94", 30 << 20), "too many values in the memo", 180);
  pickle("items.ckpt", proto + repeated("(N" + repeated("2", 1000) + "l", 30'000), "too many items", 140);
  const std::string megabyte = "X" + std::string("\0\0\x10\0", 4) + std::string(1 << 20, 'x') + "q\x01";
  pickle("classes.ckpt", proto + megabyte + repeated("h\x01h\x01\x93", 1 << 20), "the name of a class is too long", 40);
  pickle("levels.ckpt", proto + ")" + repeated("2\x86", 1 << 20), "deeper than 64 levels", 40);
  write_zip(folder.path / "ratio.ckpt", {{"x/data.pkl", repeated("N", 60 << 20)}}, true);
  expect_refused(folder.path / "ratio.ckpt", {"its entries are larger than it"}, 20, usual, folder);
  const auto zip_with = [](size_t entries) {
    const std::string entry = "PK\x01\x02" + std::string(24, '\0') + std::string(18, '\0');
    const std::string end64 = "PK\x06\x06" + std::string(28, '\0') +
                              std::string(reinterpret_cast<const char*>(&entries), 8) + std::string(16, '\0');
    const std::string directory = "PK\x03\x04" + std::string(26, '\0') + repeated(entry, entries);
    const uint64_t at = directory.size();
    return directory + end64 + "PK\x06\x07" + std::string(4, '\0') +
           std::string(reinterpret_cast<const char*>(&at), 8) + std::string(4, '\0') + "PK\x05\x06" +
           std::string(4, '\0') + std::string(12, '\xff') + std::string(2, '\0');
  };
  refused("entries.ckpt", zip_with(600'000), "has 600000 entries", 60);
}

TEST(HostileFiles, AbsurdSizesOfPicturesAndMeshesAreRefused) {
  const TemporaryFolder folder;
  const int64_t usual = usual_memory(folder);
  const auto refused = [&](const std::string& name, const std::string& bytes, const std::string& says) {
    write_file(folder.path / name, bytes);
    expect_refused(folder.path / name, {name, says}, 60, usual, folder);
  };
  const std::string begin = "ply\nformat binary_little_endian 1.0\n";
  refused("gaussians.ply", begin + "element vertex 4000000000\nproperty float x\nend_header\n", "");
  refused("mesh.ply",
          begin +
              "element vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
              "element face 4000000000\nproperty list uchar int vertex_indices\nend_header\n" +
              std::string(36, '\0'),
          "");
  refused("mesh.stl", std::string(80, 'x') + "\xff\xff\xff\xff" + std::string(50, '\0'), "");
  refused(
      "levels.glb",
      [] {
        const std::string json = "{\"asset\":{\"version\":\"2.0\"},\"extras\":" + std::string(4 << 20, '[') + "   ";
        const auto word = [](size_t n) { return std::string(reinterpret_cast<const char*>(&n), 4); };
        const std::string padded = json + std::string((4 - json.size() % 4) % 4, ' ');
        return "glTF" + word(2) + word(20 + padded.size()) + word(padded.size()) + "JSON" + padded;
      }(),
      "deeper than 64 levels");
}

TEST(HostileFiles, ConfigurationsThatUnfoldAreRefused) {
  const TemporaryFolder folder;
  const int64_t usual = usual_memory(folder);
  const auto refused = [&](const std::string& yaml, const std::string& says) {
    write_file(folder.path / "c.yaml", yaml);
    const Outcome outcome = lucid_run({"generate", "--config", (folder.path / "c.yaml").string(), "a box"}, folder);
    expect_one_line(outcome, {"c.yaml", says});
    EXPECT_LT(static_cast<double>(outcome.peak_bytes - usual) / kMega, 100);
  };
  std::string laughs = "a: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) laughs += fmt::format("b{}: &a{} [*a{}, *a{}, *a{}]\n", i, i, i - 1, i - 1, i - 1);
  refused(laughs, "unknown key");
  refused(std::string(200'000, '['), "not valid YAML");
  refused("log: [&t " + std::string(100'000, 'x') + repeated(", *t", 30'000) + "]\n", "");
  const fs::path prior = folder.path / "prior";
  fs::copy(lucid::test::goldens() / "sd/tiny-sd2-v", prior, fs::copy_options::recursive);
  write_file(prior / "unet/config.json", "{\"only\":" + std::string(8 << 20, '[') + std::string(8 << 20, ']') + "}");
  expect_one_line(lucid_run({"prior", "check", prior.string()}, folder), {"config.json"});
}

}  // namespace
