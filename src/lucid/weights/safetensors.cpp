// SPDX-License-Identifier: Apache-2.0
// The safetensors format: u64 header length, JSON header, data. Weight files are hostile until proven otherwise: every
// number of the header is checked against the file's size before it is used.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::weights {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;  // bytes; the format's own limit
constexpr int kMaxDims = 8;

struct DtypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr DtypeName kDtypes[] = {{"F64", torch::kFloat64},   {"F32", torch::kFloat32}, {"F16", torch::kFloat16},
                                 {"BF16", torch::kBFloat16}, {"I64", torch::kInt64},   {"I32", torch::kInt32},
                                 {"I16", torch::kInt16},     {"I8", torch::kInt8},     {"U8", torch::kUInt8},
                                 {"BOOL", torch::kBool}};

[[noreturn]] void damaged(const fs::path& file, const std::string& what, const std::string& tensor = "") {
  throw UserError({.what_happened = what,
                   .file = file.string(),
                   .key = tensor,
                   .hint = "the file is damaged or cut short; fetch it again"});
}

/// A read-only mapping that lives as long as any tensor that points into it.
struct Mapping {
  void* data = nullptr;
  size_t size = 0;
  ~Mapping() {
    if (data != nullptr) munmap(data, size);
  }
};

std::shared_ptr<Mapping> map_file(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw UserError({.what_happened = fmt::format("cannot read: {}", std::strerror(errno)), .file = file.string()});
  struct stat info {};
  const bool regular = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  auto mapping = std::make_shared<Mapping>();
  if (regular && info.st_size > 0) {
    // Private and writable, so that torch may treat the pages as its own; the file itself never changes.
    void* data = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
    if (data != MAP_FAILED) {
      mapping->data = data;
      mapping->size = static_cast<size_t>(info.st_size);
    }
  }
  ::close(descriptor);
  if (!regular) throw UserError({.what_happened = "is not a regular file", .file = file.string()});
  if (mapping->data == nullptr) damaged(file, "is empty or cannot be mapped");
  return mapping;
}

/// SAX pass that refuses duplicate names and deep nesting, which a DOM would hide or choke on.
struct StrictJson : nlohmann::json::json_sax_t {
  static constexpr size_t kMaxDepth = 4;
  std::vector<std::set<std::string>> open;
  std::string problem;
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(nlohmann::json::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (open.back().insert(name).second) return true;
    problem = fmt::format("the name '{}' stands twice in the header", name);
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    problem = fmt::format("the header is not valid JSON (byte {})", position);
    return false;
  }
  bool enter() {
    open.emplace_back();
    if (open.size() <= kMaxDepth) return true;
    problem = "the header is nested too deeply";
    return false;
  }
  bool leave() {
    open.pop_back();
    return true;
  }
};

nlohmann::json parse_header(const fs::path& file, const Mapping& mapping, uint64_t& data_begin) {
  if (mapping.size < 8) damaged(file, "is shorter than a safetensors header");
  const auto* bytes = static_cast<const unsigned char*>(mapping.data);
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[i];
  if (length > kMaxHeader || length > mapping.size - 8) {
    damaged(file, fmt::format("the header claims {} bytes, the file has {}", length, mapping.size));
  }
  const char* text = static_cast<const char*>(mapping.data) + 8;
  StrictJson strict;
  if (!nlohmann::json::sax_parse(text, text + length, &strict)) damaged(file, strict.problem);
  data_begin = 8 + length;
  nlohmann::json header = nlohmann::json::parse(text, text + length);
  if (!header.is_object()) damaged(file, "the header is not a JSON object");
  return header;
}

torch::Tensor copy_unaligned(const char* data, const std::vector<int64_t>& shape, torch::ScalarType type,
                             uint64_t bytes) {
  torch::Tensor tensor = torch::empty(shape, type);
  std::memcpy(tensor.data_ptr(), data, bytes);
  return tensor;
}

