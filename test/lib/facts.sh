# A suite whose facts are lines "ok" and "not ok" of one SQL script. Source this file from bash, after test/lib/server.sh.

# facts SCRIPT: runs it on the server, prints what it says and how many facts hold, and fails where one does not or there is none.
facts() {
  local output passed failed
  output=$(sql --quiet --no-align --tuples-only -f "$1" 2>&1) || output+=$'\nnot ok: the script failed'
  echo "$output"
  passed=$(grep -c '^ok' <<<"$output" || true)
  failed=$(grep -c '^not ok' <<<"$output" || true)
  echo "$passed passed, $failed failed"
  ((failed == 0 && passed > 0))
}
