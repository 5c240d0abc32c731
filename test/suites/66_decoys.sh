#!/usr/bin/env bash
# An extension in a schema full of decoys: mallory, who may CREATE in a database and no more, makes functions, operators, types and
# relations of every name that the extension's script and functions use, then installs it there (it is trusted: its script runs as the
# bootstrap superuser). None of them is ever called by anybody else, neither those that were there before nor those that come after, under
# whatever search_path, nor after the schema has got another name. A decoy that is called fails, and the log tells of it (66_decoys.sql).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
value() { sql --quiet -At -d "$1" -c "SET client_min_messages = error" -c "$2"; }
fails_with() { # fails_with "text of the error" command…
  local said
  if said=$("${@:2}" 2>&1); then echo "it succeeds"; return 1; fi
  [[ $said == *"$1"* ]] || { echo "$said"; return 1; }
}

server_start "jit = off" "max_parallel_workers_per_gather = 2" "parallel_setup_cost = 0" "parallel_tuple_cost = 0" "min_parallel_table_scan_size = 0"
script=$(find "$SERVER_DIR/stage" "$("$PG_CONFIG" --sharedir)/extension" -name 'identity_resolve--*.sql' -print 2>/dev/null | head -n 1 || true)

# ---- The script itself.
check "the script sets a search_path of its own before all else" \
  [ "$(grep -vE '^(\\echo|--|$)' "$script" | head -n 1)" = 'SET LOCAL search_path = pg_catalog, pg_temp;' ]
# CVE-2023-39417: and so the schema's name is never a part of a text, or of a body that is one.
check "the name of its schema stands in no quotes" python3 - "$script" <<'PYTHON'
import re, sys
text = re.sub(r"--[^\n]*", "", open(sys.argv[1]).read())
quoted = re.findall(r"\$\$.*?\$\$|'(?:[^']|'')*'", text, re.S)
sys.exit(any("@extschema@" in part for part in quoted) or len(quoted) < 300)
PYTHON

sql --quiet <<'SQL'
CREATE ROLE mallory LOGIN;
CREATE ROLE anna LOGIN;
CREATE ROLE bob LOGIN;
CREATE ROLE root SUPERUSER LOGIN;
CREATE DATABASE one;
GRANT CREATE ON DATABASE one TO mallory, anna;
SQL
mapfile -t sources < <(find ../../src -name "*.cc" -o -name "*.h" | grep -vE "/src/(engine|normalize)/" | sort)
sources+=("$script")
grep -ohE '[a-z_][a-z0-9_]*' "${sources[@]}" | sort -u | sed 's/$/,false/' >"$SERVER_DIR/words"
grep -ohE '[a-z_][a-z0-9_]*\(' "${sources[@]}" | sort -u | sed 's/($/,true/' >>"$SERVER_DIR/words"
# LIKE and its kin have operators as well.
{ sed 's/--.*//' "$script" | grep -ohE '[-+*/<>=~!@#%^&|`?]+' | sort -u; printf '%s\n' '~~' '!~~' '~~*' '!=' '<>' '>=' '<='; } | sort -u >"$SERVER_DIR/symbols"
lab() { # lab database: mallory's schema, and what she can fill it with
  sql --quiet -d "$1" <<'SQL'
CREATE SCHEMA lab;
CREATE TABLE lab.words (word text, is_call boolean);
CREATE TABLE lab.symbols (symbol text);
SQL
  sql --quiet -d "$1" -c "\\copy lab.words FROM '$SERVER_DIR/words' CSV" -c "\\copy lab.symbols FROM '$SERVER_DIR/symbols'" -f 66_decoys.sql
  sql --quiet -d "$1" -U mallory -c 'CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC'
}
lab one
sql --quiet -d one -U mallory -c "CALL lab.fill('evil', 40000)"
value one "SELECT format('%s functions, %s operators, %s types, %s views', (SELECT count(*) FROM lab.functions), (SELECT count(*) FROM lab.operators), (SELECT count(*) FROM lab.domains), (SELECT count(*) FROM lab.relations))"
# How many were called by others than mallory since it was asked last.
seen=0
calls() { local all; all=$(grep -cE 'LOG:  decoy .* was called as' "$SERVER_LOG" || true); called=$((all - seen)); seen=$all; }
uncalled() {
  calls
  [ "$called" = 0 ] && return
  grep -oE 'LOG:  decoy .* was called as .*' "$SERVER_LOG" | tail -n "$called" | sort | uniq -c | sort -rn | head -n 20
  return 1
}

