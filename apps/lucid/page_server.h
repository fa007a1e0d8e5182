// SPDX-License-Identifier: Apache-2.0
// What the commands that serve a page share: where it listens, and what the user is told.
#pragma once

#include "lucid/serve/http/http_server.h"
#include "requests.h"

namespace lucid::cli {

serve::http::Options options_of(const PageRequest& request);

/// Starts the server, prints its address on stdout, and says on stderr what the user should know.
void start_and_announce(serve::http::Server& server);

}  // namespace lucid::cli
