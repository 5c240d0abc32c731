#include "resolve/unique_ids.h"

extern "C" {
#include <access/table.h>
#include <catalog/pg_class.h>
#include <catalog/pg_index.h>
#include <catalog/pg_inherits.h>
#include <parser/parsetree.h>
#include <utils/rel.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

// The table column that a query shows, where the query, and each that it selects from, reads
// nothing but the table.
struct TableColumn {
  Oid table = InvalidOid;
  AttrNumber number = InvalidAttrNumber;
};

TableColumn shown_column(const Query* query, AttrNumber number) {
  if (query->commandType != CMD_SELECT || query->setOperations != nullptr || query->hasTargetSRFs ||
      query->cteList != NIL || query->groupingSets != NIL ||
      list_length(query->jointree->fromlist) != 1 ||
      !IsA(linitial(query->jointree->fromlist), RangeTblRef)) {
    return {};
  }
  const int place = static_cast<const RangeTblRef*>(linitial(query->jointree->fromlist))->rtindex;
  const RangeTblEntry* table = rt_fetch(place, query->rtable);
  const TargetEntry* shown = get_tle_by_resno(query->targetList, number);
  if (shown == nullptr || !IsA(shown->expr, Var)) return {};
  const auto* column = reinterpret_cast<const Var*>(shown->expr);
  if (static_cast<int>(column->varno) != place || column->varlevelsup != 0 || column->varattno <= 0)
    return {};
  if (table->rtekind == RTE_SUBQUERY) return shown_column(table->subquery, column->varattno);
  if (table->rtekind != RTE_RELATION) return {};
  switch (column->vartype) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case TEXTOID:
    case VARCHAROID:
    case UUIDOID:
      return {table->relid, column->varattno};
    default:
      return {};
  }
}

bool is_unique_on(Oid index, AttrNumber column) {
  HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) return false;
  const auto* form = reinterpret_cast<const FormData_pg_index*>(GETSTRUCT(tuple));
  const bool unique = form->indisunique && form->indimmediate && form->indisvalid &&
                      form->indislive && form->indnkeyatts == 1 &&
                      form->indkey.values[0] == column &&
                      heap_attisnull(tuple, Anum_pg_index_indpred, nullptr);
  ReleaseSysCache(tuple);
  return unique;
}

}  // namespace

bool ids_are_unique(const Query* query) {
  const TableColumn column = shown_column(query, 1);
  if (!OidIsValid(column.table)) return false;
  Relation table = table_open(column.table, AccessShareLock);
  const char kind = table->rd_rel->relkind;
  // A table's index says nothing of the tables that inherit from it; a partitioned table's does.
  bool unique = false;
  if (kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW ||
      (kind == RELKIND_RELATION && !has_subclass(column.table))) {
    List* indexes = RelationGetIndexList(table);
    ListCell* cell = nullptr;
    foreach (cell, indexes) {
      unique = unique || is_unique_on(lfirst_oid(cell), column.number);
    }
    list_free(indexes);
  }
  table_close(table, NoLock);
  return unique;
}

}  // namespace identity_resolve::pg
