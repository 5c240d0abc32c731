#!/usr/bin/env bash
# A map's life is the same under every setting that changes how SQL text is read or written, how plans are made, or what the
# caller's session prefers: in the session that creates the extension, in those that make, refresh and use the map, set by
# the session, the role and the database. Nothing depends on what the caller has set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
skipped=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
same() { diff "$1" "$2" >"$SERVER_DIR/diff" || { head -n 6 "$SERVER_DIR/diff" | cut -c 1-300; false; }; }

server_start "jit = off"
mkdir "$SERVER_DIR/elsewhere"
if [[ $(id -u) -eq 0 ]]; then chown postgres: "$SERVER_DIR/elsewhere"; fi
sql --quiet <<SQL
CREATE ROLE odd LOGIN;
CREATE DATABASE odd OWNER odd;
CREATE TABLESPACE elsewhere LOCATION '$SERVER_DIR/elsewhere';
SQL
sql --quiet -c 'GRANT CREATE ON TABLESPACE elsewhere TO odd'
sql --quiet -d odd -c 'CREATE ACCESS METHOD heap_too TYPE TABLE HANDLER heap_tableam_handler'
sql --quiet -d odd -U odd -c 'CREATE EXTENSION identity_resolve'

# story NAME DATABASE ROLE [OPTIONS]: what the map's life says, in out.NAME; its errors and warnings in err.NAME.
story() {
  PGOPTIONS=${4:-} psql --no-psqlrc --set=ON_ERROR_STOP=1 -U "$3" -d "$2" -f 74_odd_settings.sql >"$SERVER_DIR/out.$1" 2>"$SERVER_DIR/err.$1" ||
    {
      grep -m 3 ERROR "$SERVER_DIR/err.$1"
      sql --quiet -d "$2" -c 'SET client_min_messages = error' -c 'DROP SCHEMA IF EXISTS "Odd tools" CASCADE'
      false
    }
}
story plain odd odd
check "the story itself: nothing differs from a full resolve" test "$(grep -c 'differ 0 ' "$SERVER_DIR/out.plain")" -eq 7
check "... and nothing is left" test "$(tail -n 2 "$SERVER_DIR/out.plain" | tr '\n' ' ')" = "0 0 "
same_story() { story one "$@" && same "$SERVER_DIR/out.plain" "$SERVER_DIR/out.one"; }

under() {  # under ROLE OPTIONS: settings of the session; those that this server does not have are skipped
  if ! PGOPTIONS=$2 sql -U "$1" -d odd -c '' >/dev/null 2>&1; then
    echo "skipped: this server has no $2"
    skipped=$((skipped + 1))
    return
  fi
  check "$2" same_story odd "$1" "$2"
}

# Messages are ASCII: a client whose encoding lacks a letter of one gets another error, and a warning becomes one. What is
# told in other letters (src/report/explain.cc) asks first. (test/check.sh looks at the install script.)
only_ascii() {
  local file found=0
  for file in ../../src/*.cc ../../src/*/*.{cc,h}; do
    case $(basename "$file") in
      placeholder.cc) continue ;;  # its texts are values, told where the database has their letters
      fold.cc) continue ;;         # a table of letters, of which none is told
    esac
    if sed 's|//.*$||' "$file" | grep -nP '[^\x00-\x7F]' | grep -v is_utf8_here | sed "s|^|$file:|" | grep .; then found=1; fi
  done
  ((found == 0))
}
check "messages are ASCII" only_ascii

