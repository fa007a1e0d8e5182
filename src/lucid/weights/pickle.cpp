// SPDX-License-Identifier: Apache-2.0
// The pickle interpreter: one case per opcode of protocols 0 to 5 (documented in CPython's Lib/pickletools.py).
#include "lucid/weights/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

#include "lucid/weights/limits.h"

namespace lucid::weights {

class PickleReader {
 public:
  explicit PickleReader(std::string_view bytes) : bytes_(bytes) {}

  Pickle read(size_t& used) {
    while (!stopped_) step(static_cast<unsigned char>(take(1)[0]));
    used = at_;
    pickle_.root_ = pop();
    return std::move(pickle_);
  }

 private:
  using Id = Pickle::Id;
  using Kind = Pickle::Kind;
  using Value = Pickle::Value;
  static constexpr Id kMark = std::numeric_limits<Id>::max();
  static constexpr std::string_view kTorchScript = "__torch__";  // the module of TorchScript's classes

  [[noreturn]] void refuse(const std::string& what) const {
    throw std::runtime_error(fmt::format("{} (byte {})", what, opcode_at_));
  }

  // Bytes.
  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) refuse("the pickle is cut short");
    const std::string_view part = bytes_.substr(at_, static_cast<size_t>(count));
    at_ += static_cast<size_t>(count);
    return part;
  }
  std::string_view line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) refuse("a line without an end");
    const std::string_view text = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }
  uint64_t unsigned_of(size_t width) {
    uint64_t value = 0;
    const std::string_view part = take(width);
    for (size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(part[i]);
    return value;
  }

  // Values and the stack.
  void push_id(Id id) {
    if (stack_.size() >= kMostPickleValues) refuse("too many values on the stack");
    stack_.push_back(id);
  }
  void push(Value value) {
    if (pickle_.values_.size() >= kMostPickleValues) refuse("too many values");
    const auto id = static_cast<Id>(pickle_.values_.size());
    const std::vector<Id> items = std::exchange(value.items, {});
    pickle_.values_.push_back(std::move(value));
    levels_.push_back(0);
    add_items(id, items);
    push_id(id);
  }
  /// Adds items to a value. The depth of a list or dict is that of the items it was given, when it was given them.
  void add_items(Id to, const std::vector<Id>& items) {
    items_ += items.size();
    if (items_ > kMostPickleItems) refuse("too many items");
    for (const Id item : items) levels_[to] = std::max(levels_[to], levels_[item] + 1);
    if (levels_[to] > kMostPickleLevels) refuse(fmt::format("values nest deeper than {} levels", kMostPickleLevels));
    std::vector<Id>& all = pickle_.values_[to].items;
    all.insert(all.end(), items.begin(), items.end());
  }
  void push_text(std::string_view text) { push({.kind = Kind::kText, .text = std::string(text)}); }
  void push_int(int64_t value) { push({.kind = Kind::kInt, .integer = value}); }
  void push_bool(bool value) { push({.kind = Kind::kBool, .integer = value}); }
  void push_global(std::string_view module, std::string_view name) {
    if (module.size() + name.size() > kMostNameBytes) refuse("the name of a class is too long");
    push({.kind = Kind::kGlobal, .text = fmt::format("{} {}", module, name)});
  }
  Id pop() {
    if (stack_.empty() || stack_.back() == kMark) refuse("a value is missing");
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }
  std::vector<Id> pop_to_mark() {
    size_t begin = stack_.size();
    while (begin > 0 && stack_[begin - 1] != kMark) --begin;
    if (begin == 0) refuse("a mark is missing");
    std::vector<Id> items(stack_.begin() + static_cast<std::ptrdiff_t>(begin), stack_.end());
    stack_.resize(begin - 1);
    return items;
  }
  std::vector<Id> pop_many(size_t count) {
    std::vector<Id> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }
  Id top() const {
    if (stack_.empty() || stack_.back() == kMark) refuse("a value is missing");
    return stack_.back();
  }
  void push_list(std::vector<Id> items) { push({.kind = Kind::kList, .items = std::move(items)}); }
  void push_call(Id callee, Id arguments) { push({.kind = Kind::kCall, .items = {callee, arguments}}); }

  void append(const std::vector<Id>& items) {
    const Kind kind = pickle_[top()].kind;
    if (kind != Kind::kList && kind != Kind::kCall) refuse("items for what is no list");
    if (kind == Kind::kList) add_items(top(), items);  // those for the result of an unknown call are dropped
  }
  void set_items(const std::vector<Id>& items) {
    if (items.size() % 2 != 0) refuse("a key without a value");
    const Kind kind = pickle_[top()].kind;
    if (kind != Kind::kDict && kind != Kind::kCall) refuse("items for what is no dict");
    add_items(top(), items);
  }

  // Memo.
  void put(uint64_t key) {
    if (memo_.size() >= kMostPickleValues) refuse("too many values in the memo");
    memo_[key] = top();
  }
  void get(uint64_t key) {
    const auto it = memo_.find(key);
    if (it == memo_.end()) refuse(fmt::format("memo {} was not set", key));
    push_id(it->second);
  }

  int64_t decimal(std::string_view text) const {
    if (text.ends_with('L')) text.remove_suffix(1);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) refuse("not a whole number");
    return value;
  }
  void push_long(std::string_view bytes) {  // two's complement, lowest byte first
    if (bytes.size() > 8) return push({.kind = Kind::kBigInt, .text = std::string(bytes)});
    uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    push_int(static_cast<int64_t>(value));
  }
  void push_float_text(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) refuse("not a number");
    push({.kind = Kind::kFloat, .number = value});
  }
  void push_float_big_endian() {
    uint64_t bits = 0;
    for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
    push({.kind = Kind::kFloat, .number = std::bit_cast<double>(bits)});
  }

  void step(unsigned char opcode) {
    opcode_at_ = at_ - 1;
    switch (opcode) {
      case 0x80:  // PROTO
        if (unsigned_of(1) > 5) refuse("a pickle protocol beyond 5");
        return;
      case 0x95:  // FRAME
        take(8);
        return;
      case '.':
        stopped_ = true;
        return;
      case '(':
        return push_id(kMark);
      case '0':  // POP; it may remove a mark
        if (stack_.empty()) refuse("a value is missing");
        stack_.pop_back();
        return;
      case '1':  // POP_MARK
        pop_to_mark();
        return;
      case '2':  // DUP
        return push_id(top());

      case 'N':
        return push({});
      case 0x88:
        return push_bool(true);
      case 0x89:
        return push_bool(false);
      case 'I': {
        const std::string_view text = line();
        return text == "00" || text == "01" ? push_bool(text == "01") : push_int(decimal(text));
      }
      case 'L':
        return push_int(decimal(line()));
      case 'J':
        return push_int(static_cast<int32_t>(unsigned_of(4)));
      case 'K':
        return push_int(static_cast<int64_t>(unsigned_of(1)));
      case 'M':
        return push_int(static_cast<int64_t>(unsigned_of(2)));
      case 0x8a:
        return push_long(take(unsigned_of(1)));
      case 0x8b:
        return push_long(take(unsigned_of(4)));
      case 'F':
        return push_float_text(line());
      case 'G':
        return push_float_big_endian();

      case 'S':  // STRING: a quoted text; its escapes are not decoded
      case 'V':
        return push_text(line());
      case 'T':
      case 'X':
      case 'B':
        return push_text(take(unsigned_of(4)));
      case 'U':
      case 'C':
      case 0x8c:
        return push_text(take(unsigned_of(1)));
      case 0x8d:
      case 0x8e:
      case 0x96:
        return push_text(take(unsigned_of(8)));

      case ')':
      case ']':
      case 0x8f:
        return push_list({});
      case 't':
      case 'l':
      case 0x91:
        return push_list(pop_to_mark());
      case 0x85:
      case 0x86:
      case 0x87:
        return push_list(pop_many(opcode - 0x84));
      case 'a':
        return append(pop_many(1));
      case 'e':
      case 0x90:
        return append(pop_to_mark());
      case '}':
        return push({.kind = Kind::kDict});
      case 'd':
        push({.kind = Kind::kDict, .items = pop_to_mark()});
        if (pickle_[top()].items.size() % 2 != 0) refuse("a key without a value");
        return;
      case 's':
        return set_items(pop_many(2));
      case 'u':
        return set_items(pop_to_mark());

      case 'c': {
        const std::string_view module = line(), name = line();
        return push_global(module, name);
      }
      case 0x93: {  // STACK_GLOBAL
        const std::vector<Id> names = pop_many(2);
        return push_global(pickle_.text(names[0]), pickle_.text(names[1]));
      }
      case 'R':     // REDUCE
      case 0x81: {  // NEWOBJ
        const std::vector<Id> call = pop_many(2);
        return push_call(call[0], call[1]);
      }
      case 0x92: {  // NEWOBJ_EX: keyword arguments are dropped
        const std::vector<Id> call = pop_many(3);
        return push_call(call[0], call[1]);
      }
      case 'o': {  // OBJ
        std::vector<Id> items = pop_to_mark();
        if (items.empty()) refuse("a class is missing");
        const Id callee = items.front();
        items.erase(items.begin());
        push_list(std::move(items));
        return push_call(callee, pop());
      }
      case 'i': {  // INST
        const std::string_view module = line(), name = line();
        push_list(pop_to_mark());
        const Id arguments = pop();
        push_global(module, name);
        return push_call(pop(), arguments);
      }
      case 'b': {  // BUILD: the state of an object; dropped, because no object is made, unless it is a module
        const Id state = pop();
        if (!pickle_.callee(top()).starts_with(kTorchScript) || pickle_[state].kind != Kind::kDict) return;
        return set_items(pickle_[state].items);
      }

      case 'P':
        push_text(line());
        return push({.kind = Kind::kPersistentId, .items = {pop()}});
      case 'Q':
        return push({.kind = Kind::kPersistentId, .items = {pop()}});

      case 'p':
        return put(static_cast<uint64_t>(decimal(line())));
      case 'q':
        return put(unsigned_of(1));
      case 'r':
        return put(unsigned_of(4));
      case 0x94:  // MEMOIZE
        return put(memo_.size());
      case 'g':
        return get(static_cast<uint64_t>(decimal(line())));
      case 'h':
        return get(unsigned_of(1));
      case 'j':
        return get(unsigned_of(4));

      default:  // EXT1..4 (registry of the reading program), out-of-band buffers, unknown opcodes
        refuse(fmt::format("opcode 0x{:02x} is not supported", opcode));
    }
  }

  std::string_view bytes_;
  size_t at_ = 0, opcode_at_ = 0, items_ = 0;
  bool stopped_ = false;
  Pickle pickle_;
  std::vector<uint32_t> levels_;  // of values: 0 for a value without items
  std::vector<Id> stack_;
  std::map<uint64_t, Id> memo_;
};

