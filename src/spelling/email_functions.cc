// Email addresses in SQL: normalize_email() and the operators =@ and <>@ with the classes
// email_ops, which src/sql/20-email.sql declares. What they do is in address.h.
#include "spelling/address.h"

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace identity_resolve::pg;

// normalize_email(text) -> text, ~@ text: the address, or NULL if there is none
IDENTITY_RESOLVE_FUNCTION(normalize_email) { return normalize_function<AddressLevel>(fcinfo); }

// text =@ text
IDENTITY_RESOLVE_FUNCTION(email_eq) {
  PG_RETURN_BOOL(arguments_are_same_address<AddressLevel>(fcinfo));
}

// text <>@ text: the negation of =@
IDENTITY_RESOLVE_FUNCTION(email_ne) {
  PG_RETURN_BOOL(!arguments_are_same_address<AddressLevel>(fcinfo));
}

// text <#@ text
IDENTITY_RESOLVE_FUNCTION(email_before) {
  PG_RETURN_BOOL(compare_arguments<AddressLevel>(fcinfo) < 0);
}

// text <=#@ text
IDENTITY_RESOLVE_FUNCTION(email_before_or_same) {
  PG_RETURN_BOOL(compare_arguments<AddressLevel>(fcinfo) <= 0);
}

// text ==@ text
IDENTITY_RESOLVE_FUNCTION(email_same) {
  PG_RETURN_BOOL(compare_arguments<AddressLevel>(fcinfo) == 0);
}

// text >=#@ text
IDENTITY_RESOLVE_FUNCTION(email_after_or_same) {
  PG_RETURN_BOOL(compare_arguments<AddressLevel>(fcinfo) >= 0);
}

// text >#@ text
IDENTITY_RESOLVE_FUNCTION(email_after) {
  PG_RETURN_BOOL(compare_arguments<AddressLevel>(fcinfo) > 0);
}

// btree support function 1
IDENTITY_RESOLVE_FUNCTION(email_compare) {
  PG_RETURN_INT32(compare_arguments<AddressLevel>(fcinfo));
}

// btree support function 2
IDENTITY_RESOLVE_FUNCTION(email_sortsupport) { return sortsupport_function<AddressLevel>(fcinfo); }

// hash support function 1
IDENTITY_RESOLVE_FUNCTION(email_hash) { return hash_function<AddressLevel>(fcinfo); }

// hash support function 2
IDENTITY_RESOLVE_FUNCTION(email_hash_extended) {
  return hash_extended_function<AddressLevel>(fcinfo);
}

// planner support function of email_eq
IDENTITY_RESOLVE_FUNCTION(email_eq_support) { return support_function<AddressLevel>(fcinfo); }

// email <> email: the negation of ==@
IDENTITY_RESOLVE_FUNCTION(email_differs) {
  PG_RETURN_BOOL(compare_arguments<AddressLevel>(fcinfo) != 0);
}

// min(email), max(email): one of the two arguments, the first if neither comes before the other
IDENTITY_RESOLVE_FUNCTION(email_type_smaller) {
  PG_RETURN_DATUM(PG_GETARG_DATUM(compare_arguments<AddressLevel>(fcinfo) <= 0 ? 0 : 1));
}

IDENTITY_RESOLVE_FUNCTION(email_type_larger) {
  PG_RETURN_DATUM(PG_GETARG_DATUM(compare_arguments<AddressLevel>(fcinfo) >= 0 ? 0 : 1));
}
