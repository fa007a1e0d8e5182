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