# How text is read and written.
under odd "-c quote_all_identifiers=on"
under odd "-c standard_conforming_strings=off"
under odd "-c standard_conforming_strings=off -c backslash_quote=off -c escape_string_warning=off"
under odd "-c transform_null_equals=on"
under odd "-c array_nulls=off"
under odd "-c xmloption=document"
under odd "-c DateStyle=SQL,DMY"
under odd "-c DateStyle=German"
under odd "-c IntervalStyle=sql_standard"
under odd "-c IntervalStyle=iso_8601"
under odd "-c TimeZone=Asia/Kathmandu"
under odd "-c extra_float_digits=-15"
under odd "-c bytea_output=escape"
under odd "-c client_encoding=LATIN1"
under odd "-c client_encoding=SQL_ASCII"
under odd "-c lc_monetary=C -c lc_numeric=C -c lc_time=C"
# What the session prefers.
under odd "-c row_security=off"
under odd "-c check_function_bodies=off"
under odd "-c search_path=pg_temp,pg_catalog"
under odd "-c search_path="
under odd "-c client_min_messages=error"
under odd "-c client_min_messages=debug1"
under odd "-c default_table_access_method=heap_too"
under odd "-c default_tablespace=elsewhere"
under odd "-c temp_tablespaces=elsewhere"
under odd "-c default_toast_compression=pglz"
under odd "-c default_transaction_deferrable=on"
under odd "-c statement_timeout=10min -c lock_timeout=10min -c idle_in_transaction_session_timeout=10min"
under odd "-c plpgsql.variable_conflict=use_column"
under odd "-c plpgsql.variable_conflict=use_variable"
under odd "-c plpgsql.extra_errors=all -c plpgsql.extra_warnings=all"
under odd "-c plpgsql.check_asserts=off"
under odd "-c debug_print_plan=on -c debug_pretty_print=off"
under postgres "-c log_statement=all -c log_min_messages=debug1 -c track_functions=all"
under postgres "-c ignore_system_indexes=off -c allow_in_place_tablespaces=on -c lo_compat_privileges=on"
# How plans are made and run.
under odd "-c enable_seqscan=off"
under odd "-c enable_indexscan=off -c enable_bitmapscan=off -c enable_indexonlyscan=off"
under odd "-c enable_hashjoin=off -c enable_mergejoin=off -c enable_nestloop=off"
under odd "-c enable_sort=off -c enable_hashagg=off -c enable_material=off"
under odd "-c constraint_exclusion=on -c geqo_threshold=2 -c from_collapse_limit=1 -c join_collapse_limit=1"
under odd "-c plan_cache_mode=force_generic_plan"
under odd "-c plan_cache_mode=force_custom_plan"
under odd "-c jit=on -c jit_above_cost=0"
under odd "-c work_mem=64kB -c maintenance_work_mem=1MB -c temp_buffers=100"
under odd "-c effective_cache_size=8kB -c random_page_cost=1000 -c cursor_tuple_fraction=1"
under odd "-c max_parallel_workers=0"
under odd "-c identity_resolve.max_workers=0"
under odd "-c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0 -c min_parallel_index_scan_size=0"
under odd "-c synchronize_seqscans=off -c default_statistics_target=1 -c vacuum_freeze_min_age=0"

# All of these at once that change how text is read, of the role and of the database; also where the extension is created.
odd_settings=(quote_all_identifiers=on transform_null_equals=on array_nulls=off xmloption=document "datestyle='SQL, DMY'" "intervalstyle='sql_standard'"
  "timezone='Asia/Kathmandu'" extra_float_digits=-15 "bytea_output='escape'" row_security=off "search_path='pg_temp'" "default_table_access_method='heap'")
for setting in standard_conforming_strings=off escape_string_warning=off backslash_quote=off; do
  if PGOPTIONS="-c $setting" sql -c '' >/dev/null 2>&1; then odd_settings+=("$setting"); fi
