// How an identity map's table of records names a record: by its id, of which an index row has room
// for 2.7 kB. A longer id is named by how it begins and its SHA-256, which together are longer than
// any id that names itself: so no two names are the same unless two ids are.
//
// The copies of the sources' rows hold every id as it is.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// The name of the record of an id, both of them text; the id itself where it is short enough.
// On the current memory context. Plain frame.
Datum record_key(Datum id);

}  // namespace identity_resolve::pg
