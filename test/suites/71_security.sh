#!/usr/bin/env bash
# The sentences of doc/security.md, by their numbers, as the roles that they name. Sentences 3 and 4 are 70_raised.sh's, 6 is
# 72_any_argument.sh's, 13 73_odd_state.sh's, 17 69_capture.sh's, 18 66_decoys.sh's; 2, 8 and 15 are in sql/57_map_rights.sql, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
# as ROLE DATABASE STATEMENT: what it gives, or the SQLSTATE of its error.
as() {
  local out
  if out=$(PGUSER=$1 psql --no-psqlrc -At --quiet -v VERBOSITY=verbose -d "$2" -c "SET client_min_messages = error" -c "$3" 2>&1); then echo "$out"; else
    echo "$3: $out" >>"$SERVER_DIR/errors"; echo "$out" | sed -nE 's/^.*ERROR: +([0-9A-Z]{5}): .*$/\1/p' | tail -n 1
  fi
}
is() { # is "promise" expected ROLE DATABASE STATEMENT
  local got
  got=$(as "$3" "$4" "$5")
  check "$1" [ "$got" = "$2" ]
  if [ "$got" != "$2" ]; then echo "  wanted '$2', got '$got': $5" | cut -c 1-400; fi
}

server_start "jit = off"
sql --quiet <<'SQL'
CREATE ROLE anna LOGIN;
CREATE ROLE bert LOGIN;
CREATE ROLE mallory LOGIN;
CREATE ROLE site LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE root LOGIN SUPERUSER;
CREATE DATABASE one OWNER anna;
SQL
# What a superuser gives away by default reaches no state: sentence 9.
sql --quiet -d one <<'SQL'
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO bert WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO bert;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO bert;
SQL
sql --quiet -d one -c "SET ROLE anna; CREATE EXTENSION identity_resolve"
sql --quiet -d one -c "ALTER DEFAULT PRIVILEGES IN SCHEMA identity_state GRANT ALL ON TABLES TO bert"
PGUSER=anna sql --quiet -d one -o /dev/null <<'SQL'
SET client_min_messages = error;
CREATE SCHEMA tools;
GRANT USAGE ON SCHEMA tools TO PUBLIC;
CREATE TABLE tools.app (id int PRIMARY KEY, email text, secret text);
INSERT INTO tools.app SELECT n, format('p%s@x.com', n), 'secret ' || n FROM generate_series(1, 20) n;
CREATE TABLE tools.shop (id int PRIMARY KEY, email text);
INSERT INTO tools.shop VALUES (1, 'p1@x.com'), (2, 'p2@x.com'), (3, 'zoe@x.com');
SELECT create_identity_map('tools.people', identity_source('app', 'SELECT id, email, secret AS note FROM tools.app'), identity_source('shop', 'SELECT id, email FROM tools.shop', capture => 'trigger'),
  identity_rule('note', link => false), identity_column('app_id', 'int[]'), identity_column('shop_id', 'int[]'), identity_column('email', 'text[]'));
CALL refresh_identity_map('tools.people');
GRANT INSERT ON tools.people TO site;
GRANT SELECT ON tools.people TO reader;
SQL
p=identity_state.m$(sql --quiet -At -d one -c "SELECT map_id FROM identity_internal.identity_map_catalog")

# 1
is "1: a resolve has the rights of its caller" 42501 mallory one "SELECT * FROM identity_records(identity_source('app', 'SELECT id, email FROM tools.app'))"
is "1: and so has a truth" 42501 mallory one "SELECT * FROM identity_evaluate('SELECT ''app'', id, email FROM tools.app', identity_source('a', 'SELECT 1 AS id'))"
is "1: which writes nothing" 25006 anna one "SELECT * FROM identity_evaluate('WITH gone AS (DELETE FROM tools.app RETURNING id) SELECT ''app'', id, 1 FROM gone', identity_source('a', 'SELECT 1 AS id'))"

# 7
is "7: PUBLIC has no USAGE on the internal schema" f mallory one "SELECT has_schema_privilege('identity_internal', 'USAGE')"
is "7: nor EXECUTE on internal functions, but for those of a resolve and of the view" "identity_map_table identity_sink identity_sink_combine identity_sink_end identity_sink_pack identity_sink_row identity_sink_unpack" \
  mallory one "SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'identity_internal' AND p.proname !~ '^(discover|evaluate)_' AND has_function_privilege(p.oid, 'EXECUTE')"
