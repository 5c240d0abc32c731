// Aliases: former values of a kind, and the present ones that stand for them (identity_alias()).
//
// An alias is a matter of spelling: a former value is read as the present one wherever it is met,
// so that both are one value for links, limits, evidence and output, and no record is made of it.
#pragma once

#include <functional>

#include "pg/bytes.h"
#include "resolve/request.h"

namespace identity_resolve::pg {

class SourceScan;

// All of these need a connection to SPI, and throw PgError and engine::Error.

// Gives the kinds of a request what is known of their aliases: what the queries say, or, of what an
// identity map resolves, its state.
void read_aliases(Request& request);
// The same by the queries alone, which are run as sources are, with the caller's rights.
void query_aliases(Request& request);
// Prepares and checks each of the queries, as a source's, and shows it with its kind.
void each_alias(const Request& request,
                const std::function<void(SourceScan&, engine::KindNumber)>& take);

// How the aliases of a state are read (map/stored_aliases.h). A resolve knows nothing of maps, so
// the library says it when it is loaded.
using ReadAliases = void (*)(Request& request);
void set_stored_aliases(ReadAliases read) noexcept;

// What kinds know of aliases, for a parallel worker, which has the same clauses.
void add_aliases(ByteWriter& to, const Request& request);
void get_aliases(ByteReader& from, Request& request);

}  // namespace identity_resolve::pg
