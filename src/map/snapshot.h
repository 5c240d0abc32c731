// The snapshot by which one refresh of an identity map sees its sources.
//
// A full resolve reads all sources by one snapshot; so must a refresh, or somebody who moves from
// one table to another while it reads would be missed, or counted twice. What triggers logged and
// how far changed_since has been read go by the same snapshot, so that whatever it does not see is
// left for the next refresh. The map's own state is seen as it is now: nobody else changes it
// meanwhile, but for identify(), which is waited for.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// A refresh begins, and has ended, however it did. One at a time in a session: else an error.
void begin_refresh();
void end_refresh();

// The snapshot, or nullptr where no refresh has taken one.
Snapshot refresh_snapshot() noexcept;

}  // namespace identity_resolve::pg
