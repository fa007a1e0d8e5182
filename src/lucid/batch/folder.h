// SPDX-License-Identifier: Apache-2.0
// The folder of a batch: batch.json (the rows), .batch/ (claims), one run folder a row, report.html and summary.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lucid/batch/claims.h"
#include "lucid/batch/plan.h"

namespace lucid::batch {

struct Folder {
  std::filesystem::path root;
  std::filesystem::path batch_file() const { return root / "batch.json"; }
  std::filesystem::path claims() const { return root / ".batch"; }
  std::filesystem::path run(const Row& row) const { return root / row.name; }
  std::filesystem::path log(const Row& row) const;
  std::filesystem::path row_file(const Row& row) const { return run(row) / "row.json"; }  // whose files these are
};

/// The batch that the folder holds; none if there is no batch.json. Throws UserError if it is damaged.
std::optional<Batch> load_batch(const Folder& folder);
void save_batch(const Folder& folder, const Batch& batch);

/// The mistakes of a batch that goes on in a folder: rows that were started there with another prompt or other options,
/// or that are no longer in the file.
std::vector<UserMistake> changes(const Folder& folder, const Batch& batch, const Claims& claims);

/// Lets rows that have failed be tried again.
void reopen_failed(const Batch& batch, const Claims& claims);

/// Makes the row's folder ready for its process: removes what was made with other options, and says whose it is now.
/// For the owner of the row's newest claim.
void prepare_run(const Folder& folder, const Row& row);
/// Whether the row's folder holds its finished result.
bool has_result(const Folder& folder, const Row& row);

/// What is known of a row.
struct RowView {
  Row row = {};
  std::filesystem::path folder = {};
  State state = State::kWaiting;
  std::string error = {}, host = {};
  std::filesystem::path picture = {}, sheet = {};  // one view, all views; relative to `folder`; empty = none
  int64_t step = 0, gaussians = 0;
  double seconds = 0;
};
std::vector<RowView> view_rows(const Folder& folder, const Batch& batch, const Claims& claims);

}  // namespace lucid::batch
