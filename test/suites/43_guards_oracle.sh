#!/usr/bin/env bash
# The oracle of the rules that keep people apart: thousands of random problems with limits, ties,
# fallbacks, priorities, roles, placeholders, blocked values and patterns, each in two orders of rows and rules, compared with
# test/oracle/guards.py, which does what doc/guards.md says slowly and obviously. The oracle itself is tried before: on stories
# whose people are known, and by the laws that doc/guards.md promises.
# GRAPHS=20000 SEED=7 test/suites/43_guards_oracle.sh runs more of them, or the same ones again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
command -v python3 >/dev/null || exit 77
source ../lib/server.sh

graphs=${GRAPHS:-3000}
seed=${SEED:-$(date +%s)}
echo "seed $seed (SEED=$seed repeats this run)"

passed=0
failed=0
add() { # the verdict of a run of the oracle
  echo "$1"
  passed=$((passed + $(sed -n 's/^\([0-9]*\) passed, .*/\1/p' <<<"$1")))
  failed=$((failed + $(sed -n 's/.* passed, \([0-9]*\) failed$/\1/p' <<<"$1")))
}
add "$(python3 ../oracle/guards.py stories)"
add "$(python3 ../oracle/guards.py laws "$seed" "$((graphs / 3 + 500))")"

server_start
sql --quiet -c 'CREATE EXTENSION identity_resolve'
python3 ../oracle/guards.py generate "$seed" "$graphs" >"$SERVER_DIR/graphs.sql"
sql --quiet -At -F $'\t' -f "$SERVER_DIR/graphs.sql" >"$SERVER_DIR/found.txt"
add "$(python3 ../oracle/guards.py compare "$seed" "$graphs" <"$SERVER_DIR/found.txt")"

