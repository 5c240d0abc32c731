#!/usr/bin/env bash
# What a join by address costs: `a.email =@ b.email` and `=~@` beside `lower(a.email) = lower(b.email)`,
# hash joins all, in one run, on the same rows, by turns. Prints the ratios; judges no time.
# lower() depends on the collation: the database's here is C.UTF-8; "C", the quickest, has a line too.
#
#   test/bench/email_join.sh [option…]
#
#   --rows N     rows of each table (1000000)
#   --rounds N   how often each join runs (5); the fastest and the median of them are shown
#
# The rows are plain addresses as tools have them, so that both joins find the same pairs: three in
# four are in both tables; letter case differs in every second one. In a private server, without
# parallel workers, with memory enough that nothing spills.
set -euo pipefail
export LC_ALL=C.UTF-8

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rows=1000000 rounds=5
while (($# > 0)); do
  case $1 in
    --rows) rows=$2 ;;
    --rounds) rounds=$2 ;;
    *)
      sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      exit 2
      ;;
  esac
  shift 2
done

# shellcheck source=test/lib/server.sh
source "$root/test/lib/server.sh"
server_start "shared_buffers = 512MB
work_mem = 1GB
hash_mem_multiplier = 1
max_parallel_workers_per_gather = 0
enable_mergejoin = off
enable_nestloop = off
autovacuum = off
jit = off"

sql --quiet --set=rows="$rows" <<'SQL'
CREATE EXTENSION identity_resolve;
CREATE TABLE a AS
  SELECT i AS id, format('%s.%s%s@%s', (ARRAY['ann','maria','john','kwame','li','olga'])[1 + i % 6],
                         (ARRAY['smith','garcia','tanaka','mueller','novak'])[1 + i % 5], i,
                         (ARRAY['gmail.com','example.com','acme-corp.co.uk','yahoo.com','stardust.io'])[1 + i % 5]) AS email
    FROM generate_series(1, :rows) i;
CREATE TABLE b AS
  SELECT id + :rows / 4 AS id, CASE id % 2 WHEN 0 THEN initcap(email) ELSE email END AS email FROM (
    SELECT id - :rows / 4 AS id, email FROM a WHERE id > :rows / 4
    UNION ALL SELECT id + :rows, 'other.' || email FROM a WHERE id <= :rows / 4) v;
VACUUM ANALYZE a, b;
SQL

declare -A conditions=(
  ['lower()']='lower(a.email) = lower(b.email)'
  ['lower(C)']='lower(a.email COLLATE "C") = lower(b.email COLLATE "C")'
  ['=@']='a.email =@ b.email'
  ['=~@']='a.email =~@ b.email'
)
names=('lower()' 'lower(C)' '=@' '=~@')

pairs=()
for name in "${names[@]}"; do
  query="SELECT count(*) FROM a JOIN b ON ${conditions[$name]}"
  plan=$(sql -A -t -c "EXPLAIN (COSTS OFF) $query")
  if [[ $plan != *'Hash Join'* ]]; then
    echo "email_join.sh: no hash join: $plan" >&2
    exit 1
  fi
  pairs+=("$(sql -A -t -c "$query")")
done
for n in "${!names[@]}"; do
  if [[ ${pairs[n]} != "${pairs[0]}" || ${pairs[n]} == 0 ]]; then
    echo "email_join.sh: ${names[0]} finds ${pairs[0]} pairs, ${names[n]} ${pairs[n]}" >&2
    exit 1
  fi
done
echo "$rows rows a table, ${pairs[0]} pairs"

# One session, the joins by turns, so that whatever else the machine does hits all of them alike.
for ((round = 0; round < rounds; ++round)); do
  for name in "${names[@]}"; do
    echo "\\echo $name"
    echo "SELECT count(*) FROM a JOIN b ON ${conditions[$name]};"
  done
done | sql --quiet -A -t -c '\timing on' -f - |
  awk '
    /^(lower\(C?\)|=@|=~@)$/ { name = $0 }
    /^Time: / { time[name, ++runs[name]] = $2 }
    function sorted(name,   i, j, t) {
      for (i = 2; i <= runs[name]; ++i)
        for (j = i; j > 1 && time[name, j] < time[name, j - 1]; --j) {
          t = time[name, j]; time[name, j] = time[name, j - 1]; time[name, j - 1] = t
        }
    }
    function show(name,   middle) {
      sorted(name)
      middle = int((runs[name] + 1) / 2)
      if (name == "lower()") { least = time[name, 1]; median = time[name, middle] }
      printf "%-8s  fastest %8.0f ms (%.2f x lower())  median %8.0f ms (%.2f x)\n", name,
        time[name, 1], time[name, 1] / least, time[name, middle], time[name, middle] / median
    }
    END { show("lower()"); show("lower(C)"); show("=@"); show("=~@") }'
