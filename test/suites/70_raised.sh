#!/usr/bin/env bash
# Every statement that runs as the owner of the extension's functions while somebody else works with a map: none of them reads or
# writes a row of a state, of a map's table or of a source (doc/security.md, sentences 3 and 4). pg_stat_statements tells as whom a
# statement ran. The life of a map here has every step: create, refresh, capture, changed columns, alter, reduce, identify, forget,
# a new owner, a state of another role, a dead map, drop.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }

server_start "shared_preload_libraries = 'pg_stat_statements'" "pg_stat_statements.track = all" "pg_stat_statements.track_utility = on" \
  "pg_stat_statements.max = 10000" "jit = off"
sql --quiet <<'SQL'
CREATE EXTENSION identity_resolve;
CREATE EXTENSION pg_stat_statements;
CREATE ROLE anna LOGIN;
CREATE ROLE bert LOGIN;
GRANT anna TO bert;
CREATE SCHEMA tools AUTHORIZATION anna;
SQL
PGUSER=anna sql --quiet -o /dev/null <<'SQL'
SET client_min_messages = error;
SET search_path = tools, public;
CREATE TABLE app (id int PRIMARY KEY, email text, phone text);
CREATE TABLE shop (id text PRIMARY KEY, email text);
CREATE TABLE help (id int PRIMARY KEY, email text, updated_at timestamptz DEFAULT now());
CREATE TABLE merges (former text, present text);
INSERT INTO merges VALUES ('p0@x.com', 'p1@x.com');
INSERT INTO app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 50) n;
INSERT INTO shop SELECT 's' || n, format('p%s@x.com', n) FROM generate_series(1, 50, 2) n;
INSERT INTO help SELECT n, format('p%s@x.com', n) FROM generate_series(1, 50, 3) n;
SQL
sql --quiet -o /dev/null -c 'SELECT pg_stat_statements_reset()'
PGUSER=anna sql --quiet -o /dev/null <<'SQL'
SET client_min_messages = error;
SET search_path = tools, public;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app'), identity_source('shop', 'SELECT id, email FROM shop', capture => 'trigger'),
  identity_source('help', 'SELECT id, email, updated_at FROM help', changed_since => 'updated_at'), identity_rule('plan', link => false), identity_alias('email', 'TABLE merges'),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('email', 'text[]'));
SELECT identify('people', 'early', '{"email": "p1@x.com"}');
CALL refresh_identity_map('people');
UPDATE shop SET email = 'p2@x.com' WHERE id = 's1';
INSERT INTO merges VALUES ('p3@x.com', 'p5@x.com');
DELETE FROM app WHERE id = 7;
CALL refresh_identity_map('people');
CALL refresh_identity_map('people', "full" => true);
ALTER TABLE app DISABLE TRIGGER ALL;
ALTER TABLE shop DISABLE TRIGGER ALL;
CALL refresh_identity_map('people');
SELECT alter_identity_map('people', identity_source('app', 'SELECT id, email, phone FROM app'), identity_column('phone'), identity_rule('email', max_records => 9));
CALL refresh_identity_map('people');
SELECT reduce_identity_map('people', sources => '{help}', rules => '{email}', columns => '{phone}', aliases => '{email}');
CALL refresh_identity_map('people');
SELECT identify('people', 'jane', '{"email": ["p10@x.com", "p11@x.com"], "plan": "pro"}');
SELECT forget('people', 'app', '20'), remember('people', 'app', '20'), forget_identity('people', (SELECT identity_id FROM people WHERE 30 = ANY (app_id)));
SELECT identity_current('people', identity_id) FROM people;
SELECT count(*) FROM identity_map_history('people');
SELECT identity_map_clauses('people');
SELECT count(*) FROM identity_map_records('people');
SELECT identity_map_definition('people');
SELECT count(*) FROM identity_map_retired('people');
SELECT identity_of('people', 'app', '1'), identity_of_value('people', 'email', 'p10@x.com');
SELECT count(*) FROM identity_maps;
SQL
# A new owner; a state of another role; a table dropped by hand.
sql --quiet -o /dev/null <<'SQL'
SET client_min_messages = error;
CREATE ROLE carl LOGIN;
GRANT USAGE ON SCHEMA tools TO carl;
GRANT SELECT, TRIGGER ON ALL TABLES IN SCHEMA tools TO carl;
ALTER TABLE tools.people OWNER TO carl;
SQL
PGUSER=carl sql --quiet -o /dev/null -c "CALL refresh_identity_map('tools.people')"
sql --quiet -c "DO \$\$ DECLARE r record; BEGIN FOR r IN SELECT oid::regclass AS relation FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace AND relkind = 'r' LOOP
  EXECUTE format('ALTER TABLE %s OWNER TO carl', r.relation); END LOOP; END \$\$"
