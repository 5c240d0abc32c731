// Email addresses in SQL: normalize_email(), the operators on plain text, and what their hash and
// btree operator classes are made of.
//
// Two equalities, because PostgreSQL asks for two different things.
//   =@   what people ask for: both are addresses, and the same one. A value that is no address
//   equals
//        nothing, not even itself, which hashing does not mind: it is the hash class's equality.
//   ==@  what an ordered index needs: an equality that holds for every value and itself. Of two
//   addresses it
//        says what =@ says; a value that is no address equals only the same text. It is the btree
//        class's.
// `a =@ b` implies `a ==@ b`. So an index of the btree class serves =@ with the condition ==@ and,
// unless the planner can see that the value sought is an address, =@ as a recheck: email_eq_support
// says so.
//
// No function here lets a C++ exception into PostgreSQL or owns an object with a destructor when it
// calls PostgreSQL: arguments are detoasted first, read inside guarded(), and what comes out is
// plain data.
#include "normalize/email.h"

#include <algorithm>
#include <bit>

#include "normalize/text.h"
#include "pg/guard.h"
#include "pg/pg.h"

extern "C" {
#include <access/stratnum.h>
#include <catalog/namespace.h>
#include <catalog/pg_am.h>
#include <common/hashfn.h>
#include <nodes/pathnodes.h>
#include <optimizer/optimizer.h>
#include <parser/parse_func.h>
#include <utils/sortsupport.h>
}

