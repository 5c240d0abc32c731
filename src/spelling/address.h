// What the operators on plain text are made of, once for each level: addresses (=@, email_ops) and
// mailboxes (=~@, mailbox_ops).
//
// There are two equalities to a level, because PostgreSQL asks for two different things. For
// addresses they are
//   =@   what people ask for: both are addresses, and the same one. A value that is no address
//        equals nothing, not even itself. Hashing does not mind: it is the hash class's equality.
//   ==@  what an ordered index needs, an equality that holds for every value and itself: of two
//        addresses it says what =@ says, and a value that is no address equals only the same
//        text. It is the btree class's.
// `a =@ b` says the same as `a ==@ normalize_email(b)`, and that is how an index of the btree class
// serves =@: index_condition() tells the planner.
//
// No function here owns an object with a destructor when it calls PostgreSQL: see text_argument.h.
#pragma once

#include "engine/first_bytes.h"
#include "normalize/email.h"
#include "normalize/mailbox.h"
#include "spelling/text_argument.h"

extern "C" {
#include <access/stratnum.h>
#include <catalog/pg_am.h>
#include <common/hashfn.h>
#include <nodes/pathnodes.h>
#include <optimizer/optimizer.h>
#include <parser/parse_func.h>
#include <utils/sortsupport.h>
}

