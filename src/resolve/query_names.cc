#include "resolve/query_names.h"

#include <algorithm>

extern "C" {
#include <catalog/pg_namespace.h>
#include <parser/parser.h>
#include <utils/catcache.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

// Appends to a list. A view is named within its own query, too (before PostgreSQL 16).
bool list_tables(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, Query)) return walk_query(reinterpret_cast<Query*>(node), list_tables, context);
  if (!IsA(node, RangeTblEntry)) return walk_expression(node, list_tables, context);
  const auto* table = reinterpret_cast<const RangeTblEntry*>(node);
  if (table->rtekind != RTE_RELATION || table->relkind == RELKIND_VIEW) return false;
  auto* list = static_cast<List**>(context);
  *list = list_append_unique_oid(*list, table->relid);
  return false;
}

// What a parsed query names. A name of WITH hides a table's: where it stands does not matter here.
struct Names {
  List* with = NIL;
  List* relations = NIL;  // String; without a schema
  List* functions = NIL;
};

bool list_names(Node* node, void* context) {
  if (node == nullptr) return false;
  auto* names = static_cast<Names*>(context);
  if (IsA(node, CommonTableExpr)) {
    auto* name = reinterpret_cast<CommonTableExpr*>(node)->ctename;
    names->with = lappend(names->with, makeString(name));
  } else if (IsA(node, RangeVar)) {
    const auto* relation = reinterpret_cast<const RangeVar*>(node);
    if (relation->schemaname == nullptr) {
      names->relations = lappend(names->relations, makeString(relation->relname));
    }
    return false;
  } else if (IsA(node, FuncCall)) {
    List* name = reinterpret_cast<FuncCall*>(node)->funcname;
    if (list_length(name) == 1) names->functions = lappend(names->functions, linitial(name));
  }
  return walk_parsed(node, list_names, context);
}

bool is_own_function(const char* name) {
  CatCList* found = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
  bool is_own = false;
  for (int i = 0; i < found->n_members; ++i) {
    const auto* function =
        reinterpret_cast<const FormData_pg_proc*>(GETSTRUCT(&found->members[i]->tuple));
    is_own = is_own || function->pronamespace == PG_CATALOG_NAMESPACE;
  }
  ReleaseSysCacheList(found);
  return is_own;
}

}  // namespace

std::vector<Oid> tables_of(const Query* query) {
  List* list = call([=] {
    List* found = NIL;
    static_cast<void>(list_tables(reinterpret_cast<Node*>(const_cast<Query*>(query)),
                                  static_cast<void*>(&found)));
    return found;
  });
  std::vector<Oid> tables;
  tables.reserve(static_cast<std::size_t>(list_length(list)));
  for (int i = 0; i < list_length(list); ++i) tables.push_back(list_nth_oid(list, i));
  std::ranges::sort(tables);
  return tables;
}

std::vector<std::string> unqualified_names(const std::string& query) {
  const List* found = call([&] {
    Names names;
    List* statements = raw_parser(query.c_str(), RAW_PARSE_DEFAULT);
    for (int i = 0; i < list_length(statements); ++i) {
      static_cast<void>(list_names(list_nth_node(RawStmt, statements, i)->stmt, &names));
    }
    List* kept = NIL;
    for (int i = 0; i < list_length(names.relations); ++i) {
      auto* name = static_cast<Node*>(list_nth(names.relations, i));
      if (list_member(names.with, name)) continue;
      if (OidIsValid(get_relname_relid(strVal(name), PG_CATALOG_NAMESPACE))) continue;
      if (!list_member(kept, name)) kept = lappend(kept, name);
    }
    for (int i = 0; i < list_length(names.functions); ++i) {
      auto* name = static_cast<Node*>(list_nth(names.functions, i));
      if (!is_own_function(strVal(name)) && !list_member(kept, name)) kept = lappend(kept, name);
    }
    return kept;
  });
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(list_length(found)));
  for (int i = 0; i < list_length(found); ++i) {
    names.emplace_back(strVal(static_cast<Node*>(list_nth(found, i))));
  }
  return names;
}

}  // namespace identity_resolve::pg