is "7: and for those of discovery and of the comparison with a truth, which have the rights of whoever calls" 0 mallory one "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'identity_internal' AND p.proname ~ '^(discover|evaluate)_' AND (p.prosecdef OR p.provolatile = 'v')"
is "7: the owner of the database, who owns the extension, owns no function of it" 0 anna one "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE (n.nspname = 'identity_internal' OR p.proname LIKE '%identity%') AND pg_get_userbyid(p.proowner) = 'anna'"

# 8
is "8: mallory sees no map" 0 mallory one "SELECT count(*) FROM identity_maps"
for call in "CALL refresh_identity_map('tools.people')" "SELECT drop_identity_map('tools.people')" "SELECT identify('tools.people', 'u1')" "SELECT forget('tools.people', 'app', '1')" \
  "SELECT alter_identity_map('tools.people', identity_column('note'))" "SELECT * FROM identity_map_history('tools.people')" "SELECT identity_current('tools.people', gen_random_uuid())" "SELECT * FROM identity_map_records('tools.people')" "SELECT * FROM identity_map_retired('tools.people')" \
  "SELECT identity_of('tools.people', 'app', '1')" "SELECT identity_of_value('tools.people', 'email', 'p1@x.com')" "SELECT identity_map_clauses('tools.people')" "SELECT identity_map_definition('tools.people')"; do
  is "8: not for mallory: $call" 42501 mallory one "$call"
done

# 9
is "9: nor on the catalog of maps, its functions and schemas" "0|0|0" postgres one "SELECT (SELECT count(*) FROM pg_class c WHERE relnamespace = 'identity_internal'::regnamespace AND relkind = 'r' AND has_table_privilege('bert', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')),
  (SELECT count(*) FROM pg_proc p WHERE pronamespace = 'identity_internal'::regnamespace AND has_function_privilege('bert', p.oid, 'EXECUTE') AND NOT has_function_privilege('mallory', p.oid, 'EXECUTE')), (SELECT count(*) FROM pg_namespace n WHERE nspname ~ '^identity_' AND has_schema_privilege('bert', n.oid, 'CREATE'))"
readable="SELECT count(*) FROM pg_class c CROSS JOIN (VALUES ('bert'), ('mallory'), ('site'), ('reader')) r (name) WHERE c.relnamespace = 'identity_state'::regnamespace AND
  CASE c.relkind WHEN 'S' THEN has_sequence_privilege(r.name, c.oid, 'SELECT, USAGE, UPDATE')
                 WHEN 'r' THEN has_any_column_privilege(r.name, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') OR has_table_privilege(r.name, c.oid, 'DELETE, TRUNCATE, TRIGGER') ELSE false END"
is "9: default privileges give nobody rights on a state" 0 postgres one "$readable"
is "9: its functions are nobody's but the owner's, who attaches them" 0 postgres one "SELECT count(*) FROM pg_proc f CROSS JOIN (VALUES ('bert'), ('mallory'), ('site'), ('reader')) r (name) WHERE f.pronamespace = 'identity_state'::regnamespace AND has_function_privilege(r.name, f.oid, 'EXECUTE')"
sql --quiet -d one -c "GRANT SELECT ON ${p}_identities TO PUBLIC; GRANT SELECT (packed), UPDATE (identity_id) ON ${p}_identities TO mallory; GRANT ALL ON ${p}_history TO bert WITH GRANT OPTION; GRANT USAGE ON SCHEMA identity_state TO bert"
PGUSER=bert sql --quiet -d one -c "GRANT SELECT ON ${p}_history TO mallory"
sql --quiet -d one -c "REVOKE USAGE ON SCHEMA identity_state FROM bert"
PGUSER=anna sql --quiet -d one -c "CALL refresh_identity_map('tools.people')"
is "9: what was granted by hand is gone after a refresh" 0 postgres one "$readable"
is "9: and the map goes on working for its owner" 23 anna one "SELECT sum(cardinality(app_id) + coalesce(cardinality(shop_id), 0)) + (SELECT sum(cardinality(shop_id)) FROM tools.people WHERE app_id IS NULL) FROM tools.people WHERE app_id IS NOT NULL"

# 12
is "12: the rights of a map's owner on its state" "SELECT,INSERT,UPDATE,DELETE,TRUNCATE" anna one "SELECT DISTINCT concat_ws(',', CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN 'SELECT' END, CASE WHEN has_table_privilege(c.oid, 'INSERT') THEN 'INSERT' END, CASE WHEN has_table_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
  CASE WHEN has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END, CASE WHEN has_table_privilege(c.oid, 'TRUNCATE') THEN 'TRUNCATE' END, CASE WHEN has_table_privilege(c.oid, 'TRIGGER') THEN 'TRIGGER' END, CASE WHEN has_table_privilege(c.oid, 'REFERENCES') THEN 'REFERENCES' END)
  FROM pg_class c WHERE c.relnamespace = 'identity_state'::regnamespace AND c.relkind = 'r'"
