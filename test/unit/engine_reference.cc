#include "unit/engine_reference.h"

#include <deque>
#include <map>
#include <set>
#include <tuple>

namespace identity_resolve::engine::testing {

namespace {

using Rows = std::vector<const InputRow*>;

bool share_identifier(const InputRow& a, const InputRow& b) {
  for (const InputRow::Item& mine : a.items) {
    for (const InputRow::Item& theirs : b.items) {
      if (mine.links && theirs.links && mine.number == theirs.number &&
          mine.bytes == theirs.bytes) {
        return true;
      }
    }
  }
  return false;
}

bool same_record(const InputRow& a, const InputRow& b) {
  return a.source == b.source && a.id == b.id;
}

// Breadth-first search over the graph of all pairs.
std::vector<Rows> components(std::span<const InputRow> rows) {
  std::vector<Rows> found;
  std::vector<bool> reached(rows.size());
  for (std::size_t start = 0; start < rows.size(); ++start) {
    if (reached[start]) continue;
    reached[start] = true;
    Rows component;
    std::deque<std::size_t> queue{start};
    while (!queue.empty()) {
      const std::size_t at = queue.front();
      queue.pop_front();
      component.push_back(&rows[at]);
      for (std::size_t other = 0; other < rows.size(); ++other) {
        if (!reached[other] &&
            (same_record(rows[at], rows[other]) || share_identifier(rows[at], rows[other]))) {
          reached[other] = true;
          queue.push_back(other);
        }
      }
    }
    found.push_back(std::move(component));
  }
  return found;
}

// The values of a row, without its identifiers.
std::vector<std::pair<std::uint16_t, std::string>> values_of(const InputRow& row) {
  std::vector<std::pair<std::uint16_t, std::string>> values;
  for (const InputRow::Item& item : row.items) {
    if (!item.links) values.emplace_back(item.number, item.bytes);
  }
  return values;
}

struct Record {
  std::uint16_t source;
  std::string id;
  std::int64_t updated_at;
  Rows rows;
};

// Records and their rows in the order of survivorship.
std::vector<Record> records_of(const Rows& component) {
  std::map<RecordName, Rows> rows_of;
  for (const InputRow* row : component) rows_of[{row->source, row->id}].push_back(row);
  std::vector<Record> records;
  for (auto& [name, rows] : rows_of) {
    std::stable_sort(rows.begin(), rows.end(), [](const InputRow* a, const InputRow* b) {
      return a->updated_at > b->updated_at;
    });
    records.push_back({name.first, name.second, rows.front()->updated_at, rows});
  }
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
    if (a.source != b.source) return a.source < b.source;
    if (a.updated_at != b.updated_at) return a.updated_at > b.updated_at;
    return std::make_pair(a.id.size(), a.id) < std::make_pair(b.id.size(), b.id);
  });
  return records;
}

void append_new(Shown& to, const Shown& values) {
  for (const std::string& value : values) {
    if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
  }
}

// The values of one record's rows in a slot, in order, distinct: rows which only their values tell
// apart, as they changed at the same time, give them sorted, unless they all have the same ones.
Shown values_in(const Rows& rows, SlotNumber wanted) {
  Shown found;
  for (auto first = rows.begin(); first != rows.end();) {
    const auto last = std::find_if(first, rows.end(), [&](const InputRow* row) {
      return row->updated_at != (*first)->updated_at;
    });
    Shown run;
    std::set<Shown> lists;
    for (auto row = first; row != last; ++row) {
      Shown list;
      for (const auto& [slot_number, bytes] : values_of(**row)) {
        if (slot_number == index(wanted)) list.push_back(bytes);
      }
      if (!list.empty()) lists.insert(list);
      run.insert(run.end(), list.begin(), list.end());
    }
    if (lists.size() > 1) std::sort(run.begin(), run.end());
    append_new(found, run);
    first = last;
  }
  return found;
}

Shown first_of(Shown values) {
  if (values.size() > 1) values.resize(1);
  return values;
}

