// Rows go in through local sinks, identities come out. union_stage.cc, the only place in which rows
// meet, says which belong together.
#include "engine/resolver.h"

#include <limits>
#include <utility>

#include "engine/error.h"

namespace identity_resolve::engine {

LocalSink::LocalSink(Environment& environment, const Shape& shape, const KeyRing& keys)
    : shape_(&shape),
      keys_(&keys),
      arena_(environment.memory()),
      rows_(&environment.memory()),
      links_(environment) {}

void LocalSink::append(const void* bytes, std::size_t count) {
  if (open_bytes_ + count > arena_.room()) {
    open_ = arena_.open(open_bytes_ + count, open_, open_bytes_);
  }
  if (count != 0) std::memcpy(open_ + open_bytes_, bytes, count);  // an empty view may be null
  open_bytes_ += count;
}

void LocalSink::begin_row(SourceNumber source, std::string_view record_id, std::int64_t updated_at,
                          bool id_is_unique) {
  if (rows_.size() >= kMaxRows) {
    throw Error("54000", "too many rows: one call resolves at most 4294967294");
  }
  if (record_id.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error("54000", "a record id is longer than 4 GiB");
  }
  const RowHeader header{updated_at, 0, static_cast<std::uint32_t>(record_id.size()), source};
  open_ = arena_.open(sizeof header + record_id.size());
  open_bytes_ = 0;
  append(&header, sizeof header);
  append(record_id.data(), record_id.size());
  if (id_is_unique) return;
  const auto row = RowNumber{static_cast<std::uint32_t>(rows_.size())};
  links_.add({keys_->record(source, record_id), row, kRecordKind, true, false, false});
}

void LocalSink::add_identifier(KindNumber kind, std::string_view normalized, Standing standing,
                               std::string_view shown) {
  const KindRules& rules = shape_->kinds[index(kind)];
  const bool counts = standing == Standing::kValid || standing == Standing::kGivesWay;
  const bool links = counts && rules.links;
  const bool limited = counts && rules.max_per_identity != 0;
  if (!links && !limited && !shape_->keep_evidence) return;

  const Key key = keys_->identifier(kind, normalized);
  const auto row = RowNumber{static_cast<std::uint32_t>(rows_.size())};
  links_.add({key, row, kind, links, counts, standing == Standing::kGivesWay});
  if (shape_->keep_keys && links) {
    add_value(kKeySlot, {reinterpret_cast<const char*>(&key), sizeof key});
  }
  if (!shape_->keep_evidence) return;
  LinkStatus status = LinkStatus::kAlone;  // decided by finalize()
  if (standing == Standing::kInvalid) {
    status = LinkStatus::kInvalid;
  } else if (standing == Standing::kBlocked) {
    status = LinkStatus::kBlocked;
  } else if (!rules.links) {
    status = LinkStatus::kNotLinking;
  }
  if (shown.data() == nullptr) shown = normalized;
  if (shown.size() > std::numeric_limits<std::uint32_t>::max() - sizeof(EvidenceHeader)) {
    throw Error("54000", "a value is longer than 4 GiB");
  }
  const EvidenceHeader header{key, 0, kind, status};
  const ItemHeader item{static_cast<std::uint32_t>(sizeof header + shown.size()), kEvidenceSlot};
  append(&item, sizeof item);
  append(&header, sizeof header);
  append(shown.data(), shown.size());
}

void LocalSink::add_value(SlotNumber slot, std::string_view value) {
  if (value.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error("54000", "a value is longer than 4 GiB");
  }
  const ItemHeader item{static_cast<std::uint32_t>(value.size()), slot};
  append(&item, sizeof item);
  append(value.data(), value.size());
}

void LocalSink::end_row() {
  RowHeader header;
  std::memcpy(&header, open_, sizeof header);
  header.item_bytes = open_bytes_ - sizeof header - header.id_bytes;
  std::memcpy(open_, &header, sizeof header);
  rows_.push_back(open_);
  arena_.take(open_bytes_);
}

Resolver::Resolver(Environment& environment, const Shape& shape, const KeyRing& keys)
    : environment_(&environment),
      shape_(shape),
      keys_(&keys),
      rows_(&environment.memory()),
      first_member_(&environment.memory()),
      members_(&environment.memory()) {}

std::unique_ptr<LocalSink> Resolver::make_sink() {
  return std::make_unique<LocalSink>(*environment_, shape_, *keys_);
}

void Resolver::combine(std::unique_ptr<LocalSink> sink) {
  if (rows_.size() + sink->rows() > kMaxRows) {
    throw Error("54000", "too many rows: one call resolves at most 4294967294");
  }
  if (rows_.empty()) {
    rows_.swap(sink->rows_);
  } else {
    sink->links_.renumber(static_cast<std::uint32_t>(rows_.size()));
    rows_.insert(rows_.end(), sink->rows_.begin(), sink->rows_.end());
    sink->rows_.clear();
  }
  sinks_.push_back(std::move(sink));
}

// The rows' identities are counted and listed by a counting sort.
void Resolver::finalize() {
  Ticker ticker(*environment_);
  std::size_t count = 0;
  boost::container::pmr::vector<std::uint32_t> identity_of(&environment_->memory());
  {
    std::vector<const LinkTable*> tables;
    for (const auto& sink : sinks_) tables.push_back(&sink->links_);
    UnionStage stage(*environment_, shape_.kinds, shape_.sources, tables,
                     {rows_.data(), rows_.size()});
    identity_of = stage.run(count);
    too_common_ = stage.too_common();
    if (shape_.keep_evidence) stage.write_evidence();
  }
  for (const auto& sink : sinks_) sink->links_.clear();

  environment_->begin_stage(Stage::kLabel);
  first_member_.assign(count + 1, 0);
  for (const std::uint32_t identity : identity_of) {
    ++first_member_[identity];
    ticker.tick();
  }
  std::uint32_t start = 0;
  for (std::uint32_t& first : first_member_) start += std::exchange(first, start);
  members_.resize(rows_.size());
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    members_[first_member_[identity_of[row]]++] = RowNumber{static_cast<std::uint32_t>(row)};
    ticker.tick();
  }
  // Each start has moved on to its identity's end: move them back by one place.
  for (std::size_t identity = count; identity > 0; --identity) {
    first_member_[identity] = first_member_[identity - 1];
  }
  if (count > 0) first_member_[0] = 0;
}

}  // namespace identity_resolve::engine