is "12: all of it is the functions' owner's, who is not the extension's" "postgres|anna" anna one "SELECT string_agg(DISTINCT pg_get_userbyid(c.relowner), ','), (SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE extname = 'identity_resolve') FROM pg_class c WHERE c.relnamespace = 'identity_state'::regnamespace"
as anna one "CREATE FUNCTION tools.evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO tools.loot VALUES (current_user); RETURN OLD; END'; CREATE TABLE tools.loot (who name); GRANT ALL ON tools.loot TO PUBLIC; CREATE TYPE tools.odd AS (x int); CREATE FUNCTION tools.evil(bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS 'BEGIN INSERT INTO tools.loot VALUES (current_user); RETURN 1; END'" >/dev/null
for table in places added prints common identities retired gone history log tombstones aliases claims told; do
  for attack in "CREATE TRIGGER t BEFORE DELETE ON ${p}_$table FOR EACH ROW EXECUTE FUNCTION tools.evil()" "CREATE RULE r AS ON DELETE TO ${p}_$table DO ALSO INSERT INTO tools.loot VALUES (current_user)" \
    "CREATE RULE \"_RETURN\" AS ON SELECT TO ${p}_$table DO INSTEAD SELECT 1" "ALTER TABLE ${p}_$table ADD COLUMN x int DEFAULT tools.evil(1)" "DROP TABLE ${p}_$table" "ALTER TABLE ${p}_$table OWNER TO mallory" \
    "ALTER TABLE ${p}_$table ENABLE ROW LEVEL SECURITY" "CREATE POLICY p ON ${p}_$table USING (tools.evil(1) = 1)" "CREATE INDEX ON ${p}_$table ((tools.evil(1)))" "CREATE STATISTICS tools.s ON (tools.evil(1)), (tools.evil(2)) FROM ${p}_$table" \
    "ALTER TABLE ${p}_$table RENAME TO mine" "GRANT SELECT ON ${p}_$table TO mallory" "CREATE TABLE tools.child () INHERITS (${p}_$table)"; do
    got=$(as anna one "$attack")
    if [ "$got" != 42501 ] && [ "$got" != "" ]; then check "12: $attack gives $got" false; fi
    if [ "$got" = "" ] && [[ $attack != GRANT* ]]; then check "12: refused: $attack" false; fi
  done
done
is "12: none of these attacks on a state took" "0|0|0" postgres one "SELECT (SELECT count(*) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace)), (SELECT count(*) FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace)), (SELECT count(*) FROM tools.loot)"
is "12: mallory has no right by a GRANT of the owner's" 0 postgres one "$readable"
as anna one "SELECT reduce_identity_map('tools.people', sources => '{shop}'); CALL refresh_identity_map('tools.people')" >/dev/null
as anna one "SELECT alter_identity_map('tools.people', identity_source('shop', 'SELECT id, email FROM tools.shop', capture => 'trigger')); CALL refresh_identity_map('tools.people')" >/dev/null
is "12: and nothing of theirs has run" 0 postgres one "SELECT count(*) FROM tools.loot"