/// One header entry, checked. Returns the tensor and its byte range in the data section.
torch::Tensor make_tensor(const fs::path& file, const std::string& name, const nlohmann::json& entry,
                          const std::shared_ptr<Mapping>& mapping, uint64_t data_begin,
                          std::pair<uint64_t, uint64_t>& range) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets") ||
      !entry["dtype"].is_string() || !entry["shape"].is_array() || !entry["data_offsets"].is_array() ||
      entry["data_offsets"].size() != 2) {
    damaged(file, "its header entry lacks dtype, shape or data_offsets", name);
  }
  const std::string dtype = entry["dtype"];
  const auto* known = std::ranges::find(kDtypes, dtype, &DtypeName::name);
  if (known == std::end(kDtypes)) {
    throw UserError({.what_happened = fmt::format("dtype '{}' is not supported", dtype.substr(0, 20)),
                     .file = file.string(),
                     .key = name});
  }
  const uint64_t data_size = mapping->size - data_begin, item = c10::elementSize(known->type);
  uint64_t bytes = item;
  std::vector<int64_t> shape;
  bool empty = false;
  for (const auto& dim : entry["shape"]) {
    if (!dim.is_number_unsigned() || shape.size() >= kMaxDims)
      damaged(file, "its shape is not a short list of whole numbers", name);
    const uint64_t extent = dim;
    if (extent == 0) empty = true;
    if (extent > data_size || (extent != 0 && bytes > data_size / extent))
      damaged(file, "its shape is larger than the file", name);
    bytes *= std::max<uint64_t>(extent, 1);
    shape.push_back(static_cast<int64_t>(extent));
  }
  if (empty) bytes = 0;
  const auto& offsets = entry["data_offsets"];
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    damaged(file, "its data_offsets are not whole numbers", name);
  range = {offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>()};
  if (range.first > range.second || range.second > data_size) {
    damaged(
        file,
        fmt::format("its data [{}, {}) lies outside the file's {} bytes of data", range.first, range.second, data_size),
        name);
  }
  if (range.second - range.first != bytes) {
    damaged(file, fmt::format("its data has {} bytes, shape and dtype need {}", range.second - range.first, bytes),
            name);
  }
  if (bytes == 0) return torch::empty(shape, known->type);
  char* data = static_cast<char*>(mapping->data) + data_begin + range.first;
  torch::Tensor tensor = torch::from_blob(
      data, shape, [mapping](void*) {}, torch::TensorOptions(known->type));
  return reinterpret_cast<uintptr_t>(data) % item == 0 ? tensor : copy_unaligned(data, shape, known->type, bytes);
}

}  // namespace

StateDict read_safetensors(const fs::path& file) {
  const auto mapping = map_file(file);
  uint64_t data_begin = 0;
  const nlohmann::json header = parse_header(file, *mapping, data_begin);
  StateDict state{.file = file, .tensors = {}, .metadata = {}};
  std::vector<std::pair<std::pair<uint64_t, uint64_t>, std::string>> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) damaged(file, "__metadata__ is not an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) damaged(file, "metadata values must be texts", key);
        state.metadata[key] = value;
      }
      continue;
    }
    std::pair<uint64_t, uint64_t> range;
    state.tensors[name] = make_tensor(file, name, entry, mapping, data_begin, range);
    if (range.first != range.second) ranges.emplace_back(range, name);
  }
  std::ranges::sort(ranges);
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first.first < ranges[i - 1].first.second) {
      damaged(file, fmt::format("its data overlaps that of '{}'", ranges[i - 1].second), ranges[i].second);
    }
  }
  return state;
}

void write_safetensors(const fs::path& file, const std::map<std::string, torch::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  std::vector<torch::Tensor> parts;
  for (const auto& [name, tensor] : tensors) {
    const auto* known = std::ranges::find(kDtypes, tensor.scalar_type(), &DtypeName::type);
    LUCID_CHECK(known != std::end(kDtypes), "tensor {} has a dtype that safetensors lacks", name);
    parts.push_back(tensor.detach().to(torch::kCPU).contiguous());
    const uint64_t bytes = parts.back().nbytes();
    header[name] = {
        {"dtype", known->name}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string bytes = header.dump();
  bytes.append((8 - bytes.size() % 8) % 8, ' ');  // data begins at a multiple of 8
  const uint64_t length = bytes.size();
  std::string prefix(8, '\0');
  for (int i = 0; i < 8; ++i) prefix[static_cast<size_t>(i)] = static_cast<char>(length >> (8 * i) & 0xff);
  bytes.insert(0, prefix);
  bytes.reserve(bytes.size() + offset);
  for (const torch::Tensor& part : parts) {
    if (part.nbytes() > 0) bytes.append(static_cast<const char*>(part.data_ptr()), part.nbytes());
  }
  write_file(file, bytes);
}

}  // namespace lucid::weights
