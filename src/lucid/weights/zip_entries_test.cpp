// SPDX-License-Identifier: Apache-2.0
// Tests of zip_entries.h: the ranges agree with libzip, and never leave a cut or changed file.
#include "lucid/weights/zip_entries.h"

#include <gtest/gtest.h>
#include <zip.h>

#include <fstream>
#include <iterator>

#include "goldens.h"

namespace lucid::weights {
namespace {
namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string zip_of_two(const fs::path& folder) {
  const fs::path file = folder / "two.zip";
  int code = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_CREATE, &code);
  const std::string plain = "0123456789", packed(1000, 'a');
  zip_file_add(zip, "d/packed", zip_source_buffer(zip, packed.data(), packed.size(), 0), 0);
  const auto at = zip_file_add(zip, "d/plain", zip_source_buffer(zip, plain.data(), plain.size(), 0), 0);
  zip_set_file_compression(zip, static_cast<zip_uint64_t>(at), ZIP_CM_STORE, 0);
  zip_set_archive_comment(zip, "a comment", 9);
  EXPECT_EQ(zip_close(zip), 0);
  return bytes_of(file);
}

TEST(ZipEntries, OnlyWhatIsStoredPlainly) {
  const test::TemporaryFolder folder;
  const std::string file = zip_of_two(folder.path);
  const auto entries = stored_zip_entries(file);
  ASSERT_EQ(entries.size(), 1u);
  const ZipEntry& entry = entries.at("d/plain");
  EXPECT_EQ(file.substr(entry.offset, entry.size), "0123456789");
}

TEST(ZipEntries, WhatTorchWroteIsFoundWhereLibzipFindsIt) {
  for (const char* name : {"sd/single/tiny-sd1.ckpt", "adapters/ti_a1111.pt"}) {
    const fs::path file = test::goldens() / name;
    const std::string bytes = bytes_of(file);
    const auto entries = stored_zip_entries(bytes);
    int code = 0;
    zip_t* zip = zip_open(file.c_str(), ZIP_RDONLY, &code);
    ASSERT_EQ(static_cast<zip_int64_t>(entries.size()), zip_get_num_entries(zip, 0)) << name;
    for (const auto& [entry_name, entry] : entries) {
      zip_file_t* entry_file = zip_fopen(zip, entry_name.c_str(), 0);
      std::string content(entry.size, '\0');
      EXPECT_EQ(zip_fread(entry_file, content.data(), entry.size), static_cast<zip_int64_t>(entry.size));
      EXPECT_EQ(bytes.substr(entry.offset, entry.size), content) << entry_name;
      zip_fclose(entry_file);
    }
    zip_discard(zip);
  }
}

/// Little-endian bytes of `number`.
template <class Number>
std::string bytes_of_number(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

/// A directory entry that names `size` bytes stored after a local header of no name at `local`.
std::string directory_entry(const std::string& name, uint32_t local, uint32_t size) {
  return "PK\x01\x02" + std::string(16, '\0') + bytes_of_number(size) + bytes_of_number(size) +
         bytes_of_number(static_cast<uint16_t>(name.size())) + std::string(12, '\0') + bytes_of_number(local) + name;
}
std::string zip_of(const std::string& body, const std::string& directory, uint16_t entries) {
  return body + directory + "PK\x05\x06" + std::string(4, '\0') + bytes_of_number(entries) + bytes_of_number(entries) +
         bytes_of_number(static_cast<uint32_t>(directory.size())) +
         bytes_of_number(static_cast<uint32_t>(body.size())) + std::string(2, '\0');
}

TEST(ZipEntries, EntriesThatShareBytesAreAProblem) {
  const std::string local = "PK\x03\x04" + std::string(26, '\0') + "01234567";  // 38 bytes
  const std::string body = local + local;
  const std::string apart = directory_entry("a", 0, 8) + directory_entry("b", 38, 8);
  EXPECT_EQ(stored_zip_entries(zip_of(body, apart, 2)).size(), 2U);
  EXPECT_EQ(zip_problem(zip_of(body, apart, 2)), "");
  const std::string twice = directory_entry("b", 0, 8) + directory_entry("a", 0, 8);
  EXPECT_NE(zip_problem(zip_of(body, twice, 2)).find("share bytes"), std::string::npos);
  const std::string over = directory_entry("a", 0, 9) + directory_entry("b", 38, 8);
  EXPECT_EQ(zip_problem(zip_of(body, over, 2)), "two of its entries share bytes: a and b");
}

TEST(ZipEntries, MoreEntriesThanTheLimitAreAProblem) {
  const auto many = [](uint64_t entries) {  // zip64, since the plain directory counts up to 65 535
    const std::string end64 = "PK\x06\x06" + std::string(28, '\0') + bytes_of_number(entries) + std::string(16, '\0');
    const std::string locator =
        "PK\x06\x07" + std::string(4, '\0') + bytes_of_number(uint64_t{0}) + std::string(4, '\0');
    return end64 + locator + zip_of("", "", 0xFFFF);
  };
  EXPECT_EQ(zip_problem(many(65536)), "");
  EXPECT_EQ(zip_problem(many(65537)), "has 65537 entries, at most 65536 are read");
}

TEST(ZipEntries, CutOrChangedFilesGiveNothingOutside) {
  const test::TemporaryFolder folder;
  const std::string file = zip_of_two(folder.path);
  size_t found = 0;
  const auto check = [&](const std::string& changed) {
    for (const auto& [name, entry] : stored_zip_entries(changed)) {
      ASSERT_LE(entry.offset, changed.size());
      ASSERT_LE(entry.size, changed.size() - entry.offset);
      ++found;
    }
  };
  for (size_t size = 0; size < file.size(); ++size) check(file.substr(0, size));
  for (size_t at = 0; at < file.size(); ++at) {
    for (const char value : {'\0', '\1', '\x7F', '\xFF'}) {
      std::string changed = file;
      changed[at] = value;
      check(changed);
    }
  }
  EXPECT_GT(found, 0u);
  check(std::string(file.size(), '\xFF'));
}

}  // namespace
}  // namespace lucid::weights
