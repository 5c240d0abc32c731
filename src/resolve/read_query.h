// A query that somebody gives to be read (a source's, an alias's, a truth): that it only reads, and
// how its errors are told.
#pragma once

#include "pg/spi.h"

namespace identity_resolve::pg {

// What errors say of a query, in the database's encoding.
struct QueryWords {
  std::string title;    // what they begin with: source "crm"
  std::string query;    // as it was given
  const char* noun;     // a source
  const char* owner;    // whose query it is: source's
  const char* several;  // what to do with several statements, after "Give one SELECT; "
  const char* columns;  // which columns there have to be
};

// Makes the transaction read-only for as long as it lives: a query may call functions, and these
// may not write either. By the variable behind transaction_read_only, as the setting itself cannot
// be set for a while from PostgreSQL 16 on. An error that aborts a transaction or a subtransaction
// sets it back as well.
class ReadOnlySection {
 public:
  ReadOnlySection() noexcept : before_(std::exchange(XactReadOnly, true)) {}
  ReadOnlySection(const ReadOnlySection&) = delete;
  ReadOnlySection& operator=(const ReadOnlySection&) = delete;
  ~ReadOnlySection() { XactReadOnly = before_; }

 private:
  bool before_;
};

// Prepares a query, which is of the database's encoding. Needs a connection to SPI. PostgreSQL's
// half.
SPIPlanPtr prepare_query(const char* query);

// Throws engine::Error for what is no single SELECT that yields columns, writes or locks rows.
void check_only_reads(SPIPlanPtr plan, const QueryWords& words);

// Runs a query that was checked, its rows going to the receiver. In a ReadOnlySection. PostgreSQL's
// half.
void run_query(SPIPlanPtr plan, DestReceiver* receiver);

// Throws an error of the query, told so that the user knows which query to look at.
[[noreturn]] void rethrow_of_query(const PgError& error, const QueryWords& words);

}  // namespace identity_resolve::pg
