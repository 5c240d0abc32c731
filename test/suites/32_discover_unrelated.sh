#!/usr/bin/env bash
# Discovery in a database of 1,000 tables that hold no people of any tool, many under names and columns that tools have too: nothing is sure to be a source, and
# the time that one look takes is printed. Facts in 32_discover_unrelated.sql, each a line "ok" or "not ok".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/facts.sh

server_start
facts 32_discover_unrelated.sql
