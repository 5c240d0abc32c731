// Rows of a source's query into a sink: read the values as text, normalise, judge, key, keep. In
// the backend that resolves, and in each parallel worker that reads a part of the source.
#pragma once

#include "engine/key.h"
#include "engine/recent_values.h"
#include "engine/resolver.h"
#include "normalize/normalize.h"
#include "pg/value_text.h"
#include "resolve/request.h"

namespace identity_resolve::pg {

// A column of a source's query, apart from the first one, which is the record id.
struct SourceColumn {
  int attribute = 0;  // its place in the query, from 0
  engine::KindNumber kind{};
  bool array = false;
  Oid type = InvalidOid;  // of the value, or of an array's elements
  // The values are JSON whose strings and numbers are identifiers; carried JSON stays as it is.
  bool json_values = false;
  // Where its values are carried: as normalised, and as typed.
  std::optional<engine::SlotNumber> normalized_slot;
  std::optional<engine::SlotNumber> typed_slot;

  // Whether one row may have several values in it.
  [[nodiscard]] bool holds_many() const noexcept { return array || json_values; }
};

// What each column of a source's query is.
struct RowLayout {
  engine::SourceNumber source{};
  std::string id_name;  // of the first column
  Oid id_type = InvalidOid;
  bool ids_are_unique = false;
  int updated_at_attribute = -1;  // -1: there is none
  int packed_attribute = -1;      // of a row's bytes as an identity map's state has them
  Oid updated_at_type = InvalidOid;
  std::vector<SourceColumn> columns;
};

// Identifiers of a kind that are looked for.
struct WantedIdentifiers {
  engine::KindNumber kind{};
  std::span<const engine::Key> wanted;
  const engine::KeyRing* keys = nullptr;
};

// A row of a source, for identity maps: values as text, in UTF-8.
struct RowView {
  struct Cell {
    const SourceColumn* column;
    std::string_view value;
  };
  std::string_view record_id;
  std::string_view record_name;  // which record it is: the id without the blanks around it
  bool is_suspect;               // the id is one that programs write where they have none
  std::int64_t updated_at;       // engine::kNeverUpdated for none
  std::span<const Cell> cells;   // those that hold something, in the order of the columns
};

// Takes rows. Its calls may throw.
class RowVisitor {
 public:
  virtual void take(const RowView& row) = 0;

 protected:
  ~RowVisitor() = default;
};

class RowReader {
 public:
  // The request and the layout must outlive the object; what PostgreSQL needs is on the current
  // memory context. Throws PgError for a type without an output function.
  RowReader(const Request& request, const RowLayout& layout);

  // Takes a row, and tells so (progress: nullptr for nobody): a cell a column of the query; works
  // on the current memory context, which can be reset between rows. For plain frames: raises
  // PostgreSQL errors, throws nothing.
  void take(const NullableDatum* cells, engine::LocalSink& sink, Progress* progress);
  // The first value by which a row has one of the identifiers, as normalised, in UTF-8, on the
  // current memory context; no data where it has none. As take().
  std::string_view find(const NullableDatum* cells, const WantedIdentifiers& wanted);

  // The row as text, handed on. As take().
  void show(const NullableDatum* cells, RowVisitor& visitor);
  // Puts into `keys` those of the identifiers of a row that was shown which may link, each once.
  // In a guarded() frame: throws.
  void keys_of(const RowView& row, const engine::MapSecret& secret,
               std::vector<std::int64_t>& keys);

  // Whether the rows' bytes are kept beside them.
  [[nodiscard]] bool keeps_packed() const noexcept {
    return request_->state && request_->state->packing.is_on;
  }

  // After an error within take() or find(): gives the session its settings back.
  void restore_settings() noexcept { output_settings_.restore(); }

 private:
  // What a column's values need to be read and judged.
  struct Column {
    const SourceColumn* layout;
    const Kind* kind;
    text* pattern;   // that its kind blocks
    text* ipattern;  // the same in any letter case
    ValueReader reader;
  };
  // The row at hand, as text. Plain data on the row's memory context.
  struct Text {
    const Column* column;
    std::string_view value;
  };

  // The values of a kind that the row at hand has, each once: others' scope. Kept from row to row
  // for the memory.
  struct Scope {
    engine::KindNumber kind;
    std::size_t count = 0;
    std::vector<std::string> values = {};
  };

  // What is known of a value of a kind that is only held.
  struct Held {
    engine::Standing standing = engine::Standing::kInvalid;
    engine::Key key{};
  };

  void read_record_id(Datum id);
  void read_texts(const NullableDatum* cells);
  void read_texts_under_settings(const NullableDatum* cells);
  [[nodiscard]] const char* title() const;
  [[noreturn]] void refuse_json_id(const char* held) const;
  [[noreturn]] void refuse_json(const Column& column, const char* held) const;
  void put_row(engine::LocalSink& sink);
  [[nodiscard]] RowView row_at_hand();
  // Keeps the row's bytes beside it, for a map's state.
  void keep_packed(engine::LocalSink& sink);
  void note_keys(const Column& column, std::string_view normalized, engine::Standing standing);
  // Calls visit(column, text) for what the row at hand holds.
  template <class Each>
  void find_scopes(Each&& each);
  void add_scope(const Column& column, std::string_view value);
  template <class Visit>
  bool each_link_text(const Column& column, std::string_view normalized, Visit&& visit);
  std::string_view address_of(const Kind& kind, std::string_view typed,
                              std::string_view normalized);
  engine::Standing standing_of(const Column& column, std::string_view typed,
                               std::string_view normalized);
  [[nodiscard]] static bool is_listed(const Column& column, std::string_view normalized);
  engine::Showing showing_of_carried(const Column& column, std::string_view typed,
                                     std::string_view normalized);
  [[nodiscard]] bool is_common(const Column& column, std::string_view link_text);
  // The texts stay in memory: they have just been written there, in pieces.
  void put_identifier(engine::LocalSink& sink, const Text& text, const std::string_view& normalized,
                      const std::string_view& shown);
  Held judge_held(const engine::LocalSink& sink, const Column& column, std::string_view typed,
                  std::string_view normalized);
  void put_held(engine::LocalSink& sink, const Text& text);
  [[nodiscard]] static bool matches_pattern(const Column& column, std::string_view normalized);

  const Request* request_;
  const RowLayout* layout_;
  ValueReader id_reader_;
  std::vector<Column> columns_;
  OutputSettings output_settings_;
  std::string_view record_id_;
  std::string_view record_name_;  // empty: the row names no record
  bool is_suspect_ = false;
  std::int64_t updated_at_ = engine::kNeverUpdated;
  Text* own_texts_ = nullptr;  // room for a text a column, which most rows do with
  Text* texts_ = nullptr;
  std::size_t text_count_ = 0;
  std::size_t text_room_ = 0;
  normalize::Scratch scratch_;
  normalize::Scratch address_;
  engine::RecentValues<Held> recent_held_;
  engine::MapHash map_hash_;
  std::string_view given_packed_;   // the row's bytes where the source gives them
  std::vector<std::int64_t> keys_;  // of the row at hand, where its bytes are kept
  std::string packed_;
  std::vector<RowView::Cell> cells_;  // of the row that is shown
  std::vector<Scope> scopes_;         // of the kinds that are a scope of others here
  std::string scoped_;
};

}  // namespace identity_resolve::pg