PGUSER=carl sql --quiet -o /dev/null -c "SET client_min_messages = error" -c "CALL refresh_identity_map('tools.people')"
sql --quiet -c "DROP TABLE tools.people"
PGUSER=carl sql --quiet -o /dev/null -c "SELECT count(*) FROM identity_maps" -c "SELECT drop_identity_map('tools.people')"
PGUSER=anna sql --quiet -o /dev/null <<'SQL'
SET search_path = tools, public;
SELECT create_identity_map('again', identity_source('app', 'SELECT id, email FROM app'), identity_column('email'));
CALL refresh_identity_map('again');
SELECT drop_identity_map('again');
SQL

# What ran raised: as the functions' owner, below a statement of another role (the superuser's own statements above are at top level).
sql --quiet -At -F ' ' -c "
  SELECT DISTINCT regexp_replace(regexp_replace(s.query, E'\\\\s+', ' ', 'g'), 'm[0-9]+_', 'm<id>_', 'g')
  FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = 'postgres' AND NOT s.toplevel ORDER BY 1" >"$SERVER_DIR/raised"
# Of the superuser's DO block.
grep -vE '^(ALTER TABLE identity_state\.\S+ OWNER TO carl|SELECT oid::regclass AS relation FROM pg_class WHERE relnamespace)' "$SERVER_DIR/raised" >"$SERVER_DIR/statements" || true
check "statements ran raised" [ "$(wc -l <"$SERVER_DIR/statements")" -gt 20 ]

# The kinds of doc/security.md. DDL on the state, on its functions and on internal ones:
state='identity_state\.m<id>_[a-z0-9_]+'
ddl="^(CREATE (UNLOGGED )?TABLE $state|ALTER TABLE $state (ADD|DROP CONSTRAINT|ALTER [a-z_]+ SET STORAGE|REPLICA IDENTITY)|DROP TABLE (IF EXISTS )?$state( CASCADE)?\$|(CREATE|DROP) (UNIQUE )?INDEX .*$state)"
ddl+="|^(ANALYZE $state)\$|^(GRANT|REVOKE) .* ON (TABLE|SEQUENCE) $state |^(GRANT|REVOKE) (EXECUTE|USAGE) ON (ROUTINE|SCHEMA) identity_internal"
ddl+="|^(CREATE|DROP|ALTER|GRANT|REVOKE|COMMENT).* FUNCTION identity_state\.m<id>_capture_[0-9]+\(\)|^COMMENT ON (TRIGGER|TABLE) |^ALTER TABLE .* ENABLE (ALWAYS |REPLICA )?TRIGGER identity_map_"
# Others may name a state's or a user's relations only in quotes or as parameters, never to read or write them: what follows FROM, JOIN,
# INTO, UPDATE, USING and TABLE is a system catalog, the catalog of maps, a function, or a value.
grep -vE "$ddl" "$SERVER_DIR/statements" >"$SERVER_DIR/others" || true
check "no other statement names a table of a state" bash -c "! grep -nE '(FROM|JOIN|INTO|UPDATE|USING|TABLE|ONLY) +\"?(identity_state|tools|m<id>_)' '$SERVER_DIR/others'"
# Each relation that the others read or write.
sed 's/DISTINCT FROM/DISTINCT_OF/g' "$SERVER_DIR/others" | grep -oiE '(FROM|JOIN|INTO|UPDATE|USING) +(ONLY +)?[a-z_."]+(\.[a-z_"]+)?' | sed -E 's/^[A-Za-z]+ +(ONLY +)?//; s/"//g' | sort -u >"$SERVER_DIR/relations"
allowed='^(pg_(class|attribute|constraint|index|proc|roles|namespace|trigger|subscription_rel|depend|description|language)|pg_catalog\.pg_[a-z_]+|identity_internal\.[a-z_]+|unnest|jsonb_[a-z_]+|aclexplode|generate_series|regexp_[a-z_]+|c|m|s|readers|sources|cells|item|told|told_in_all|[a-z]|columns|now|lateral)$'
grep -viE "$allowed" "$SERVER_DIR/relations" >"$SERVER_DIR/strange" || true
check "the others read and write system catalogs and the catalog of maps alone" [ ! -s "$SERVER_DIR/strange" ]
cat "$SERVER_DIR/strange"
if [ $failed -gt 0 ]; then cut -c 1-250 "$SERVER_DIR/others"; fi
# The functions that they call are PostgreSQL's or internal ones.
check "no function outside of pg_catalog and identity_internal" bash -c "! grep -nE '\b(tools|public)\.[a-z_]+\(' '$SERVER_DIR/others'"

# The check sees what it is for: a step that touched a row would be among the statements.
sql --quiet <<'SQL'
CREATE OR REPLACE FUNCTION identity_internal.identity_map_clear_dead(role integer, a jsonb) RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM tools.app' INTO n; RETURN '{}'; END $$;
SELECT pg_stat_statements_reset();
SQL
PGUSER=anna sql --quiet -o /dev/null -c "SELECT create_identity_map('tools.bait', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('email'))"
check "a raised step that reads a row is found" [ "$(value "SELECT count(*) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = 'postgres' AND NOT s.toplevel AND s.query ~ 'FROM tools'")" = 1 ]
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
