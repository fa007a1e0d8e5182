// SPDX-License-Identifier: Apache-2.0
// TensorBoard event files with scalars: protobuf messages in TFRecord framing (length, masked CRC-32C, payload).
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace lucid::asset {

class EventWriter {
 public:
  /// Creates FOLDER/events.out.tfevents.<time>.lucid. Throws UserError if it cannot be written.
  explicit EventWriter(const std::filesystem::path& folder);
  ~EventWriter();
  /// Appends one scalar and flushes the file. Throws UserError.
  void scalar(const std::string& tag, double value, int64_t step);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lucid::asset
