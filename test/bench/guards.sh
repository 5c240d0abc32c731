#!/usr/bin/env bash
# What a limit costs where it has to part people: the same records with and without it, in turns, on one server.
#
#   test/bench/guards.sh [people] [rounds]      default: 1000000 5
#
# Two tools know every person by an address; each address is in two workspaces, and a limit on the workspace makes two people of it. A share
# of the addresses is in conflict (0, 5 and 100 of a hundred); the others are in one workspace only. Workers are off: what is compared is work.
# Printed: the medians of both, and their ratio. The people that come out are checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
people=${1:-1000000}
rounds=${2:-5}

server_start "shared_buffers = 1GB" "work_mem = 256MB" "maintenance_work_mem = 1GB" "max_wal_size = 16GB" "autovacuum = off" "fsync = off" \
  "max_parallel_workers_per_gather = 0" "jit = off"
sql --quiet <<'SQL'
CREATE EXTENSION identity_resolve;
CREATE FUNCTION clauses(most int) RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('seat', 'SELECT id, tenant, email FROM seat'), identity_source('bill', 'SELECT id, tenant, email FROM bill'),
               identity_rule('tenant', link => false, max_per_identity => most)] $$;
-- The time on a processor, which other work on the machine disturbs least.
CREATE FUNCTION worked() RETURNS float LANGUAGE sql VOLATILE AS $$ SELECT split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::float / 1e9 $$;
CREATE FUNCTION measured(most int, OUT seconds float, OUT identities bigint) LANGUAGE plpgsql AS $$
DECLARE started float := worked();
BEGIN
  CREATE TEMP TABLE people AS SELECT * FROM identity_records(VARIADIC clauses(most));
  seconds := worked() - started;
  SELECT count(DISTINCT identity_id) INTO identities FROM people;
  DROP TABLE people;
END $$;
CREATE TABLE took (conflicts int, most int, seconds float, identities bigint);
SQL
for conflicts in 0 5 100; do
  sql --quiet -v people="$people" -v conflicts="$conflicts" <<'SQL'
SET client_min_messages = warning;
DROP TABLE IF EXISTS seat, bill;
CREATE TABLE seat AS
  SELECT n AS id, CASE WHEN n / 2 % 100 * 7919 % 100 < :conflicts THEN 'workspace ' || n % 2 ELSE 'workspace' END AS tenant, format('person.%s@example.com', n / 2) AS email
    FROM generate_series(1, :people) AS n;
CREATE TABLE bill AS SELECT * FROM seat ORDER BY md5(id::text);
VACUUM ANALYZE seat, bill;
SQL
  for ((round = 0; round < rounds; round++)); do
    for most in 0 1; do sql --quiet -c "INSERT INTO took SELECT $conflicts, $most, m.* FROM measured($most) AS m"; done
  done
done
sql -P footer=off <<'SQL'
SELECT conflicts AS "in conflict, %", round(plain::numeric, 2) AS "without the limit, s", round(limited::numeric, 2) AS "with it, s",
       round((limited / plain)::numeric, 2) AS ratio, joined AS "people without", parted AS "people with"
FROM (SELECT conflicts, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE most = 0) AS plain, max(identities) FILTER (WHERE most = 0) AS joined,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE most = 1) AS limited, max(identities) FILTER (WHERE most = 1) AS parted
      FROM took GROUP BY conflicts) AS t ORDER BY conflicts;
SQL
server_stop
