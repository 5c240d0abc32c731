// The engine as a parallel operator: local sink, combine, finalize, source.
//
//   LocalSink   one for each worker: takes rows with their identifiers and the values to carry
//   combine     hands a finished sink over to the resolver; rows get their final numbers
//   finalize    unites the rows that share an identifier, and numbers the identities
//   source      rows_of(identity): identities are read out by survivorship.h and combinations.h,
//               any number of times; in the order of their numbers where rows were spilled. Or
//               record_reader.h: the records in the order in which they came
//
// Serial execution is one local sink.
//
// Memory: a sink that holds more than its budget writes its rows to a temporary file, and its links
// where they take half of it. What union needs of a partition's links is read back partition by
// partition (union_stage.h). Where the rows do not fit into the budget, they are then dealt to
// parts of neighbouring identities, in another temporary file, and a part is read back when its
// first identity is asked for. Beside the budget: 4 bytes a row while united, and the rows of an
// identity that alone is larger than the budget. In memory a row takes 8 bytes more than its own.
#pragma once

#include <algorithm>
#include <boost/container/pmr/vector.hpp>
#include <boost/container/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/arena.h"
#include "engine/environment.h"
#include "engine/key.h"
#include "engine/link_table.h"
#include "engine/row.h"
#include "engine/row_log.h"
#include "engine/row_verdicts.h"
#include "engine/spill.h"
#include "engine/types.h"
#include "engine/union_stage.h"

namespace identity_resolve::engine {

// What a caller wants of the rows.
struct Shape {
  std::vector<KindRules> kinds;  // the rules of each kind of identifier, numbered from 0
  std::size_t sources = 0;       // sources, numbered by precedence from 0
  bool keep_keys = false;        // keep each row's keys: combinations need them
  bool keep_evidence = false;    // keep each row's identifiers and say what became of them
  bool judges_values = false;    // values are shown: say of each how it is (Showing)
  bool only_records = false;     // of records only their identities are asked for
  bool tells_of_scope = false;   // kinds that tell of their scope are asked to
  bool tells_of_limits = false;  // what limits refuse that nobody asked for is counted
};

// How a row names its record.
struct RecordId {
  std::string_view typed;     // any bytes, not kept by reference; what is shown
  std::string_view compared;  // the part of it that says which record it is: no blanks around it
  bool is_unique = false;     // no other row of the source has it, in this sink or another, unless
                              // with other blanks: that saves looking for one
};

// Rows that have been left out, as they name no record, by source.
using LeftOut = boost::container::pmr::vector<std::uint64_t>;

// Records whose id was written in several ways, which differ in the blanks around it.
struct Spellings {
  std::uint64_t records = 0;
  // Of the first of them, by source and then by id: two of its spellings, the first of which is
  // shown wherever the record is.
  SourceNumber source{};
  std::string shown = {};
  std::string other = {};
};

// Records of a source that hold more identifiers of a kind than KindRules::warn_identifiers.
struct NamedHoards {
  SourceNumber source;
  KindNumber kind;
  std::uint64_t records;
  std::uint64_t most;  // identifiers on one of them
  std::string worst;   // the id of that one; of several the shortest, then the least
};

// Takes rows. Between begin_row() and end_row() come the row's identifiers and values: a value
// belongs to the identifiers between begin_value() and itself.
//
// A finished sink can be spilled, described in bytes by one process and adopted by another that can
// open its file.
class LocalSink {
 public:
  // shape and keys must outlive the sink; budget: the bytes that it may hold in memory.
  LocalSink(Environment& environment, const Shape& shape, const KeyRing& keys, std::size_t budget);