# Would it notice? Each of these is one rule of the page, left out or turned around.
notices() { # what, the line of the oracle, what stands there instead
  python3 - "$2" "$3" >"$SERVER_DIR/mutant.py" <<'PYTHON'
import sys

text = open("../oracle/guards.py").read()
assert text.count(sys.argv[1]) == 1, f"the oracle has no such line: {sys.argv[1]}"
print(text.replace(sys.argv[1], sys.argv[2]))
PYTHON
  if [[ $(python3 "$SERVER_DIR/mutant.py" differs "$seed" "$graphs" <"$SERVER_DIR/found.txt") == differs ]]; then
    echo "ok: noticed: $1"
    passed=$((passed + 1))
  else
    echo "NOT OK: not noticed: $1"
    failed=$((failed + 1))
  fi
}
notices 'role addresses as strong as others' 'role = is_role(kind, text)' 'role = False'
notices 'the weakest kind first' 'stages[role, -rule.priority' 'stages[role, rule.priority'
notices 'role addresses after the others of their priority only' 'stages[role, -rule.priority' 'stages[-rule.priority, role'
notices 'records before sources' 'return len({r[0] for r in records}), len(records)' 'return len(records), len({r[0] for r in records})'
notices 'free claims on their own' 'if not self.is_bound(claim.cluster):' 'if False:'
notices 'identifiers that die are forgotten' 'self.dead.add(on)' 'pass'
notices 'disputes that are forgotten' 'self.disputed.append(next(iter(free)))' 'pass'
notices 'ties settled by the data' 'if stage[2]:' 'if True:'
notices 'fallbacks of a stronger kind or an equal one' 'rules[other[0]].priority > rule.priority' 'rules[other[0]].priority >= rule.priority'
notices 'placeholders whatever the rule says' 'placeholder and rule.block_placeholders' 'placeholder'
notices 'roles whatever the rule says' 'is_role(kind, normal) and rule.block_roles' 'is_role(kind, normal)'
notices 'patterns in any case as others' 're.search(rule.ipattern, normal, re.IGNORECASE)' 're.search(rule.ipattern, normal)'
notices 'a limit of one more' 'if max(by_source.values()) > rule.max_records:' 'if max(by_source.values()) > rule.max_records + 1:'
notices 'a limit of all sources together' 'if max(by_source.values()) > rule.max_records:' 'if sum(by_source.values()) > rule.max_records:'
notices 'limits of kinds that link only' 'self.problem.rules.items() if r.max_per_identity}' 'self.problem.rules.items() if r.max_per_identity and r.link}'
notices 'weaker limits that count' 'strong = self.rules[kind].priority >= -minus_priority' 'strong = True'
notices 'limits of their own priority that do not count' 'strong = self.rules[kind].priority >= -minus_priority' 'strong = self.rules[kind].priority > -minus_priority'
notices 'limits of kinds that never link, by priority' 'if role or not self.rules[kind].link or strong:' 'if role or strong:'
notices 'limits that role addresses pass' 'if role or not self.rules[kind].link or strong:' 'if not self.rules[kind].link or strong:'
notices 'a surplus by stronger links refused' 'return not surplus' 'return True'
notices 'the surplus of one record as a bridge' 'if by_all or by_sure:' 'if by_all:'
notices 'only what is sure counts' 'if by_all or by_sure:' 'if by_sure:'
notices 'overfull records take part' 'return any(len(held[kind]) > most for kind, most in self.counting().items())' 'return False'
notices 'overfull records join nobody at any stage' 'return any(len(held[kind]) > most for kind, most in self.counting().items())' 'return any(len(held[kind]) > most for kind, most in self.oracle.limits().items())'
notices 'bound by limits that do not count' 'any(self.all_of(kind, cluster) for kind in self.counting())' 'any(self.all_of(kind, cluster) for kind in self.oracle.limits())'
notices 'no copies' 'keeping = self.broken(clusters)' 'keeping = []'
notices 'copies by all limits, broken or not' 'keeping = self.broken(clusters)' 'keeping = list(self.counting())'
notices 'groups of who agrees in one of the limits' 'for kind in keeping for held in' 'for kind in keeping[:1] for held in'
notices 'groups whatever a record holds too much' 'for held in (self.all_of, self.sure_of)' 'for held in (self.all_of,)'
notices 'groups as strong as their strongest cluster' 'strength = strength_of(set().union(*(records for _, records in members)))' 'strength = max(strength_of(records) for _, records in members)'
notices 'followers of the weakest group' 'most = max(strength for strength, _, _ in copies)' 'most = min(strength for strength, _, _ in copies)'
notices 'followers that choose where they may not' 'if len(strongest) > 1 and not by_data:' 'if False:'
notices 'followers that join nobody by the data either' 'if len(strongest) > 1 and not by_data:' 'if len(strongest) > 1:'
notices 'followers of the last by the data' 'on = strongest[0][2]' 'on = strongest[-1][2]'
notices 'the first record only of those that carry the value' 'for c, _ in members for r in self.records_of(c)' 'for _, records in members for r in records'
notices 'refused and yet together, and still refused' 'if self.cluster_of("copy", on) is self.cluster_of("record", record):' 'if False:'
notices 'all refused and yet together, and still refused' 'if len({id(self.cluster_of("record", r)) for r in claimants}) == 1:' 'if False:'
notices 'the strongest of equals is in conflict' 'status = "ambiguous" if on in self.equally_strongest[group] else "conflict"' 'status = "conflict"'
notices 'the weaker group is ambiguous' 'status = "ambiguous" if on in self.equally_strongest[group] else "conflict"' 'status = "ambiguous"'
notices 'blocked and too common values where they come' 'return "last"' 'return "first"'
notices 'what is refused shown as contested' 'return "never"' 'return "contested"'
notices 'what nobody has for sure not shown' 'self.oracle.count["refused values that nobody has for sure"] += 1' 'return "never"'
notices 'own copies as own values' 'return "contested" if len(copies) > 1 else "first"' 'return "first"'
notices 'own values as contested' 'return "contested" if len(copies) > 1 else "first"' 'return "contested"'
notices 'owners that are disputed' 'if all(self.is_disputed(self.cluster_of("record", r)) for r in owners):' 'if not owners:'
notices 'contested values beside better ones' 'classes.remove("contested")' 'pass'
notices 'contested values last' 'classes = ["first", "contested", "last"]' 'classes = ["first", "last", "contested"]'
echo "$passed passed, $failed failed"
((failed == 0))