done
for setting in "${odd_settings[@]}"; do sql --quiet -c "ALTER ROLE odd SET $setting"; done
check "all of them, set for the role" same_story odd odd
sql --quiet -c 'ALTER ROLE odd RESET ALL' -c 'CREATE DATABASE odd2 OWNER odd'
for setting in "${odd_settings[@]}"; do sql --quiet -c "ALTER DATABASE odd2 SET $setting"; done
sql --quiet -d odd2 -U odd -c 'CREATE SCHEMA "An extension"' -c 'CREATE EXTENSION identity_resolve SCHEMA "An extension"'
check "all of them, set for the database in which the extension was created, in a schema of an odd name" same_story odd2 odd
# What was made under the one settings goes on under the others: nothing is read anew for it.
sql --quiet -d odd2 -U odd <<'SQL'
SET search_path = "An extension";
CREATE SCHEMA tools;
CREATE TABLE tools.app (id date, email text);
INSERT INTO tools.app VALUES ('2024-01-31', 'a@x.com'), ('2024-02-01', 'b@x.com');
SELECT create_identity_map('tools.people', identity_source('app', 'SELECT id, email FROM tools.app', capture => 'trigger'), identity_column('app_id', 'date[]')) \g /dev/null
CALL refresh_identity_map('tools.people');
SQL
kind() { # kind: of the refresh of a session with PostgreSQL's own settings
  PGOPTIONS="-c quote_all_identifiers=$1 -c DateStyle=ISO,MDY" sql -d odd2 -U odd -At -c 'SET search_path = "An extension"' -c "CALL refresh_identity_map('tools.people')" \
    -c "SELECT last_changes ->> 'kind', last_changes ->> 'changed' FROM identity_maps" | tail -n 1
}
check "the other sessions find nothing new" test "$(kind off) $(kind on)" = "changes|0 changes|0"
# The schema of the extension is called otherwise: what runs, and what is kept as text, goes on.
sql --quiet -d odd2 -c 'ALTER SCHEMA "An extension" RENAME TO renamed' -c 'ALTER DATABASE odd2 RESET search_path'
renamed() {
  PGOPTIONS="-c search_path=renamed" sql -d odd2 -U odd -At <<'SQL'
UPDATE tools.app SET email = 'a@x.com';
CALL refresh_identity_map('tools.people');
SELECT app_id FROM tools.people;
SELECT identify('tools.people', 'u1', '{"email": "a@x.com"}') = identity_id FROM tools.people;
SELECT count(*) FROM identity_map_history('tools.people');
CALL refresh_identity_map('tools.people', full => true);
SELECT last_changes ->> 'kind', last_changes ->> 'updated' FROM identity_maps;
SELECT alter_identity_map('tools.people', identity_column('identify_id')) \g /dev/null
CALL refresh_identity_map('tools.people');
SELECT identify_id FROM tools.people;
SELECT drop_identity_map('tools.people') \g /dev/null
SQL
}
renamed >"$SERVER_DIR/renamed" 2>&1 || true
check "the schema of the extension is renamed: the map goes on" same "$SERVER_DIR/renamed" - <<'TEXT'
UPDATE 2
CALL
{31/01/2024,01/02/2024}
t
2
CALL
full|0
CALL
u1
TEXT
check "... and another one's whole life" same_story odd2 odd

# A transaction that would not see what others do meanwhile is refused, in these words, and nothing else.
for level in "repeatable read" serializable; do
  for call in "CALL refresh_identity_map('tools.people')" "SELECT identify('tools.people', 'u1')" "SELECT forget('tools.people', 'app', '1')"; do
    sql --quiet -d odd -U odd -c 'DROP SCHEMA IF EXISTS tools CASCADE' -c 'CREATE SCHEMA tools' -c 'CREATE TABLE tools.app (id int, email text)' \
      -c "SELECT create_identity_map('tools.people', identity_source('app', 'TABLE tools.app'))" >/dev/null 2>&1
    said=$(PGOPTIONS="-c default_transaction_isolation=${level// /\\ }" sql -d odd -U odd -v VERBOSITY=verbose -c "$call" 2>&1 | grep -E 'ERROR|HINT' || true)
    check "$level: $call" grep -q "25001.*in a transaction that is $level" <<<"$said"
    PGOPTIONS="-c default_transaction_isolation=${level// /\\ }" sql --quiet -d odd -U odd -c "SELECT drop_identity_map('tools.people')" >/dev/null
  done
done

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
