// SPDX-License-Identifier: Apache-2.0
// torch.save's two formats: a pickle describes the tensors, each a view of a storage. In the zip format every storage
// is an entry of the archive; in the legacy format the storages follow the pickles.
#include "lucid/weights/torch_file.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

#include "lucid/base/error.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/limits.h"
#include "lucid/weights/mapped_tensor.h"
#include "lucid/weights/pickle.h"
#include "lucid/weights/pickle_names.h"
#include "lucid/weights/torch_zip.h"

namespace lucid::weights {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kZipMagic{"PK\x03\x04", 4};
// torch's magic number 0x1950a86a20f9469cfc6c, low byte first: the legacy format begins with it as a pickled long.
constexpr std::string_view kLegacyMagic{"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10};

Pickle parse(const fs::path& file, std::string_view bytes, size_t& used) {
  try {
    Pickle pickle = Pickle::parse(bytes.substr(0, kMostPickle), used);
    refuse_foreign_names(file, pickle);
    return pickle;
  } catch (const UserError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw_damaged(file, error.what());
  }
}

struct StorageType {
  std::string_view name;
  torch::ScalarType type;
};
constexpr StorageType kStorageTypes[] = {
    {"torch FloatStorage", torch::kFloat32},     {"torch HalfStorage", torch::kFloat16},
    {"torch BFloat16Storage", torch::kBFloat16}, {"torch DoubleStorage", torch::kFloat64},
    {"torch LongStorage", torch::kInt64},        {"torch IntStorage", torch::kInt32},
    {"torch ShortStorage", torch::kInt16},       {"torch CharStorage", torch::kInt8},
    {"torch ByteStorage", torch::kUInt8},        {"torch BoolStorage", torch::kBool}};

/// A storage as the pickle names it: ('storage', type, key, location, numel). The legacy format may add a view of it.
struct StorageRef {
  std::string key;
  torch::ScalarType type = torch::kFloat;
  int64_t count = 0;
  int64_t offset = 0;  // of a view into the storage
};

/// A tensor's description: everything but its numbers.
struct TensorRecord {
  StorageRef storage;
  int64_t offset = 0;
  std::vector<int64_t> sizes, strides;
};

/// Reads descriptions of storages and tensors from a pickle's values; nullopt for values that are neither.
class RecordReader {
 public:
  explicit RecordReader(const Pickle& pickle) : pickle_(pickle) {}

  std::optional<StorageRef> storage(Pickle::Id id) const {
    if (pickle_[id].kind != Pickle::Kind::kPersistentId) return std::nullopt;
    const Pickle::Value& tuple = pickle_[pickle_[id].items[0]];
    if (tuple.kind != Pickle::Kind::kList || tuple.items.size() < 5 || pickle_.text(tuple.items[0]) != "storage") {
      return std::nullopt;
    }
    const Pickle::Value& type = pickle_[tuple.items[1]];
    const auto* known = std::ranges::find(kStorageTypes, type.text, &StorageType::name);
    const auto count = integer(tuple.items[4]);
    if (type.kind != Pickle::Kind::kGlobal || known == std::end(kStorageTypes) || !count) return std::nullopt;
    StorageRef name{.key = std::string(pickle_.text(tuple.items[2])), .type = known->type, .count = *count};
    if (tuple.items.size() > 5 && pickle_[tuple.items[5]].kind == Pickle::Kind::kList) {
      const auto& view = pickle_[tuple.items[5]].items;  // (key, offset, numel)
      const auto offset = view.size() == 3 ? integer(view[1]) : std::nullopt;
      if (!offset) return std::nullopt;
      name.offset = *offset;
    }
    return name;
  }

  std::optional<TensorRecord> tensor(Pickle::Id id) const {
    const std::vector<Pickle::Id>* arguments = pickle_.arguments(id);
    if (pickle_.callee(id) == "torch._utils _rebuild_parameter" && arguments != nullptr && !arguments->empty()) {
      id = arguments->front();
      arguments = pickle_.arguments(id);
    }
    const std::string_view callee = pickle_.callee(id);
    if (callee != "torch._utils _rebuild_tensor_v2" && callee != "torch._utils _rebuild_tensor") return std::nullopt;
    if (arguments == nullptr || arguments->size() < 4) return std::nullopt;
    auto storage_ref = storage((*arguments)[0]);
    const auto offset = integer((*arguments)[1]);
    auto sizes = integers((*arguments)[2]), strides = integers((*arguments)[3]);
    if (!storage_ref || !offset || !sizes || !strides || sizes->size() != strides->size()) return std::nullopt;
    return TensorRecord{.storage = std::move(*storage_ref),
                        .offset = *offset,
                        .sizes = std::move(*sizes),
                        .strides = std::move(*strides)};
  }

 private:
  std::optional<int64_t> integer(Pickle::Id id) const {
    const Pickle::Value& value = pickle_[id];
    if (value.kind != Pickle::Kind::kInt || value.integer < 0) return std::nullopt;
    return value.integer;
  }
  std::optional<std::vector<int64_t>> integers(Pickle::Id id) const {
    std::vector<int64_t> numbers;
    if (pickle_[id].kind != Pickle::Kind::kList || pickle_[id].items.size() > 16) return std::nullopt;
    for (const Pickle::Id item : pickle_[id].items) {
      const auto number = integer(item);
      if (!number) return std::nullopt;
      numbers.push_back(*number);
    }
    return numbers;
  }

  const Pickle& pickle_;
};

/// Reads a storage: all its numbers, [count].
using ReadStorage = std::function<torch::Tensor(const StorageRef&)>;

/// The tensor of a description. Throws UserError if it reaches beyond its storage or is larger than the file.
torch::Tensor view_of(const fs::path& file, const std::string& name, const TensorRecord& record, uint64_t file_size,
                      const ReadStorage& read_storage) {
  const uint64_t most = file_size / c10::elementSize(record.storage.type);
  const auto count = static_cast<uint64_t>(record.storage.count);
  if (count > most) throw_damaged(file, "its storage is larger than the file", name);
  uint64_t numbers = 1, last = 0;
  bool empty = false;
  for (size_t i = 0; i < record.sizes.size(); ++i) {
    const auto size = static_cast<uint64_t>(record.sizes[i]), stride = static_cast<uint64_t>(record.strides[i]);
    empty = empty || size == 0;
    if (size > most || (size > 0 && numbers > most / size)) throw_damaged(file, "it is larger than the file", name);
    numbers *= std::max<uint64_t>(size, 1);
    if (size > 1 && stride > most / (size - 1)) throw_damaged(file, "it reaches beyond its storage", name);
    if (size > 1) last += (size - 1) * stride;
  }
  if (empty) return torch::empty(record.sizes, record.storage.type);
  const auto begin = static_cast<uint64_t>(record.offset), view = static_cast<uint64_t>(record.storage.offset);
  if (begin > count || view > count || last + begin + view >= count)
    throw_damaged(file, "it reaches beyond its storage", name);
  return read_storage(record.storage).as_strided(record.sizes, record.strides, static_cast<int64_t>(begin + view));
}

/// Walks a pickle's nested dicts and adds their tensors, texts and integers to a StateDict, named by path.
class StateDictWalker {
 public:
  StateDictWalker(const Pickle& pickle, StateDict* out, uint64_t file_size, const ReadStorage& read_storage)
      : pickle_(pickle), reader_(pickle), out_(out), file_size_(file_size), read_storage_(read_storage) {}

  void run() {
    for (const auto& [key, value] : pickle_.entries(pickle_.root())) {
      if (pickle_.text(key) == "state_dict" && !pickle_.entries(value).empty()) return visit(value, "", 0);
    }
    visit(pickle_.root(), "", 0);
    if (const auto alone = reader_.tensor(pickle_.root())) add("", *alone);
  }

 private:
  static constexpr int kMaxDepth = 8;             // TorchScript nests modules as deep as 5
  static constexpr int64_t kMaxVisits = 200'000;  // against dicts that contain each other many times

  void visit(Pickle::Id dict, const std::string& path, int depth) {
    for (const auto& [key, value] : pickle_.entries(dict)) {
      if (++visits_ > kMaxVisits) throw_damaged(out_->file, "its dicts hold one another too often");
      const std::string_view text = pickle_.text(key);
      if (pickle_[key].kind != Pickle::Kind::kText) continue;
      const std::string name = path.empty() ? std::string(text) : fmt::format("{}.{}", path, text);
      if (name.size() > kMostNameBytes)
        throw_damaged(out_->file, fmt::format("a name has {} bytes", name.size()), name);
      if (const auto tensor = reader_.tensor(value)) {
        add(name, *tensor);
      } else if (pickle_[value].kind == Pickle::Kind::kText) {
        add(name, pickle_[value].text);
      } else if (pickle_[value].kind == Pickle::Kind::kInt) {
        add(name, std::to_string(pickle_[value].integer));
      } else if (depth < kMaxDepth) {
        visit(value, name, depth + 1);
      }
    }
  }
  void add(const std::string& name, const std::string& text) {
    metadata_bytes_ += name.size() + text.size();  // one text may stand at many places
    if (metadata_bytes_ > kMostPickle) throw_damaged(out_->file, "its texts are too long");
    out_->metadata.emplace(name, text);
  }
  void add(const std::string& name, const TensorRecord& tensor) {
    if (out_->tensors.size() >= kMostTensors)
      throw_damaged(out_->file, fmt::format("it has more than {} tensors", kMostTensors));
    out_->tensors.insert_or_assign(name, view_of(out_->file, name, tensor, file_size_, read_storage_));
  }

  const Pickle& pickle_;
  RecordReader reader_;
  StateDict* out_;
  uint64_t file_size_;
  const ReadStorage& read_storage_;
  int64_t visits_ = 0;
  size_t metadata_bytes_ = 0;
};

StateDict read_zip(const fs::path& file) {
  const TorchZip zip(file);
  if (zip.big_endian()) throw_damaged(file, "was written by a big-endian machine");
  const std::string bytes = zip.pickle();
  size_t used = 0;
  const Pickle pickle = parse(file, bytes, used);
  std::map<std::string, torch::Tensor> storages;
  const ReadStorage read_storage = [&](const StorageRef& name) {
    const auto it = storages.find(name.key);
    if (it == storages.end())
      return storages.emplace(name.key, zip.storage(name.key, name.count, name.type)).first->second;
    if (it->second.scalar_type() != name.type || it->second.numel() != name.count) {
      throw_damaged(file, "two tensors describe their storage differently", name.key);
    }
    return it->second;
  };
  StateDict result{.file = file, .tensors = {}, .metadata = {}, .mappings = {zip.mapping()}};
  StateDictWalker(pickle, &result, zip.file_size(), read_storage).run();
  return result;
}

// The legacy format: four pickles (magic number, version, machine, content), a pickled list of storage keys, and the
// storages in that order, each after its number of elements.
StateDict read_legacy(const fs::path& file) {
  const auto mapping = MappedFile::open(file, kExpectedTorchFile);
  size_t at = 0;
  const auto next = [&] {
    size_t used = 0;
    Pickle pickle = parse(file, mapping->bytes().substr(at), used);
    at += used;
    return pickle;
  };
  for (int i = 0; i < 3; ++i) next();
  const Pickle content = next();
  const Pickle keys = next();
  // The content names the dtype of each storage, with its tensors.
  std::map<std::string, torch::ScalarType> types;
  const RecordReader reader(content);
  for (Pickle::Id id = 0; id < content.size(); ++id) {
    if (const auto name = reader.storage(id)) types.emplace(name->key, name->type);
  }
  std::map<std::string, torch::Tensor> storages;
  for (const Pickle::Id id : keys[keys.root()].items) {
    const std::string key(keys.text(id));
    const auto type = types.find(key);
    if (type == types.end()) throw_damaged(file, "a storage has no tensor that tells its type", key);
    uint64_t count = 0;
    if (mapping->size() - at < sizeof(count)) throw_damaged(file, "a storage is missing", key);
    std::memcpy(&count, mapping->data() + at, sizeof(count));
    at += sizeof(count);
    const uint64_t width = c10::elementSize(type->second);
    if (count > (mapping->size() - at) / width) throw_damaged(file, "a storage is cut short", key);
    storages[key] = tensor_at(mapping, at, {static_cast<int64_t>(count)}, type->second);
    at += count * width;
  }
  const ReadStorage read_storage = [&](const StorageRef& name) {
    const auto it = storages.find(name.key);
    if (it == storages.end()) throw_damaged(file, "a storage is missing", name.key);
    if (it->second.scalar_type() != name.type || it->second.numel() < name.count) {
      throw_damaged(file, "two tensors describe their storage differently", name.key);
    }
    return it->second;
  };
  StateDict result{.file = file, .tensors = {}, .metadata = {}, .mappings = {mapping}};
  StateDictWalker(content, &result, mapping->size(), read_storage).run();
  return result;
}

bool begins_like_legacy(std::string_view bytes) {
  // Opcodes PROTO 2 and LONG1, length 10, the magic number.
  return bytes.size() > 14 && bytes[0] == '\x80' && bytes.substr(2, 2) == std::string_view("\x8a\x0a", 2) &&
         bytes.substr(4, 10) == kLegacyMagic;
}

/// Throws UserError if the file is a pickle that torch.save did not write: by the first name that no weight file has,
/// else as such. Every .safetensors passes, since the length that it begins with would be no pickle of the file's size.
void refuse_other_pickles(const fs::path& file) {
  const auto mapping = MappedFile::open(file, kExpectedTorchFile);
  uint64_t header = 0;
  std::memcpy(&header, mapping->data(), std::min(mapping->size(), sizeof(header)));
  if (header <= mapping->size()) return;
  size_t used = 0;
  try {
    refuse_foreign_names(file, Pickle::parse(mapping->bytes().substr(0, kMostPickle), used));
  } catch (const UserError&) {
    throw;
  } catch (const std::runtime_error&) {
    return;
  }
  throw UserError({.what_happened = "is a pickle, but not one that torch.save wrote",
                   .file = file.string(),
                   .hint = kExpectedTorchFile});
}

}  // namespace

bool looks_like_torch_file(const fs::path& file) {
  const auto mapping = MappedFile::open(file, kExpectedTorchFile);
  return mapping->bytes().starts_with(kZipMagic) || begins_like_legacy(mapping->bytes());
}

StateDict read_torch_file(const fs::path& file) {
  const bool zip = [&] {
    const auto mapping = MappedFile::open(file, kExpectedTorchFile);
    if (mapping->bytes().starts_with(kZipMagic)) return true;
    if (begins_like_legacy(mapping->bytes())) return false;
    refuse_other_pickles(file);
    throw UserError(UserMistake{.what_happened = "is neither a zip nor a pickle of torch's",
                                .file = file.string(),
                                .hint = kExpectedTorchFile});
  }();
  return zip ? read_zip(file) : read_legacy(file);
}

StateDict read_weights(const fs::path& file) {
  if (looks_like_torch_file(file)) return read_torch_file(file);
  refuse_other_pickles(file);
  return read_safetensors(file);
}

}  // namespace lucid::weights
