#include "map/deferred_constraints.h"

#include "map/home.h"

extern "C" {
#include <catalog/indexing.h>
#include <catalog/pg_constraint.h>
#include <commands/trigger.h>
#include <utils/fmgroids.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

// A constraint, and what a name has to do with it.
struct Constraint {
  FormData_pg_constraint form;
  bool is_pending;     // one of this name may have code of its table's owner queued
  bool is_deferrable;  // all of this name are
};

bool goes_on(Oid function) noexcept {
  switch (function) {
    case F_RI_FKEY_CASCADE_DEL:
    case F_RI_FKEY_CASCADE_UPD:
    case F_RI_FKEY_SETNULL_DEL:
    case F_RI_FKEY_SETNULL_UPD:
    case F_RI_FKEY_SETDEFAULT_DEL:
    case F_RI_FKEY_SETDEFAULT_UPD:
      return true;
    default:
      return false;
  }
}

// Adds a table's deferrable constraints, and those of the tables to which its changes go on.
void collect(Oid table, List*& tables, List*& constraints) {
  if (list_member_oid(tables, table)) return;
  tables = lappend_oid(tables, table);
  List* others = NIL;
  const Relation relation = table_open(table, AccessShareLock);
  const TriggerDesc* triggers = relation->trigdesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    const Trigger& trigger = triggers->triggers[i];
    if (!OidIsValid(trigger.tgconstraint)) continue;
    if (trigger.tgdeferrable)
      constraints = list_append_unique_oid(constraints, trigger.tgconstraint);
    if (goes_on(trigger.tgfoid)) others = lappend_oid(others, trigger.tgconstrrelid);
  }
  table_close(relation, NoLock);
  ListCell* cell = nullptr;
  foreach (cell, others) collect(lfirst_oid(cell), tables, constraints);
}

// Whether something is queued for a table. What is queued for a partition's constraint goes by the
// partitioned table's.
bool may_be_pending(Oid table) {
  return OidIsValid(table) &&
         (get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE || AfterTriggerPendingOnRel(table));
}

Constraint look_up(Oid id) {
  HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(id));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for constraint %u", id);
  Constraint constraint{*reinterpret_cast<const FormData_pg_constraint*>(GETSTRUCT(tuple)), false,
                        true};
  ReleaseSysCache(tuple);
  std::array<ScanKeyData, 2> name;
  ScanKeyInit(&name[0], Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ,
              NameGetDatum(&constraint.form.conname));
  ScanKeyInit(&name[1], Anum_pg_constraint_connamespace, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(constraint.form.connamespace));
  const Relation catalog = table_open(ConstraintRelationId, AccessShareLock);
  const SysScanDesc scan =
      systable_beginscan(catalog, ConstraintNameNspIndexId, true, nullptr, 2, name.data());
  while (HeapTupleIsValid(tuple = systable_getnext(scan))) {
    const auto* named = reinterpret_cast<const FormData_pg_constraint*>(GETSTRUCT(tuple));
    if (!named->condeferrable) constraint.is_deferrable = false;
    if (named->contype != CONSTRAINT_FOREIGN && may_be_pending(named->conrelid)) {
      constraint.is_pending = true;
    }
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return constraint;
}

void set_constraint(const Constraint& constraint, bool is_deferred) {
  auto* statement = makeNode(ConstraintsSetStmt);
  statement->constraints = list_make1(makeRangeVar(get_namespace_name(constraint.form.connamespace),
                                                   pstrdup(NameStr(constraint.form.conname)), -1));
  statement->deferred = is_deferred;
  AfterTriggerSetState(statement);
}

// The same as the owner of the constraint's table, for a caller who may not see its schema. Of all
// of this name nothing is queued but foreign keys' triggers, which are PostgreSQL's own and run as
// the tables' owners anyway.
void set_constraint_unseen(const Constraint& constraint, bool is_deferred) {
  as_user(owner_of(constraint.form.conrelid), kSafePath, [&] {
    set_constraint(constraint, is_deferred);
    return 0;
  });
}

}  // namespace

List* check_constraints_at_once(Oid table) {
  List* tables = NIL;
  List* constraints = NIL;
  collect(table, tables, constraints);
  ListCell* cell = nullptr;
  foreach (cell, constraints) {
    const Constraint constraint = look_up(lfirst_oid(cell));
    if (constraint.is_pending) {
      set_constraint(constraint, false);
    } else {
      set_constraint_unseen(constraint, false);
    }
  }
  return constraints;
}

void defer_constraints_again(const List* constraints) {
  const ListCell* cell = nullptr;
  foreach (cell, constraints) {
    const Constraint constraint = look_up(lfirst_oid(cell));
    // Where another of the same name cannot be deferred, PostgreSQL defers none of them.
    if (!constraint.form.condeferred || !constraint.is_deferrable) continue;
    set_constraint_unseen(constraint, true);
  }
}

}  // namespace identity_resolve::pg