  // A row of a source: how it names its record, and when it was changed (microseconds, or
  // kNeverUpdated). Throws Error 54000 beyond kMaxRows rows or 4 GiB ids, end_row() beyond 4 GiB of
  // values.
  void begin_row(SourceNumber source, const RecordId& id, std::int64_t updated_at);
  void begin_row(SourceNumber source, std::string_view record_id, std::int64_t updated_at,
                 bool id_is_unique = false) {
    begin_row(source, {record_id, record_id, id_is_unique}, updated_at);
  }
  // Counts a row of a source that is left out, as it names no record.
  void leave_out(SourceNumber source) { ++left_out_[index(source)]; }
  // Counts a row that is none of the caller's business: neither resolved nor told of.
  void pass_over() { ++passed_over_; }
  // Takes rows whose record id is one that programs write where they have none: the resolver takes
  // such a row where it is the only one of its record, and else leaves all of them out. None of
  // them is unique.
  [[nodiscard]] LocalSink& suspects();
  // Whether identifiers of a kind are of any use here: they link, a limit counts them, or evidence
  // is kept.
  [[nodiscard]] bool wants(KindNumber kind) const noexcept {
    const KindRules& rules = shape_->kinds[index(kind)];
    return rules.links || rules.max_per_identity != 0 || shape_->keep_evidence;
  }
  // An identifier: its kind, its normalised bytes (as typed where it has no normal form), what is
  // known of it, and how evidence shows it (no data: as normalised). Of a scoped kind also what
  // links: bytes that are equal where the value and the scope are, and never equal to a value.
  void add_identifier(KindNumber kind, std::string_view normalized,
                      Standing standing = Standing::kValid, std::string_view shown = {},
                      std::string_view scoped = {});
  // Whether identifiers of a kind are only held (LinkTable::holds()): they may come by add_held().
  [[nodiscard]] bool holds(KindNumber kind) const noexcept {
    return LinkTable::holds(shape_->kinds[index(kind)], shape_->keep_evidence);
  }
  // The key of an identifier, by its kind and its normalised bytes.
  [[nodiscard]] Key key_of(KindNumber kind, std::string_view normalized) const noexcept {
    return keys_->identifier(kind, normalized);
  }
  // As add_identifier(), of a kind that is only held.
  void add_held(KindNumber kind, const Key& key, Standing standing) {
    note_showing(standing);
    if (standing >= Standing::kInvalid) return;
    ++identifiers_;
    const auto row = RowNumber{static_cast<std::uint32_t>(rows())};
    links_.add_held(key, row, kind, standing == Standing::kGivesWay);
  }
  // Another value of the row begins. showing: of what follows, unless it has identifiers.
  void begin_value(Showing showing = Showing::kFirst) noexcept { value_ = {showing}; }
  // A value to carry to the output.
  void add_value(SlotNumber slot, std::string_view value);
  // Bytes that are kept beside the row (Row::beside()), at most once a row.
  void keep_beside(std::string_view bytes) {
    append_item(ItemHeader{static_cast<std::uint32_t>(bytes.size()), kBesideSlot}, bytes);
  }
  // The row is whole. Spills where the budget is used up: rows, and links beyond half of it.
  void end_row();

  [[nodiscard]] std::size_t rows() const noexcept { return log_.rows(); }
  // Those that it was given, whatever became of them.
  [[nodiscard]] std::size_t rows_given() const noexcept;
  [[nodiscard]] std::uint64_t identifiers() const noexcept {
    return identifiers_ + (suspects_ == nullptr ? 0 : suspects_->identifiers());
  }
  [[nodiscard]] std::uint64_t spilled_bytes() const noexcept {
    return spill_.bytes() + (suspects_ == nullptr ? 0 : suspects_->spilled_bytes());
  }
  // What it has spilled to; nullptr where nothing has been.
  [[nodiscard]] const SpillFile* file() const noexcept { return spill_.file(); }
  // What it holds in memory, and may hold.
  [[nodiscard]] std::size_t resident_bytes() const noexcept {
    return log_.resident_bytes() + links_.log().resident_bytes() +
           padded_.size() * sizeof(PaddedRow) +
           (suspects_ == nullptr ? 0 : suspects_->resident_bytes());
  }
  [[nodiscard]] bool has_suspects() const noexcept { return suspects_ != nullptr; }
  void set_budget(std::size_t budget) noexcept { budget_ = budget; }

  // Writes all that is in memory to the file.
  void spill();
  // Calls visit(Row) for each of its rows, in order.
  template <class Visit>
  void each_row(Visit&& visit) {
    const LoggedRows rows{&log_, &spill_};
    engine::each_row(std::span(&rows, 1), visit);
  }

  // Calls write(const void*, std::size_t) with the description, piece by piece. Everything has been
  // spilled.
  template <class Write>
  void describe(Write&& write) const;
  // Makes an empty sink the described one: read(void*, std::size_t) gives the description's next
  // bytes; file: what the other one has spilled to, if it has. Its suspects are a sink of their
  // own, described and adopted as such.
  template <class Read>
  void adopt(Read&& read, std::unique_ptr<SpillFile> file);