# 14
is "14: the owner cannot call internal functions outside of a call" 42501 anna one "SELECT identity_internal.identity_map_lock(1, 2, true, true)"
is "14: nor the raised ones at all" 42501 anna one "SELECT identity_internal.identity_map_erase(1, '{}')"
is "14: nor write the catalog" 42501 anna one "UPDATE identity_internal.identity_map_catalog SET map_name = 'x'"
as anna one "CREATE FUNCTION tools.meddle() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN PERFORM identity_internal.identity_map_erase(1, '{}'); RETURN 'done'; EXCEPTION WHEN insufficient_privilege THEN RETURN 'refused'; END \$\$;
  SELECT create_identity_map('tools.meddled', identity_source('app', 'SELECT tools.meddle()'), identity_column('app_id')); CALL refresh_identity_map('tools.meddled')" >/dev/null
is "14: nor from within a source's query" refused anna one "SELECT app_id FROM tools.meddled"
as anna one "SELECT drop_identity_map('tools.meddled')" >/dev/null

# Nobody keeps a map from going on, or from being dropped, by what he makes of its state.
as anna one "CREATE VIEW tools.peek AS SELECT * FROM ${p}_identities; CREATE TABLE tools.mine (r ${p}_places)" >/dev/null
is "12: a role without a map cannot name a state's row types" 42501 mallory one "CREATE TEMP TABLE t (r ${p}_identities)"
as anna one "SELECT create_identity_map('tools.doomed', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('email'))" >/dev/null
d=identity_state.m$(sql --quiet -At -d one -c "SELECT map_id FROM identity_internal.identity_map_catalog WHERE map_name = 'tools.doomed'")
as anna one "CREATE VIEW tools.holds AS SELECT * FROM ${d}_identities; CREATE TABLE tools.held (r ${d}_history); SELECT drop_identity_map('tools.doomed')" >/dev/null
is "12: what hangs on a state does not hold it" 0 postgres one "SELECT count(*) FROM pg_class WHERE oid = to_regclass('${d}_identities')"
as anna one "DROP VIEW tools.peek; DROP TABLE tools.mine" >/dev/null

# 10: by a constraint, a trigger's refusal and a type that the values do not fit.
as anna one "SELECT create_identity_map('tools.unique', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('email'), identity_column('app_id', 'int'), identity_column('identify_email')); CALL refresh_identity_map('tools.unique');
  ALTER TABLE tools.unique ADD UNIQUE (identify_email); GRANT INSERT ON tools.unique TO site; SELECT identify('tools.unique', 'a', '{\"email\": \"hidden@x.com\"}')" >/dev/null
as anna one "ALTER TABLE tools.unique ADD CHECK (email <> 'p3@x.com' OR identify_email IS NULL)" >/dev/null
told=$(PGUSER=site psql --no-psqlrc -At -d one -v VERBOSITY=verbose -c "SELECT identify('tools.unique', 'b', '{\"user_id\": \"zz\", \"email\": [\"p3@x.com\"]}')" 2>&1 || true)
check "10: an error keeps its SQLSTATE" grep -q "ERROR:  23514" <<<"$told"
check "10: and shows nothing of others' values" bash -c "! grep -qE 'Failing row|p3@x.com.*\\(|hidden' <<<'${told//\'/}'"
check "10: it says where they can be seen" grep -q "HINT:  The owner of the map sees it" <<<"$told"
told=$(PGUSER=anna psql --no-psqlrc -At -d one -v VERBOSITY=verbose -c "SELECT identify('tools.unique', 'b', '{\"user_id\": \"zz\", \"email\": [\"p3@x.com\"]}')" 2>&1 || true)
check "10: the owner sees the whole" grep -q "Failing row contains" <<<"$told"
is "10: one who may INSERT gets the identity" t site one "SELECT identify('tools.people', 'u1', '{\"email\": \"p1@x.com\"}') IS NOT NULL"
is "10: what is wrong with the call itself is told" 22004 site one "SELECT identify('tools.people', NULL)"
as anna one "SELECT drop_identity_map('tools.unique')" >/dev/null

