#!/usr/bin/env bash
# Discovery without any help: Kanoniv's five systems (CRM, billing, support, app, partners; 6,539 records, real schemas of no known tool, as a company's own
# databases have them), as tables of one schema each and as tables of one schema. What is discovered is compared, identity by identity, with clauses written by hand.
# Facts in 32_discover_kanoniv.sql, each a line "ok" or "not ok". Skips where the files are not (test/lib/real_schema.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/facts.sh
source ../lib/real_schema.sh
real_schema_data || exit 77

server_start
real_schema_load kanoniv
facts 32_discover_kanoniv.sql
