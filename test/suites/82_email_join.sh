#!/usr/bin/env bash
# The benchmark of joins by address runs, and all its joins find the same pairs. No time is judged.
set -euo pipefail

output=$("$(dirname "${BASH_SOURCE[0]}")/../bench/email_join.sh" --rows 4000 --rounds 1)
echo "$output"
if [[ $output == *'4000 rows a table, 3000 pairs'* && $(grep -c 'x lower()' <<<"$output") -eq 4 ]]; then
  echo '1 passed, 0 failed'
else
  echo '0 passed, 1 failed'
  exit 1
fi
