// Deferred constraints of a map's table. PostgreSQL queues no deferred trigger while one role works
// for another, as a map's owner does for whoever calls: at the end of the transaction it would run
// as the caller. So while a map's work writes the table, its deferrable constraints are checked at
// the end of each statement, as the map's owner; a refresh changes who is in which row by one
// statement, so that what is checked is how the rows are in the end.
//
// Plain frames all of it: it may raise PostgreSQL's errors, and those of the constraints.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// From now on the deferrable constraints are checked at once that a change of the table's rows
// concerns: its own, those of tables that refer to it, and those of tables to which such a change
// goes on. What the transaction has queued for them is checked now, as the current user. Gives
// them, NIL for none; after an error the end of the (sub)transaction gives them back what they
// were.
List* check_constraints_at_once(Oid table);

// They are again as they were declared: a SET CONSTRAINTS that the transaction gave before is gone.
void defer_constraints_again(const List* constraints);

}  // namespace identity_resolve::pg
