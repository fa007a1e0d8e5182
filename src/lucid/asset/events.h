// SPDX-License-Identifier: Apache-2.0
// TensorBoard event files with scalars: protobuf messages in TFRecord framing (length, masked CRC-32C, payload).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace lucid::asset {

class EventWriter {
 public:
  /// Creates FOLDER/events.out.tfevents.<time>.lucid. Throws UserError if it cannot be written.
  explicit EventWriter(const std::filesystem::path& folder);
  ~EventWriter();
  /// Appends one scalar, which other processes see at once. Throws UserError.
  void scalar(const std::string& tag, double value, int64_t step);
  /// Puts what was appended on the disk, where a power cut leaves it.
  void sync();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Cuts the event files of a run in `folder` off after `last_step`, and after the last whole record: what a resumed run
/// will write again. A file without scalars is removed. Throws UserError.
void cut_events(const std::filesystem::path& folder, int64_t last_step);

}  // namespace lucid::asset