 private:
  friend class RecordReader;
  friend class Resolver;
  // A description: this, the runs, then a piece for each block of rows and piece of links.
  struct Description {
    std::uint64_t identifiers;
    std::uint64_t most_on_a_row;
    std::uint64_t passed_over;
    std::uint64_t runs;
    std::uint64_t pieces;
    std::uint64_t padded;
  };
  // A row with blanks around its record id, and the key of its record.
  struct PaddedRow {
    Key key;
    std::uint32_t row;
    SourceNumber source;
  };
  struct Piece {
    Extent extent;
    std::uint32_t rows;
    std::uint16_t partition;  // of links
  };
  static constexpr std::uint16_t kRowPiece = std::numeric_limits<std::uint16_t>::max();

  // What is known of the value at hand.
  struct Value {
    Showing showing = Showing::kFirst;
    bool has_identifier = false;
    std::uint16_t ordinal = 0;
  };

  // How the value at hand is shown, by what is known of one more of its identifiers.
  void note_showing(Standing standing) noexcept {
    const Showing showing =
        standing < Standing::kTooCommonInScope ? Showing::kFirst : Showing::kLast;
    value_.showing = value_.has_identifier ? std::min(value_.showing, showing) : showing;
    value_.has_identifier = true;
  }
  std::uint16_t number_identifier(const Key& key);
  void append_evidence(const EvidenceHeader& header, std::string_view shown);
  void append_item(const ItemHeader& header, std::string_view bytes);
  void append_key(SlotNumber slot, const Key& key) {
    append_item(ItemHeader{static_cast<std::uint32_t>(sizeof key), slot},
                {reinterpret_cast<const char*>(&key), sizeof key});
  }
  void append(const void* bytes, std::size_t count);
  void begin_run(SourceNumber source);
  void spill_beyond_budget() {
    if (resident_bytes() > budget_) spill_some();
  }
  void spill_some();
  // Calls visit(link) for each link of a partition.
  template <class Visit>
  void each_link(std::size_t partition, Visit&& visit);
  void take_rows(LocalSink& of, const std::uint8_t* kept);

  const Shape* shape_;
  const KeyRing* keys_;
  Ticker ticker_;
  std::size_t budget_;
  RowLog log_;
  LinkTable links_;
  Spill spill_;
  boost::container::pmr::vector<SourceRun> runs_;
  boost::container::pmr::vector<PaddedRow> padded_;
  LeftOut left_out_;
  std::unique_ptr<LocalSink> suspects_;
  Environment* environment_;
  std::uint64_t identifiers_ = 0;
  std::uint64_t identifiers_before_ = 0;  // the row being written
  std::uint64_t most_on_a_row_ = 0;       // identifiers
  std::uint64_t passed_over_ = 0;
  std::byte* open_ = nullptr;  // the row being written
  std::size_t open_bytes_ = 0;
  std::uint16_t numbered_ = 0;  // identifiers of that row
  Value value_;
  boost::container::pmr::vector<Key> value_keys_;  // of the value's identifiers that may link
};

template <class Write>
void LocalSink::describe(Write&& write) const {
  std::uint64_t pieces = log_.blocks().size();
  links_.log().each_extent([&](std::size_t, const Extent&) { ++pieces; });
  const Description head{identifiers_, most_on_a_row_, passed_over_,
                         runs_.size(), pieces,         padded_.size()};
  write(&head, sizeof head);
  write(runs_.data(), runs_.size() * sizeof(SourceRun));
  write(padded_.data(), padded_.size() * sizeof(PaddedRow));
  write(left_out_.data(), left_out_.size() * sizeof(std::uint64_t));
  const auto write_piece = [&](const Extent& extent, std::uint64_t rows, std::size_t partition) {
    const Piece piece{extent, static_cast<std::uint32_t>(rows),
                      static_cast<std::uint16_t>(partition)};
    write(&piece, sizeof piece);
  };
  for (const RowLog::Block& block : log_.blocks()) write_piece(block.extent, block.rows, kRowPiece);
  links_.log().each_extent(
      [&](std::size_t partition, const Extent& extent) { write_piece(extent, 0, partition); });
}

template <class Read>
void LocalSink::adopt(Read&& read, std::unique_ptr<SpillFile> file) {
  Description head;
  read(&head, sizeof head);
  identifiers_ = head.identifiers;
  most_on_a_row_ = head.most_on_a_row;
  passed_over_ = head.passed_over;
  runs_.resize(head.runs);
  read(runs_.data(), runs_.size() * sizeof(SourceRun));
  padded_.resize(head.padded);
  read(padded_.data(), padded_.size() * sizeof(PaddedRow));
  read(left_out_.data(), left_out_.size() * sizeof(std::uint64_t));
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < head.pieces; ++i) {
    Piece piece;
    read(&piece, sizeof piece);
    bytes += piece.extent.bytes;
    if (piece.partition == kRowPiece) {
      log_.adopt(piece.extent, piece.rows);
    } else {
      links_.log().adopt(piece.partition, piece.extent);
    }
  }
  spill_ = Spill(*environment_, std::move(file), bytes);
}

