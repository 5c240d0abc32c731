// m<id>_identities for a fill, which says of each identity anew what it is: one of which it says
// what the table has stays as it is. It is done with ordinary rows, as map/rewrite.h does it.
//
// Identities that the table has are numbered as they lie in it, from 0. Memory: 15 bytes for each.
//
// PostgreSQL's half.
#pragma once

#include <boost/container/pmr/vector.hpp>

#include "map/reached.h"
#include "map/state_tables.h"

namespace identity_resolve::pg {

class IdentityTable {
 public:
  static constexpr std::uint32_t kNew = UINT32_MAX;

  explicit IdentityTable(boost::container::pmr::memory_resource& memory)
      : places_(&memory), prints_(&memory), became_(&memory) {}

  // For a user who may read it and replace all of its rows. Errors: 42501, 42P01, 55000.
  void open(int map_id);
  // Numbers all identities that the table has: visit(IdentityLookup::Found), in their order, which
  // gives the print of the pack (engine::PackPrint).
  template <class Visit>
  void each(Visit&& visit) {
    each_row(table_->table, snapshot_, [&](TupleTableSlot* row) {
      const std::uint64_t print = visit(IdentityLookup::found_in(row));
      guarded([&] {
        places_.push_back(row->tts_tid);
        prints_.push_back(print);
        became_.push_back(Became::kGone);
      });
    });
  }
  // One of them, until the next call. Error XX001 where somebody has taken it out since.
  IdentityLookup::Found read(std::uint32_t number);

  // An identity that is, with the number that it has, or kNew: as of `at` then; print: of its pack.
  // Whether it is new or says something else than it did.
  bool put(std::uint32_t number, const engine::Uuid& id, TimestampTz at, std::string_view pack,
           std::uint64_t print);
  // Calls visit(number) for each number that was not put.
  template <class Visit>
  void each_gone(Visit&& visit) const {
    for (std::uint32_t number = 0; number < became_.size(); ++number) {
      if (became_[number] == Became::kGone) visit(number);
    }
  }
  // The table has the identities that were put and no others.
  void close();
  // It stays as it was. Before the first put().
  void leave();

 private:
  enum class Became : std::uint8_t { kGone, kSame, kOther };

  void end();

  StateTable* table_ = nullptr;
  Snapshot snapshot_ = nullptr;
  TupleTableSlot* row_ = nullptr;
  MemoryContext memory_ = nullptr;  // of the row that was read last
  boost::container::pmr::vector<ItemPointerData> places_;
  boost::container::pmr::vector<std::uint64_t> prints_;
  boost::container::pmr::vector<Became> became_;
  std::size_t changes_ = 0;  // of identities that the table has had
};

}  // namespace identity_resolve::pg
