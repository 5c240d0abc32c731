// The aliases of an identity map, as they were at its last refresh: m<id>_aliases.
#pragma once

#include "resolve/request.h"

namespace identity_resolve::pg {

// Gives the kinds what the state of the request says of their aliases. Where no parallel worker can
// take part, as in identify(), values are looked up one by one: a call costs the same however many
// aliases there are. Needs a connection to SPI. Throws PgError.
void read_stored_aliases(Request& request);

}  // namespace identity_resolve::pg
