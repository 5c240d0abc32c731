// The survive stage: what each requested column shows of an identity.
//
// A scalar column shows the first value in the order of survivorship (identity_reader.h) of the
// best class that it has (Showing), an array column all the distinct ones in that same order, class
// by class, without contested ones where there are better ones: the scalar is always the array's
// first element.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "engine/identity_reader.h"
#include "engine/types.h"

namespace identity_resolve::engine {

enum class Shows : std::uint8_t {
  kIdentityId,   // the identity's UUID
  kRecordId,     // record ids of one source
  kValue,        // values of one slot
  kRecordCount,  // how many records the identity has
  kSources,      // which sources it has records in
};

// A requested column.
struct ColumnPlan {
  Shows shows = Shows::kIdentityId;
  SourceNumber source{};    // of kRecordId, and of a kValue of one source
  SlotNumber slot{};        // of kValue
  bool one_source = false;  // of kValue: the slot holds what one source typed
  bool array = false;       // all the distinct values, not the first one
};

// What one column shows: views into the resolver's rows.
class Cell {
 public:
  explicit Cell(Environment& environment);
  Cell(Cell&&) noexcept;
  Cell& operator=(Cell&&) noexcept;
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;
  ~Cell();

  void clear();
  // Adds a value of the first class unless it is there; with keep_first only an empty cell takes
  // one.
  void add(std::string_view value, bool keep_first);
  // Takes a value of another class, and once all are told adds what is shown of these.
  void take_later(std::string_view value, Showing showing) { later_.push_back({value, showing}); }
  void add_later(bool keep_first);
  // Makes the cell show one value, or none for a view without data.
  void set(std::string_view value) {
    clear();
    if (value.data() != nullptr) values_.push_back(value);
  }
  // Adds a value that is known to be new.
  void add_new(std::string_view value) { values_.push_back(value); }

  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
  // The class of the first value, as it was added; kNever where there is none.
  [[nodiscard]] Showing showing() const noexcept { return empty() ? Showing::kNever : showing_; }
  [[nodiscard]] std::span<const std::string_view> values() const noexcept {
    return {values_.data(), values_.size()};
  }

 private:
  struct Seen;
  struct Later {
    std::string_view value;
    Showing showing;
  };
  Environment* environment_;
  boost::container::pmr::vector<std::string_view> values_;
  boost::container::pmr::vector<Later> later_;
  Showing showing_ = Showing::kFirst;
  std::unique_ptr<Seen> seen_;  // a set of the values, once a search would be too slow
};

// One output row's cells. identity_id, record_count and sources are filled by the caller of the
// engine, who knows how to show them; their cells stay empty.
using Cells = boost::container::pmr::vector<Cell>;

class Survivorship {
 public:
  // slots: how many slots there are. columns must outlive the object.
  Survivorship(Environment& environment, std::span<const ColumnPlan> columns, std::size_t sources,
               std::size_t slots);

  [[nodiscard]] Cells make_cells() const;

  // Fills the cells of all columns from the identity that the reader has loaded.
  void fill(const IdentityReader& identity, Cells& cells);

 private:
  // A value of a run of rows.
  struct RunValue {
    SlotNumber slot;
    std::uint32_t row;
    std::uint32_t place;  // among the values of the run
    Showing showing;
    std::string_view value;
  };

  void add_values(std::span<const OrderedRow> run, Cells& cells);
  void add_values_of_slot(std::span<RunValue> values, Cells& cells);
  void add_value(SlotNumber slot, Showing showing, std::string_view value, Cells& cells);

  using Places = boost::container::pmr::vector<std::uint16_t>;

  Environment* environment_;
  std::span<const ColumnPlan> columns_;
  Ticker ticker_;
  boost::container::pmr::vector<Places> columns_of_source_;
  boost::container::pmr::vector<Places> columns_of_slot_;
  boost::container::pmr::vector<RunValue> run_values_;
  bool has_later_ = false;  // of the identity at hand
};

}  // namespace identity_resolve::engine
