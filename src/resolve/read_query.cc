#include "resolve/read_query.h"

#include <fmt/format.h>

namespace identity_resolve::pg {

namespace {

using engine::Error;

// Copies text onto a memory context; nullptr where there is no memory.
char* keep(MemoryContext context, const std::string& text) {
  return call([&] { return MemoryContextStrdup(context, text.c_str()); });
}

// A noun where a sentence begins.
std::string capital(std::string noun) {
  noun[0] = static_cast<char>(noun[0] - 'a' + 'A');
  return noun;
}

}  // namespace

SPIPlanPtr prepare_query(const char* query) {
  SPIPlanPtr plan = SPI_prepare_cursor(query, 0, nullptr, CURSOR_OPT_PARALLEL_OK);
  if (plan == nullptr) refused(SPI_result);
  return plan;
}

void check_only_reads(SPIPlanPtr plan, const QueryWords& words) {
  const auto refuse = [&words](const char(&sqlstate)[6], const std::string& what,
                               const std::string& hint) {
    throw Error(sqlstate, fmt::format("{}: {}", words.title, what),
                fmt::format("The query is: {}", words.query), hint);
  };
  List* statements = SPI_plan_get_plan_sources(plan);
  if (statements == NIL) {
    refuse("42601", "the query is empty", "Give one SELECT, or TABLE and a name.");
  }
  if (list_length(statements) > 1) {
    refuse("42601", "the query is more than one statement",
           fmt::format("Give one SELECT; {}.", words.several));
  }
  const auto* statement = static_cast<const CachedPlanSource*>(linitial(statements));
  bool selects = list_length(statement->query_list) == 1;
  bool writes = false;
  bool locks = false;
  if (selects) {
    const auto* query = static_cast<const Query*>(linitial(statement->query_list));
    selects = query->commandType == CMD_SELECT && statement->resultDesc != nullptr;
    writes = query->hasModifyingCTE;
    locks = query->rowMarks != NIL;
  }
  if (!selects) {
    refuse("42601", "the query is not a SELECT",
           fmt::format("Give one SELECT, or TABLE and a name; {} is only ever read.", words.noun));
  }
  if (writes || locks) {
    refuse("25006",
           fmt::format("the query {}, and {} is only ever read", writes ? "writes" : "locks rows",
                       words.noun),
           "Leave INSERT, UPDATE, DELETE and FOR UPDATE out of it.");
  }
  if (statement->resultDesc->natts == 0) {
    refuse("42601", "the query yields no column", words.columns);
  }
}

void run_query(SPIPlanPtr plan, DestReceiver* receiver) {
  SPIExecuteOptions options{};
  options.read_only = true;
  options.must_return_tuples = true;
  options.dest = receiver;
  const int result = SPI_execute_plan_extended(plan, &options);
  if (result < 0) refused(result);
}

void rethrow_of_query(const PgError& error, const QueryWords& words) {
  ErrorData* data = error.data();
  // A cancel, a shutdown or a full disk is not about this query, and our own errors name it.
  const int category = ERRCODE_TO_CATEGORY(data->sqlerrcode);
  if (category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
      category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
      category == ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR) || data->elevel >= FATAL ||
      std::string_view(data->message).starts_with("source \"") ||
      std::string_view(data->message).starts_with("alias of \"")) {
    throw error;
  }
  const MemoryContext context = CurrentMemoryContext;
  data->message = keep(context, fmt::format("{}: {}", words.title, data->message));
  if (data->detail == nullptr) {
    data->detail = keep(context, fmt::format("The query is: {}", words.query));
  }
  if (data->hint == nullptr) {
    const bool wrote = data->sqlerrcode == ERRCODE_READ_ONLY_SQL_TRANSACTION;
    data->hint = keep(
        context, wrote ? fmt::format("{} is only ever read: leave what writes out of its query and "
                                     "of the functions that it calls.",
                                     capital(words.noun))
                       : fmt::format("Run the {} query by itself to find the cause.", words.owner));
  }
  throw error;
}

}  // namespace identity_resolve::pg