class Resolver {
 public:
  Resolver(Environment& environment, const Shape& shape, const KeyRing& keys);

  // budget: the bytes that the sink may hold in memory.
  [[nodiscard]] std::unique_ptr<LocalSink> make_sink(std::size_t budget);
  [[nodiscard]] std::unique_ptr<LocalSink> make_sink() { return make_sink(environment_->budget()); }

  // Takes a finished sink over. Which sink took which rows, and in which order the sinks arrive,
  // changes the rows' numbers but never which rows end in one identity.
  void combine(std::unique_ptr<LocalSink> sink);

  // Unites and labels. No sink may follow. visit: takes each row that is taken, in the order in
  // which the sinks came.
  void finalize(const std::function<void(const Row&)>& visit = {});

  // Rows that name no record, by source; once finalized. A row that was suspected (suspects()) is
  // one of them where its record had others.
  [[nodiscard]] std::span<const std::uint64_t> left_out() const noexcept {
    return {left_out_.data(), left_out_.size()};
  }
  // Records whose id was written in several ways; once finalized.
  [[nodiscard]] const Spellings& spellings() const noexcept { return spellings_; }
  // What links nobody because too many records carry it; once finalized.
  [[nodiscard]] const TooCommon& too_common() const noexcept { return too_common_; }
  // The same of role addresses and KindRules::role_max_records; by source, how many are shared
  // there; and what links, but on more records than KindRules::warn_records.
  [[nodiscard]] const TooCommon& shared_roles() const noexcept { return shared_roles_; }
  [[nodiscard]] std::span<const std::uint64_t> roles_shared_in() const noexcept {
    return roles_shared_in_;
  }
  [[nodiscard]] const TooCommon& frequent() const noexcept { return frequent_; }
  // By source and kind; once finalized.
  [[nodiscard]] std::span<const NamedHoards> hoards() const noexcept { return hoards_; }
  // By kind: how many links its limit refused, which is a default. Empty where nothing was refused,
  // and where Shape::tells_of_limits is not set; once finalized.
  [[nodiscard]] std::span<const std::uint64_t> refused_by_default() const noexcept {
    return refused_by_default_;
  }
  // By kind: how many of its values are in several sources and identities, which their scope alone
  // keeps apart. Empty where Shape::tells_of_scope is not set; once finalized.
  [[nodiscard]] std::span<const std::uint64_t> kept_apart_by_scope() const noexcept {
    return kept_apart_by_scope_;
  }

  [[nodiscard]] std::size_t rows() const noexcept { return row_count_; }
  [[nodiscard]] std::size_t identities() const noexcept { return identities_; }
  [[nodiscard]] std::uint64_t identifiers() const noexcept;
  // What has gone to temporary files so far, in bytes.
  [[nodiscard]] std::uint64_t spilled_bytes() const noexcept;
  // What the sinks that it has taken over hold in memory.
  [[nodiscard]] std::size_t resident_bytes() const noexcept;

  // Where the identity's rows are, in the order of their numbers. They live until an identity of
  // another part is asked for, where rows were spilled (has_parts()); else as long as the resolver.
  [[nodiscard]] std::span<const std::byte* const> rows_of(IdentityNumber identity) {
    if (!parts_.empty()) load_part_of(identity);
    return at_hand(identity);
  }
  [[nodiscard]] bool has_parts() const noexcept { return !parts_.empty(); }
  // Asks the processor to have rows of an identity at hand soon, if they are in memory.
  void prefetch(std::size_t identity) const noexcept {
    if (identity - first_identity_ >= first_member_.size() - 1) return;
    const auto rows = at_hand(IdentityNumber{static_cast<std::uint32_t>(identity)});
    for (const std::byte* row : rows.first(std::min<std::size_t>(rows.size(), kRowsAhead))) {
      __builtin_prefetch(row);
      __builtin_prefetch(row + 64);
    }
  }

  // Whether RecordReader can read it out, and no identity's rows can be asked for: as
  // Shape::only_records wants it, where there are rows and they fit into memory.
  [[nodiscard]] bool lists_records() const noexcept { return !first_record_.empty(); }

  [[nodiscard]] Environment& environment() const noexcept { return *environment_; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }

