#!/usr/bin/env bash
# What identity_resolve does, in a minute: installs what is missing, builds, starts a private temporary PostgreSQL, loads the
# sample data (a company's users and seven tools, 3,000 people, messy on purpose), builds the master table and asks it three
# questions. Leaves nothing behind. Works as root and as an ordinary user with sudo (used for missing packages only).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source test/lib/install.sh
install_packages build
source test/lib/server.sh
SERVER_MAKE=(make -s -j"$(nproc)" -C "$PWD")

if [[ -t 1 ]]; then bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true); else bold='' plain=''; fi
title() { printf '\n%s== %s ==%s\n\n' "$bold" "$1" "$plain"; }
# A script's tables, without psql's own remarks. --pset=footer=off drops the row counts.
show() { sql --quiet --pset=footer=off --pset=null=- "$@"; }

title "Building (a minute or two, the first time), and starting a private PostgreSQL"
server_start
sql --quiet --command='CREATE EXTENSION identity_resolve'
show --tuples-only --no-align --command="SELECT split_part(version(), ' on ', 1) || ', identity_resolve ' || extversion FROM pg_extension WHERE extname = 'identity_resolve'"

title "A small beginning: three people, four addresses, five tools, messy rows"
sql --quiet --command='CREATE DATABASE well_known'
sql --quiet --dbname=well_known --single-transaction --file=test/sample/well_known.sql
sql --quiet --dbname=well_known --command='CREATE EXTENSION identity_resolve'
query=$(
  cat <<'SQL'
SELECT * FROM resolve_identities(
  identity_source('segment',    'SELECT id, id AS user_id, email FROM segment.users'),
  identity_source('zendesk',    'SELECT id, external_id AS user_id, email FROM zendesk.users'),
  identity_source('stripe',     'SELECT id, email FROM stripe.customers'),
  identity_source('salesforce', 'SELECT id, email FROM salesforce.leads'),
  identity_source('intercom',   'SELECT id, user_id, email FROM intercom.users'),
  identity_output(rows => 'combinations')
) AS (segment_id text, email text, zendesk_id bigint, stripe_id text, salesforce_id text, intercom_id text)
ORDER BY zendesk_id, stripe_id DESC;
SQL
)
printf '%s\n\n' "$query"
show --dbname=well_known --command="$query"

title "Sample data: a company's own users, and seven tools"
sql --quiet --single-transaction --file=test/sample/generate.sql
show <<'SQL'
SELECT * FROM (VALUES
  ('production.users', 'the company''s own, MongoDB ObjectIds', (SELECT count(*) FROM production.users)),
  ('segment.users', 'users; devices in segment.identifies and segment.pages', (SELECT count(*) FROM segment.users)),
  ('zendesk.users', 'who asked for help; zendesk.tickets', (SELECT count(*) FROM zendesk.users)),
  ('stripe.customers', 'who pays; stripe.subscriptions, plans and charges', (SELECT count(*) FROM stripe.customers)),
  ('salesforce.leads', 'whom sales talks to', (SELECT count(*) FROM salesforce.leads)),
  ('intercom.users', 'who used the chat', (SELECT count(*) FROM intercom.users)),
  ('mailchimp.list_members', 'who gets the newsletter; mailchimp.reports_email_activity', (SELECT count(*) FROM mailchimp.list_members)),
  ('marketo.leads', 'whom marketing knows', (SELECT count(*) FROM marketo.leads))
) AS t("table", "who", "rows");
SQL

title "One of 3,000 people, as the tools know her"
show <<'SQL'
SELECT tool, id, coalesce(other_id, '') AS "your id, or another tool's",
       '"' || replace(replace(email, '  ', '␣␣'), E'\t', '⇥') || '"' AS "email, as typed"
FROM (
  SELECT 1 AS place, 'segment' AS tool, id, NULL AS other_id, email FROM segment.users
  UNION ALL SELECT 2, 'segment, later', anonymous_id, user_id, email FROM segment.identifies
  UNION ALL SELECT 3, 'zendesk', id::text, external_id, email FROM zendesk.users
  UNION ALL SELECT 4, 'stripe', id, metadata_user_id, email FROM stripe.customers
  UNION ALL SELECT 5, 'salesforce', id, NULL, email FROM salesforce.leads
  UNION ALL SELECT 6, 'intercom', id, user_id, email FROM intercom.users
  UNION ALL SELECT 7, 'mailchimp', unique_email_id, NULL, email_address FROM mailchimp.list_members
  UNION ALL SELECT 8, 'marketo', id::text, sfdc_lead_id, email FROM marketo.leads) AS records
WHERE id IN (SELECT record_id FROM truth.records WHERE person = 659)
ORDER BY place, id, email;
SQL

title "The master table"
cat test/sample/user_identities.sql
echo
began=$(date +%s%N)
sql --quiet --file=test/sample/user_identities.sql
ended=$(date +%s%N)
show --tuples-only --no-align --command="
  SELECT format('%s records of nine sources are %s identities, found in %s s.', sum(record_count), count(*), round($((ended - began)) / 1e9::numeric, 2))
  FROM user_identities"
echo
echo "That person's row:"
show --expanded --command="SELECT * FROM user_identities WHERE stripe_id && (SELECT array_agg(record_id) FROM truth.records WHERE person = 659)"
echo "Some others:"
show <<'SQL'
SELECT email, segment_id, zendesk_id[1], stripe_id[1], salesforce_id, intercom_id, marketo_id, record_count AS records
FROM user_identities
WHERE segment_id IS NOT NULL AND email IS NOT NULL
ORDER BY identity_id LIMIT 8;
SELECT count(*) AS identities, sum(record_count) AS records, count(production_id) AS with_account, count(segment_id) AS segment,
       count(zendesk_id) AS zendesk, count(stripe_id) AS stripe, count(salesforce_id) AS salesforce, count(intercom_id) AS intercom,
       count(mailchimp_id) AS mailchimp, count(marketo_id) AS marketo
FROM user_identities;
SQL

title "Three questions that no tool can answer alone"
# Each question is a comment in the file; its query is there to be read.
sed 's/^-- \(.*\)/\\echo \1/' test/sample/questions.sql | show
echo "(The queries are in test/sample/questions.sql, what is wrong with the data in test/sample/generate.sql.)"

title "Now yours"
echo "README.md says how to install it and what to type; test/check.sh runs every test."
