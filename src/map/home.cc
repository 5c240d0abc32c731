#include "map/home.h"

extern "C" {
#include <access/xlog.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

Oid owner_of_function(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for function %u", function);
  const Oid owner = reinterpret_cast<const FormData_pg_proc*>(GETSTRUCT(tuple))->proowner;
  ReleaseSysCache(tuple);
  return owner;
}

struct Setting {
  const char* name;
  const char* value;
};
constexpr std::array kWorkSettings = {
    // How texts are read.
    Setting{"standard_conforming_strings", "on"}, Setting{"backslash_quote", "safe_encoding"},
    Setting{"transform_null_equals", "off"}, Setting{"array_nulls", "on"},
    Setting{"xmloption", "content"},
    // How names are written, which are compared with others of another session.
    Setting{"quote_all_identifiers", "off"},
    // With "off" a query that row-level security concerns is an error; a map has what its owner
    // sees.
    Setting{"row_security", "on"},
    // Statements on a few rows of many columns gain nothing from being compiled.
    Setting{"jit", "off"},
    // What the state is made of: heaps in the database's own tablespace.
    Setting{"default_table_access_method", "heap"}, Setting{"default_tablespace", ""}};

}  // namespace

Oid owner_of(Oid relation) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for relation %u", relation);
  const Oid owner = reinterpret_cast<const FormData_pg_class*>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

Home find_home(FunctionCallInfo fcinfo) {
  Home home{};
  const Oid schema = get_namespace_oid(kInternalSchema, true);
  home.catalog = OidIsValid(schema) ? get_relname_relid(kCatalog, schema) : InvalidOid;
  home.owner = owner_of_function(fcinfo->flinfo->fn_oid);
  if (!OidIsValid(home.catalog)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("%s.%s does not exist", kInternalSchema, kCatalog),
                    errhint("Drop and create the extension identity_resolve again.")));
  }
  // What runs as its owner must be that owner's own.
  const Oid owner = owner_of(home.catalog);
  if (owner != home.owner) {
    const char* mine = GetUserNameFromId(home.owner, true);
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("%s.%s belongs to another role than the functions of identity_resolve",
                           kInternalSchema, kCatalog),
                    errdetail("Its owner is \"%s\", the functions' owner is \"%s\".",
                              GetUserNameFromId(owner, true), mine),
                    errhint("Give it back: ALTER TABLE %s.%s OWNER TO %s;", kInternalSchema,
                            kCatalog, mine == nullptr ? "that role" : quote_identifier(mine))));
  }
  return home;
}

void demand_writable(const char* what) {
  if (RecoveryInProgress()) {
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("cannot execute %s during recovery", what),
                    errdetail("This server is a standby: it has what was done on its primary."),
                    errhint("Call it on the primary.")));
  }
  if (XactReadOnly) {
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("cannot execute %s in a read-only transaction", what),
                    errhint("Call it in a transaction that is READ WRITE: see "
                            "transaction_read_only and default_transaction_read_only.")));
  }
}

void set_for_call(const char* name, const char* value) {
  set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void set_work_settings() {
  for (const Setting& setting : kWorkSettings) {
    const char* now = GetConfigOption(setting.name, true, false);
    if (now != nullptr && std::strcmp(now, setting.value) != 0) {
      set_for_call(setting.name, setting.value);
    }
  }
}

}  // namespace identity_resolve::pg
