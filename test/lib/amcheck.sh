# Whether the tables and indexes of a database hold together on disk, as the contrib modules amcheck and pg_visibility see
# it (test/lib/amcheck.sql), which Debian has in the server's package. Source this file from bash, after test/lib/server.sh.
#
#   sound            of the database that psql connects to: prints what is wrong, and fails if anything is
#   sound two        of another one
sound() {
  local found
  found=$(sql --quiet -At -d "${1:-$PGDATABASE}" -f "$SERVER_ROOT/test/lib/amcheck.sql" -c 'SELECT pg_temp.unsound()' 2>&1) || found+=' psql failed'
  [[ -z $found ]] || { echo "$found"; return 1; }
}
