// What an identity map tells those who may read its table: src/map/answers.cc.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "map/calls.h"

namespace identity_resolve::pg {

// Whether the caller may read every row of the map's table.
bool may_read_all(Oid table);

// The identity that an id stands for now, as text; nullptr for nobody.
const char* current_of(const Home& home, Oid table, Datum id);

}  // namespace identity_resolve::pg