Pickle Pickle::parse(std::string_view bytes, size_t& used) { return PickleReader(bytes).read(used); }

std::string_view Pickle::text(Id id) const {
  return values_[id].kind == Kind::kText ? std::string_view(values_[id].text) : std::string_view();
}

std::string_view Pickle::callee(Id call) const {
  if (values_[call].kind != Kind::kCall) return {};
  const Value& name = values_[values_[call].items[0]];
  return name.kind == Kind::kGlobal ? std::string_view(name.text) : std::string_view();
}

const std::vector<Pickle::Id>* Pickle::arguments(Id call) const {
  if (values_[call].kind != Kind::kCall) return nullptr;
  const Value& list = values_[values_[call].items[1]];
  return list.kind == Kind::kList ? &list.items : nullptr;
}

std::vector<std::pair<Pickle::Id, Pickle::Id>> Pickle::entries(Id id) const {
  const Value& value = values_[id];
  std::vector<std::pair<Id, Id>> entries;
  if (value.kind != Kind::kDict && value.kind != Kind::kCall) return entries;
  for (size_t i = value.kind == Kind::kCall ? 2 : 0; i + 1 < value.items.size(); i += 2) {
    entries.emplace_back(value.items[i], value.items[i + 1]);
  }
  return entries;
}

}  // namespace lucid::weights
