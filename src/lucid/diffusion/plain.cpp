// SPDX-License-Identifier: Apache-2.0
// See plain.h.
#include "lucid/diffusion/plain.h"

namespace lucid::diffusion {
namespace {

thread_local bool plain_operators = false;

}  // namespace

PlainOperators::PlainOperators() : before_(plain_operators) { plain_operators = true; }
PlainOperators::~PlainOperators() { plain_operators = before_; }
bool PlainOperators::wanted() { return plain_operators; }

}  // namespace lucid::diffusion
