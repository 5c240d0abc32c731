# The seeds that the makers of dbt packages publish, as tables: one table a CSV file, one schema a folder. Source this file from bash.
#
#   real_schema_data || exit 77            # sets REAL_SCHEMA_DATA, or says why not
#   real_schema_load zendesk stripe/…      # makes tables of all files below these folders; of all there are without arguments
#
# The files are no part of the project: ../shared/data/saas beside the checkout, or where IDENTITY_RESOLVE_DATA points to.

real_schema_data() {
  REAL_SCHEMA_DATA=${IDENTITY_RESOLVE_DATA:-$(dirname "${BASH_SOURCE[0]}")/../../../shared/data/saas}
  if [[ ! -d $REAL_SCHEMA_DATA ]]; then
    echo "no $REAL_SCHEMA_DATA: skipped (set IDENTITY_RESOLVE_DATA to a folder of such files)"
    return 1
  fi
}

# What makes one file a table: a schema named like its folder, a column of text for each name in its header. Files may start with a
# byte order mark, end their lines with CR LF, quote quotes in their header, and use one name twice in it (the second is name_2).
real_schema_table() {
  local file=$1 folder schema table
  folder=$(dirname "${file#"$REAL_SCHEMA_DATA"/}")
  schema=${folder//\//_}
  table=$(basename "$file" .csv)
  cat <<SQL
\\set header \`head -n 1 '$file' | sed 's/^\\xEF\\xBB\\xBF//; s/\\r\$//'\`
SELECT pg_temp.create_from_header('$schema', '$table', :'header');
\\copy "$schema"."$table" FROM '$file' WITH (FORMAT csv, HEADER)
SQL
}

real_schema_load() {
  local folders=("$REAL_SCHEMA_DATA")
  if (($# > 0)); then folders=("${@/#/$REAL_SCHEMA_DATA/}"); fi
  {
    cat <<'SQL'
CREATE FUNCTION pg_temp.create_from_header(schema text, tbl text, header text) RETURNS void LANGUAGE plpgsql AS $$
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
    find "${folders[@]}" -name '*.csv' | LC_ALL=C sort | while read -r file; do real_schema_table "$file"; done
  } | sql --quiet --no-align --tuples-only --output=/dev/null --single-transaction
}
