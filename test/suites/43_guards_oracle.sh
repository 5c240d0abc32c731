#!/usr/bin/env bash
# The oracle of the rules that keep people apart: thousands of random problems with limits, ties,
# fallbacks, priorities, roles, placeholders, blocked values and patterns, each in two orders of rows and rules, compared with
# test/oracle/guards.py, which does what doc/guards.md says slowly and obviously.
# GRAPHS=20000 SEED=7 test/suites/43_guards_oracle.sh runs more of them, or the same ones again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
command -v python3 >/dev/null || exit 77
source ../lib/server.sh

graphs=${GRAPHS:-3000}
seed=${SEED:-$(date +%s)}
echo "seed $seed (SEED=$seed repeats this run)"

server_start
sql --quiet -c 'CREATE EXTENSION identity_resolve'
python3 ../oracle/guards.py generate "$seed" "$graphs" >"$SERVER_DIR/graphs.sql"
sql --quiet -At -F $'\t' -f "$SERVER_DIR/graphs.sql" >"$SERVER_DIR/found.txt"
python3 ../oracle/guards.py compare "$seed" "$graphs" <"$SERVER_DIR/found.txt" | tee "$SERVER_DIR/verdict.txt"
passed=$(sed -n 's/^\([0-9]*\) passed, .*/\1/p' "$SERVER_DIR/verdict.txt")

# Would it notice? Each of these is one rule of the page, left out or turned around.
notices() { # what, the line of the oracle, what stands there instead
  python3 - "$2" "$3" >"$SERVER_DIR/mutant.py" <<'PYTHON'
import sys

text = open("../oracle/guards.py").read()
assert text.count(sys.argv[1]) == 1, f"the oracle has no such line: {sys.argv[1]}"
print(text.replace(sys.argv[1], sys.argv[2]))
PYTHON
  python3 "$SERVER_DIR/mutant.py" compare "$seed" "$graphs" <"$SERVER_DIR/found.txt" >"$SERVER_DIR/mutant.txt" || true
  if grep -qE ' [1-9][0-9]* differences$' "$SERVER_DIR/mutant.txt"; then
    echo "ok: noticed: $1"
    passed=$((passed + 1))
  else
    echo "NOT OK: not noticed: $1"
    failed=$((failed + 1))
  fi
}
failed=0
notices 'role addresses as strong as others' 'role = is_role(kind, text)' 'role = False'
notices 'the weakest kind first' 'stages[role, -rule.priority' 'stages[role, rule.priority'
notices 'role addresses after the others of their priority only' 'stages[role, -rule.priority' 'stages[-rule.priority, role'
notices 'records before sources' 'strength = (len({r[0] for r in records}), len(records))' 'strength = (len(records), len({r[0] for r in records}))'
notices 'free claims on their own' 'if not self.is_bound(claim[1]):' 'if False:'
notices 'identifiers that die are forgotten' 'self.dead.add(group)' 'pass'
notices 'disputes that are forgotten' 'self.disputed.append(next(iter(free)))' 'pass'
notices 'ties settled by the data' 'if by_data:' 'if True:'
notices 'overfull records take part' 'self.overfull = {record for record in component if oracle.breaks({record})}' 'self.overfull = set()'
notices 'fallbacks of a stronger kind or an equal one' 'rules[other[0]].priority > rule.priority' 'rules[other[0]].priority >= rule.priority'
notices 'placeholders whatever the rule says' 'placeholder and rule.block_placeholders' 'placeholder'
notices 'roles whatever the rule says' 'is_role(kind, normal) and rule.block_roles' 'is_role(kind, normal)'
notices 'patterns in any case as others' 're.search(rule.ipattern, normal, re.IGNORECASE)' 're.search(rule.ipattern, normal)'
notices 'a limit of one more' 'if max(by_source.values()) > rule.max_records:' 'if max(by_source.values()) > rule.max_records + 1:'
notices 'a limit of all sources together' 'if max(by_source.values()) > rule.max_records:' 'if sum(by_source.values()) > rule.max_records:'
notices 'limits of kinds that link only' 'if most and len(values) > most:' 'if most and self.problem.rules[kind].link and len(values) > most:'
echo "$passed passed, $failed failed"
((failed == 0))
