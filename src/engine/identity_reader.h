// Reads one identity's rows in the order of survivorship.
//
// The order: the source's precedence; within a source the record changed last (no updated_at is
// oldest), then the smaller record id (shorter first, then bytes); within a record the row changed
// last, then the smaller values. It depends on the data alone, never on the order of arrival.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <span>

#include "engine/identity_id.h"
#include "engine/resolver.h"
#include "engine/row.h"

namespace identity_resolve::engine {

struct OrderedRow {
  Row row;
  std::int64_t record_updated_at;  // of the record's row changed last
  bool starts_record;
};

class IdentityReader {
 public:
  explicit IdentityReader(const Resolver& resolver);

  // Makes `identity` the current one. Cost: its rows, sorted where one source has several.
  void load(IdentityNumber identity);

  // The current identity's rows in the order of survivorship; a record's rows are neighbours.
  [[nodiscard]] std::span<const OrderedRow> rows() const noexcept {
    return {rows_.data(), rows_.size()};
  }
  [[nodiscard]] std::size_t record_count() const noexcept { return record_count_; }

  // Its first record, by source precedence and record id: the one that its id is made of.
  [[nodiscard]] SourceNumber first_source() const noexcept { return first_source_; }
  [[nodiscard]] std::string_view first_record_id() const noexcept { return first_record_id_; }

 private:
  void order();
  void prefetch(IdentityNumber identity) const noexcept;

  const Resolver* resolver_;
  Ticker ticker_;
  boost::container::pmr::vector<OrderedRow> rows_;
  std::size_t record_count_ = 0;
  SourceNumber first_source_{};
  std::string_view first_record_id_;
};

}  // namespace identity_resolve::engine