# ---- Decoys work: who looks names up in that schema falls for them.
check "a decoy is called where names are looked up there" \
  fails_with 'was called as root' sql --quiet -d one -U root -c "SET search_path = evil, pg_catalog" -c "SELECT to_jsonb(ARRAY[1::bigint])"
check "and where an operator is" \
  fails_with 'was called as root' sql --quiet -d one -U root -c "SELECT 'a'::name OPERATOR(evil.||) 'b'::name"
check "and where types are" \
  fails_with 'was called as root' sql --quiet -d one -U root -c "SET search_path = evil, pg_catalog" -c "DO \$\$ DECLARE x text := 'y'; BEGIN NULL; END \$\$"
calls
check "and the log tells of them" [ "$called" = 3 ]

# ---- Installed among them.
check "mallory can install the extension there" sql --quiet -d one -U mallory -c 'CREATE EXTENSION identity_resolve SCHEMA evil'
check "no decoy is called by that" uncalled
borrows_nothing() { [ -z "$(value one "SELECT object || ' needs ' || needs FROM lab.borrowed('$1')" | tee "$SERVER_DIR/borrowed" | head -n 20)" ] || { cat "$SERVER_DIR/borrowed"; return 1; }; }
check "nothing of the extension's depends on anything in that schema but the extension" borrows_nothing evil
check "everything that it made is the superuser's, in its schema or in those of its own" [ "$(value one "
  SELECT count(*) > 200 AND bool_and(coalesce(f.proowner, 10) = 10) AND coalesce(string_agg(i.identity, ', ') FILTER (WHERE i.schema NOT IN ('evil', 'identity_internal')
      -- What the type email shares the name of with something of text's is in pg_catalog.
      AND NOT (i.schema = 'pg_catalog' AND i.identity ~ '^pg_catalog[.]([<>=]+|min|max)[(].*evil[.]email')), 'all') = 'all'
  FROM pg_depend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i LEFT JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid
  WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'identity_resolve') AND d.deptype = 'e'")" = t ]
check "every function of it whose body is a text sets a search_path, or has none to look up" [ "$(value one "
  SELECT coalesce(string_agg(f.oid::regprocedure::text, ', '), 'all') FROM pg_proc f JOIN pg_language l ON l.oid = f.prolang
  WHERE f.pronamespace IN ('evil'::regnamespace, 'identity_internal'::regnamespace) AND f.proowner = 10
    AND (l.lanname = 'plpgsql' AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (f.proconfig), false)
      OR l.lanname = 'sql' AND f.prosqlbody IS NULL)")" = all ]
check "no text that it keeps names that schema" [ "$(value one "SELECT count(*) FROM pg_proc f WHERE f.proowner = 10 AND f.prosrc ~ 'evil'")" = 0 ]

