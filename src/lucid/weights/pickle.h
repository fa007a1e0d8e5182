// SPDX-License-Identifier: Apache-2.0
// Python's pickle format, read as data: an interpreter of the opcodes that build values. Nothing is imported, called or
// executed, whatever the file asks for; a call becomes a value that says what was to be called with what.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lucid::weights {

/// All values of one pickle. They lie in one array and refer to each other by number, so that a file which nests them a
/// million deep, or in a circle, costs no recursion.
class Pickle {
 public:
  using Id = uint32_t;
  enum class Kind {
    kNone,
    kBool,         // integer
    kInt,          // integer
    kBigInt,       // text: the two's complement bytes of an integer beyond 64 bits, lowest first
    kFloat,        // number
    kText,         // text: str or bytes
    kList,         // items: a list, tuple or set
    kDict,         // items: key, value, key, value, ...
    kGlobal,       // text: "module name" of a class or function
    kCall,         // items: what was to be called, its arguments; then key, value, ... set on the result
    kPersistentId  // items: the persistent id, with which torch names a storage
  };
  struct Value {
    Kind kind = Kind::kNone;
    int64_t integer = 0;
    double number = 0;
    std::string text = {};
    std::vector<Id> items = {};
  };

  /// Reads one pickle from the beginning of `bytes`; `used` is where it ends. Throws std::runtime_error that says what
  /// is wrong and at which byte. Memory is bounded by that of the bytes and of a million values.
  static Pickle parse(std::string_view bytes, size_t& used);

  Id root() const { return root_; }
  Id size() const { return static_cast<Id>(values_.size()); }
  const Value& operator[](Id id) const { return values_[id]; }
  /// The value's text if it is one, else "".
  std::string_view text(Id id) const;
  /// The function of a call ("module name") if it is a name, else "".
  std::string_view callee(Id call) const;
  /// The arguments of a call, if they are a tuple; else nothing.
  const std::vector<Id>* arguments(Id call) const;
  /// Key and value pairs of a dict, or of a call's result that items were set on (an OrderedDict).
  std::vector<std::pair<Id, Id>> entries(Id id) const;

 private:
  friend class PickleReader;
  std::vector<Value> values_;
  Id root_ = 0;
};

}  // namespace lucid::weights
