// The rows of a statement that makes a table of what we resolved, inserted many at a time.
//
// CREATE TABLE AS, SELECT INTO and CREATE or REFRESH MATERIALIZED VIEW insert row by row: each one
// finds its page, locks it and writes a WAL record of its own. COPY inserts as many rows as a page
// takes at once (heap_multi_insert()), with one WAL record. What stands here does the same for
// statements in whose plan our scan is: PostgreSQL's receiver of rows still makes the table, opens
// and closes it; only the rows go to the table's access method in batches, in the same order.
#pragma once

namespace identity_resolve::pg {

// Sets ExecutorRun_hook. Called once, when the library is loaded.
void install_bulk_receiver();

}  // namespace identity_resolve::pg