namespace identity_resolve::pg {

namespace {

using normalize::Scratch;

// What an argument says: an address, spelled the one way in UTF-8, or something else, as typed.
struct Reading {
  bool is_address;
  std::string_view text;
};

// A comparison has two sides. What they write to lives as long as the session and stays small, as
// no address is longer than 254 bytes.
Scratch left_scratch;
Scratch right_scratch;

std::string_view bytes_of(text* value) {
  return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// Whether the bytes of a text are UTF-8 already. A database without an encoding holds what its
// clients sent; the reader finds out whether that is UTF-8.
bool server_speaks_utf8() {
  const int encoding = GetDatabaseEncoding();
  return encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
}

// `typed` in UTF-8, in memory that the next call overwrites. False if the encoding has no way to
// it, or a character has none: then it is no address.
bool convert_to_utf8(std::string_view typed, std::string_view& utf8) {
  constexpr std::size_t kMaxBytes = normalize::kMaxEmailInput * MAX_MULTIBYTE_CHAR_LEN;
  static std::array<unsigned char, (kMaxBytes + 1) * MAX_CONVERSION_GROWTH + 1> out;
  if (typed.size() > kMaxBytes) return false;
  const int encoding = GetDatabaseEncoding();
  const Oid conversion = FindDefaultConversionProc(encoding, PG_UTF8);
  if (!OidIsValid(conversion)) return false;
  const auto size = static_cast<int>(typed.size());
  // The interface is not const-correct; the bytes are only read.
  auto* in = reinterpret_cast<unsigned char*>(const_cast<char*>(typed.data()));
  const int done = pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, in, size,
                                                 out.data(), static_cast<int>(out.size()), true);
  if (done != size) return false;
  utf8 = reinterpret_cast<const char*>(out.data());
  return true;
}

Reading read(text* value, Scratch& scratch) {
  const std::string_view typed = bytes_of(value);
  std::string_view utf8 = typed;
  if (!server_speaks_utf8() && !normalize::is_ascii(typed)) {
    // An address that has to be converted is not plain, so it is read into the scratch: `utf8` may
    // go.
    if (!convert_to_utf8(normalize::trim_ascii(typed), utf8)) return {false, typed};
  }
  return guarded([&]() -> Reading {
    const normalize::Address address = normalize::read_email(utf8, scratch);
    if (address.problem != normalize::EmailProblem::kNone) return {false, typed};
    return {true, address.text};
  });
}

// An address in the database's encoding.
text* to_server_text(std::string_view utf8) {
  if (server_speaks_utf8() || normalize::is_ascii(utf8)) {
    return cstring_to_text_with_len(utf8.data(), static_cast<int>(utf8.size()));
  }
  return cstring_to_text(
      pg_any_to_server(pnstrdup(utf8.data(), utf8.size()), static_cast<int>(utf8.size()), PG_UTF8));
}

bool same_address(text* left, text* right) {
  const Reading a = read(left, left_scratch);
  if (!a.is_address) return false;
  if (bytes_of(left) == bytes_of(right)) return true;
  const Reading b = read(right, right_scratch);
  return b.is_address && a.text == b.text;
}

// The order of the btree class: addresses first, by their bytes; then the rest, by theirs. It knows
// no collation.
int compare(text* left, text* right) {
  if (bytes_of(left) == bytes_of(right)) return 0;
  const Reading a = read(left, left_scratch);
  const Reading b = read(right, right_scratch);
  if (a.is_address != b.is_address) return a.is_address ? -1 : 1;
  return a.text.compare(b.text);
}

// compare() of a function's two arguments, leaving no detoasted copy behind: an index build calls
// it often within one memory context.
int compare_arguments(FunctionCallInfo fcinfo) {
  text* left = PG_GETARG_TEXT_PP(0);
  text* right = PG_GETARG_TEXT_PP(1);
  const int order = compare(left, right);
  PG_FREE_IF_COPY(left, 0);
  PG_FREE_IF_COPY(right, 1);
  return order;
}

bool arguments_are_same_address(FunctionCallInfo fcinfo) {
  text* left = PG_GETARG_TEXT_PP(0);
  text* right = PG_GETARG_TEXT_PP(1);
  const bool same = same_address(left, right);
  PG_FREE_IF_COPY(left, 0);
  PG_FREE_IF_COPY(right, 1);
  return same;
}

// Runs body(value) on a datum of type text and frees the copy that detoasting may have made.
template <class Body>
auto with_text(Datum datum, Body&& body) {
  text* value = DatumGetTextPP(datum);
  const auto result = body(value);
  if (reinterpret_cast<Pointer>(value) != DatumGetPointer(datum)) pfree(value);
  return result;
}

int compare_datums(Datum x, Datum y, SortSupport /*unused*/) {
  return with_text(x, [y](text* left) {
    return with_text(y, [left](text* right) { return compare(left, right); });
  });
}

// An abbreviated key: the first bytes of what compare() looks at, as an unsigned number; the top
// bit is for what is no address. So a sort reads each address once and hardly ever again.
Datum abbreviate(Datum original, SortSupport /*unused*/) {
  return with_text(original, [](text* value) {
    const Reading reading = read(value, left_scratch);
    std::uint64_t head = 0;
    std::memcpy(&head, reading.text.data(), std::min(reading.text.size(), sizeof head));
    if constexpr (std::endian::native == std::endian::little) head = __builtin_bswap64(head);
    constexpr std::uint64_t kNoAddress = std::uint64_t{1} << 63U;
    return static_cast<Datum>((head >> 1U) | (reading.is_address ? 0 : kNoAddress));
  });
}

int compare_abbreviated(Datum x, Datum y, SortSupport /*unused*/) {
  return x < y ? -1 : static_cast<int>(x > y);
}

bool never_give_up_abbreviating(int /*unused*/, SortSupport /*unused*/) { return false; }

// The two arguments of a call of email_eq, by operator or by name; null if it is neither.
List* arguments_of(Node* node) {
  if (IsA(node, OpExpr)) return reinterpret_cast<OpExpr*>(node)->args;
  if (IsA(node, FuncExpr)) return reinterpret_cast<FuncExpr*>(node)->args;
  return nullptr;
}

// The operator ==@ of an index's operator family, if that family is email_ops of our own schema.
Oid index_equality(Oid family, Oid email_eq_function) {
  const Oid equality = get_opfamily_member(family, TEXTOID, TEXTOID, BTEqualStrategyNumber);
  if (!OidIsValid(equality)) return InvalidOid;
  const RegProcedure function = get_opcode(equality);
  const char* name = get_func_name(function);
  if (name == nullptr || std::strcmp(name, "email_same") != 0 ||
      get_func_namespace(function) != get_func_namespace(email_eq_function)) {
    return InvalidOid;
  }
  return equality;
}

// normalize_email(value) as an expression, computed now if it can be.
Node* normalized(PlannerInfo* root, Node* value, Oid email_eq_function) {
  List* name = list_make2(makeString(get_namespace_name(get_func_namespace(email_eq_function))),
                          makeString(pstrdup("normalize_email")));
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
List* index_condition(SupportRequestIndexCondition& request) {
  List* arguments = arguments_of(request.node);
  if (list_length(arguments) != 2 || request.index->relam != BTREE_AM_OID) return nullptr;
  auto* indexed = static_cast<Node*>(list_nth(arguments, request.indexarg));
  auto* other = static_cast<Node*>(list_nth(arguments, 1 - request.indexarg));
  if (!is_pseudo_constant_for_index(request.root, other, request.index)) return nullptr;
  const Oid equality = index_equality(request.opfamily, request.funcid);
  if (!OidIsValid(equality)) return nullptr;
  request.lossy = false;
  Node* sought = normalized(request.root, other, request.funcid);
  return list_make1(make_opclause(equality, BOOLOID, false, reinterpret_cast<Expr*>(indexed),
                                  reinterpret_cast<Expr*>(sought), InvalidOid,
                                  request.indexcollation));
}

}  // namespace

}  // namespace identity_resolve::pg

using identity_resolve::pg::left_scratch;
using identity_resolve::pg::Reading;

// normalize_email(text) → text, ~@ text: the address, or NULL if there is none.
IDENTITY_RESOLVE_FUNCTION(normalize_email) {
  const Reading reading = identity_resolve::pg::read(PG_GETARG_TEXT_PP(0), left_scratch);
  if (!reading.is_address) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(identity_resolve::pg::to_server_text(reading.text));
}

// text =@ text
IDENTITY_RESOLVE_FUNCTION(email_eq) {
  PG_RETURN_BOOL(identity_resolve::pg::arguments_are_same_address(fcinfo));
}

// text <>@ text: the negation of =@
IDENTITY_RESOLVE_FUNCTION(email_ne) {
  PG_RETURN_BOOL(!identity_resolve::pg::arguments_are_same_address(fcinfo));
}

// text <#@ text
IDENTITY_RESOLVE_FUNCTION(email_before) {
  PG_RETURN_BOOL(identity_resolve::pg::compare_arguments(fcinfo) < 0);
}

// text <=#@ text
IDENTITY_RESOLVE_FUNCTION(email_before_or_same) {
  PG_RETURN_BOOL(identity_resolve::pg::compare_arguments(fcinfo) <= 0);
}

// text ==@ text
IDENTITY_RESOLVE_FUNCTION(email_same) {
  PG_RETURN_BOOL(identity_resolve::pg::compare_arguments(fcinfo) == 0);
}

// text >=#@ text
IDENTITY_RESOLVE_FUNCTION(email_after_or_same) {
  PG_RETURN_BOOL(identity_resolve::pg::compare_arguments(fcinfo) >= 0);
}

// text >#@ text
IDENTITY_RESOLVE_FUNCTION(email_after) {
  PG_RETURN_BOOL(identity_resolve::pg::compare_arguments(fcinfo) > 0);
}

// btree support function 1
IDENTITY_RESOLVE_FUNCTION(email_compare) {
  PG_RETURN_INT32(identity_resolve::pg::compare_arguments(fcinfo));
}

// btree support function 2
IDENTITY_RESOLVE_FUNCTION(email_sortsupport) {
  auto* sort = reinterpret_cast<SortSupport>(PG_GETARG_POINTER(0));
  sort->comparator = identity_resolve::pg::compare_datums;
  if constexpr (sizeof(Datum) == sizeof(std::uint64_t)) {
    if (sort->abbreviate) {
      sort->abbrev_full_comparator = sort->comparator;
      sort->comparator = identity_resolve::pg::compare_abbreviated;
      sort->abbrev_converter = identity_resolve::pg::abbreviate;
      sort->abbrev_abort = identity_resolve::pg::never_give_up_abbreviating;
    }
  }
  PG_RETURN_VOID();
}

// hash support function 1
IDENTITY_RESOLVE_FUNCTION(email_hash) {
  text* value = PG_GETARG_TEXT_PP(0);
  const Reading reading = identity_resolve::pg::read(value, left_scratch);
  const Datum hash = hash_any(reinterpret_cast<const unsigned char*>(reading.text.data()),
                              static_cast<int>(reading.text.size()));
  PG_FREE_IF_COPY(value, 0);
  return hash;
}

// hash support function 2
IDENTITY_RESOLVE_FUNCTION(email_hash_extended) {
  text* value = PG_GETARG_TEXT_PP(0);
  const Reading reading = identity_resolve::pg::read(value, left_scratch);
  const Datum hash = hash_any_extended(reinterpret_cast<const unsigned char*>(reading.text.data()),
                                       static_cast<int>(reading.text.size()),
                                       static_cast<uint64>(PG_GETARG_INT64(1)));
  PG_FREE_IF_COPY(value, 0);
  return hash;
}

// planner support function of email_eq
IDENTITY_RESOLVE_FUNCTION(email_eq_support) {
  auto* request = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
  List* condition = nullptr;
  if (IsA(request, SupportRequestIndexCondition)) {
    condition = identity_resolve::pg::index_condition(
        *reinterpret_cast<SupportRequestIndexCondition*>(request));
  }
  PG_RETURN_POINTER(condition);
}
