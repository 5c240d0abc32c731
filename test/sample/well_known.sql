-- The well-known table's people, as five loaders really leave them: blanks (among them the no-break space U+00A0),
-- tabs, upper case, ids typed with a blank behind them, one lead who knows only one of a person's two addresses, one
-- Intercom user and one Zendesk user who can be found by id alone. Three people, Segment rows for four addresses.
--
-- For a database in UTF8. Load it in one transaction (psql -1, or between BEGIN and COMMIT): it stops, and changes nothing, where
-- one of the schemas is there already.

SET LOCAL client_encoding = 'UTF8';

CREATE SCHEMA segment;
CREATE TABLE segment.users (
  id text, email text, name text, received_at timestamptz
);
INSERT INTO segment.users VALUES
  ('mYhgYcRBC7', 'ziggy@stardust.com',                'Justin Bieber',     '2015-08-10 12:00:00+00'),
  ('mYhgYcRBC7', E'  Justin@Biebs.com\u00A0',         'Justin Bieber',     '2015-08-10 11:00:00+00'),
  ('7adt7XG27c', 'QUEEN@BEYONCE.COM',                 'Beyoncé Knowles',   '2015-09-22 18:30:00+00'),
  ('QZnP7cViH1', E'kanye@kimye.com\t',                'Kanye West',        '2015-10-03 07:45:00+00');

CREATE SCHEMA zendesk;
CREATE TABLE zendesk.users (
  id bigint PRIMARY KEY, external_id text, email text, name text, role text, updated_at timestamptz
);
INSERT INTO zendesk.users VALUES
  -- the id is all that ties this one to Segment: he wrote from a third address
  (1303028105, 'mYhgYcRBC7 ', 'jb@helpme.example',    'J. Bieber',         'end-user', '2015-08-11 09:00:00+00'),
  -- here the address is all there is
  (1472230319, NULL,          ' queen@beyonce.com',   'Queen Bey',         'end-user', '2015-09-23 09:00:00+00'),
  (1486907299, '',            'Kanye@Kimye.com',      'Ye',                'end-user', '2015-10-04 09:00:00+00');

CREATE SCHEMA stripe;
CREATE TABLE stripe.customers (
  id text PRIMARY KEY, email text, currency text, delinquent boolean, received_at timestamptz
);
INSERT INTO stripe.customers VALUES
  -- one person, two addresses, two customers
  ('cus_6ll4iGAO7X8u7L', 'Ziggy@Stardust.com ',       'usd', false, '2015-08-10 12:10:00+00'),
  ('cus_6ll3xVVSLIZomI', 'justin@biebs.com',          'usd', false, '2015-08-10 11:10:00+00'),
  ('cus_6u2ZcW3uC8VwZa', E'queen@beyonce.com\u00A0',  'usd', false, '2015-09-22 18:40:00+00'),
  ('cus_6yrv9bwLgXN78s', 'kanye@kimye.com',           'usd', true,  '2015-10-03 07:55:00+00');

CREATE SCHEMA salesforce;
CREATE TABLE salesforce.leads (
  id text PRIMARY KEY, email text, name text, company text, is_deleted boolean, system_modstamp timestamptz
);
INSERT INTO salesforce.leads VALUES
  -- knows one of the two addresses
  ('00Q31000014XGRcEAO', E'\u00A0JUSTIN@biebs.com',   'Justin Bieber',     'Beliebers Inc.', false, '2015-08-12 10:00:00+00'),
  ('00Q31000014sKCqEAM', 'Queen@Beyonce.com',         'Beyoncé Knowles',   'Parkwood',       false, '2015-09-24 10:00:00+00'),
  ('00Q31000015G7kIEAS', 'kanye@KIMYE.com  ',         'Kanye West',        'Donda',          false, '2015-10-05 10:00:00+00');

CREATE SCHEMA intercom;
CREATE TABLE intercom.users (
  id text PRIMARY KEY, user_id text, email text, name text, updated_at timestamptz
);
INSERT INTO intercom.users VALUES
  -- found by id: no address at all
  ('55c8923f67b8d6524600037f', 'mYhgYcRBC7', NULL,                 'Justin',   '2015-08-10 12:01:00+00'),
  ('5626dfed2e028608710000ce', '7adt7XG27c', 'queen@beyonce.com',  'Beyoncé',  '2015-09-22 18:31:00+00'),
  ('55f6a142bd531ec6930005fa', NULL,         ' Kanye@kimye.com',   'Kanye',    '2015-10-03 07:46:00+00');