# 11
as anna one "ALTER TABLE tools.people ENABLE ROW LEVEL SECURITY; CREATE POLICY visible ON tools.people USING (current_user = 'anna' OR 1 = ANY (app_id))" >/dev/null
is "11: under row-level security the history is refused" 42501 reader one "SELECT count(*) FROM identity_map_history('tools.people')"
is "11: so are the records" 42501 reader one "SELECT count(*) FROM identity_map_records('tools.people')"
is "11: and the retired ids" 42501 reader one "SELECT count(*) FROM identity_map_retired('tools.people')"
is "11: the owner reads it" t anna one "SELECT count(*) >= 0 FROM identity_map_history('tools.people')"
hidden=$(as anna one "SELECT identity_id FROM tools.people WHERE 5 = ANY (app_id)")
seen=$(as anna one "SELECT identity_id FROM tools.people WHERE 1 = ANY (app_id)")
is "11: an identity that the policy hides is not told" "" reader one "SELECT identity_current('tools.people', '$hidden')"
is "11: one that it shows is" "$seen" reader one "SELECT identity_current('tools.people', '$seen')"
is "11: a record of the former finds nobody" "" reader one "SELECT identity_of('tools.people', 'app', '5')"
is "11: one of the latter finds it" "$seen" reader one "SELECT identity_of('tools.people', 'app', '1')"
is "11: an address finds whom it shows" "$seen" reader one "SELECT id FROM unnest('{p1@x.com,p5@x.com}'::text[]) AS e, identity_of_value('tools.people', 'email', e) AS id"
as anna one "ALTER TABLE tools.people DISABLE ROW LEVEL SECURITY; DROP POLICY visible ON tools.people" >/dev/null
is "11: without it, all" "$hidden" reader one "SELECT identity_current('tools.people', '$hidden')"

# A new owner gets the rights, and the former one loses them.
as postgres one "GRANT ALL ON SCHEMA tools TO bert; GRANT ALL ON ALL TABLES IN SCHEMA tools TO bert; ALTER TABLE tools.people OWNER TO bert" >/dev/null
is "12: a new owner refreshes and identifies" t bert one "CALL refresh_identity_map('tools.people'); SELECT identify('tools.people', 'u9', '{\"email\": \"p9@x.com\"}') IS NOT NULL"
is "12: the former owner has no right on the state" 0 postgres one "SELECT count(*) FROM pg_class c WHERE relnamespace = 'identity_state'::regnamespace AND relkind = 'r' AND has_table_privilege('anna', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
is "12: nor on internal functions" f postgres one "SELECT has_function_privilege('anna', 'identity_internal.identity_map_create(jsonb)', 'EXECUTE')"
as postgres one "ALTER TABLE tools.people OWNER TO anna" >/dev/null
is "12: the first call of a new owner may be any" t anna one "SELECT identify('tools.people', 'u9', '{\"email\": \"p8@x.com\"}') IS NOT NULL"
as anna one "CALL refresh_identity_map('tools.people')" >/dev/null

# 19 to 22
ids() { as postgres "$1" "SELECT md5(string_agg(p::text, E'\n' ORDER BY identity_id)) FROM tools.people p"; }
history() { as postgres "$1" "SELECT md5(string_agg(h::text, E'\n')) FROM identity_map_history('tools.people') h"; }
# Ids that a resolve alone would not give: p1 was merged with p4, and kept the id of the larger one.
as anna one "INSERT INTO tools.shop VALUES (40, 'p4@x.com'), (41, 'p4@x.com'); CALL refresh_identity_map('tools.people'); UPDATE tools.app SET email = 'p4@x.com' WHERE id = 1; CALL refresh_identity_map('tools.people');
  UPDATE tools.shop SET email = 'p1@x.com' WHERE id = 40; CALL refresh_identity_map('tools.people'); SELECT forget('tools.people', 'app', '20')" >/dev/null
# A map whose table is dropped by hand, and whose number another table gets: 22.
as anna one "SELECT create_identity_map('tools.gone', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('email')); CALL refresh_identity_map('tools.gone')" >/dev/null
as postgres one "DROP TABLE tools.gone" >/dev/null
number=$(as postgres one "SELECT map::oid FROM identity_internal.identity_map_catalog WHERE map_name = 'tools.gone'")
is "22: a table that is gone is shown so" "tools.gone|anna|t" anna one "SELECT map, owner, table_is_gone FROM identity_maps WHERE map LIKE '%gone'"
pg_dump -d one -f "$SERVER_DIR/one.sql"
pg_dump -d one -Fc -f "$SERVER_DIR/one.dump"
pg_dump -d one -s -f "$SERVER_DIR/schema.sql"
for db in plain noowner anna_restores schema_only; do sql --quiet -c "CREATE DATABASE $db OWNER anna"; done