# ---- At work: as an owner of a map, as somebody who may only tell it of users, as a superuser. Names are given in full where the
# caller's own statement looks them up; all else is the extension's doing.
flow() { # flow schema path
  local schema=$1 path=$2 role
  sql --quiet -d one -U anna -v s="$schema" -v path="$path" -o "$SERVER_DIR/flow" <<'SQL' || return
SET client_min_messages = error;
CREATE SCHEMA home;
GRANT USAGE ON SCHEMA home TO bob;
CREATE TABLE home.app (id int PRIMARY KEY, email pg_catalog.text);
CREATE TABLE home.shop (id pg_catalog.text PRIMARY KEY, email pg_catalog.text, device_id pg_catalog.text);
CREATE TABLE home.help (id bigint PRIMARY KEY, email pg_catalog.text[], updated_at timestamptz);
CREATE TABLE home.late (id pg_catalog.name, user_id int, email pg_catalog.text);
CREATE TABLE home.merges (former int, present pg_catalog.name);
INSERT INTO home.merges VALUES (5, '6');
INSERT INTO home.app SELECT n, 'p' || n || '@x.com' FROM generate_series(1, 400) n;
INSERT INTO home.shop SELECT 's' || n, 'P' || n || '@X.com', 'd' || n % 7 FROM generate_series(1, 400, 2) n;
INSERT INTO home.help SELECT n, ARRAY['p' || n || '@x.com', 'h' || n || '@x.com'], timestamptz '2024-01-01' + n * interval '1 s' FROM generate_series(1, 400, 3) n;
INSERT INTO home.late SELECT 'l' || n, n, 'p' || n || '@x.com' FROM generate_series(1, 50) n;
ANALYZE home.app, home.shop, home.help;
SELECT pg_catalog.set_config('search_path', :'path', false);
SELECT :"s".create_identity_map('home.people'::pg_catalog.text, VARIADIC ARRAY[:"s".identity_source('app'::pg_catalog.text, 'SELECT id, email FROM home.app'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text),
  :"s".identity_source('shop'::pg_catalog.text, 'SELECT id, email, device_id FROM home.shop'::pg_catalog.text, NULL::pg_catalog.text, 'trigger'::pg_catalog.text),
  :"s".identity_source('help'::pg_catalog.text, 'SELECT id, email, updated_at FROM home.help'::pg_catalog.text, 'updated_at'::pg_catalog.text, NULL::pg_catalog.text),
  :"s".identity_rule('email'::pg_catalog.text, max_records => 5::bigint), :"s".identity_rule('user_id'::pg_catalog.text, max_per_identity => 0::int),
  :"s".identity_alias('user_id'::pg_catalog.text, 'SELECT former, present FROM home.merges'::pg_catalog.text),
  :"s".identity_column('app_id'::pg_catalog.text, 'int[]'::pg_catalog.text), :"s".identity_column('shop_id'::pg_catalog.text, 'pg_catalog.text[]'::pg_catalog.text),
  :"s".identity_column('help_id'::pg_catalog.text, 'bigint[]'::pg_catalog.text), :"s".identity_column('email'::pg_catalog.text, 'pg_catalog.text[]'::pg_catalog.text)]:::"s".identity_clause[]);
GRANT SELECT, INSERT ON home.people TO bob;
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
UPDATE home.app SET email = 'p2@x.com' WHERE id OPERATOR(pg_catalog.=) 1;
UPDATE home.shop SET email = 'p2@x.com' WHERE id OPERATOR(pg_catalog.=) 's7';
DELETE FROM home.shop WHERE id OPERATOR(pg_catalog.=) 's9';
INSERT INTO home.shop VALUES ('new', 'new@x.com');
UPDATE home.help SET email = '{p4@x.com,p8@x.com}', updated_at = updated_at OPERATOR(pg_catalog.+) interval '1 h' WHERE id OPERATOR(pg_catalog.=) 4;
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
UPDATE home.help SET email = '{p4@x.com}', updated_at = updated_at OPERATOR(pg_catalog.+) interval '1 h' WHERE id OPERATOR(pg_catalog.=) 4;
UPDATE home.app SET email = 'all@x.com' WHERE id OPERATOR(pg_catalog.<) 30;
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass, true::boolean);
-- A trigger of its own has the map written by a statement.
CREATE FUNCTION home.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER look BEFORE UPDATE ON home.people FOR EACH ROW EXECUTE FUNCTION home.look();
UPDATE home.shop SET email = 'p50@x.com' WHERE id OPERATOR(pg_catalog.<) 's13';
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
DROP TRIGGER look ON home.people;
SELECT :"s".alter_identity_map('home.people'::pg_catalog.regclass, VARIADIC ARRAY[:"s".identity_source('late'::pg_catalog.text, 'SELECT id, user_id, email FROM home.late'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text),
  :"s".identity_column('user_id'::pg_catalog.text, 'int[]'::pg_catalog.text), :"s".identity_column('help_id'::pg_catalog.text, 'pg_catalog.text[]'::pg_catalog.text)]:::"s".identity_clause[]);
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
INSERT INTO home.merges VALUES (7, '8');
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
SELECT :"s".identify('home.people'::pg_catalog.regclass, '7'::pg_catalog.text, '{}'::pg_catalog.jsonb);
SELECT :"s".reduce_identity_map('home.people'::pg_catalog.regclass, '{}'::pg_catalog.text[], '{}'::pg_catalog.text[], '{user_id}'::pg_catalog.text[]);
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
SELECT :"s".forget('home.people'::pg_catalog.regclass, 'app'::pg_catalog.text, '77'::pg_catalog.text), :"s".remember('home.people'::pg_catalog.regclass, 'app'::pg_catalog.text, '77'::pg_catalog.text);
SELECT :"s".forget_identity('home.people'::pg_catalog.regclass, (SELECT identity_id FROM home.people WHERE app_id OPERATOR(pg_catalog.=) '{99}'));
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
SELECT * FROM :"s".identity_maps;
SELECT * FROM :"s".identity_map_history('home.people'::pg_catalog.regclass);
SELECT * FROM :"s".identity_report(VARIADIC :"s".identity_map_clauses('home.people'::pg_catalog.regclass));
SELECT :"s".identity_map_definition('home.people'::pg_catalog.regclass);
SQL
  for role in bob root; do
    sql --quiet -d one -U $role -v s="$schema" -v path="$path" -o "$SERVER_DIR/flow" <<'SQL' || return
