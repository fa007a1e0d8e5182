// SPDX-License-Identifier: Apache-2.0
// Reader and writer of the safetensors format: u64 header length, JSON header, data. The reader trusts nothing: every
// number of the header is checked against the file's size before it is used.
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/limits.h"
#include "lucid/weights/mapped_tensor.h"
#include "lucid/weights/state_dict.h"

namespace lucid::weights {
namespace fs = std::filesystem;
namespace {

struct DtypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr DtypeName kDtypes[] = {{"F64", torch::kFloat64},   {"F32", torch::kFloat32}, {"F16", torch::kFloat16},
                                 {"BF16", torch::kBFloat16}, {"I64", torch::kInt64},   {"I32", torch::kInt32},
                                 {"I16", torch::kInt16},     {"I8", torch::kInt8},     {"U8", torch::kUInt8},
                                 {"BOOL", torch::kBool}};

/// SAX pass before the DOM parser: rejects duplicate names, which that would hide, deep nesting, and more tensors,
/// longer names or longer lists than limits.h allows, which would cost it memory.
struct StrictJson : nlohmann::json::json_sax_t {
  static constexpr size_t kMaxDepth = 4, kMostListed = 64;
  std::vector<std::set<std::string>> open;
  std::string problem, culprit;
  size_t listed = 0;  // values since the last name
  bool null() override { return element(); }
  bool boolean(bool) override { return element(); }
  bool number_integer(number_integer_t) override { return element(); }
  bool number_unsigned(number_unsigned_t) override { return element(); }
  bool number_float(number_float_t, const string_t&) override { return element(); }
  bool string(string_t&) override { return element(); }
  bool binary(nlohmann::json::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    culprit = name;
    listed = 0;
    if (name.size() > kMostNameBytes) return refuse(fmt::format("a name has {} bytes", name.size()));
    if (!open.back().insert(name).second) return refuse("the name stands twice in the header");
    if (open.back().size() > kMostTensors) return refuse(fmt::format("it has more than {} names", kMostTensors));
    return true;
  }
  bool element() {
    return ++listed <= kMostListed ||
           refuse(fmt::format("a list in the header has more than {} elements", kMostListed));
  }
  bool refuse(const std::string& why) {
    problem = why;
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    culprit.clear();
    problem = fmt::format("the header is not valid JSON (byte {})", position);
    return false;
  }
  bool enter() {
    open.emplace_back();
    return element() && (open.size() <= kMaxDepth || refuse("the header is nested too deeply"));
  }
  bool leave() {
    open.pop_back();
    return true;
  }
};

nlohmann::json parse_header(const fs::path& file, const MappedFile& mapping, uint64_t& data_begin) {
  if (mapping.size() < 8) throw_damaged(file, "is shorter than a safetensors header");
  const auto* bytes = reinterpret_cast<const unsigned char*>(mapping.data());
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[i];
  if (length > kMostHeader || length > mapping.size() - 8) {
    throw_damaged(file, fmt::format("the header claims {} bytes, the file has {}", length, mapping.size()));
  }
  const char* text = mapping.data() + 8;
  StrictJson strict;
  if (!nlohmann::json::sax_parse(text, text + length, &strict)) throw_damaged(file, strict.problem, strict.culprit);
  data_begin = 8 + length;
  nlohmann::json header = nlohmann::json::parse(text, text + length);
  if (!header.is_object()) throw_damaged(file, "the header is not a JSON object");
  return header;
}

using Range = std::pair<uint64_t, uint64_t>;  // [begin, end) in the data section

/// The extents of a tensor; `count` becomes their product. Both are limited so that torch's own products of extents and
/// strides cannot overflow.
std::vector<int64_t> read_shape(const fs::path& file, const std::string& name, const nlohmann::json& entry,
                                uint64_t& count) {
  constexpr uint64_t kMaxCount = uint64_t{1} << 56;
  std::vector<int64_t> shape;
  uint64_t strides = 1;  // torch multiplies the extents of empty tensors too
  bool empty = false;
  for (const auto& dim : entry) {
    if (!dim.is_number_unsigned() || shape.size() >= kMostAxes) {
      throw_damaged(file, fmt::format("its shape is not a list of at most {} whole numbers", kMostAxes), name);
    }
    const uint64_t extent = dim;
    empty = empty || extent == 0;
    if (extent > kMaxCount / strides) throw_damaged(file, "its shape is larger than any file", name);
    strides *= std::max<uint64_t>(extent, 1);
    shape.push_back(static_cast<int64_t>(extent));
  }
  count = empty ? 0 : strides;
  return shape;
}

Range read_range(const fs::path& file, const std::string& name, const nlohmann::json& offsets, uint64_t data_size) {
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    throw_damaged(file, "its data_offsets are not whole numbers", name);
  const Range range{offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>()};
  if (range.first > range.second || range.second > data_size) {
    throw_damaged(
        file,
        fmt::format("its data [{}, {}) lies outside the file's {} bytes of data", range.first, range.second, data_size),
        name);
  }
  return range;
}

/// The tensor of one header entry, after all checks; `range` becomes its bytes in the data section.
torch::Tensor make_tensor(const fs::path& file, const std::string& name, const nlohmann::json& entry,
                          const std::shared_ptr<const MappedFile>& mapping, uint64_t data_begin, Range& range) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets") ||
      !entry["dtype"].is_string() || !entry["shape"].is_array() || !entry["data_offsets"].is_array() ||
      entry["data_offsets"].size() != 2) {
    throw_damaged(file, "its header entry lacks dtype, shape or data_offsets", name);
  }
  const std::string dtype = entry["dtype"];
  const auto* known = std::ranges::find(kDtypes, dtype, &DtypeName::name);
  if (known == std::end(kDtypes)) {
    throw UserError({.what_happened = fmt::format("dtype '{}' is not supported", dtype.substr(0, 20)),
                     .file = file.string(),
                     .key = shortened(name),
                     .hint = "F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL are"});
  }
  uint64_t count = 0;
  const std::vector<int64_t> shape = read_shape(file, name, entry["shape"], count);
  range = read_range(file, name, entry["data_offsets"], mapping->size() - data_begin);
  const uint64_t bytes = count * c10::elementSize(known->type);
  if (range.second - range.first != bytes) {
    throw_damaged(
        file, fmt::format("its data has {} bytes, shape and dtype need {}", range.second - range.first, bytes), name);
  }
  if (bytes == 0) return torch::empty(shape, known->type);
  return tensor_at(mapping, data_begin + range.first, shape, known->type);
}