namespace identity_resolve::pg {

// The two levels: how a value is read, and what SQL calls the functions that the planner is told
// of.
struct AddressLevel {
  static constexpr const char* kNormalize = "normalize_email";
  static constexpr const char* kSame = "email_same";
  static normalize::Result read(std::string_view utf8, normalize::Scratch& scratch) {
    return normalize::normalize_email(utf8, scratch);
  }
};
struct MailboxLevel {
  static constexpr const char* kNormalize = "normalize_mailbox";
  static constexpr const char* kSame = "mailbox_same";
  static normalize::Result read(std::string_view utf8, normalize::Scratch& scratch) {
    return normalize::normalize_mailbox(utf8, scratch);
  }
};

template <class Level>
Reading read(text* value, normalize::Scratch& scratch) {
  return read_with(value, scratch, Level::read);
}

// What keeps a value from being an address, in words; nothing if it is one.
inline std::string_view problem_of(text* value) {
  const std::string_view typed = bytes_of(value);
  std::string_view utf8 = typed;
  if (!server_speaks_utf8() && !normalize::is_ascii(typed) &&
      !convert_to_utf8(normalize::trim_ascii(typed), utf8)) {
    return typed.size() > normalize::kMaxEmailInput
               ? normalize::describe(normalize::EmailProblem::kInputTooLong)
               : "it cannot be converted to UTF-8";
  }
  const std::string_view words = guarded(
      [&] { return normalize::describe(normalize::read_email(utf8, left_scratch).problem); });
  if (words.empty() && !read<AddressLevel>(value, left_scratch).is_valid) {
    return "the database's encoding cannot write it";
  }
  return words;
}

template <class Level>
bool same_address(text* left, text* right) {
  const Reading a = read<Level>(left, left_scratch);
  if (!a.is_valid) return false;
  if (bytes_of(left) == bytes_of(right)) return true;
  const Reading b = read<Level>(right, right_scratch);
  return b.is_valid && a.text == b.text;
}

// The order of the btree class: addresses first, by their bytes; then the rest, by theirs. It knows
// no collation.
template <class Level>
int compare(text* left, text* right) {
  if (bytes_of(left) == bytes_of(right)) return 0;
  const Reading a = read<Level>(left, left_scratch);
  const Reading b = read<Level>(right, right_scratch);
  if (a.is_valid != b.is_valid) return a.is_valid ? -1 : 1;
  return a.text.compare(b.text);
}

// Runs body(left, right) on a function's two arguments and leaves no detoasted copy behind: an
// index build calls it often within one memory context.
template <class Body>
auto with_arguments(FunctionCallInfo fcinfo, Body&& body) {
  text* left = PG_GETARG_TEXT_PP(0);
  text* right = PG_GETARG_TEXT_PP(1);
  const auto result = body(left, right);
  PG_FREE_IF_COPY(left, 0);
  PG_FREE_IF_COPY(right, 1);
  return result;
}

template <class Level>
int compare_arguments(FunctionCallInfo fcinfo) {
  return with_arguments(fcinfo, compare<Level>);
}

template <class Level>
bool arguments_are_same_address(FunctionCallInfo fcinfo) {
  return with_arguments(fcinfo, same_address<Level>);
}

// Runs body(value) on a datum of type text and frees the copy that detoasting may have made.
template <class Body>
auto with_text(Datum datum, Body&& body) {
  text* value = DatumGetTextPP(datum);
  const auto result = body(value);
  if (reinterpret_cast<Pointer>(value) != DatumGetPointer(datum)) pfree(value);
  return result;
}

template <class Level>
int compare_datums(Datum x, Datum y, SortSupport /*unused*/) {
  return with_text(x, [y](text* left) {
    return with_text(y, [left](text* right) { return compare<Level>(left, right); });
  });
}

// An abbreviated key: the first bytes of what compare() looks at, as an unsigned number; the top
// bit is for what is no address. So a sort reads each address once and hardly ever again.
template <class Level>
Datum abbreviate(Datum original, SortSupport /*unused*/) {
  return with_text(original, [](text* value) {
    const Reading reading = read<Level>(value, left_scratch);
    constexpr std::uint64_t kNoAddress = std::uint64_t{1} << 63U;
    return static_cast<Datum>((engine::first_bytes(reading.text) >> 1U) |
                              (reading.is_valid ? 0 : kNoAddress));
  });
}

inline int compare_abbreviated(Datum x, Datum y, SortSupport /*unused*/) {
  return x < y ? -1 : static_cast<int>(x > y);
}

inline bool never_give_up_abbreviating(int /*unused*/, SortSupport /*unused*/) { return false; }

// The two arguments of a call, by operator or by name; null if it is neither.
inline List* arguments_of(Node* node) {
  if (IsA(node, OpExpr)) return reinterpret_cast<OpExpr*>(node)->args;
  if (IsA(node, FuncExpr)) return reinterpret_cast<FuncExpr*>(node)->args;
  return nullptr;
}

// The operator ==@ of an index's operator family, if that family is the level's own.
template <class Level>
Oid index_equality(Oid family, Oid eq_function) {
  const Oid equality = get_opfamily_member(family, TEXTOID, TEXTOID, BTEqualStrategyNumber);
  if (!OidIsValid(equality)) return InvalidOid;
  const RegProcedure function = get_opcode(equality);
  const char* name = get_func_name(function);
  if (name == nullptr || std::strcmp(name, Level::kSame) != 0 ||
      get_func_namespace(function) != get_func_namespace(eq_function)) {
    return InvalidOid;
  }
  return equality;
}

// normalize_email(value), or the mailbox's, as an expression; computed now if it can be.
template <class Level>
Node* normalized(PlannerInfo* root, Node* value, Oid eq_function) {
  List* name = list_make2(makeString(get_namespace_name(get_func_namespace(eq_function))),
                          makeString(pstrdup(Level::kNormalize)));
  const Oid argument = TEXTOID;
  const Oid function = LookupFuncName(name, 1, &argument, false);
  const Oid collation = exprCollation(value);
  FuncExpr* call = makeFuncExpr(function, TEXTOID, list_make1(value), collation, collation,
                                COERCE_EXPLICIT_CALL);
  return eval_const_expressions(root, reinterpret_cast<Node*>(call));
}

// The condition with which an index of the btree class email_ops serves `indexed =@ other`:
// `indexed ==@ normalize_email(other)`. The two say exactly the same: where `other` is no address,
// the second is NULL and the index is not even looked at.
template <class Level>
List* index_condition(SupportRequestIndexCondition& request) {
  List* arguments = arguments_of(request.node);
  if (list_length(arguments) != 2 || request.index->relam != BTREE_AM_OID) return nullptr;
  auto* indexed = static_cast<Node*>(list_nth(arguments, request.indexarg));
  auto* other = static_cast<Node*>(list_nth(arguments, 1 - request.indexarg));
  if (!is_pseudo_constant_for_index(request.root, other, request.index)) return nullptr;
  const Oid equality = index_equality<Level>(request.opfamily, request.funcid);
  if (!OidIsValid(equality)) return nullptr;
  request.lossy = false;
  Node* sought = normalized<Level>(request.root, other, request.funcid);
  return list_make1(make_opclause(equality, BOOLOID, false, reinterpret_cast<Expr*>(indexed),
                                  reinterpret_cast<Expr*>(sought), InvalidOid,
                                  request.indexcollation));
}

// ---- the bodies of the SQL functions ----

template <class Level>
Datum normalize_function(FunctionCallInfo fcinfo) {
  const Reading reading = read<Level>(PG_GETARG_TEXT_PP(0), left_scratch);
  if (!reading.is_valid) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(to_server_text(reading.text));
}

template <class Level>
Datum hash_function(FunctionCallInfo fcinfo) {
  text* value = PG_GETARG_TEXT_PP(0);
  const Reading reading = read<Level>(value, left_scratch);
  const Datum hash = hash_any(reinterpret_cast<const unsigned char*>(reading.text.data()),
                              static_cast<int>(reading.text.size()));
  PG_FREE_IF_COPY(value, 0);
  return hash;
}

template <class Level>
Datum hash_extended_function(FunctionCallInfo fcinfo) {
  text* value = PG_GETARG_TEXT_PP(0);
  const Reading reading = read<Level>(value, left_scratch);
  const Datum hash = hash_any_extended(reinterpret_cast<const unsigned char*>(reading.text.data()),
                                       static_cast<int>(reading.text.size()),
                                       static_cast<uint64>(PG_GETARG_INT64(1)));
  PG_FREE_IF_COPY(value, 0);
  return hash;
}

template <class Level>
Datum sortsupport_function(FunctionCallInfo fcinfo) {
  auto* sort = reinterpret_cast<SortSupport>(PG_GETARG_POINTER(0));
  sort->comparator = compare_datums<Level>;
  if constexpr (sizeof(Datum) == sizeof(std::uint64_t)) {
    if (sort->abbreviate) {
      sort->abbrev_full_comparator = sort->comparator;
      sort->comparator = compare_abbreviated;
      sort->abbrev_converter = abbreviate<Level>;
      sort->abbrev_abort = never_give_up_abbreviating;
    }
  }
  PG_RETURN_VOID();
}

template <class Level>
Datum support_function(FunctionCallInfo fcinfo) {
  auto* request = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
  List* condition = nullptr;
  if (IsA(request, SupportRequestIndexCondition)) {
    condition = index_condition<Level>(*reinterpret_cast<SupportRequestIndexCondition*>(request));
  }
  PG_RETURN_POINTER(condition);
}

}  // namespace identity_resolve::pg
