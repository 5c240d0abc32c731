# pg_regress against the server that test/lib/server.sh started. Source this file from bash.

# regress [OPTION OF PG_REGRESS]…
#
# Runs sql/*.sql; prints the differences when there are any, and the number of tests either way, which
# it leaves in REGRESS_PASSED and REGRESS_FAILED. Fails where a test does: call it as a condition.
# The output goes below SERVER_DIR, so that nothing is left in the checkout.
regress() {
  local output=$SERVER_DIR/regress status log=$SERVER_DIR/regress.log
  mkdir -p "$output"
  make -s -C "$SERVER_ROOT" installcheck PG_CONFIG="$PG_CONFIG" \
    REGRESS_OPTS="--inputdir=. --outputdir=$output --host=$PGHOST --port=$PGPORT --user=$PGUSER $*" \
    2>&1 | grep -v '^make' | tee "$log"
  status=${PIPESTATUS[0]}
  if [[ -f $output/regression.diffs ]]; then cat "$output/regression.diffs"; fi
  # As PostgreSQL 15 and as later ones say it.
  REGRESS_PASSED=$(grep -cE '^(test .*\.\.\. ok|ok [0-9])' "$log")
  REGRESS_FAILED=$(grep -cE '^(test .*\.\.\. FAILED|not ok [0-9])' "$log")
  if ((status != 0)); then
    echo "The server's log ends with:"
    tail -n 30 "$SERVER_LOG"
  fi
  echo "$REGRESS_PASSED passed, $REGRESS_FAILED failed"
  return "$status"
}