/// Throws unless every byte of data belongs to exactly one tensor, as the format demands. Sorts `ranges`.
void check_cover(const fs::path& file, std::vector<std::pair<Range, std::string>>& ranges, uint64_t data_size) {
  std::ranges::sort(ranges);
  uint64_t end = 0;
  std::string before;
  for (const auto& [range, name] : ranges) {
    if (range.first < end) throw_damaged(file, fmt::format("its data overlaps that of '{}'", shortened(before)), name);
    if (range.first > end)
      throw_damaged(file, fmt::format("{} bytes before its data have no owner", range.first - end), name);
    end = range.second;
    before = name;
  }
  if (end != data_size) throw_damaged(file, fmt::format("the last {} bytes belong to no tensor", data_size - end));
}

}  // namespace

StateDict read_safetensors(const fs::path& file) {
  const auto mapping = MappedFile::open(file, "a .safetensors file was expected");
  uint64_t data_begin = 0;
  const nlohmann::json header = parse_header(file, *mapping, data_begin);
  StateDict state{.file = file, .tensors = {}, .metadata = {}, .mappings = {mapping}};
  std::vector<std::pair<Range, std::string>> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) throw_damaged(file, "__metadata__ is not an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) throw_damaged(file, "metadata values must be texts", key);
        state.metadata[key] = value;
      }
      continue;
    }
    Range range;
    state.tensors[name] = make_tensor(file, name, entry, mapping, data_begin, range);
    if (range.first != range.second) ranges.emplace_back(range, name);
  }
  check_cover(file, ranges, mapping->size() - data_begin);
  return state;
}

void write_safetensors(const fs::path& file, const std::map<std::string, torch::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  std::vector<torch::Tensor> parts;
  std::vector<std::pair<std::string, torch::Tensor>> widest_first(tensors.begin(), tensors.end());
  // Sorted from the widest dtype down, every tensor is aligned to its own width and can be read without a copy.
  std::ranges::stable_sort(widest_first, std::greater<>(), [](const auto& entry) { return entry.second.itemsize(); });
  for (const auto& [name, tensor] : widest_first) {
    LUCID_CHECK(name != "__metadata__", "a tensor cannot be called {}", name);
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
