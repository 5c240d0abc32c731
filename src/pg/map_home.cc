#include "pg/map_home.h"

extern "C" {
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

constexpr const char* kCatalog = "identity_map_catalog";

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
  home.schema_id = get_func_namespace(fcinfo->flinfo->fn_oid);
  home.schema = quote_identifier(get_namespace_name(home.schema_id));
  home.catalog = get_relname_relid(kCatalog, home.schema_id);
  if (!OidIsValid(home.catalog)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("%s does not exist", kCatalog),
                    errhint("Drop and create the extension identity_resolve again.")));
  }
  home.catalog_owner = owner_of(home.catalog);
  return home;
}

void set_for_call(const char* name, const char* value) {
  set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

}  // namespace identity_resolve::pg
