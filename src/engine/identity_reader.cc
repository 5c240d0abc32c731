#include "engine/identity_reader.h"

#include <algorithm>
#include <utility>

#include "engine/first_bytes.h"

namespace identity_resolve::engine {

namespace {

// How many identities ahead rows are asked for: about as long before as a cache miss takes.
constexpr std::size_t kAhead = 12;

// Walks the values of a row that may be shown.
class ValueCursor {
 public:
  ValueCursor(std::string_view items, Ticker& ticker) : rest_(items), ticker_(&ticker) {}
  // Moves to the next value; false at the end.
  bool next() {
    while (!rest_.empty()) {
      ItemHeader header;
      std::memcpy(&header, rest_.data(), sizeof header);
      slot = header.slot;
      bytes = rest_.substr(sizeof header, header.bytes);
      rest_.remove_prefix(sizeof header + header.bytes);
      ticker_->tick_bytes(header.bytes);
      if (is_value_slot(slot) && header.showing != Showing::kNever) return true;
    }
    return false;
  }
  SlotNumber slot{};
  std::string_view bytes;

 private:
  std::string_view rest_;
  Ticker* ticker_;
};

// Keys are random for each call: they may not decide an order that a user can see.
int compare_values(const Row& a, const Row& b, Ticker& ticker) {
  ValueCursor left(a.items(), ticker);
  ValueCursor right(b.items(), ticker);
  for (;;) {
    const bool more_left = left.next();
    const bool more_right = right.next();
    if (!more_left || !more_right)
      return static_cast<int>(more_left) - static_cast<int>(more_right);
    if (left.slot != right.slot) return left.slot < right.slot ? -1 : 1;
    if (const int order = left.bytes.compare(right.bytes); order != 0) return order;
  }
}

// As compare_ids(), for the most part without a look at the rows, which lie anywhere in memory.
int compare_record_ids(const OrderedRow& a, const OrderedRow& b) noexcept {
  const std::size_t left = a.row.record_id().size();
  const std::size_t right = b.row.record_id().size();
  if (left != right) return left < right ? -1 : 1;
  if (a.id_prefix != b.id_prefix) return a.id_prefix < b.id_prefix ? -1 : 1;
  if (left <= sizeof a.id_prefix) return 0;
  return compare_ids(a.row.record_id(), b.row.record_id());
}

// Whether two rows have the same values in a slot, in the same order.
bool has_same_values(const Row& a, const Row& b, SlotNumber slot, Ticker& ticker) {
  ValueCursor left(a.items(), ticker);
  ValueCursor right(b.items(), ticker);
  const auto next = [slot](ValueCursor& cursor) {
    while (cursor.next()) {
      if (cursor.slot == slot) return true;
    }
    return false;
  };
  for (;;) {
    const bool more_left = next(left);
    if (more_left != next(right)) return false;
    if (!more_left) return true;
    if (left.bytes != right.bytes) return false;
  }
}

}  // namespace

ShownValue surviving_value(std::span<const OrderedRow> rows, SlotNumber slot, Ticker& ticker) {
  ShownValue found;
  each_run(rows, [&](std::span<const OrderedRow> run) {
    ticker.tick();
    if (found.showing == Showing::kFirst) return;
    const OrderedRow* shown = nullptr;
    ShownValue first;  // by class, then by its place in its row
    std::size_t first_place = 0;
    ShownValue smallest;  // by class, then by size
    bool alike = true;
    for (const OrderedRow& ordered : run) {
      ticker.tick();
      std::size_t place = 0;
      ordered.row.each_value([&](SlotNumber at, Showing showing, std::string_view bytes) {
        ticker.tick();
        if (at != slot) return;
        ++place;
        if (std::pair(showing, place) < std::pair(first.showing, first_place)) {
          first = {showing, bytes};
          first_place = place;
        }
        if (smallest.value.data() == nullptr ||
            std::pair(showing, bytes) < std::pair(smallest.showing, smallest.value)) {
          smallest = {showing, bytes};
        }
      });
      if (place == 0) continue;
      if (shown == nullptr) {
        shown = &ordered;
      } else {
        alike = alike && has_same_values(shown->row, ordered.row, slot, ticker);
      }
    }
    const ShownValue& here = alike ? first : smallest;
    if (here.showing < found.showing) found = here;
  });
  return found;
}

IdentityReader::IdentityReader(Resolver& resolver)
    : resolver_(&resolver),
      ticker_(resolver.environment()),
      rows_(&resolver.environment().memory()) {}

void IdentityReader::load(IdentityNumber identity) {
  const std::span<const std::byte* const> rows = resolver_->rows_of(identity);
  resolver_->prefetch(index(identity) + kAhead);
  rows_.clear();
  bool ordered = true;
  for (const std::byte* place : rows) {
    const Row row(place);
    ordered = ordered && (rows_.empty() || rows_.back().row.source() < row.source());
    rows_.push_back({row, row.updated_at(), true});
    ticker_.tick();
  }
  if (ordered) {  // at most one row a source, which is most people
    record_count_ = rows_.size();
    first_source_ = rows_.front().row.source();
    first_record_id_ = rows_.front().row.record_id();
  } else {
    order();
  }
}

void IdentityReader::order() {
  for (OrderedRow& at : rows_) {
    at.id_prefix = first_bytes(at.row.record_id());
    ticker_.tick();
  }
  // Below, equal or above 0; rows that are equal show the same.
  const auto compare = [this](const OrderedRow& a, const OrderedRow& b) {
    ticker_.tick();
    if (a.row.source() != b.row.source()) return a.row.source() < b.row.source() ? -1 : 1;
    if (const int ids = compare_record_ids(a, b); ids != 0) return ids;
    if (a.row.updated_at() != b.row.updated_at()) {
      return a.row.updated_at() > b.row.updated_at() ? -1 : 1;
    }
    if (const int values = compare_values(a.row, b.row, ticker_); values != 0) return values;
    // Brings rows with the same keys together.
    if (a.row.items() != b.row.items()) return a.row.items() < b.row.items() ? -1 : 1;
    return 0;
  };
  std::sort(rows_.begin(), rows_.end(),
            [&](const OrderedRow& a, const OrderedRow& b) { return compare(a, b) < 0; });
  first_source_ = rows_.front().row.source();
  first_record_id_ = rows_.front().row.record_id();

  record_count_ = 0;
  bool timed = false;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    OrderedRow& at = rows_[i];
    at.starts_record = i == 0 || at.row.source() != rows_[i - 1].row.source() ||
                       at.row.record_id() != rows_[i - 1].row.record_id();
    at.record_updated_at = at.starts_record ? at.row.updated_at() : rows_[i - 1].record_updated_at;
    record_count_ += at.starts_record ? 1 : 0;
    timed = timed || at.record_updated_at != kNeverUpdated;
    ticker_.tick();
  }
  if (!timed) return;
  // The rows of one record stay as they are, the first of them first.
  std::sort(rows_.begin(), rows_.end(), [&](const OrderedRow& a, const OrderedRow& b) {
    if (a.row.source() == b.row.source() && a.record_updated_at != b.record_updated_at) {
      ticker_.tick();
      return a.record_updated_at > b.record_updated_at;
    }
    const int order = compare(a, b);
    return order != 0 ? order < 0 : a.starts_record && !b.starts_record;
  });
}

}  // namespace identity_resolve::engine
