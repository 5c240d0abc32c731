#!/usr/bin/env bash
# The regression tests once more, with the extension under AddressSanitizer and UBSan, and a part of suites 72 and 73.
# 24_email_laws begins its pairs and triples with each 12th value only. LAWS=1 SHARE=1 POKES=6000 test/suites/90_sanitizers.sh
# tries all of them, and all calls of suite 72.
#
# It is built in a directory of its own, installed below the private server's directory like in every
# other suite, and gone with it. The server itself is not instrumented, hence the settings:
#   LD_PRELOAD                       ASan's runtime must be the first library of the process
#   detect_leaks=0                   Postgres frees by leaving, at the end of a process
#   detect_stack_use_after_return=0  a fake stack defeats max_stack_depth's arithmetic
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/lib/server.sh
source test/lib/regress.sh

compgen -G 'sql/*.sql' >/dev/null || exit 77
cxx=${CXX:-g++}
asan=$("$cxx" -print-file-name=libasan.so)
ubsan=$("$cxx" -print-file-name=libubsan.so)
if [[ $asan != /* || $ubsan != /* ]]; then
  echo "skipped: $cxx comes without the sanitizers' libraries"
  exit 77
fi

build=$PWD/build/sanitizers
mkdir -p "$build"
make_sanitized=(make -C "$build" -f "$PWD/Makefile" CXX="$cxx" SANITIZE=address,undefined)
echo "Building with $cxx -fsanitize=address,undefined"
flock "$build" "${make_sanitized[@]}" -s -j"$(nproc)" all

SERVER_MAKE=("${make_sanitized[@]}")
server_start # without the sanitizers: they slow initdb down, and it is not what is tested
reports=$SERVER_DIR/reports
mkdir -m 777 "$reports"
# ASan wakes up at the process's first malloc and asks dlerror() for a text. In Debian 12 that malloc
# is in the middle of a bindtextdomain() of a library's constructor, which holds the lock that the
# text's translation releases: a process that hangs for ever. So it is woken before any constructor.
g++ -x c -shared -fPIC -Wl,-z,initfirst -o "$build/wake_asan.so" - <<'C'
#include <stdlib.h>
static void* volatile kept;
__attribute__((constructor)) static void wake_asan(void) {
  kept = malloc(1);
  free(kept);
}
C
install -m 755 "$build/wake_asan.so" "$SERVER_DIR/"
SERVER_ENV=(
  LD_PRELOAD="$(readlink -f "$asan") $(readlink -f "$ubsan") $SERVER_DIR/wake_asan.so"
  ASAN_OPTIONS="detect_leaks=0:detect_stack_use_after_return=0:log_path=$reports/asan"
  UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports/ubsan"
)
server_conf "jit = off" "email_laws.share = ${LAWS:-12}"
sql -Atqc 'CREATE EXTENSION identity_resolve; DROP EXTENSION identity_resolve'

status=0
regress || status=$?
# A part of the calls that nobody is meant to make, and of the states.
KEPT_SERVER=$SERVER_DIR SHARE=${SHARE:-40} POKES=${POKES:-250} test/suites/72_any_argument.sh >"$SERVER_DIR/72.log" 2>&1 || status=$?
KEPT_SERVER=$SERVER_DIR ALTERED=${ALTERED:-6} SPOILED=${SPOILED:-12} test/suites/73_odd_state.sh >"$SERVER_DIR/73.log" 2>&1 || status=$?
grep -h 'NOT OK' "$SERVER_DIR/72.log" "$SERVER_DIR/73.log" || true
for report in "$reports"/*; do
  if [[ -f $report ]]; then
    cat "$report"
    status=1
  fi
done
exit "$status"
