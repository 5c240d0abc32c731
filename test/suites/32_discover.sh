#!/usr/bin/env bash
# Discovery, against an answer sheet written by hand: the real schemas that the makers of dbt packages publish, and a made-up company whose people are known,
# laid out as ten loaders lay them out, under names that a seed chooses (test/layouts/layouts.py). For each layout: nothing that is no source is sure to be one,
# at least 95 of 100 links of the answer sheet are found, no identity holds two people, and the suggested statement makes what the discovered clauses make.
#
#   test/suites/32_discover.sh                     a layout by each loader, and some more
#   LAYOUTS='saas:stitch:7 company:dlt:3' …        these: data (saas, company, or large: 5,000 people), loader, seed
#   SEEDS='1 2 3' …                                these seeds of every loader
#
# test/layouts/answers.csv is the sheet; exceptions.csv lists what is known to be found otherwise, and why. The real schemas are skipped where they are not
# (test/lib/real_schema.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/real_schema.sh
command -v python3 >/dev/null || exit 77
layouts=../layouts/layouts.py

mapfile -t loaders < <(python3 "$layouts" --loaders)
if [[ -n ${SEEDS:-} ]]; then
  LAYOUTS=$(for seed in $SEEDS; do for loader in "${loaders[@]}"; do echo "saas:$loader:$seed company:$loader:$seed"; done; done)
fi
# Seed 0 has the plain names, and clauses written by hand for three loaders. The company's own ids are ObjectIds, integers or UUIDs, by the seed; by odd ones
# Airbyte's raw tables stand beside the typed ones.
if [[ -z ${LAYOUTS:-} ]]; then
  LAYOUTS="company:fivetran:0 company:airbyte:0 company:segment:0 large:fivetran:3"
  for i in "${!loaders[@]}"; do LAYOUTS+=" company:${loaders[i]}:$((1 + i % 2)) saas:${loaders[i]}:$((2 + i % 2))"; done
fi

# The company's tables as CSV files, and who is who in them: company VARIANT OPTION…
company() {
  local variant=$1 schema table
  shift
  sql --quiet --command="CREATE DATABASE $variant"
  sql --quiet --dbname="$variant" "$@" --file=../layouts/company.sql
  sql --quiet --no-align --tuples-only --field-separator=/ --dbname="$variant" --command="
    SELECT relnamespace::regnamespace, relname FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_.*|information_schema|truth)\$'" |
    while IFS=/ read -r schema table; do
      mkdir -p "$SERVER_DIR/$variant/$schema"
      echo "\\copy \"$schema\".\"$table\" TO '$SERVER_DIR/$variant/$schema/$table.csv' WITH (FORMAT csv, HEADER)"
    done >"$SERVER_DIR/copy.sql"
  echo "\\copy truth.record TO '$SERVER_DIR/$variant.csv' WITH (FORMAT csv, HEADER)" >>"$SERVER_DIR/copy.sql"
  echo "\\copy truth.gone TO '$SERVER_DIR/${variant}_gone.csv' WITH (FORMAT csv, HEADER)" >>"$SERVER_DIR/copy.sql"
  sql --quiet --dbname="$variant" --file="$SERVER_DIR/copy.sql"
  sql --quiet --command="DROP DATABASE $variant"
}

server_start
sql --quiet --command='CREATE ROLE analyst' --command='GRANT pg_read_server_files TO analyst'
company company_0
company company_1 --set=ids=serial
company company_2 --set=ids=uuid
if [[ $LAYOUTS == *large:* ]]; then company large --set=people=5000 --set=ids=serial; fi
cp ../layouts/answers.csv ../layouts/exceptions.csv "$SERVER_DIR"
chmod a+r "$SERVER_DIR"/*.csv

# Lays one out in a database of its own, and says what is found there.
try_layout() {
  local data loader seed folder truth base variables output
  IFS=: read -r data loader seed <<<"$1"
  case $data in
    saas) folder=$REAL_SCHEMA_DATA truth= ;;
    company) folder=$SERVER_DIR/company_$((seed % 3)) truth=$folder.csv ;;
    large) folder=$SERVER_DIR/large truth=$folder.csv ;;
  esac
  base=layout_${data}_${loader}_$seed
  python3 "$layouts" "$folder" "$loader" "$seed" "$SERVER_DIR/$base.csv" >"$SERVER_DIR/$base.sql"
  chmod a+r "$SERVER_DIR/$base.csv"
  sql --quiet --command="CREATE DATABASE $base"
  sql --quiet --dbname="$base" --command='CREATE EXTENSION identity_resolve' --single-transaction --file="$SERVER_DIR/$base.sql" --command='ANALYZE'
  variables=(--set=data="${data/large/company}" --set=loader="$loader" --set=seed="$seed" --set=manifest="$SERVER_DIR/$base.csv" --set=answers="$SERVER_DIR/answers.csv"
    --set=exceptions="$SERVER_DIR/exceptions.csv")
  if [[ -n $truth ]]; then variables+=(--set=truth="$truth" --set=gone="${truth%.csv}_gone.csv"); fi
  if [[ $data == company && $seed == 0 && -e ../layouts/by_hand_$loader.sql ]]; then variables+=(--set=by_hand="../layouts/by_hand_$loader.sql"); fi
  output=$(sql --quiet --no-align --tuples-only --dbname="$base" "${variables[@]}" --file=32_discover.sql 2>&1) || output+=$'\nnot ok - the script failed'
  sed "/^\(not \)\?ok/s/\$/ ($data by $loader, seed $seed)/" <<<"$output"
  sql --quiet --command="DROP DATABASE $base"
  rm -f "$SERVER_DIR/$base".*
}

# Two at a time, told in their order.
if ! real_schema_data; then LAYOUTS=$(tr ' ' '\n' <<<"$LAYOUTS" | grep -v '^saas:'); fi
passed=0 failed=0
while read -r first second; do
  try_layout "$first" >"$SERVER_DIR/first" 2>&1 &
  other=$!
  : >"$SERVER_DIR/second"
  if [[ -n $second ]]; then try_layout "$second" >"$SERVER_DIR/second" 2>&1 || echo 'not ok - it cannot be tried' >>"$SERVER_DIR/second"; fi
  wait "$other" || echo 'not ok - it cannot be tried' >>"$SERVER_DIR/first"
  cat "$SERVER_DIR/first" "$SERVER_DIR/second"
  passed=$((passed + $(cat "$SERVER_DIR/first" "$SERVER_DIR/second" | grep -c '^ok' || true)))
  failed=$((failed + $(cat "$SERVER_DIR/first" "$SERVER_DIR/second" | grep -c '^not ok' || true)))
done < <(xargs -n 2 <<<"$LAYOUTS")
server_stop
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