SELECT pg_catalog.set_config('search_path', :'path', false);
SELECT :"s".identify('home.people'::pg_catalog.regclass, 'u1'::pg_catalog.text, '{"email": ["p103@x.com", "p105@x.com"], "phone": "+14155550100"}'::pg_catalog.jsonb);
SELECT :"s".identify('home.people'::pg_catalog.regclass, 'u1'::pg_catalog.text, '{"phone": null, "device_id": 3}'::pg_catalog.jsonb);
SELECT :"s".identity_current('home.people'::pg_catalog.regclass, (SELECT identity_id FROM home.people LIMIT 1));
SELECT * FROM :"s".identity_map_history('home.people'::pg_catalog.regclass);
SELECT * FROM :"s".identity_map_records('home.people'::pg_catalog.regclass);
SELECT * FROM :"s".identity_map_retired('home.people'::pg_catalog.regclass, '2020-01-01'::pg_catalog.timestamptz);
SELECT :"s".identity_of('home.people'::pg_catalog.regclass, 'app'::pg_catalog.text, '1'::pg_catalog.text), :"s".identity_of_value('home.people'::pg_catalog.regclass, 'email'::pg_catalog.text, 'P105@x.com'::pg_catalog.text);
SELECT * FROM :"s".identity_maps;
SELECT * FROM :"s".identity_progress;
SQL
  done
  # What a superuser does with it: everything else that reads sources, and the email functions.
  sql --quiet -d one -U root -v s="$schema" -v path="$path" -o "$SERVER_DIR/flow" <<'SQL'
