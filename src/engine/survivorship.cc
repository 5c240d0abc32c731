#include "engine/survivorship.h"

#include <algorithm>
#include <boost/container/pmr/polymorphic_allocator.hpp>
#include <functional>
#include <tuple>
#include <unordered_set>

namespace identity_resolve::engine {

// Values compared by content; on the environment's memory, as it grows with the data.
struct Cell::Seen {
  explicit Seen(Environment& environment)
      : values(64, std::hash<std::string_view>(), std::equal_to<>(), &environment.memory()) {}
  std::unordered_set<std::string_view, std::hash<std::string_view>, std::equal_to<>,
                     boost::container::pmr::polymorphic_allocator<std::string_view>>
      values;
};

namespace {
constexpr std::size_t kSearchAtMost = 24;
}

Cell::Cell(Environment& environment)
    : environment_(&environment), values_(&environment.memory()), later_(&environment.memory()) {}
Cell::Cell(Cell&&) noexcept = default;
Cell& Cell::operator=(Cell&&) noexcept = default;
Cell::~Cell() = default;

void Cell::clear() {
  values_.clear();
  later_.clear();
  seen_.reset();
  showing_ = Showing::kFirst;
}

void Cell::add_later(bool keep_first) {
  const bool has_own = !values_.empty();
  for (const Showing showing : {Showing::kContested, Showing::kLast}) {
    if (showing == Showing::kContested && has_own) continue;
    for (const Later& later : later_) {
      if (later.showing != showing) continue;
      if (values_.empty()) showing_ = showing;
      add(later.value, keep_first);
    }
  }
  later_.clear();
}

void Cell::add(std::string_view value, bool keep_first) {
  if (keep_first) {
    if (values_.empty()) values_.push_back(value);
    return;
  }
  if (seen_ == nullptr) {
    if (std::find(values_.begin(), values_.end(), value) != values_.end()) return;
    if (values_.size() >= kSearchAtMost) {
      seen_ = std::make_unique<Seen>(*environment_);
      seen_->values.insert(values_.begin(), values_.end());
      seen_->values.insert(value);
    }
  } else if (!seen_->values.insert(value).second) {
    return;
  }
  values_.push_back(value);
}

Survivorship::Survivorship(Environment& environment, std::span<const ColumnPlan> columns,
                           std::size_t sources, std::size_t slots)
    : environment_(&environment),
      columns_(columns),
      ticker_(environment),
      columns_of_source_(sources, &environment.memory()),
      columns_of_slot_(slots, &environment.memory()),
      run_values_(&environment.memory()) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto place = static_cast<std::uint16_t>(i);
    if (columns[i].shows == Shows::kRecordId) {
      columns_of_source_[index(columns[i].source)].push_back(place);
    } else if (columns[i].shows == Shows::kValue) {
      columns_of_slot_[index(columns[i].slot)].push_back(place);
    }
  }
}

Cells Survivorship::make_cells() const {
  Cells cells(&environment_->memory());
  cells.reserve(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) cells.emplace_back(*environment_);
  return cells;
}

void Survivorship::fill(const IdentityReader& identity, Cells& cells) {
  for (Cell& cell : cells) cell.clear();
  has_later_ = false;
  each_run(identity.rows(), [&](std::span<const OrderedRow> run) {
    const OrderedRow& first = run.front();
    if (first.starts_record) {
      for (const std::uint16_t column : columns_of_source_[index(first.row.source())]) {
        if (columns_[column].array || cells[column].empty()) {
          cells[column].add_new(first.row.record_id());
        }
      }
    }
    add_values(run, cells);
  });
  if (!has_later_) return;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    ticker_.tick();
    cells[i].add_later(!columns_[i].array);
  }
}

void Survivorship::add_values(std::span<const OrderedRow> run, Cells& cells) {
  if (run.size() == 1) {
    ticker_.tick();
    run.front().row.each_value([&](SlotNumber slot, Showing showing, std::string_view value) {
      add_value(slot, showing, value, cells);
    });
    return;
  }
  run_values_.clear();
  for (std::uint32_t row = 0; row < run.size(); ++row) {
    ticker_.tick();
    run[row].row.each_value([&](SlotNumber slot, Showing showing, std::string_view value) {
      const auto place = static_cast<std::uint32_t>(run_values_.size());
      run_values_.push_back({slot, row, place, showing, value});
    });
  }
  // Places in the place of a stable sort, whose buffer would not be the environment's memory.
  std::sort(run_values_.begin(), run_values_.end(), [this](const auto& a, const auto& b) {
    ticker_.tick();
    return std::tuple(a.slot, a.place) < std::tuple(b.slot, b.place);
  });
  for (std::size_t first = 0; first < run_values_.size();) {
    std::size_t last = first;
    while (last < run_values_.size() && run_values_[last].slot == run_values_[first].slot) ++last;
    add_values_of_slot({run_values_.data() + first, last - first}, cells);
    first = last;
  }
}

// Those that several rows have in one slot, row by row: in the rows' order if that is the same,
// else by size.
void Survivorship::add_values_of_slot(std::span<RunValue> values, Cells& cells) {
  const auto end_of_row = [&](std::size_t at) {
    const std::uint32_t row = values[at].row;
    while (at < values.size() && values[at].row == row) ++at;
    return at;
  };
  const std::size_t length = end_of_row(0);
  bool alike = values.size() % length == 0;
  for (std::size_t at = length; alike && at < values.size(); at += length) {
    alike = end_of_row(at) == at + length;
    for (std::size_t i = 0; alike && i < length; ++i) {
      ticker_.tick_bytes(std::min(values[i].value.size(), values[at + i].value.size()));
      alike = values[i].value == values[at + i].value;
      if (alike) values[i].showing = std::min(values[i].showing, values[at + i].showing);
    }
  }
  if (alike) {
    values = values.first(length);
  } else {
    std::sort(values.begin(), values.end(), [this](const RunValue& a, const RunValue& b) {
      ticker_.tick_bytes(std::min(a.value.size(), b.value.size()));
      return a.value < b.value;
    });
  }
  for (const RunValue& at : values) add_value(at.slot, at.showing, at.value, cells);
}

void Survivorship::add_value(SlotNumber slot, Showing showing, std::string_view value,
                             Cells& cells) {
  ticker_.tick_bytes(value.size());
  for (const std::uint16_t column : columns_of_slot_[index(slot)]) {
    if (showing == Showing::kFirst) {
      cells[column].add(value, !columns_[column].array);
    } else {
      has_later_ = true;
      cells[column].take_later(value, showing);
    }
  }
}

}  // namespace identity_resolve::engine
