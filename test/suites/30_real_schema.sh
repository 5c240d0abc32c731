#!/usr/bin/env bash
# Real schemas: the seeds that the makers of dbt packages publish, loaded as they are, one table a CSV file, one schema a folder,
# and a master table over all people in them. Facts in 30_real_schema.sql, each a line "ok" or "not ok".
#
# The files are no part of the project: ../shared/data/saas, or where IDENTITY_RESOLVE_DATA points to. Skips without them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
data=${IDENTITY_RESOLVE_DATA:-../../../shared/data/saas}
if [[ ! -d $data ]]; then
  echo "no $data: skipped (set IDENTITY_RESOLVE_DATA to a folder of such files)"
  exit 77
fi
source ../lib/server.sh

# What makes one file a table: a schema named like its folder, a column of text for each name in its header. Files may start with a
# byte order mark, end their lines with CR LF, quote quotes in their header, and use one name twice in it (the second is name_2).
load() {
  local file=$1 folder schema table
  folder=$(dirname "${file#"$data"/}")
  schema=${folder//\//_}
  table=$(basename "$file" .csv)
  cat <<SQL
\\set header \`head -n 1 '$file' | sed 's/^\\xEF\\xBB\\xBF//; s/\\r\$//'\`
SELECT create_from_header('$schema', '$table', :'header');
\\copy "$schema"."$table" FROM '$file' WITH (FORMAT csv, HEADER)
SQL
}

server_start
{
  cat <<'SQL'
CREATE FUNCTION create_from_header(schema text, tbl text, header text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', schema);
  EXECUTE format('CREATE TABLE %I.%I (%s)', schema, tbl, (
    SELECT string_agg(format('%I text', name || CASE WHEN again > 1 THEN '_' || again ELSE '' END), ', ' ORDER BY place)
    FROM (
      SELECT name, place, row_number() OVER (PARTITION BY name ORDER BY place) AS again
      FROM (
        SELECT CASE WHEN f[1] LIKE '"%' THEN replace(substr(f[1], 2, length(f[1]) - 2), '""', '"') ELSE f[1] END AS name, place
        FROM regexp_matches(header || ',', '("(?:[^"]|"")*"|[^,]*),', 'g') WITH ORDINALITY AS fields(f, place)) AS unquoted) AS numbered));
END $$;
SET client_min_messages = warning;
SQL
  find "$data" -name '*.csv' | LC_ALL=C sort | while read -r file; do load "$file"; done
} | sql --quiet --no-align --tuples-only --output=/dev/null --single-transaction

output=$(sql --quiet --no-align --tuples-only -f 30_real_schema.sql 2>&1) || output+=$'\nnot ok: the script failed'
echo "$output"
server_stop
passed=$(grep -c '^ok' <<<"$output" || true)
failed=$(grep -c '^not ok' <<<"$output" || true)
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
