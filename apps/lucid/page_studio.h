// SPDX-License-Identifier: Apache-2.0
// PageStudio: a server with the runs of a folder, the API and the page.
#pragma once

#include <optional>

#include "lucid/serve/api/api.h"
#include "page_server.h"

namespace lucid::cli {

class PageStudio {
 public:
  /// Fills in the program, the devices, and whether files may be named. Throws UserError.
  PageStudio(serve::http::Options http, serve::StudioOptions studio, serve::Mode mode);
  ~PageStudio() { end(); }
  PageStudio(const PageStudio&) = delete;
  PageStudio& operator=(const PageStudio&) = delete;

  serve::http::Server& server() { return server_; }
  serve::Changes& changes() { return changes_; }       // before the server starts, or on its I/O thread
  serve::Studio& studio() { return *studio_; }         // the same
  size_t open_pages() const { return open_pages_(); }  // I/O thread

  /// Pauses what works, and stops the server.
  void end();

 private:
  serve::Changes changes_;
  serve::http::Server server_;
  std::optional<serve::Studio> studio_;
  std::function<size_t()> open_pages_;
};

}  // namespace lucid::cli