std::vector<Shown> survivors(const Request& request, const std::vector<Record>& records) {
  std::vector<Shown> cells;
  for (const ColumnPlan& column : request.columns) {
    Shown values;
    if (column.shows == Shows::kRecordId) {
      for (const Record& record : records) {
        if (record.source == index(column.source)) values.push_back(record.id);
      }
    } else if (column.shows == Shows::kValue) {
      for (const Record& record : records) append_new(values, values_in(record.rows, column.slot));
    }
    cells.push_back(column.array ? values : first_of(values));
  }
  return cells;
}

bool record_shares(const Record& record, const InputRow& spine) {
  return std::any_of(record.rows.begin(), record.rows.end(),
                     [&](const InputRow* row) { return share_identifier(*row, spine); });
}

// What a combination shows: the spine, and a record of each later source that is multiplied.
std::vector<Shown> show(const Request& request, const std::vector<Shown>& whole,
                        const InputRow& spine, const Record& spine_record,
                        const std::map<std::uint16_t, const Record*>& chosen) {
  std::vector<Shown> cells = whole;
  for (std::size_t i = 0; i < request.columns.size(); ++i) {
    const ColumnPlan& column = request.columns[i];
    if (column.array) continue;
    const auto of_source = static_cast<std::uint16_t>(column.source);
    const auto record = chosen.find(of_source);
    if (column.shows == Shows::kRecordId) {
      if (of_source == spine.source) {
        cells[i] = {spine.id};
      } else {
        cells[i] = record == chosen.end() ? Shown() : Shown{record->second->id};
      }
    } else if (column.shows == Shows::kValue && column.one_source) {
      if (of_source == spine.source) {
        Shown own = first_of(values_in({&spine}, column.slot));
        cells[i] = own.empty() ? first_of(values_in(spine_record.rows, column.slot)) : own;
      } else {
        cells[i] = record == chosen.end() ? Shown()
                                          : first_of(values_in(record->second->rows, column.slot));
      }
    } else if (column.shows == Shows::kValue) {
      Shown own = first_of(values_in({&spine}, column.slot));
      if (!own.empty()) cells[i] = own;
    }
  }
  return cells;
}

std::vector<std::vector<Shown>> combine(const Request& request, const std::vector<Record>& records,
                                        const std::vector<Shown>& whole) {
  std::set<std::uint16_t> multiplied;
  for (const ColumnPlan& column : request.columns) {
    if (!column.array && (column.shows == Shows::kRecordId ||
                          (column.shows == Shows::kValue && column.one_source))) {
      multiplied.insert(static_cast<std::uint16_t>(column.source));
    }
  }
  const std::uint16_t first = records.front().source;
  multiplied.erase(first);

  std::vector<std::pair<const Record*, const InputRow*>> spines;
  for (const Record& record : records) {
    if (record.source != first) continue;
    for (const InputRow* row : record.rows) spines.emplace_back(&record, row);
  }

  std::set<std::vector<Shown>> combinations;
  for (const auto& [spine_record, spine] : spines) {
    std::vector<std::map<std::uint16_t, const Record*>> products(1);
    for (const std::uint16_t later : multiplied) {
      std::vector<const Record*> all;
      std::vector<const Record*> offered;
      for (const Record& record : records) {
        if (record.source != later) continue;
        all.push_back(&record);
        const bool shares_with_none =
            std::none_of(spines.begin(), spines.end(),
                         [&](const auto& other) { return record_shares(record, *other.second); });
        if (record_shares(record, *spine) || shares_with_none) offered.push_back(&record);
      }
      if (offered.empty()) offered = all;
      if (offered.empty()) continue;
      std::vector<std::map<std::uint16_t, const Record*>> longer;
      for (const auto& product : products) {
        for (const Record* record : offered) {
          longer.push_back(product);
          longer.back()[later] = record;
        }
      }
      products = std::move(longer);
    }
    for (const auto& product : products) {
      combinations.insert(show(request, whole, *spine, *spine_record, product));
    }
  }
  return {combinations.begin(), combinations.end()};
}

}  // namespace

