// SPDX-License-Identifier: Apache-2.0
// The process writes to OUT/ID/.render, which is removed when it has ended.
#include "lucid/serve/jobs/assets/renderer.h"

#include <fmt/format.h>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/serve/jobs/process/ending_text.h"
#include "lucid/serve/jobs/refuse.h"

namespace lucid::serve {
namespace fs = std::filesystem;
namespace {

constexpr int kRenderNice = 10;
constexpr size_t kMostPicturesWaiting = 16;
constexpr size_t kMostPngBytes = 64 << 20;
constexpr std::chrono::minutes kRenderPatience{2};

fs::path render_work_folder(const fs::path& run) { return run / ".render"; }

std::vector<std::string> render_arguments(const View& view, const fs::path& source, const fs::path& picture) {
  const auto number = [](double value) { return fmt::format("{}", value); };
  return {"render",
          source,
          "-o",
          picture,
          "--camera",
          number(view.theta),
          number(view.phi),
          number(view.radius),
          "--target",
          number(view.target[0]),
          number(view.target[1]),
          number(view.target[2]),
          "--fovy",
          number(view.fovy),
          fmt::format("--size={}x{}", view.width, view.height),
          "--background=" + view.background,
          "--progress=off"};
}

http::Problem render_failed(const std::string& detail) {
  return {.status = 503, .type = "render-failed", .title = "No picture was made", .detail = detail};
}

}  // namespace

void Renderer::render(const AssetRequest& run, const View& view, Done done) {
  if (!source_of(run)) throw http::ProblemError(no_asset());
  if (queue_.size() >= kMostPicturesWaiting)
    refuse(503, "busy", "Busy", "Too many pictures are waited for; ask again in a moment.");
  queue_.push_back({run, view, std::move(done)});
  callbacks_.loop.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) start_next();
  });
}

void Renderer::forget(const std::string& id) {
  for (size_t i = 0; i < queue_.size();) {
    if (queue_[i].run.id != id) {
      ++i;
      continue;
    }
    const Done done = std::move(queue_[i].done);
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    done("", render_failed("The run was deleted."));
  }
  if (works_on(id)) child_->kill();
}

void Renderer::start_next() {
  while (!child_ && !queue_.empty()) {
    current_ = std::move(queue_.front());
    queue_.pop_front();
    try {
      start();
    } catch (const std::exception& error) {
      finish("", render_failed(error.what()));
    }
  }
}

void Renderer::start() {
  const auto source = source_of(current_.run);
  if (!source) return finish("", no_asset());
  const fs::path work = render_work_folder(current_.run.folder);
  std::error_code none;
  fs::remove_all(work, none);
  make_folder(work);
  std::vector<std::string> arguments =
      render_arguments(current_.view, fixed_source(*source, work / "source.lsplat"), work / "picture.png");
  arguments.insert(arguments.begin(), program_);
  child_ = std::make_unique<Child>(
      ChildPlan{.arguments = std::move(arguments), .log = work / "log.txt", .nice = kRenderNice},
      ChildCallbacks{.post = callbacks_.loop.post,
                     .line = [](const nlohmann::json&) {},
                     .end = [this](const Ending& ending) { end(ending); }});
  callbacks_.loop.after(kRenderPatience, [this, alive = std::weak_ptr<int>(alive_), number = ++number_] {
    if (!alive.expired() && child_ && number == number_) child_->kill();
  });
}

void Renderer::end(const Ending& ending) {
  child_.reset();
  const fs::path work = render_work_folder(current_.run.folder);
  const std::string id = current_.run.id;
  try {
    if (!is_success(ending)) throw UserError(ending_text(ending, work / "log.txt", 0));
    std::string png = read_file(work / "picture.png", kMostPngBytes);
    finish(std::move(png), std::nullopt);
  } catch (const std::exception& error) {
    finish("", render_failed(error.what()));
  }
  std::error_code none;
  fs::remove_all(work, none);
  callbacks_.ended(id);
  start_next();
}

void Renderer::finish(std::string png, std::optional<http::Problem> problem) {
  const Done done = std::move(current_.done);
  current_.done = nullptr;
  if (done) done(std::move(png), std::move(problem));
}

}  // namespace lucid::serve
