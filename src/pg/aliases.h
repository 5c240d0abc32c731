// Aliases: former values of a kind, and the present ones that stand for them (identity_alias()).
//
// An alias is a matter of spelling: a former value is read as the present one wherever it is met,
// so that both are one value for links, limits, evidence and output, and no record is made of it.
#pragma once

#include "pg/bytes.h"
#include "pg/request.h"

namespace identity_resolve::pg {

// Runs the queries of the request's aliases, with the caller's rights and as sources are read, and
// gives the kinds what they say. Needs a connection to SPI. Throws PgError and engine::Error.
void read_aliases(Request& request);

// What kinds know of aliases, for a parallel worker, which has the same clauses.
void add_aliases(ByteWriter& to, const Request& request);
void get_aliases(ByteReader& from, Request& request);

}  // namespace identity_resolve::pg