std::vector<Identity> resolve_naively(const Request& request, std::span<const InputRow> rows) {
  std::vector<Identity> identities;
  for (const Rows& component : components(rows)) {
    const std::vector<Record> records = records_of(component);
    Identity expected;
    // By source precedence and record id, whatever was updated when.
    const Record* first = &records.front();
    for (const Record& record : records) {
      if (std::make_tuple(record.source, record.id.size(), record.id) <
          std::make_tuple(first->source, first->id.size(), first->id)) {
        first = &record;
      }
      expected.records.emplace_back(record.source, record.id);
    }
    expected.id = identity_id(source_name(first->source), first->id);
    expected.cells = survivors(request, records);
    if (request.combinations) {
      expected.combinations = combine(request, records, expected.cells);
      if (expected.combinations.size() > request.max_combinations) {
        expected.combinations.clear();
        expected.too_many = true;
      }
    }
    identities.push_back(std::move(expected));
  }
  std::sort(identities.begin(), identities.end());
  return identities;
}

namespace {

// Numbers out of bytes; zeros once they have run out.
class Dice {
 public:
  explicit Dice(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  // A number below `sides`.
  std::uint8_t roll(std::size_t sides) {
    if (bytes_.empty()) return 0;
    const auto number = static_cast<std::uint8_t>(bytes_.front() % sides);
    bytes_ = bytes_.subspan(1);
    return number;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

// Few, so that they meet; some that a careless comparison would take for each other.
const std::array<std::string, 16>& words() {
  static const std::array<std::string, 16> all = {
      "",  "9", "10",   "a",  "A", "b", std::string(1, '\0'), std::string("a\0", 2), "c",
      "d", "e", "\xff", "aa", "f", "g", std::string(300, 'x')};
  return all;
}

}  // namespace

Case case_from(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kMostRows = 20;
  Dice dice(bytes);
  Case made;
  Request& request = made.request;
  request.kinds = 1 + dice.roll(3);
  request.sources = 1 + dice.roll(4);
  // Slots: the kinds, then every source's kinds, then one that is carried and never links.
  const std::size_t carried = request.kinds * (request.sources + 1);
  request.slots = carried + 1;
  request.combinations = dice.roll(4) != 0;
  const std::size_t vocabulary = 1 + dice.roll(words().size());
  const std::size_t sinks = 1 + dice.roll(8);
  made.deal.resize(sinks);

  const auto ask = [&](ColumnPlan column) {
    const std::uint8_t how = dice.roll(4);  // not at all, as an array, as a scalar
    column.array = how == 1;
    if (how != 0) request.columns.push_back(column);
  };
  for (std::size_t of = 0; of < request.sources; ++of) ask({Shows::kRecordId, source(of)});
  for (std::size_t at = 0; at < request.kinds; ++at) ask({Shows::kValue, {}, slot(at), false});
  for (std::size_t of = 0; of < request.sources; ++of) {
    const std::size_t first = request.kinds * (of + 1);
    for (std::size_t at = 0; at < request.kinds; ++at) {
      ask({Shows::kValue, source(of), slot(first + at), true});
    }
  }
  ask({Shows::kValue, {}, slot(carried), false});

  while (!dice.empty() && made.rows.size() < kMostRows) {
    InputRow row;
    row.source = dice.roll(request.sources);
    row.id = words()[dice.roll(words().size())];
    const std::uint8_t when = dice.roll(4);
    row.updated_at = when == 0 ? kNeverUpdated : when;
    const std::size_t identifiers = dice.roll(5);
    for (std::size_t i = 0; i < identifiers; ++i) {
      const std::size_t of_kind = dice.roll(request.kinds);
      const std::string& word = words()[dice.roll(vocabulary)];
      row.link(of_kind, word).value(of_kind, word);
      row.value(request.kinds * (row.source + 1U) + of_kind, " " + word);
    }
    if (dice.roll(2) != 0) row.value(carried, words()[dice.roll(words().size())]);
    std::vector<std::size_t>& sink = made.deal[dice.roll(sinks)];
    sink.insert(dice.roll(2) == 0 ? sink.begin() : sink.end(), made.rows.size());
    made.rows.push_back(std::move(row));
  }
  return made;
}

bool agrees_with_reference(const Case& problem) {
  const std::vector<Identity> expected = resolve_naively(problem.request, problem.rows);
  TestEnvironment environment;
  return resolve(environment, problem.request, problem.rows) == expected &&
         resolve(environment, problem.request, problem.rows, problem.deal) == expected &&
         environment.bytes == 0 && environment.wrong_deallocations == 0;
}

}  // namespace identity_resolve::engine::testing
