// SPDX-License-Identifier: Apache-2.0
// TensorBoard event files: scalars only, written as framed protobuf records (TFRecord: length, masked CRC-32C,
// payload).
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace lucid::asset {

class EventWriter {
 public:
  explicit EventWriter(const std::filesystem::path& folder);  // events.out.tfevents.<time>.lucid, appended and flushed
  ~EventWriter();
  void scalar(const std::string& tag, double value, int64_t step);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lucid::asset
