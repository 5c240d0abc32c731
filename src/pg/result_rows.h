// The rows that a set-returning function gives.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// Sets a call of a set-returning function up to give its rows in a tuplestore, which is then the
// result's setResult; their shape is its setDesc. Throws engine::Error where the function was
// called in a place that takes no set.
ReturnSetInfo* begin_tuplestore(FunctionCallInfo fcinfo);

}  // namespace identity_resolve::pg
