#!/usr/bin/env bash
# When memory is scarce: a session that may take so much more memory and no more (prlimit, as ulimit -v) either gives the
# right answer or ends the statement with "out of memory". It never crashes, never calls a value invalid for want of
# memory, and is right once there is memory again. Each step is a session's first use of libphonenumber and ICU.
# STEP=128 is the step in kB, MOST=24576 the most that a session is given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

step=${STEP:-512}
most=${MOST:-24576}
passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}

server_start
sql --quiet <<'SQL'
CREATE EXTENSION identity_resolve;
CREATE TABLE calls AS SELECT n AS id, format('+44 20 8366 %s', 1000 + n) AS phone FROM generate_series(1, 300) n;
CREATE TABLE people AS SELECT n AS id, format('(020) 8366-%s', 1000 + n) AS phone, format('Zoë.%s@Bücher.example', n) AS email FROM generate_series(1, 300) n;
CREATE TABLE world AS SELECT n AS id, phone FROM unnest(ARRAY['+4930123456', '+33123456789', '+390212345678', '+34810123456', '+12015550123', '+917410410123',
  '+861012345678', '+81312345678', '+551123456789', '+522001234567', '+27101234567', '+61212345678', '+468123456', '+4721234567', '+41212345678']) WITH ORDINALITY u(phone, n);
SQL

# The sum that says whether an answer is right.
digest="count(*) || ' ' || md5(string_agg(l::text, ',' ORDER BY source, record_id, kind)) FROM identity_links"
declare -A statements=(
  [telephone numbers]="SELECT $digest(identity_source('calls', 'TABLE calls'), identity_source('people', 'SELECT id, phone FROM people'), identity_rule('phone', region => 'GB')) l"
  [addresses]="SELECT $digest(identity_source('people', 'SELECT id, email FROM people')) l"
  [numbers of many countries]="SELECT $digest(identity_source('world', 'TABLE world')) l"
  [blocked numbers]="SELECT $digest(identity_source('world', 'TABLE world'), identity_rule('phone', blocked => ARRAY['+4930123456'])) l"
  [a number by itself]="SELECT normalize_phone('020 8366 1177', 'GB')"
  [a mailbox by itself]="SELECT normalize_mailbox('Zoë@Bücher.example')"
)
for name in "${!statements[@]}"; do
  statement=${statements[$name]}
  right=$(sql -At -c "$statement")
  for ((kilobytes = 0; kilobytes <= most; kilobytes += step)); do
    cat <<SQL
\\connect
SELECT pg_backend_pid() AS pid, normalize_email('loads@the.library') \\gset
\\setenv PID :pid
\\! prlimit --pid \$PID --as=\$(((\$(awk '/^VmSize/ { print \$2 }' /proc/\$PID/status) + $kilobytes) * 1024)):
$statement \\g (tuples_only=on format=unaligned)
\\! prlimit --pid \$PID --as=unlimited:
$statement \\g (tuples_only=on format=unaligned)
SQL
  done >"$SERVER_DIR/steps.sql"
  # As the server's user, who may limit the server's processes.
  server_run psql --no-psqlrc --quiet -v VERBOSITY=terse -f steps.sql >"$SERVER_DIR/steps.out" 2>&1 || true
  errors=$(grep -c 'out of memory' "$SERVER_DIR/steps.out" || true)
  answers=$(grep -cxF "$right" "$SERVER_DIR/steps.out" || true)
  times=$((most / step + 1))
  echo "$name: $times sessions, $errors out of memory"
  grep -vxF "$right" "$SERVER_DIR/steps.out" | grep -v 'out of memory' | sort | uniq -c | head -5 || true
  check "$name: right, or out of memory" [ $((answers + errors)) -eq $((2 * times)) ]
  check "$name: both came up" [ $((errors > 0 && answers > times)) -eq 1 ]
done
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