SET client_min_messages = error;
SELECT pg_catalog.set_config('search_path', :'path', false);
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass);
-- As where a map does not fit into memory: by SQL.
SELECT pg_catalog.pg_get_functiondef('identity_internal.identity_map_most(identity_internal.identity_map_catalog)'::pg_catalog.regprocedure) AS in_memory \gset
CREATE OR REPLACE FUNCTION identity_internal.identity_map_most(m identity_internal.identity_map_catalog) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT 0::bigint; END;
CALL :"s".refresh_identity_map('home.people'::pg_catalog.regclass, true::boolean);
:in_memory;
CREATE TEMPORARY TABLE clauses AS SELECT :"s".identity_map_clauses('home.people'::pg_catalog.regclass) AS all;
SELECT * FROM :"s".resolve_identities(VARIADIC (SELECT c.all FROM clauses AS c)) AS (identity_id pg_catalog.uuid, app_id int[], email pg_catalog.text[], record_count bigint);
SELECT * FROM :"s".resolve_identities(VARIADIC (SELECT pg_catalog.array_append(c.all, :"s".identity_output('combinations'::pg_catalog.text, 100000::bigint)) FROM clauses AS c)) AS (app_id int, shop_id pg_catalog.text);
SELECT * FROM :"s".identity_records(VARIADIC (SELECT c.all FROM clauses AS c));
SELECT * FROM :"s".identity_links(VARIADIC (SELECT c.all FROM clauses AS c));
SELECT * FROM :"s".identity_evidence(VARIADIC (SELECT c.all FROM clauses AS c));
SELECT * FROM :"s".explain_identity('app'::pg_catalog.text, '2'::pg_catalog.text, 'shop'::pg_catalog.text, 's7'::pg_catalog.text, VARIADIC (SELECT c.all FROM clauses AS c));
SELECT :"s".identity_graph('app'::pg_catalog.text, '2'::pg_catalog.text, VARIADIC (SELECT c.all FROM clauses AS c));
SELECT :"s".normalize_email(a.email), :"s".normalize_mailbox(a.email), :"s".email_problem(a.email), a.email OPERATOR(:"s".=@) 'p3@X.com'::pg_catalog.text, a.email OPERATOR(:"s".=~@) 'p3@X.com'::pg_catalog.text FROM home.app AS a;
CREATE TEMPORARY TABLE mails (email :"s".email PRIMARY KEY, other pg_catalog.text);
CREATE INDEX ON mails USING btree (other :"s".email_ops);
INSERT INTO mails SELECT DISTINCT ON (a.email) a.email::pg_catalog.text, a.email FROM home.app AS a ORDER BY a.email;
SET enable_seqscan = off;
SELECT m.email FROM mails AS m WHERE m.other OPERATOR(:"s".=@) 'P40@x.com'::pg_catalog.text;
SELECT pg_catalog.min(m.email), pg_catalog.max(m.email) FROM mails AS m GROUP BY m.email;
SELECT * FROM :"s".email_providers(), :"s".identity_blocked_values();
SQL
}
# What came of it is what a resolve says, so that the work has been done.
judge() { # judge schema
  value one "SELECT count(*) > 200 AND count(*) = (SELECT count(DISTINCT r.identity_id) FROM $1.identity_records(VARIADIC $1.identity_map_clauses('home.people'::regclass)) AS r)
    AND (SELECT count(*) > 10 FROM $1.identity_map_history('home.people'::regclass)) AND bool_or(app_id && '{103}' AND app_id && '{105}') FROM home.people"
}
end_flow() { sql --quiet -d one -U anna -o "$SERVER_DIR/flow" -c "SET client_min_messages = error" -c "SELECT $1.drop_identity_map('home.people'::text)" -c "DROP SCHEMA home CASCADE"; }
work() { # work schema path what
  check "$3: maps, resolves and all the rest work" flow "$1" "$2"
  check "$3: no decoy was called" uncalled
  check "$3: the work was done" [ "$(judge "$1" 2>&1 | tail -n 1)" = t ]
  check "$3: no statement that the map keeps names that schema" [ "$(value one "SELECT count(*) > 0 AND NOT bool_or((to_jsonb(c) - 'search_path' - 'prepared' - 'clauses')::text ~ '\\y$1\\y') FROM identity_internal.identity_map_catalog c")" = t ]
}
work evil 'pg_catalog' 'under a safe search_path'
end_flow evil
work evil 'evil, pg_catalog' 'with the schema before all else'
end_flow evil

# ---- Decoys that come later. The schema is mallory's, and so she can make whatever she likes beside the extension's own.
# She has a map, and so may call what owners of maps may.
sql --quiet -d one -U mallory -o "$SERVER_DIR/flow" <<'SQL'
CREATE SCHEMA den;
CREATE TABLE den.app (id int, email text);
SELECT evil.create_identity_map('den.mine', evil.identity_source('app', 'SELECT id, email FROM den.app'), evil.identity_column('app_id', 'int'));
SQL
check "mallory adds decoys of the extension's own names" sql --quiet -d one -U mallory -c "CALL lab.fill_own('evil')"
work evil 'pg_catalog' 'decoys of our own names'
end_flow evil
work evil 'evil, pg_catalog' 'decoys of our own names, on the search_path'
check "still nothing depends on them" borrows_nothing evil

