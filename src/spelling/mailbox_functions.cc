// Mailboxes in SQL: normalize_mailbox() and the operators =~@ and <>~@ with the classes
// mailbox_ops, which src/sql/21-mailbox.sql declares, and what else can be told from an address.
// What the operators do is in address.h.
#include "normalize/email_facts.h"
#include "normalize/provider.h"
#include "spelling/address.h"

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace identity_resolve::pg;
namespace normalize = identity_resolve::normalize;

// normalize_mailbox(text) -> text: the mailbox, or NULL if there is none
IDENTITY_RESOLVE_FUNCTION(normalize_mailbox) { return normalize_function<MailboxLevel>(fcinfo); }

// text =~@ text
IDENTITY_RESOLVE_FUNCTION(mailbox_eq) {
  PG_RETURN_BOOL(arguments_are_same_address<MailboxLevel>(fcinfo));
}

// text <>~@ text: the negation of =~@
IDENTITY_RESOLVE_FUNCTION(mailbox_ne) {
  PG_RETURN_BOOL(!arguments_are_same_address<MailboxLevel>(fcinfo));
}

// text <#~@ text
IDENTITY_RESOLVE_FUNCTION(mailbox_before) {
  PG_RETURN_BOOL(compare_arguments<MailboxLevel>(fcinfo) < 0);
}

// text <=#~@ text
IDENTITY_RESOLVE_FUNCTION(mailbox_before_or_same) {
  PG_RETURN_BOOL(compare_arguments<MailboxLevel>(fcinfo) <= 0);
}

// text ==~@ text
IDENTITY_RESOLVE_FUNCTION(mailbox_same) {
  PG_RETURN_BOOL(compare_arguments<MailboxLevel>(fcinfo) == 0);
}

// text >=#~@ text
IDENTITY_RESOLVE_FUNCTION(mailbox_after_or_same) {
  PG_RETURN_BOOL(compare_arguments<MailboxLevel>(fcinfo) >= 0);
}

// text >#~@ text
IDENTITY_RESOLVE_FUNCTION(mailbox_after) {
  PG_RETURN_BOOL(compare_arguments<MailboxLevel>(fcinfo) > 0);
}

// btree support function 1
IDENTITY_RESOLVE_FUNCTION(mailbox_compare) {
  PG_RETURN_INT32(compare_arguments<MailboxLevel>(fcinfo));
}

// btree support function 2
IDENTITY_RESOLVE_FUNCTION(mailbox_sortsupport) {
  return sortsupport_function<MailboxLevel>(fcinfo);
}

// hash support function 1
IDENTITY_RESOLVE_FUNCTION(mailbox_hash) { return hash_function<MailboxLevel>(fcinfo); }

// hash support function 2
IDENTITY_RESOLVE_FUNCTION(mailbox_hash_extended) {
  return hash_extended_function<MailboxLevel>(fcinfo);
}

// planner support function of mailbox_eq
IDENTITY_RESOLVE_FUNCTION(mailbox_eq_support) { return support_function<MailboxLevel>(fcinfo); }

namespace {

// Runs body(address) on the address in the first argument: sets `is_address` to whether there is
// one and returns what body says of it, else its result type's default. body only reads.
template <class Body>
auto ask_address(FunctionCallInfo fcinfo, bool& is_address, Body&& body) {
  const Reading reading = read<AddressLevel>(PG_GETARG_TEXT_PP(0), left_scratch);
  is_address = reading.is_valid;
  return is_address ? body(reading.text) : decltype(body(reading.text)){};
}

Datum answer(FunctionCallInfo fcinfo, bool (*question)(std::string_view)) {
  bool is_address = false;
  const bool yes = ask_address(fcinfo, is_address, question);
  if (!is_address) PG_RETURN_NULL();
  PG_RETURN_BOOL(yes);
}

text* text_of(std::string_view s) {
  return cstring_to_text_with_len(s.data(), static_cast<int>(s.size()));
}

std::string_view words_of(normalize::Peculiarity peculiarity) {
  switch (peculiarity) {
    case normalize::Peculiarity::kNone:
      break;
    case normalize::Peculiarity::kSubdomain:
      return "anything@name.domain is name@domain";
    case normalize::Peculiarity::kHyphenIsDot:
      return "a dot and a hyphen are the same";
    case normalize::Peculiarity::kBaseName:
      return "what stands before the - is no account's name";
    case normalize::Peculiarity::kNumber:
      return "the number before the + is the account";
  }
  return {};
}

// The words of a list that blanks separate, as text[]; NULL for an empty list.
Datum words_array(std::string_view words) {
  ArrayBuildState* state = initArrayResult(TEXTOID, CurrentMemoryContext, false);
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    state = accumArrayResult(state, PointerGetDatum(text_of(word)), false, TEXTOID,
                             CurrentMemoryContext);
  }
  return makeArrayResult(state, CurrentMemoryContext);
}

}  // namespace

// email_problem(text) -> text: what keeps it from being an address; NULL if it is one
IDENTITY_RESOLVE_FUNCTION(email_problem) {
  const std::string_view words = problem_of(PG_GETARG_TEXT_PP(0));
  if (words.empty()) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(text_of(words));
}

// email_domain(text) -> text
IDENTITY_RESOLVE_FUNCTION(email_domain) {
  bool is_address = false;
  const std::string_view domain = ask_address(fcinfo, is_address, normalize::domain_of);
  if (!is_address) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(text_of(domain));
}

// email_is_role(text) -> boolean
IDENTITY_RESOLVE_FUNCTION(email_is_role) { return answer(fcinfo, normalize::is_role); }

// email_is_free(text) -> boolean
IDENTITY_RESOLVE_FUNCTION(email_is_free) { return answer(fcinfo, normalize::is_free); }

// email_is_disposable(text) -> boolean
IDENTITY_RESOLVE_FUNCTION(email_is_disposable) { return answer(fcinfo, normalize::is_disposable); }

// email_providers() -> table
IDENTITY_RESOLVE_FUNCTION(email_providers) {
  if (SRF_IS_FIRSTCALL()) {
    FuncCallContext* first = SRF_FIRSTCALL_INIT();
    const MemoryContext outer = MemoryContextSwitchTo(first->multi_call_memory_ctx);
    TupleDesc row = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE) {
      elog(ERROR, "email_providers() gives rows");
    }
    first->tuple_desc = BlessTupleDesc(row);
    MemoryContextSwitchTo(outer);
  }
  FuncCallContext* calls = SRF_PERCALL_SETUP();
  if (calls->call_cntr >= normalize::providers().size()) SRF_RETURN_DONE(calls);
  const normalize::Provider& provider = normalize::providers()[calls->call_cntr];
  constexpr int kColumns = 7;
  const std::size_t tags = provider.tag == '\0' ? 0 : 1;
  const std::string_view columns[kColumns] = {provider.name,         provider.domains,
                                              provider.home,         provider.ignored,
                                              {&provider.tag, tags}, words_of(provider.peculiarity),
                                              provider.page};
  Datum values[kColumns] = {};
  bool nulls[kColumns] = {};
  for (int i = 0; i < kColumns; ++i) {
    nulls[i] = columns[i].empty();
    if (nulls[i]) continue;
    values[i] = i == 1 ? words_array(columns[i]) : PointerGetDatum(text_of(columns[i]));
  }
  SRF_RETURN_NEXT(calls, HeapTupleGetDatum(heap_form_tuple(calls->tuple_desc, values, nulls)));
}
