// SPDX-License-Identifier: Apache-2.0
// torch.save's zip archive, read with libzip, or in place where an entry is stored uncompressed.
#include "lucid/weights/torch_zip.h"

#include <optional>

#include "lucid/base/error.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/limits.h"
#include "lucid/weights/mapped_tensor.h"

namespace lucid::weights {

TorchZip::TorchZip(const std::filesystem::path& file)
    : file_(file),
      mapping_(MappedFile::open(file, kExpectedTorchFile)),
      stored_(stored_zip_entries(mapping_->bytes())) {
  if (const std::string problem = zip_problem(mapping_->bytes()); !problem.empty()) throw_damaged(file, problem);
  int code = 0;
  zip_.reset(zip_open(file.c_str(), ZIP_RDONLY, &code));
  if (zip_ == nullptr) throw_damaged(file, "cannot be read as a zip");
  const zip_int64_t entries = zip_get_num_entries(zip_.get(), 0);
  std::optional<std::string> root;
  for (zip_int64_t i = 0; i < entries; ++i) {
    const std::string_view name = stat(i).name;
    if (name == "data.pkl" || name.ends_with("/data.pkl")) root = std::string(name.substr(0, name.size() - 8));
  }
  if (!root) {
    throw UserError(
        {.what_happened = "is a zip without a data.pkl", .file = file.string(), .hint = kExpectedTorchFile});
  }
  root_ = *root;
  uint64_t total = 0;
  for (zip_int64_t i = 0; i < entries; ++i) {
    const zip_stat_t entry = stat(i);
    // TorchScript's code is compressed, and not read.
    if (!std::string_view(entry.name).starts_with(root_ + "data")) continue;
    if (entry.size > file_size() || (total += entry.size) > file_size())
      throw_damaged(file, "its entries are larger than it");
  }
}

std::string TorchZip::pickle() const {
  const zip_int64_t index = locate("data.pkl");
  const zip_stat_t entry = stat(index);
  if (entry.size > kMostPickle) throw_damaged(file_, fmt::format("its pickle has {} bytes", entry.size));
  std::string bytes(entry.size, '\0');
  read(index, bytes.data(), bytes.size());
  return bytes;
}

torch::Tensor TorchZip::storage(const std::string& key, int64_t count, torch::ScalarType type) const {
  const zip_int64_t index = locate("data/" + key);
  const auto wanted = static_cast<uint64_t>(count) * c10::elementSize(type);
  const zip_stat_t entry = stat(index);
  if (entry.size < wanted) throw_damaged(file_, "its storage is cut short", key);
  const auto in_place = stored_.find(std::string_view(entry.name));
  if (in_place != stored_.end() && in_place->second.size == entry.size && entry.comp_method == ZIP_CM_STORE) {
    return tensor_at(mapping_, in_place->second.offset, {count}, type);
  }
  torch::Tensor numbers = torch::empty({count}, type == torch::kBool ? torch::kUInt8 : type);
  read(index, static_cast<char*>(numbers.data_ptr()), wanted);
  return type == torch::kBool ? numbers.ne(0) : numbers;  // C++ allows only the bytes 0 and 1 in a bool
}

bool TorchZip::big_endian() const {
  const zip_int64_t index = zip_name_locate(zip_.get(), (root_ + "byteorder").c_str(), 0);
  char text[3] = {};
  if (index < 0 || stat(index).size != 3) return false;
  read(index, text, 3);
  return std::string_view(text, 3) == "big";
}

zip_stat_t TorchZip::stat(zip_int64_t index) const {
  zip_stat_t entry;
  zip_stat_init(&entry);
  constexpr zip_uint64_t kWanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
  if (zip_stat_index(zip_.get(), static_cast<zip_uint64_t>(index), 0, &entry) != 0 ||
      (entry.valid & kWanted) != kWanted) {
    throw_damaged(file_, "its directory cannot be read");
  }
  return entry;
}

zip_int64_t TorchZip::locate(const std::string& name) const {
  const zip_int64_t index = zip_name_locate(zip_.get(), (root_ + name).c_str(), 0);
  if (index < 0) throw_damaged(file_, "an entry is missing", name);
  return index;
}

void TorchZip::read(zip_int64_t index, char* to, uint64_t count) const {
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> entry(
      zip_fopen_index(zip_.get(), static_cast<zip_uint64_t>(index), 0), &zip_fclose);
  for (uint64_t done = 0; done < count;) {
    const zip_int64_t got = entry == nullptr ? -1 : zip_fread(entry.get(), to + done, count - done);
    if (got <= 0) throw_damaged(file_, "an entry cannot be unpacked", stat(index).name);
    done += static_cast<uint64_t>(got);
  }
}

}  // namespace lucid::weights
