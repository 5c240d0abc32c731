-- Telephone numbers, Salesforce ids, UUIDs and ObjectIds as kinds: tools that write one id in
-- different ways still name one person.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;
\pset null '-'

-- National numbers are numbers once the rule says of which country. An extension is another line,
-- and a number that cannot exist links nobody.
SELECT phone, shop_id, desk_id, shop_phone FROM resolve_identities(
  identity_source('shop', $$SELECT * FROM (VALUES (1, '020 8366 1177'), (2, '+44 20 8366 1177 ext. 9'), (3, '12')) v(id, phone)$$),
  identity_source('desk', $$SELECT * FROM (VALUES (10, '+442083661177'), (11, '12')) v(id, phone)$$),
  identity_rule('phone', region => 'GB')
) AS (phone text, shop_id int, desk_id int, shop_phone text) ORDER BY shop_id, desk_id;

-- Without a region only the international form is one.
SELECT phone, shop_id, desk_id FROM resolve_identities(
  identity_source('shop', $$SELECT 1 AS id, '020 8366 1177' AS phone$$),
  identity_source('desk', $$SELECT 10 AS id, '+442083661177' AS phone$$)
) AS (phone text, shop_id int, desk_id int) ORDER BY shop_id, desk_id;

-- Marketo knows a lead by the 18 characters, a spreadsheet by 15; a damaged one is left alone.
SELECT salesforce_id, marketo_id, sheet_id FROM resolve_identities(
  identity_source('marketo', $$SELECT * FROM (VALUES (1, '00Q31000014XGRcEAO'), (2, '00Q31000014XGRcEA1')) v(id, salesforce_id)$$),
  identity_source('sheet',   $$SELECT * FROM (VALUES ('a', '00Q31000014XGRc'), ('b', '00q31000014xgrc')) v(id, salesforce_id)$$)
) AS (salesforce_id text, marketo_id int, sheet_id text) ORDER BY marketo_id, sheet_id;

-- UUIDs in any dress, as text or as uuid; ObjectIds with and without their constructor.
SELECT uuid, app_id, crm_id FROM resolve_identities(
  identity_source('app', $$SELECT 1 AS id, 'c5a2f0d8-5b6f-4c67-9d5e-7d0a5a3f1b22'::uuid AS uuid$$),
  identity_source('crm', $$SELECT 7 AS id, '{C5A2F0D8-5B6F-4C67-9D5E-7D0A5A3F1B22}' AS uuid$$)
) AS (uuid uuid, app_id int, crm_id int);

SELECT object_id, app_id, log_id FROM resolve_identities(
  identity_source('app', $$SELECT 1 AS id, '507f191e810c19729de860ea' AS object_id$$),
  identity_source('log', $$SELECT 7 AS id, 'ObjectId("507F191E810C19729DE860EA")' AS object_id$$)
) AS (object_id text, app_id int, log_id int);

-- A region is for telephone numbers, and has to be one.
SELECT * FROM identity_records(identity_source('shop', 'SELECT 1'), identity_rule('email', region => 'GB'));
SELECT identity_rule('phone', region => 'England');
-- It is written as people write it.
SELECT shop_id, desk_id FROM resolve_identities(
  identity_source('shop', $$SELECT 1 AS id, '020 8366 1177 (home)' AS phone$$),
  identity_source('desk', $$SELECT 10 AS id, '+442083661177.0' AS phone$$),
  identity_rule('phone', region => 'gbr')) AS (shop_id int, desk_id int);
