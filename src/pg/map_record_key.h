// How an identity map's table of records names a record: by its id without the blanks around it, as
// a resolve compares ids. An index row has room for 2.7 kB of it. A longer id is named by how it
// begins and its SHA-256, which together are longer than any id that names itself: so no two names
// are the same unless two ids are.
//
// The copies of the sources' rows hold every id as it is typed.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// The part of an id that says which record it is, both of them text: the id itself where there are
// no blanks around it. On the current memory context. Plain frame.
Datum record_name(Datum id);

// The name of the record of an id, both of them text; the id itself where it is short enough and
// has no blanks around it. On the current memory context. Plain frame.
Datum record_key(Datum id);

}  // namespace identity_resolve::pg
