// The pipeline: scan, normalise, key, partition, union, guard, label, survive, emit.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// The body of resolve_identities(): the master table.
void resolve_identities(FunctionCallInfo fcinfo);

// The body of identity_records(): the long form.
void identity_records(FunctionCallInfo fcinfo);

}  // namespace identity_resolve::pg
