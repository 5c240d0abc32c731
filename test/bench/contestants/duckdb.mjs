// Rival: DuckDB, on its own storage, by the same steps as label_propagation.sql: a star for each shared identifier,
// smallest label among the neighbours, pointer jumping, contraction. The tables are loaded beforehand and not timed.
//
//   node duckdb.mjs load FOLDER       FOLDER/*.csv become tables of FOLDER/bench.duckdb
//   node duckdb.mjs resolve FOLDER    makes the table `result` there, timed, and prints the seconds, the processor
//                                     seconds and the process's peak resident memory in MB; then writes result.csv
//
// DuckDB's own defaults hold: as many threads as there are cores, four fifths of the memory.
import { DuckDBInstance } from '@duckdb/node-api';

const [task, folder] = process.argv.slice(2);
const instance = await DuckDBInstance.create(`${folder}/bench.duckdb`);
const connection = await instance.connect();
const run = (sql) => connection.run(sql);
const count = async (sql) => Number((await connection.runAndReadAll(sql)).getRows()[0][0]);

const TABLES = {
  'segment.users': 'id VARCHAR, email VARCHAR',
  'zendesk.users': 'id BIGINT, external_id VARCHAR, email VARCHAR',
  'stripe.customers': 'id VARCHAR, email VARCHAR',
  'salesforce.leads': 'id VARCHAR, email VARCHAR',
  'intercom.users': 'id VARCHAR, user_id VARCHAR, email VARCHAR',
};

async function load() {
  for (const [table, columns] of Object.entries(TABLES)) {
    await run(`CREATE SCHEMA IF NOT EXISTS ${table.split('.')[0]}`);
    await run(`CREATE TABLE ${table} (${columns})`);
    await run(`COPY ${table} FROM '${folder}/${table}.csv' (FORMAT csv, HEADER)`);
  }
  await run('CHECKPOINT');
}

async function resolve() {
  await run('SET preserve_insertion_order = false');
  await run(`
    CREATE TEMP TABLE record AS
    SELECT (row_number() OVER ())::INTEGER AS record, source, record_id, user_id, nullif(lower(trim(email)), '') AS email
    FROM (SELECT 'segment' AS source, id AS record_id, id AS user_id, email FROM segment.users
          UNION ALL SELECT 'zendesk', id::VARCHAR, external_id, email FROM zendesk.users
          UNION ALL SELECT 'stripe', id, NULL, email FROM stripe.customers
          UNION ALL SELECT 'salesforce', id, NULL, email FROM salesforce.leads
          UNION ALL SELECT 'intercom', id, user_id, email FROM intercom.users) r`);
  const star = (identifier) => `
    SELECT r.record AS a, f.record AS b
    FROM record r
    JOIN (SELECT ${identifier}, min(record) AS record FROM record WHERE ${identifier} IS NOT NULL
          GROUP BY ${identifier} HAVING count(*) > 1) f
      ON f.${identifier} = r.${identifier} AND f.record <> r.record`;
  await run(`CREATE TEMP TABLE edge AS ${star('user_id')} UNION ALL ${star('email')}`);
  await run('CREATE TEMP TABLE label AS SELECT a AS record, a AS label FROM edge UNION SELECT b, b FROM edge');

  while ((await count('SELECT count(*) FROM edge')) > 0) {
    await run(`
      CREATE OR REPLACE TEMP TABLE parent AS
      SELECT vertex, least(vertex, min(neighbour)) AS parent
      FROM (SELECT a AS vertex, b AS neighbour FROM edge UNION ALL SELECT b, a FROM edge) e
      GROUP BY vertex`);
    do {
      await run(`
        CREATE OR REPLACE TEMP TABLE jumped AS
        SELECT child.vertex, above.parent, child.parent AS before
        FROM parent child JOIN parent above ON above.vertex = child.parent`);
      await run('CREATE OR REPLACE TEMP TABLE parent AS SELECT vertex, parent FROM jumped');
    } while ((await count('SELECT count(*) FROM jumped WHERE parent <> before')) > 0);
    await run(`
      CREATE OR REPLACE TEMP TABLE label AS
      SELECT l.record, coalesce(p.parent, l.label) AS label FROM label l LEFT JOIN parent p ON p.vertex = l.label`);
    await run(`
      CREATE OR REPLACE TEMP TABLE edge AS
      SELECT DISTINCT pa.parent AS a, pb.parent AS b
      FROM edge e JOIN parent pa ON pa.vertex = e.a JOIN parent pb ON pb.vertex = e.b
      WHERE pa.parent <> pb.parent`);
  }
  await run(`
    CREATE OR REPLACE TABLE result AS
    SELECT coalesce(l.label, r.record) AS identity_id, r.source, r.record_id
    FROM record r LEFT JOIN label l ON l.record = r.record`);
}

if (task === 'load') {
  await load();
} else {
  const started = process.hrtime.bigint();
  const before = process.cpuUsage();
  await resolve();
  const { user, system } = process.cpuUsage(before);
  console.log('seconds', Number(process.hrtime.bigint() - started) / 1e9);
  console.log('cpu', (user + system) / 1e6);
  console.log('resident', Math.round(process.resourceUsage().maxRSS / 1024));
  await run(`COPY result TO '${folder}/result.csv' (FORMAT csv, HEADER)`);
}
connection.closeSync();
