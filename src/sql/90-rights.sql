-- Who may do what with what is internal. First nobody but its owner, whatever ALTER DEFAULT PRIVILEGES has given away.
DO $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT DISTINCT o.what, x.grantee
    FROM (SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass::text, c.relowner, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
          FROM pg_class AS c WHERE c.relnamespace IN ('identity_internal'::regnamespace, 'identity_state'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
          UNION ALL
          SELECT 'ROUTINE ' || p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc AS p WHERE p.pronamespace = 'identity_internal'::regnamespace
          UNION ALL
          SELECT 'SCHEMA ' || n.oid::regnamespace::text, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM pg_namespace AS n WHERE n.nspname IN ('identity_internal', 'identity_state')
         ) AS o (what, owner, rights) CROSS JOIN LATERAL aclexplode(o.rights) AS x
    WHERE x.grantee <> o.owner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', item.what, CASE item.grantee WHEN 0 THEN 'PUBLIC' ELSE item.grantee::regrole::text END);
  END LOOP;
END $$;

-- Anybody may run what a resolve and the view identity_maps run with the rights of whoever calls; owners of maps what works as one
-- (identity_map_admit()).
GRANT EXECUTE ON FUNCTION identity_internal.identity_sink(internal, bytea, VARIADIC "any"), identity_internal.identity_sink_row(internal, internal, bytea, VARIADIC "any"),
  identity_internal.identity_sink_pack(internal), identity_internal.identity_sink_unpack(bytea, internal),
  identity_internal.identity_sink_combine(internal, internal), identity_internal.identity_sink_end(internal),
  identity_internal.identity_map_table(regclass, oid, text, oid) TO PUBLIC;
-- Discovery is one too: its stages run with the rights of whoever calls identity_discover() and its kin, and give nobody more.
GRANT EXECUTE ON FUNCTION identity_internal.discover_name(text), identity_internal.discover_ask(oid, text), identity_internal.discover_relations(text[]), identity_internal.discover_own_rules(jsonb),
  identity_internal.discover_rules(jsonb), identity_internal.discover_condition(jsonb, text), identity_internal.discover_drops(), identity_internal.discover_current(jsonb),
  identity_internal.discover_opened(text[], jsonb), identity_internal.discover_sampled(text[], jsonb), identity_internal.discover_expression(jsonb, text, text, text),
  identity_internal.discover_judged(text[], jsonb), identity_internal.discover_values(text, text, text, text, text),
  identity_internal.discover_lookup(text, text, text, text, text, text, text, bigint[], text[], text[]),
  identity_internal.discover_proves(numeric, numeric, numeric, numeric, boolean), identity_internal.discover_tested(jsonb), identity_internal.discover_mask(text),
  identity_internal.discover_query(jsonb, text, text, text, jsonb, text[], text, text, boolean), identity_internal.discover_concluded(text[], jsonb),
  identity_internal.discover_check(text[], text, text[], text), identity_internal.discover_say(text), identity_internal.discover_clauses(text[], jsonb, text), identity_internal.discover_quote(text) TO PUBLIC;
-- So is the comparison with a truth: identity_evaluate() runs its stages, and with them the query, with the rights of whoever calls.
GRANT EXECUTE ON FUNCTION identity_internal.evaluate_truth(text), identity_internal.evaluate_agrees(text, text, text, text, bigint), identity_internal.evaluate_cells(text, @extschema@.identity_clause[]) TO PUBLIC;
-- For pg_dump, which the database's owner may call.
GRANT USAGE ON SCHEMA identity_internal, identity_state TO pg_database_owner;
GRANT SELECT ON TABLE identity_internal.identity_map_catalog, identity_internal.identity_map_counts TO pg_database_owner;
GRANT SELECT ON SEQUENCE identity_internal.identity_map_catalog_map_id_seq TO pg_database_owner;