# ---- A function is compiled once in a session, its variables' types looked up then: not by mallory, in her own, with types of hers, for
# somebody else's map.
sql --quiet -d one -U anna -c 'GRANT INSERT, SELECT ON home.people TO mallory' -c 'GRANT USAGE ON SCHEMA home TO mallory'
poisoned=$(sql --quiet -d one -U mallory -At 2>&1 <<'SQL'
SET client_min_messages = error;
SET search_path = evil, pg_catalog;
\set ON_ERROR_STOP off
\o /dev/null
SELECT pg_catalog.format('SELECT %s(%s)', f.oid::pg_catalog.regproc, (SELECT pg_catalog.string_agg(pg_catalog.format('NULL::%s', pg_catalog.format_type(a, NULL)), ', ' ORDER BY n) FROM pg_catalog.unnest(f.proargtypes::pg_catalog.oid[]) WITH ORDINALITY AS u (a, n))) AS call
FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) f.prolang
WHERE f.pronamespace OPERATOR(pg_catalog.=) 'identity_internal'::pg_catalog.regnamespace::pg_catalog.oid AND l.lanname OPERATOR(pg_catalog.=) 'plpgsql'::pg_catalog.name AND pg_catalog.has_function_privilege(f.oid, 'EXECUTE') \gexec
\o
SELECT evil.identify('home.people'::pg_catalog.regclass, 'u2'::pg_catalog.text, '{"email": "p9@x.com"}'::pg_catalog.jsonb) IS NOT NULL;
SQL
) || true
check "nobody compiles for others with types of his own" [ "$(tail -n 1 <<<"$poisoned")" = t ]
check "though she can call the functions of maps" [ "$(grep -oE 'function identity_internal.identity_map_[a-z_]+' <<<"$poisoned" | sort -u | wc -l)" -gt 10 ]
check "no decoy was called by that either" uncalled

# ---- Another name for the schema, and a schema full of decoys in its place: the map goes on.
sql --quiet -d one -U mallory -c 'ALTER SCHEMA evil RENAME TO elsewhere' -c 'CREATE SCHEMA evil' -c 'GRANT USAGE ON SCHEMA evil TO PUBLIC' -c "CALL lab.fill('evil', 40000)" -c "CALL lab.fill_own('evil')"
renamed() {
  sql --quiet -d one -U anna -o "$SERVER_DIR/flow" <<'SQL'
SET client_min_messages = error;
SET search_path = evil, pg_catalog;
UPDATE home.shop SET email = 'p61@x.com' WHERE id OPERATOR(pg_catalog.=) 's61';
UPDATE home.app SET email = 'p62@x.com' WHERE id OPERATOR(pg_catalog.<) 62;
CALL elsewhere.refresh_identity_map('home.people'::pg_catalog.regclass);
CALL elsewhere.refresh_identity_map('home.people'::pg_catalog.regclass, true::boolean);
SELECT elsewhere.identify('home.people'::pg_catalog.regclass, 'u3'::pg_catalog.text, '{"email": "p9@x.com"}'::pg_catalog.jsonb);
SELECT elsewhere.forget('home.people'::pg_catalog.regclass, 'app'::pg_catalog.text, '88'::pg_catalog.text);
SELECT elsewhere.alter_identity_map('home.people'::pg_catalog.regclass, VARIADIC ARRAY[elsewhere.identity_column('record_count'::pg_catalog.text, 'bigint'::pg_catalog.text)]::elsewhere.identity_clause[]);
CALL elsewhere.refresh_identity_map('home.people'::pg_catalog.regclass);
SQL
}
check "with another name a map that was there is refreshed, changed and told" renamed
check "and no decoy called" uncalled
check "and it is as a resolve says" [ "$(judge elsewhere 2>&1 | tail -n 1)" = t ]
end_flow elsewhere
work elsewhere 'evil, pg_catalog' 'with another name'
check "with another name nothing depends on decoys" borrows_nothing evil
end_flow elsewhere