sql --quiet -d plain -o /dev/null -f "$SERVER_DIR/one.sql"
# The number that the dump has for the table that was gone is that of another table now.
sql --quiet -d plain -c "CREATE TABLE tools.orders (identity_id uuid, note text); INSERT INTO tools.orders VALUES (NULL, 'keep me'); SET allow_system_table_mods = on;
  UPDATE identity_internal.identity_map_catalog SET map = 'tools.orders'::regclass, map_oid = 'tools.orders'::regclass WHERE map_oid = $number"
is "22: a relation that has the number of one that is gone is no map" 42704 postgres plain "SELECT drop_identity_map('tools.orders')"
is "22: and is not refreshed" 42704 postgres plain "CALL refresh_identity_map('tools.orders')"
is "22: the map that is gone is dropped by its name" "" anna plain "SELECT drop_identity_map('tools.gone')"
is "22: the other relation is still there" "keep me|1" postgres plain "SELECT note, (SELECT count(*) FROM identity_internal.identity_map_catalog) FROM tools.orders"
is "19: a restored map goes on" t anna plain "CALL refresh_identity_map('tools.people'); SELECT last_error IS NULL FROM identity_maps"
check "19: with its ids" [ "$(ids plain)" = "$(ids one)" ]

# 20
sql --quiet -d noowner -c "CREATE EXTENSION identity_resolve"
PGUSER=root pg_restore --no-owner -d noowner "$SERVER_DIR/one.dump" >"$SERVER_DIR/noowner.log" 2>&1 || true
before=$(ids noowner)
check "20: restored without owners by another superuser, the table is as it was" [ "$before" = "$(ids one)" ]
is "20: such a state is another role's" root postgres noowner "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace AND relkind = 'r' AND relname LIKE 'm%identities'"
is "20: nothing works on it before a refresh" 55000 root noowner "SELECT identify('tools.people', 'u77', '{}')"
is "20: the refresh makes a new one" built root noowner "CALL refresh_identity_map('tools.people'); SELECT last_changes ->> 'kind' FROM identity_maps WHERE map = 'tools.people'"
check "20: identities keep their ids" [ "$before" = "$(ids noowner)" ]
check "20: and the history" [ "$(history noowner)" = "$(history one)" ]
is "20: the state is the functions' owner's" postgres postgres noowner "SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ',') FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace"
is "20: who was forgotten stays so" 0 root noowner "CALL refresh_identity_map('tools.people', \"full\" => true); SELECT count(*) FROM tools.people WHERE 20 = ANY (app_id)"
is "20: identify() and later refreshes work" t root noowner "INSERT INTO tools.app VALUES (100, 'p100@x.com'); CALL refresh_identity_map('tools.people'); SELECT identify('tools.people', 'u100', '{\"email\": \"p100@x.com\"}') = identity_id FROM tools.people WHERE 100 = ANY (app_id)"
# A state of a role that is neither the map's owner nor a superuser.
q=identity_state.m$(sql --quiet -At -d noowner -c "SELECT map_id FROM identity_internal.identity_map_catalog WHERE map_name = 'tools.people'")
sql --quiet -d noowner -c "ALTER TABLE ${q}_history OWNER TO mallory"
is "20: of a stranger it is refused" 55000 root noowner "CALL refresh_identity_map('tools.people')"
sql --quiet -d noowner -c "DROP TABLE ${q}_history"
is "20: a state that lacks a table is made anew" t root noowner "CALL refresh_identity_map('tools.people'); SELECT last_changes ->> 'kind' = 'built' FROM identity_maps WHERE map = 'tools.people'"
is "20: under the same ids" t root noowner "SELECT (SELECT md5(string_agg(p::text, E'\n' ORDER BY identity_id)) FROM tools.people p WHERE NOT (app_id @> '{100}')) = '$(as root noowner "SELECT md5(string_agg(p::text, E'\n' ORDER BY identity_id)) FROM tools.people p WHERE NOT (app_id @> '{100}')")'"

