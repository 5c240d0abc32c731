// How an identity map names a record: by its id without the blanks around it, as a resolve compares
// ids. What the state keeps of a source's rows has every id as it is typed.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// The part of an id that says which record it is, both of them text: the id itself where there are
// no blanks around it. On the current memory context. Plain frame.
Datum record_name(Datum id);

}  // namespace identity_resolve::pg