# ---- What runs as the functions' owner trusts that owner's catalog alone.
sql --quiet -d one -U root -c 'CREATE SCHEMA home; CREATE TABLE home.app AS SELECT 1 AS id, text $$a@x.com$$ AS email' \
  -c "SELECT elsewhere.create_identity_map('home.people'::text, VARIADIC ARRAY[elsewhere.identity_source('app'::text, 'SELECT id, email FROM home.app'::text, NULL::text, NULL::text)]::elsewhere.identity_clause[])" \
  -c 'ALTER TABLE identity_internal.identity_map_catalog OWNER TO anna' -o "$SERVER_DIR/flow"
check "a catalog of another owner is refused" fails_with 'belongs to another role than the functions' sql --quiet -d one -U root -c "CALL elsewhere.refresh_identity_map('home.people'::regclass)"
sql --quiet -d one -U root -c 'ALTER TABLE identity_internal.identity_map_catalog OWNER TO postgres'
check "and the right one taken again" sql --quiet -d one -U root -c "CALL elsewhere.refresh_identity_map('home.people'::regclass)"

# ---- A script without that search_path is caught: by a decoy that fits better than the real one.
if [[ $script == "$SERVER_DIR"/* ]]; then
  sed '/^SET LOCAL search_path/d' "$script" >"${script%--*}--unsafe.sql"
  sql --quiet -c 'CREATE DATABASE three' -c 'GRANT CREATE ON DATABASE three TO mallory'
  lab three
  sql --quiet -d three -c "DELETE FROM lab.functions WHERE name <> 'to_jsonb'" -c "DELETE FROM lab.operators"
  sql --quiet -d three -U mallory -c "CALL lab.fill('evil', 20)" -c "CREATE EXTENSION identity_resolve VERSION 'unsafe' SCHEMA evil"
  check "a script that looked names up in the schema would depend on decoys" \
    [ "$(value three "SELECT count(*) FROM lab.borrowed('evil') WHERE object ~ 'function' AND needs = 'function evil.to_jsonb(bigint[])'")" = 1 ]
fi

# ---- What was there before is not taken over.
sql --quiet -c 'CREATE DATABASE two' -c 'GRANT CREATE ON DATABASE two TO mallory'
sql --quiet -d two -U mallory -c 'CREATE SCHEMA identity_internal'
check "a schema of the internal one's name is not taken for it" \
  fails_with 'schema "identity_internal" already exists' sql --quiet -d two -U mallory -c 'CREATE SCHEMA evil' -c 'CREATE EXTENSION identity_resolve SCHEMA evil'
sql --quiet -d two -U mallory -c 'DROP SCHEMA identity_internal' -c 'CREATE SCHEMA identity_state'
check "nor one of the states' name" \
  fails_with 'schema "identity_state" already exists' sql --quiet -d two -U mallory -c 'CREATE EXTENSION identity_resolve SCHEMA evil'
sql --quiet -d two -U mallory -c 'DROP SCHEMA identity_state' -c 'CREATE FUNCTION evil.near(text, text) RETURNS bool LANGUAGE sql AS $$ SELECT true $$' \
  -c 'CREATE OPERATOR evil.~~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.near, NEGATOR = OPERATOR(evil.=@))'
check "nor an operator that another one promises" \
  fails_with '=@' sql --quiet -d two -U mallory -c 'CREATE EXTENSION identity_resolve SCHEMA evil'
sql --quiet -d two -U mallory -c 'DROP OPERATOR evil.~~~ (text, text)' -c 'DROP OPERATOR evil.=@ (text, text)' -c 'CREATE FUNCTION evil.normalize_email(text) RETURNS text LANGUAGE sql AS $$ SELECT $1 $$'
check "nor a function" \
  fails_with 'function "normalize_email" already exists' sql --quiet -d two -U mallory -c 'CREATE EXTENSION identity_resolve SCHEMA evil'
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
