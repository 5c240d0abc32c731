-- Who may run what is internal: owners of maps what works as one (identity_map_admit()), anybody what a resolve or the view
-- identity_maps runs with the rights of whoever calls, and nobody else anything.
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA identity_internal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity_internal.identity_sink(internal, bytea, VARIADIC "any"), identity_internal.identity_sink_row(internal, internal, bytea, VARIADIC "any"),
  identity_internal.identity_sink_pack(internal), identity_internal.identity_sink_unpack(bytea, internal),
  identity_internal.identity_sink_combine(internal, internal), identity_internal.identity_sink_end(internal),
  identity_internal.identity_map_table(regclass, oid, text, oid) TO PUBLIC;
