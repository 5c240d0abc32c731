// What the capture triggers of identity maps remember of a transaction: src/map/capture.cc.
#pragma once

namespace identity_resolve::pg {

// A refresh is about to take what the logs hold: what is logged from now on is news again, also by
// the same transaction.
void forget_what_was_told() noexcept;

}  // namespace identity_resolve::pg