 private:
  friend class RecordReader;
  template <class T>
  using Vector = boost::container::pmr::vector<T>;

  static constexpr std::size_t kRowsAhead = 4;

  // The rows of neighbouring identities, in the file.
  struct Part {
    explicit Part(boost::container::pmr::memory_resource* memory) : extents(memory) {}
    Vector<Extent> extents;
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;
  };
  // What stands before a row in a part.
  struct PartRow {
    std::uint32_t identity;
  };
  // What became of the rows' identifiers, and of the values that are not shown as they come.
  struct Judgement {
    explicit Judgement(Environment& environment) : identifiers(environment), values(environment) {}
    RowVerdicts<Verdict> identifiers;
    RowVerdicts<ValueVerdict> values;
  };

  // A row of a record whose id is shown in another spelling.
  struct RenamedRow {
    std::uint32_t row;
    std::uint32_t record;  // in spelled_
  };
  // A record that is named with blanks around its id.
  struct SpelledRecord {
    Key key;
    SourceNumber source;
    bool has_several = false;     // spellings
    std::string_view first = {};  // of them, and the last one
    std::string_view last = {};
  };

  void name_hoards(const std::vector<Hoards>& found);
  void admit_suspects();
  void join_spellings();
  template <class Visit>
  void each_spelled_row(Visit&& visit);
  [[nodiscard]] std::byte* rename(std::byte* row, std::string_view id);
  [[nodiscard]] std::vector<LoggedLinks> tables();
  [[nodiscard]] std::vector<LoggedRows> logs() const;
  [[nodiscard]] UnionInput input(std::span<const LoggedLinks> links,
                                 std::span<const LoggedRows> rows,
                                 RowVerdicts<ValueVerdict>* values) const noexcept;
  [[nodiscard]] std::span<const std::byte* const> at_hand(IdentityNumber identity) const noexcept {
    const std::size_t place = index(identity) - first_identity_;
    const std::size_t first = first_member_[place];
    return {members_.data() + first, first_member_[place + 1] - first};
  }
  template <class Visit>
  void each_judged_row(Judgement& judgement, bool forget, Visit&& visit);
  void judge_row(std::byte* row, std::span<const Verdict> verdicts);
  void judge_values(std::byte* row, std::span<const ValueVerdict> verdicts);
  void list_records();
  void place_in_memory(std::span<const std::uint32_t> identity_of, Judgement& judgement);
  void place_in_parts(std::span<const std::uint32_t> identity_of, Judgement& judgement);
  void load_part_of(IdentityNumber identity);
  void start_members(std::size_t rows);
  void finish_members() noexcept;

  Environment* environment_;
  Shape shape_;
  const KeyRing* keys_;
  Ticker ticker_;
  boost::container::vector<std::unique_ptr<LocalSink>> sinks_;
  Vector<SourceRun> runs_;
  boost::container::vector<std::unique_ptr<LocalSink>> suspects_;
  LeftOut left_out_;
  // Of record ids in several spellings: the rows with blanks around theirs, what these say, and
  // what comes of it: links that unite rows of one record, and rows that show another spelling.
  Vector<LocalSink::PaddedRow> padded_;
  Arena spelling_bytes_;
  Vector<SpelledRecord> spelled_;
  LinkTable spelling_links_;
  Spill spelling_spill_;
  Vector<RenamedRow> renamed_;
  Spellings spellings_;
  std::size_t row_count_ = 0;
  std::size_t identities_ = 0;
  TooCommon too_common_;
  TooCommon shared_roles_;
  std::vector<std::uint64_t> roles_shared_in_;
  TooCommon frequent_;
  std::vector<NamedHoards> hoards_;
  std::vector<std::uint64_t> kept_apart_by_scope_;
  std::vector<std::uint64_t> refused_by_default_;

  // The identities at hand, from first_identity_ on: all, or those of one part.
  std::size_t first_identity_ = 0;
  Vector<std::uint32_t> first_member_;
  Vector<const std::byte*> members_;

  // With lists_records(): each row's identity, the first row of its record (empty where each row is
  // a record), and by identity the record that its id is made of.
  Vector<std::uint32_t> identity_of_;
  Vector<std::uint32_t> records_;
  Vector<const std::byte*> first_record_;

  Spill parts_spill_;
  Vector<Part> parts_;
  std::size_t identities_a_part_ = 0;
  std::size_t loaded_part_ = 0;
  Vector<std::byte> part_rows_;
};

}  // namespace identity_resolve::engine
