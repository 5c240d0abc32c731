#!/usr/bin/env bash
# Every function, aggregate, operator, cast and type of the extension, called with NULL and with odd values in each argument:
# by a role without rights, by a map's owner and by a superuser; and from within a map's own work, where a source's query, a
# domain's CHECK or an index's expression calls what it likes. The server does not crash, a fault of the caller's is no
# internal error (XX000), and the map is what it was. The calls are made of the catalog, so a new function is among them.
# SEED=7 test/suites/72_any_argument.sh calls by other chances; SHARE=10 makes a tenth of the calls, POKES=500 so many within.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

seed=${SEED:-1}
share=${SHARE:-1}
pokes=${POKES:-6000}
echo "SEED=$seed"
passed=0
failed=0
check() { # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}

# The calls that are tried say a lot to the log. A server that is there already (90_sanitizers.sh) is used, and kept.
if [[ -n ${KEPT_SERVER:-} ]]; then
  SERVER_DIR=$KEPT_SERVER SERVER_LOG=$KEPT_SERVER/log
else
  server_start "autovacuum = off" "jit = off" "log_min_messages = panic" "max_locks_per_transaction = 256"
fi
createdb any
export PGDATABASE=any PGOPTIONS="-c client_min_messages=error -c statement_timeout=300s"
value() { sql --quiet -At -c "$1"; }
sql --quiet -c "CREATE EXTENSION identity_resolve"
sql --quiet -v seed="$seed" -v pokes="$pokes" -f 72_any_argument.sql
calls=$(value "SELECT max(n) FROM calls")

# Those that end the session, of the calls from $3 to $4 as role $2: halves the list until one is left.
crashes=()
up() { until psql --no-psqlrc -d postgres -qAtc "SELECT 1" >/dev/null 2>&1; do sleep 0.2; done; }
search() { # command with %first% and %last%, first, last
  local command=${1//%first%/$2} middle=$((($2 + $3) / 2))
  command=${command//%last%/$3}
  if psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 <<<"$command" >>"$SERVER_DIR/said" 2>&1; then return; fi
  up
  if (($2 == $3)); then
    crashes+=("$command")
    tail -n 5 "$SERVER_DIR/said"
    return
  fi
  search "$1" "$2" "$middle"
  search "$1" $((middle + 1)) "$3"
}
for role in nobody keeper postgres; do
  crashes=()
  for ((first = 1; first <= calls; first += 2048)); do
    search "CALL try_calls('$role', %first%, %last%, $share)" "$first" $((first + 2047 < calls ? first + 2047 : calls))
  done
  check "no call by $role ends the session: $(value "SELECT count(*) FROM tried WHERE role = '$role'") of $calls" [ ${#crashes[@]} -eq 0 ]
  for call in ${crashes[@]+"${crashes[@]}"}; do echo "  $call"; done
done
# A forged row of the catalog, which nobody else has, makes the functions' owner's call look at another map's state; a forged
# part of a map's records contradicts the state, and the error says so.
internal=$(value "SELECT format('%s: %s: %s', role, left(message, 80), left(statement, 400)) FROM tried JOIN calls USING (n)
  WHERE sqlstate LIKE 'XX%' AND NOT (sqlstate = 'XX001' AND role = 'postgres' AND (statement LIKE '%forged%' OR statement LIKE '%identity_map_place(%')) LIMIT 10")
check "no error is an internal one" [ -z "$internal" ]
[ -z "$internal" ] || echo "$internal"
# What cannot be called at all, takes part in a refresh, raises an error by design, or was given what it refuses.
unused=$(value "SELECT string_agg(DISTINCT name, ' ') FROM calls c WHERE name !~ 'internal\)|\(internal,|,internal,|^(resolve_identities|identity_records|identity_links|identity_evidence|identity_report|identity_match_rates|identity_columns|identity_check)\((identity_clause\[\])?\)|^(explain_identity|identity_graph|identity_evaluate|identity_evaluate_pairs)\([a-z, ]*text\)$'
  AND name !~ 'identity_internal.(resolve_identities|identity_map_(admit|adopt|changed|check_parts|since|create|fill|fill_rows|filled|refresh|register|take_snapshot))\('
  AND NOT EXISTS (SELECT FROM tried t JOIN calls o USING (n) WHERE o.name = c.name AND t.sqlstate = 'OK000')")
if ((share == 1)); then check "each function has done what it is for at least once" [ -z "$unused" ]; fi
[ -z "$unused" ] || echo "  $unused"

# ---- From within. What a call leaves behind stays while the transaction goes on, and that is taken back.
within=0
for here in source domain index; do
  for keep in no yes; do
    crashes=()
    for ((first = 1; first <= pokes; first += 250)); do
      search "BEGIN; UPDATE app SET email = 'w$first@x.com' WHERE id % 7 = 0; SET poke.here = '$here'; SET poke.keep = '$keep'; SET poke.first = '%first%'; SET poke.last = '%last%';
        DO \$\$ BEGIN CALL refresh_identity_map('people', full => $([ $keep = yes ] && echo true || echo false)); EXCEPTION WHEN OTHERS THEN NULL; END \$\$; ROLLBACK" "$first" $((first + 249))
      within=$((within + 250))
    done
    check "no call from within ends the session: $here, kept: $keep" [ ${#crashes[@]} -eq 0 ]
    for call in ${crashes[@]+"${crashes[@]}"}; do echo "  $call"; done
  done
done
internal=$(grep -a 'WARNING:.*XX000' "$SERVER_DIR/said" | cut -c 1-400 | sort | uniq -c | head -n 10 || true)
check "no error from within is an internal one" [ -z "$internal" ]
[ -z "$internal" ] || echo "$internal"
# As the functions' owner, one after the other in one transaction: each finds what the ones before have left.
crashes=()
for ((first = 1; first <= pokes; first += 250)); do
  search "BEGIN; SET poke.here = 'here'; SET poke.keep = 'yes'; SET poke.first = '%first%'; SET poke.last = '%last%'; SELECT poke('here') \\g /dev/null
    ROLLBACK" "$first" $((first + 249))
done
check "no sequence of calls ends the session" [ ${#crashes[@]} -eq 0 ]
for call in ${crashes[@]+"${crashes[@]}"}; do echo "  $call"; done

check "the server has not restarted" [ "$(value "SELECT pg_postmaster_start_time() = (SELECT min(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer') OR
  (SELECT min(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer') < pg_postmaster_start_time() + interval '5 s'")" = t ]
# And all goes on.
sql --quiet -c "UPDATE app SET email = 'last' || email WHERE id % 5 = 0" -c "CALL refresh_identity_map('people')" -c "SELECT identify('people', 'u2', '{\"email\": \"lastp5@x.com\"}')" >/dev/null
check "the map is what a full resolve gives" [ "$(value "SELECT count(*) FROM ((SELECT app_id, shop_id, email, record_count FROM people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('people')) AS (app_id int[], shop_id text[], email checked, record_count bigint))
  UNION ALL (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('people')) AS (app_id int[], shop_id text[], email checked, record_count bigint) EXCEPT ALL SELECT app_id, shop_id, email, record_count FROM people)) d")" = 0 ]
if [ -z "${KEPT_SERVER:-}" ]; then server_stop; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