# 21
PGUSER=anna psql --no-psqlrc --quiet -d anna_restores -o /dev/null -f "$SERVER_DIR/one.sql" >"$SERVER_DIR/anna.log" 2>&1 || true
is "21: restored by an ordinary role it is no map" 42704 anna anna_restores "CALL refresh_identity_map('tools.people')"
is "21: the table is there" t anna anna_restores "SELECT count(*) > 10 FROM tools.people"
is "21: writes to its sources go on" 1 anna anna_restores "INSERT INTO tools.shop VALUES (900, 'p900@x.com') RETURNING 1"
is "21: and a map can be made anew" t anna anna_restores "DROP TABLE tools.people; SELECT create_identity_map('tools.people', identity_source('shop', 'SELECT id, email FROM tools.shop', capture => 'trigger'), identity_column('email')) IS NOT NULL"
sql --quiet -d schema_only -o /dev/null -f "$SERVER_DIR/schema.sql"
is "21: of the schema alone, likewise" 42704 anna schema_only "CALL refresh_identity_map('tools.people')"
told=$(PGUSER=anna psql --no-psqlrc -d schema_only -c "CALL refresh_identity_map('tools.people')" 2>&1 || true)
check "21: it says why" grep -q "restored without the map" <<<"$told"
as anna schema_only "INSERT INTO tools.shop SELECT n, 'x' FROM generate_series(1, 1000) n" >/dev/null
is "21: its triggers log nothing" 0 postgres schema_only "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace AND relname LIKE '%log'"
is "21: an ordinary role's new map stays away from what lies there" t anna schema_only "SELECT create_identity_map('tools.other', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('email')) IS NOT NULL; CALL refresh_identity_map('tools.other')"
as postgres schema_only "SELECT create_identity_map('tools.third', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('email'))" >/dev/null
is "21: a superuser's call clears it away" "2|2" postgres schema_only "SELECT count(*), (SELECT count(*) FROM identity_internal.identity_map_catalog) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace AND relname ~ '^m[0-9]+_identities\$'"
is "21: its triggers, too" 0 postgres schema_only "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'identity%'"

# 22: a dead map's name is free for a new one of the same owner, and the new one alone is dropped by it.
as anna one "SELECT create_identity_map('tools.gone', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('email'))" >/dev/null
is "22: creating a map clears dead ones of its owner away" "1|f" anna one "SELECT count(*), bool_or(table_is_gone) FROM identity_maps WHERE map = 'tools.gone'"
is "22: and drops as any" "" anna one "SELECT drop_identity_map('tools.gone')"
as anna one "DROP TABLE tools.people" >/dev/null
before=$(as postgres one "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'identity%'")
is "22: of a map that is gone nothing is logged" 0 postgres one "INSERT INTO tools.shop SELECT 5000 + n, 'x' FROM generate_series(1, 100) n; SELECT count(*) FROM ${p}_log WHERE record_id LIKE '50%'"
as postgres one "CREATE SCHEMA AUTHORIZATION mallory" >/dev/null
as mallory one "SELECT create_identity_map('mallory.map', identity_source('a', 'SELECT 1 AS id')); CALL refresh_identity_map('mallory.map'); SELECT drop_identity_map('mallory.map')" >/dev/null
is "22: mallory's calls leave it alone" 1 postgres one "SELECT count(*) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace AND relname ~ '_identities\$'"
as anna one "SELECT create_identity_map('tools.fresh', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('email'))" >/dev/null
is "22: the owner's next call clears triggers, log and copy away" "0|1" postgres one "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'identity%'), (SELECT count(*) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace AND relname ~ '_identities\$')"
as anna one "SELECT drop_identity_map('tools.fresh')" >/dev/null
is "nothing is left of all these maps" "0|0" postgres one "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace), (SELECT count(*) FROM identity_internal.identity_map_catalog)"
is "nor of their owners' rights" "f|f" postgres one "SELECT has_function_privilege('anna', 'identity_internal.identity_map_create(jsonb)', 'EXECUTE'), has_function_privilege('bert', 'identity_internal.identity_map_create(jsonb)', 'EXECUTE')"
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"
if [ $failed -gt 0 ]; then cut -c 1-300 "$SERVER_DIR/errors"; fi

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
