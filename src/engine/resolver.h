// The engine as a parallel operator: local sink, combine, finalize, source.
//
//   LocalSink   one for each worker: takes rows with their identifiers and the values to carry
//   combine     hands a finished sink over to the resolver; rows get their final numbers
//   finalize    unites the rows that share an identifier, and numbers the identities
//   source      rows_of(identity), row(number): identities are read out in any order, any number
//               of times, by survivorship.h and combinations.h
//
// Serial execution is one local sink. Memory: the kept rows, 24 bytes an identifier until
// finalize() is over, 8 bytes a row for the row list, and 8 for the grouping.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <boost/container/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/arena.h"
#include "engine/environment.h"
#include "engine/key.h"
#include "engine/link_table.h"
#include "engine/row.h"
#include "engine/types.h"
#include "engine/union_stage.h"

namespace identity_resolve::engine {

// What a caller wants of the rows.
struct Shape {
  std::vector<KindRules> kinds;  // the rules of each kind of identifier, numbered from 0
  std::size_t sources = 0;       // sources, numbered by precedence from 0
  bool keep_keys = false;        // keep each row's keys: combinations need them
  bool keep_evidence = false;    // keep each row's identifiers and say what became of them
};

// Takes rows. Between begin_row() and end_row() come the row's identifiers and values.
class LocalSink {
 public:
  // shape and keys must outlive the sink.
  LocalSink(Environment& environment, const Shape& shape, const KeyRing& keys);

  // A row of a source: its record id (any bytes, not kept by reference) and when it was changed
  // (microseconds, or kNeverUpdated). id_is_unique: no other row of the source has this id, in
  // this sink or another, which saves looking for one. Throws Error 54000 beyond kMaxRows rows or
  // 4 GiB ids.
  void begin_row(SourceNumber source, std::string_view record_id, std::int64_t updated_at,
                 bool id_is_unique = false);
  // Whether identifiers of a kind are of any use here: they link, a limit counts them, or evidence
  // is kept.
  [[nodiscard]] bool wants(KindNumber kind) const noexcept {
    const KindRules& rules = shape_->kinds[index(kind)];
    return rules.links || rules.max_per_identity != 0 || shape_->keep_evidence;
  }
  // An identifier: its kind, its normalised bytes (as typed where it has no normal form), what is
  // known of it, and how evidence shows it (no data: as normalised).
  void add_identifier(KindNumber kind, std::string_view normalized,
                      Standing standing = Standing::kValid, std::string_view shown = {});
  // A value to carry to the output.
  void add_value(SlotNumber slot, std::string_view value);
  void end_row();

  [[nodiscard]] std::size_t rows() const noexcept { return rows_.size(); }

 private:
  friend class Resolver;
  void append(const void* bytes, std::size_t count);

  const Shape* shape_;
  const KeyRing* keys_;
  Arena arena_;
  boost::container::pmr::vector<const std::byte*> rows_;
  LinkTable links_;
  std::byte* open_ = nullptr;  // the row being written
  std::size_t open_bytes_ = 0;
};

class Resolver {
 public:
  Resolver(Environment& environment, const Shape& shape, const KeyRing& keys);

  [[nodiscard]] std::unique_ptr<LocalSink> make_sink();

  // Takes a finished sink over. Which sink took which rows, and in which order the sinks arrive,
  // changes the rows' numbers but never which rows end in one identity.
  void combine(std::unique_ptr<LocalSink> sink);

  // Unites and labels. No sink may follow.
  void finalize();

  // What links nobody because too many records of one source carry it; once finalized.
  [[nodiscard]] const TooCommon& too_common() const noexcept { return too_common_; }

  [[nodiscard]] std::size_t rows() const noexcept { return rows_.size(); }
  [[nodiscard]] std::size_t identities() const noexcept {
    return first_member_.empty() ? 0 : first_member_.size() - 1;
  }
  // The identity's rows, in the order of their numbers.
  [[nodiscard]] std::span<const RowNumber> rows_of(IdentityNumber identity) const noexcept {
    const std::size_t first = first_member_[index(identity)];
    return {members_.data() + first, first_member_[index(identity) + 1] - first};
  }
  [[nodiscard]] Row row(RowNumber number) const noexcept { return Row(rows_[index(number)]); }
  // Asks the processor to have at hand soon where the row is, and then the row.
  void prefetch_address(RowNumber number) const noexcept {
    __builtin_prefetch(&rows_[index(number)]);
  }
  void prefetch(RowNumber number) const noexcept {
    const std::byte* row = rows_[index(number)];
    __builtin_prefetch(row);
    __builtin_prefetch(row + 64);
  }

  [[nodiscard]] Environment& environment() const noexcept { return *environment_; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }

 private:
  Environment* environment_;
  Shape shape_;
  const KeyRing* keys_;
  boost::container::vector<std::unique_ptr<LocalSink>> sinks_;
  boost::container::pmr::vector<const std::byte*> rows_;
  TooCommon too_common_;
  boost::container::pmr::vector<std::uint32_t> first_member_;
  boost::container::pmr::vector<RowNumber> members_;
};

}  // namespace identity_resolve::engine
