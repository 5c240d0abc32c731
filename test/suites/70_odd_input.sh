#!/usr/bin/env bash
# Input that nobody expects and somebody has: 1,600 columns, 1 MB values, a million records of one person, every byte,
# other encodings, odd types. See 70_odd_input.sql; each check is a row there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

server_start "max_wal_size = 4GB"
sql --quiet -c "CREATE EXTENSION identity_resolve" -c "CREATE TABLE promise (encoding text, promise text, kept bool)"
status=0
sql --quiet -f 70_odd_input.sql || status=$?
for encoding in SQL_ASCII LATIN1 EUC_JP; do
  createdb --template=template0 --encoding="$encoding" --locale=C "$(tr '[:upper:]' '[:lower:]' <<<"$encoding")"
  sql --quiet -d "$(tr '[:upper:]' '[:lower:]' <<<"$encoding")" -c "CREATE EXTENSION identity_resolve" -c "CREATE TABLE promise (encoding text, promise text, kept bool)" \
    -f 70_odd_encodings.sql || status=$?
done
# Clauses that are stored go through a dump, and through COPY in binary.
sql --quiet <<'SQL' || status=$?
CREATE TABLE jobs (name text PRIMARY KEY, clauses identity_clause[]);
INSERT INTO jobs VALUES ('people', ARRAY[identity_source('app', E'SELECT id, email FROM public.parted -- \'"\\ \n'), identity_rule('plan', 'none', false), identity_output('combinations', 77)]);
CREATE VIEW people_now AS SELECT * FROM resolve_identities(identity_source('app', E'SELECT id, email FROM public.parted -- \'"\\')) AS (identity_id uuid, app_id int[], email text);
CREATE MATERIALIZED VIEW people_kept AS SELECT * FROM people_now;
CREATE TABLE people AS TABLE people_now;
SQL
createdb restored
pg_dump --no-owner --table=public.jobs --table=public.parted* --table=public.people* postgres >"$SERVER_DIR/dump.sql"
sql --quiet -d restored -c "CREATE EXTENSION identity_resolve" -f "$SERVER_DIR/dump.sql" >/dev/null || status=$?
sql --quiet -d postgres -c "COPY jobs TO '$SERVER_DIR/data/jobs' (FORMAT binary)" -c "CREATE TABLE jobs_2 (LIKE jobs)" -c "COPY jobs_2 FROM '$SERVER_DIR/data/jobs' (FORMAT binary)" || status=$?
for database in postgres restored; do
  sql -At -d $database -c "TABLE jobs" -c "SELECT * FROM people_now ORDER BY 2" -c "SELECT * FROM people_kept ORDER BY 2" -c "SELECT * FROM people ORDER BY 2" >"$SERVER_DIR/$database.out" || status=$?
done
sql --quiet -v same="$(cmp -s "$SERVER_DIR/postgres.out" "$SERVER_DIR/restored.out" && [ -s "$SERVER_DIR/postgres.out" ] && echo true || echo false)" <<'SQL' || status=$?
INSERT INTO promise VALUES ('UTF8', 'stored clauses, views and their results go through a dump', :same);
INSERT INTO promise SELECT 'UTF8', 'stored clauses go through binary COPY', array_agg(j.clauses::text) = array_agg(k.clauses::text) FROM jobs j JOIN jobs_2 k USING (name);
SQL

count() {
  for database in postgres sql_ascii latin1 euc_jp; do
    sql -At -d $database -c "SELECT count(*) FROM promise WHERE kept IS $1"
  done | awk '{ n += $1 } END { print n }'
}
for database in postgres sql_ascii latin1 euc_jp; do
  sql -At -F ': ' -d $database -c "SELECT CASE WHEN kept THEN 'ok' ELSE 'NOT OK' END, encoding, promise FROM promise"
done
passed=$(count "TRUE")
failed=$(($(count "NOT TRUE") + (status != 0)))
server_stop
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
