// SPDX-License-Identifier: Apache-2.0
// Parser for Python's pickle format, protocols 0 to 5. It builds data only: nothing is imported, called or executed. A
// call in the pickle becomes a value of kind kCall that records the callee and its arguments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lucid::weights {

/// All values of one pickle, in one array; values refer to each other by index. So deeply nested or circular values
/// need no recursion.
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
    kCall,         // items: callee, arguments; then key, value, ... that the pickle sets on the result, and of a
                   // TorchScript module those of its state
    kPersistentId  // items: the persistent id, with which torch names a storage
  };
  struct Value {
    Kind kind = Kind::kNone;
    int64_t integer = 0;
    double number = 0;
    std::string text = {};
    std::vector<Id> items = {};
  };

  /// Parses one pickle at the beginning of `bytes` and stores its length in `used`. Throws std::runtime_error with the
  /// reason and the byte. Memory is bounded by the bytes and the limits in limits.h.
  static Pickle parse(std::string_view bytes, size_t& used);

  Id root() const { return root_; }
  Id size() const { return static_cast<Id>(values_.size()); }
  const Value& operator[](Id id) const { return values_[id]; }
  /// The text of a kText value, else "".
  std::string_view text(Id id) const;
  /// The callee of a call ("module name") if it is a kGlobal, else "".
  std::string_view callee(Id call) const;
  /// The arguments of a call if they are a tuple, else null.
  const std::vector<Id>* arguments(Id call) const;
  /// Key and value pairs of a dict, or those set on the result of a call (an OrderedDict). Empty for other kinds.
  std::vector<std::pair<Id, Id>> entries(Id id) const;

 private:
  friend class PickleReader;
  std::vector<Value> values_;
  Id root_ = 0;
};

}  // namespace lucid::weights
