// identity_map_fill(): all of an identity map from its sources, at first and wherever so much has
// changed that to read everything is sooner done. identity_map_fill_rows() is the same where only a
// statement may write the map's table.
//
// One resolve, as resolve_identities() does it, in which each row keeps its bytes beside it. What
// it says of an identity goes into the map's table, and the bytes of its rows, as the identity's
// pack, into the state, where rows that say the same stay (map/rewrite.h). Identities keep their
// ids by what the old state says of their records (engine/succession.h).
//
//   read     sources: rows into the engine
//   list     clusters, and for each record and each key that it carries an entry
//   judge    entries by their numbers: what a record was, which keys are too common, and which
//            identities share one with others
//   name     which identity lives on where, new ids
//   write    table, identities, history; fingerprints; places. What has not changed is not written
//
// Memory: what a resolve takes, 16 bytes an identity, and of a map that was filled before 8 bytes a
// record and 53 an old identity. What is listed goes to files beyond sixteenths of
// maintenance_work_mem.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "engine/partitioned_log.h"
#include "engine/place_table.h"
#include "engine/sort_numbers.h"
#include "engine/succession.h"
#include "map/datums.h"
#include "map/gone.h"
#include "map/home.h"
#include "map/identities.h"
#include "map/identity_table.h"
#include "map/placed_row.h"
#include "map/places.h"
#include "map/placing.h"
#include "map/queries.h"
#include "map/reached.h"
#include "map/rewrite.h"
#include "map/snapshot.h"
#include "map/user_table.h"
#include "pg/result_rows.h"
#include "pg/settings.h"
#include "pg/spi.h"
#include "resolve/emit.h"
#include "resolve/execution.h"
#include "resolve/stored_row.h"

extern "C" {
#include <commands/sequence.h>
}

namespace identity_resolve::pg {

namespace {

template <class T>
using List = boost::container::pmr::vector<T>;

// What a fill has found out, for identity_map_filled().
struct Filled {
  Filled(MemoryContext context, int number)
      : memory(context),
        map_id(number),
        done(&memory),
        ids(&memory),
        rids(&memory),
        olds(&memory) {}

  ContextMemory memory;
  int map_id;
  boost::container::pmr::vector<char> done;  // JSON
  // Of identities that took others in, a record at a place: the identity, the record, what it was.
  boost::container::pmr::vector<engine::Uuid> ids;
  boost::container::pmr::vector<std::int64_t> rids;
  boost::container::pmr::vector<engine::Uuid> olds;  // all 0: nothing
};
using LastFilled = OfTransaction<Filled>;

struct Task {
  Datum clauses;  // identity_clause[]
  const char* path;
  int map_id;
  MapPacking packing;
  std::span<const std::int64_t> limits_a_source;  // by kind
  std::span<const std::int64_t> limits_in_all;
  TimestampTz at;
  bool is_first;                                  // the state holds nothing
  std::vector<std::optional<double>> max_losses;  // by source: the share that it may lose
};

// The fingerprints of the rows of each source, in the order in which they are read.
class Prints {
 public:
  // numbers: of the sources. More than `budget` bytes go to a file.
  Prints(Environment& environment, std::span<const std::int32_t> numbers, std::size_t budget)
      : environment_(&environment),
        numbers_(numbers),
        budget_(budget),
        rows_(environment, numbers.size()),
        spill_(environment) {}

  void add(std::size_t source, std::int64_t fingerprint, std::int64_t rid, engine::Ticker& ticker) {
    // What identify() was told is not compared with anything.
    if (numbers_[source] == 0) return;
    rows_.add(source, {fingerprint, rid});
    if (rows_.resident_bytes() > budget_) rows_.spill(spill_, ticker);
  }
  // Writes them as those that the state has, which are forgotten here.
  void write(int map_id) {
    call([&] { table_ = begin_rewrite(map_id, "prints"); });
    List<Row> buffer(&environment_->memory());
    for (std::size_t source = 0; source < numbers_.size(); ++source) {
      Part part(environment_->memory());
      const auto take = [&](std::span<const Row> rows) {
        for (const Row& row : rows) {
          part.came.push_back(row.fingerprint);
          part.rids.push_back(row.rid);
          if (part.came.size() == kMostRows) write(source, part);
        }
      };
      rows_.each_spilled(source, spill_, buffer, take);
      rows_.each_chunk(source, take);
      write(source, part);
    }
    rows_.clear();
    spill_.close();
    call([&] {
      finish_rewrite(table_);
      // Parts that come later have greater numbers.
      const Oid next_part = find_state_sequence(map_id, "prints_part_seq");
      while (nextval_internal(next_part, false) < parts_) CHECK_FOR_INTERRUPTS();
    });
  }

 private:
  static constexpr std::size_t kMostRows = 1'000'000;
  struct Row {
    std::int64_t fingerprint;
    std::int64_t rid;
  };
  struct Part {
    explicit Part(boost::container::pmr::memory_resource& memory) : came(&memory), rids(&memory) {}
    List<std::int64_t> came;
    List<std::int64_t> rids;
  };

  void write(std::size_t source, Part& part) {
    if (part.came.empty()) return;
    ++parts_;
    call([&] {
      const auto bytes = [](const List<std::int64_t>& numbers) {
        return bytes_value(
            {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::int64_t)});
      };
      const std::array<Datum, 5> values = {
          Int16GetDatum(static_cast<std::int16_t>(numbers_[source])), Int64GetDatum(parts_),
          bytes(part.came), bytes(part.rids), 0};
      const std::array<bool, 5> nulls = {false, false, false, false, true};
      rewrite_row(table_, values.data(), nulls.data());
      pfree(DatumGetPointer(values[2]));
      pfree(DatumGetPointer(values[3]));
    });
    part.came.clear();
    part.rids.clear();
  }

  Environment* environment_;
  std::span<const std::int32_t> numbers_;
  std::size_t budget_;
  engine::PartitionedLog<Row> rows_;
  engine::Spill spill_;
  Rewrite* table_ = nullptr;
  std::int64_t parts_ = 0;
};

// Where the identities go that a fill has found. PostgreSQL's half.
class FilledSink {
 public:
  static constexpr std::uint32_t kNew = UINT32_MAX;

  FilledSink() = default;
  FilledSink(const FilledSink&) = delete;
  FilledSink& operator=(const FilledSink&) = delete;
  virtual ~FilledSink() = default;
  // Those that the map has had, before the first put(): they are numbered by their places.
  virtual void know(const engine::PlaceTable<engine::Uuid>& olds) = 0;
  // An identity, or one that is lost, and which of these it was, or kNew. The row lives until put()
  // returns.
  virtual void put(const PlacedRow& row, std::uint32_t old) = 0;
};

class Filling {
 public:
  // columns: the map's table's; sink takes what is placed.
  Filling(const Task& task, TupleDesc columns, FilledSink& sink)
      : task_(&task),
        sink_(&sink),
        columns_(columns),
        environment_(CurrentMemoryContext, SIZE_MAX / 2),
        entries_(environment_, kPartitions),
        old_records_(environment_, kPartitions),
        prints_(environment_, kPartitions),
        spill_(environment_),
        old_spill_(environment_),
        prints_spill_(environment_),
        budget_(std::max<std::size_t>(static_cast<std::size_t>(maintenance_work_mem) * 1024 / 16,
                                      std::size_t{1} << 20)),
        fingerprints_(environment_, {task.packing.numbers.data(), task.packing.numbers.size()},
                      budget_),
        ticker_(environment_),
        clusters_(&environment_.memory()),
        ids_(&environment_.memory()),
        olds_(&environment_.memory()),
        back_since_(&environment_.memory()),
        returned_(&environment_.memory()),
        missing_(&environment_.memory()),
        members_(&environment_.memory()),
        only_old_(&environment_.memory()),
        mixed_(&environment_.memory()),
        shares_(&environment_.memory()),
        common_(&environment_.memory()),
        partition_(&environment_.memory()),
        old_partition_(&environment_.memory()),
        prints_partition_(&environment_.memory()),
        identities_(environment_.memory()) {
    row_.make_room(static_cast<std::size_t>(columns->natts));
  }

  // After which user code has run: the sources' queries.
  void read() {
    Execution::Wishes wishes;
    wishes.packing = &task_->packing;
    wishes.snapshot = refresh_snapshot();
    wishes.each_row = [&](const engine::Row& row) {
      const std::string_view packed = row.beside();
      if (packed.size() < 2 * sizeof(std::int64_t)) return;
      fingerprints_.add(engine::index(row.source()), engine::fingerprint_of(packed),
                        engine::rid_of(packed), ticker_);
    };
    const int level = call([this] {
      const int outer = NewGUCNestLevel();
      set_for_call("search_path", task_->path);
      set_work_settings();
      return outer;
    });
    execution_ = Execution::create(CurrentMemoryContext, ResultForm::kMasterTable,
                                   {task_->clauses, false, false}, columns_, wishes);
    call([=] { AtEOXact_GUC(true, level); });
  }

  void fill() {
    filled_ = call([this] { return LastFilled::begin(task_->map_id); });
    // While rows are emitted users' code may run: no other step writes the state meanwhile.
    filled_hold_.emplace();
    const LastReached::Hold reached_hold;
    list();
    call([this] { identities_.open(task_->map_id); });
    if (!task_->is_first) {
      read_olds();
      first_back_ = static_cast<std::uint32_t>(olds_.size());
      read_gone();
    }
    judge();
    // Nothing has been written yet but what the next fill writes anew.
    if (!hold_losses()) {
      name();
      write();
      hold_result();
    } else {
      call([this] { identities_.leave(); });
    }
    // Whatever was read of the sources before is in it.
    call([] { LastChanged::end(); });
    Execution::destroy(execution_);
    filled_hold_.reset();
  }

 private:
  static constexpr std::size_t kPartitions = 256;
  static constexpr std::uint32_t kNone = engine::Succession::kNone;
  static constexpr std::uint32_t kMixed = kNone - 1;
  static constexpr std::uint32_t kUnknown = kNone - 2;
  static constexpr std::uint32_t kWasGone = UINT32_MAX;  // the source of a record that was gone

  // That a record has a number, itself (is_record) or a key.
  struct Entry {
    std::int64_t number;
    std::uint32_t cluster;
    std::uint16_t source;
    std::uint16_t is_record;

    [[nodiscard]] std::int64_t first() const noexcept { return number; }

    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  struct OldRecord {
    std::int64_t rid;
    std::uint32_t old;
    std::uint32_t source;  // the map's number

    [[nodiscard]] std::int64_t first() const noexcept { return rid; }

    friend auto operator<=>(const OldRecord&, const OldRecord&) = default;
  };
  // What all rows of a record say, in a number: the sum of their fingerprints.
  struct RecordPrint {
    std::int64_t rid;
    std::int64_t print;

    [[nodiscard]] std::int64_t first() const noexcept { return rid; }

    friend auto operator<=>(const RecordPrint&, const RecordPrint&) = default;
  };
  // A cluster and an identity that a part of its records was; kNone: nothing.
  struct Part {
    std::uint32_t cluster;
    std::uint32_t old;

    friend auto operator<=>(const Part&, const Part&) = default;
  };

  static std::size_t partition_of(std::int64_t number) noexcept {
    // In their order, which is that of signed numbers.
    return (static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63)) >> 56;
  }
  void add_entry(const Entry& entry) {
    entries_.add(partition_of(entry.number), entry);
    if (entries_.resident_bytes() > budget_) entries_.spill(spill_, ticker_);
  }

  // What the records of a pack say, now or before.
  void add_prints(std::string_view pack) {
    // Its rows are sorted by their records, each row once.
    RecordPrint record{};
    bool has_one = false;
    const auto add = [&] {
      if (!has_one) return;
      prints_.add(partition_of(record.rid), record);
    };
    static_cast<void>(
        engine::each_packed_row(pack, [&](std::string_view, const engine::PackedRow& row) {
          if (!has_one || row.rid != record.rid) {
            add();
            record = {row.rid, 0};
            has_one = true;
          }
          record.print = static_cast<std::int64_t>(static_cast<std::uint64_t>(record.print) +
                                                   static_cast<std::uint64_t>(row.fingerprint));
        }));
    add();
    if (prints_.resident_bytes() > budget_) prints_.spill(prints_spill_, ticker_);
  }

  // Clusters, and their records' entries.
  void list() {
    List<std::int64_t> keys(&environment_.memory());
    std::vector<bool> is_here(task_->packing.numbers.size(), false);
    is_together_.assign(task_->packing.numbers.size(), false);
    counts_.assign(task_->packing.numbers.size(), 0);
    before_ = lost_ = counts_;
    clusters_.reserve(execution_->resolver().identities());
    while (execution_->next_records()) {
      const engine::IdentityReader& identity = execution_->identity();
      const auto cluster = static_cast<std::uint32_t>(clusters_.size());
      clusters_.push_back(id_of(execution_->request(), identity));
      std::optional<Entry> record;
      const auto end_record = [&] {
        if (!record) return;
        add_entry(*record);
        engine::sort_each_once(keys);
        for (const std::int64_t key : keys) add_entry({key, cluster, record->source, 0});
        keys.clear();
      };
      std::fill(is_here.begin(), is_here.end(), false);
      for (const engine::OrderedRow& ordered : identity.rows()) {
        ticker_.tick();
        const std::optional<engine::PackedRow> row = engine::read_row(ordered.row.beside());
        if (!row) throw state_contradicts_itself();
        const std::size_t source = engine::index(ordered.row.source());
        if (ordered.starts_record) {
          end_record();
          record = Entry{row->rid, cluster, static_cast<std::uint16_t>(row->source), 1};
          ++counts_[source];
          ++records_;
        }
        is_here[source] = true;
        for (std::size_t i = 0; i < row->key_count; ++i) keys.push_back(row->key(i));
      }
      end_record();
      if (std::count(is_here.begin(), is_here.end(), true) < 2) continue;
      for (std::size_t i = 0; i < is_here.size(); ++i) {
        if (is_here[i]) is_together_[i] = true;
      }
    }
    execution_->rewind();
  }

  // What the state says of who the records were. What cannot be read says nothing.
  void read_olds() {
    engine::PlaceTable<engine::Uuid> olds(environment_.memory());
    call([&] {
      identities_.each([&](const IdentityLookup::Found& found) {
        return guarded([&] {
          const std::uint32_t old = olds.insert(found.id).first;
          if (old + std::size_t{1} < olds.keys().size()) throw state_contradicts_itself();
          engine::PackPrint print(found.pack);
          const bool is_good = engine::each_packed_row(
              found.pack, [&](std::string_view, const engine::PackedRow& row) {
                print.add(row);
                old_records_.add(partition_of(row.rid), {row.rid, old, row.source});
              });
          if (old_records_.resident_bytes() > budget_) old_records_.spill(old_spill_, ticker_);
          // A pack that is none is like none that there will be.
          return is_good ? print.value() : ~print.value();
        });
      });
      sink_->know(olds);
    });
    olds_ = olds.take_keys();
  }

  template <class T>
  static void load(engine::PartitionedLog<T>& from, std::size_t partition, engine::Spill& spill,
                   List<T>& to) {
    to.clear();
    from.load_spilled(partition, spill, to);
    from.each_chunk(partition,
                    [&](std::span<T> chunk) { to.insert(to.end(), chunk.begin(), chunk.end()); });
    engine::sort_by_number(to, [](const T& item) { return item.first(); });
  }

  // And what records were that were gone, and may be back.
  void read_gone() {
    call([this] {
      GoneRecords gone;
      gone.open(task_->map_id);
      if (!gone.are_none()) {
        engine::PlaceTable<engine::Uuid> ids(environment_.memory());
        List<std::uint32_t> olds(&environment_.memory());  // by their places
        GoneRecords::each(task_->map_id, [&](const GoneRecord& record) {
          const std::pair<std::uint32_t, bool> id = guarded([&] { return ids.insert(record.id); });
          const bool may_come = id.second && gone.is_nobody(record.id);
          guarded([&] {
            if (id.second) {
              olds.push_back(may_come ? static_cast<std::uint32_t>(olds_.size()) : kNone);
            }
            if (may_come) {
              olds_.push_back(record.id);
              back_since_.push_back(record.created_at);
            }
            old_records_.add(partition_of(record.rid), {record.rid, olds[id.first], kWasGone});
            if (old_records_.resident_bytes() > budget_) old_records_.spill(old_spill_, ticker_);
          });
        });
      }
      gone.close();
    });
  }

  // By their numbers: what records were, which keys are too common, who shares one.
  void judge() {
    shares_.assign(clusters_.size(), false);
    if (!task_->is_first) {
      members_.reserve(records_);
      only_old_.assign(clusters_.size(), kUnknown);
    }
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      environment_.check_interrupts();
      load(entries_, partition, spill_, partition_);
      if (!task_->is_first) {
        load(old_records_, partition, old_spill_, old_partition_);
        count_lost();
      }
      std::size_t old = 0;
      for (std::size_t begin = 0; begin < partition_.size();) {
        std::size_t end = begin + 1;
        while (end < partition_.size() && partition_[end].number == partition_[begin].number) ++end;
        const std::span<const Entry> run(partition_.data() + begin, end - begin);
        ticker_.tick();
        judge_keys(run);
        if (!task_->is_first) judge_record(run, old);
        begin = end;
      }
    }
    old_records_.clear();
    old_spill_.close();
  }
  // Records that the state has of each source, in a partition, and those of them that are gone; and
  // records that were gone and are back.
  void count_lost() {
    auto now = partition_.begin();
    const OldRecord* last = nullptr;
    for (const OldRecord& old : old_partition_) {
      if (last != nullptr && last->rid == old.rid) continue;
      last = &old;
      while (now != partition_.end() &&
             (now->number < old.rid || (now->number == old.rid && now->is_record == 0))) {
        ++now;
      }
      const bool is_here = now != partition_.end() && now->number == old.rid;
      if (old.source == kWasGone) {
        if (is_here) returned_.push_back(old.rid);
        continue;
      }
      if (!is_here && !is_forgotten(old.rid)) missing_.push_back({old.rid, old.old, old.source});
      const auto place =
          std::ranges::find(task_->packing.numbers, static_cast<std::int32_t>(old.source));
      if (place == task_->packing.numbers.end()) continue;
      const auto source = static_cast<std::size_t>(place - task_->packing.numbers.begin());
      ++before_[source];
      if (!is_here) ++lost_[source];
    }
  }
  // Records that say something else than they did, have come or are gone: what the identities that
  // differ say twice, now and before, has not changed.
  void count_changed() {
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      load(prints_, partition, prints_spill_, prints_partition_);
      for (std::size_t i = 0; i < prints_partition_.size();) {
        const std::size_t next = i + 1;
        const bool has_next = next < prints_partition_.size();
        const bool is_same = has_next && prints_partition_[next] == prints_partition_[i];
        const bool is_other =
            !is_same && has_next && prints_partition_[next].rid == prints_partition_[i].rid;
        changed_ += is_same ? 0 : 1;
        i += is_same || is_other ? 2 : 1;
      }
    }
    prints_.clear();
    prints_spill_.close();
  }
  [[nodiscard]] bool is_forgotten(std::int64_t rid) const noexcept {
    const std::vector<std::int64_t>& forgotten = task_->packing.forgotten;
    return std::binary_search(forgotten.begin(), forgotten.end(), rid);
  }
  // Whether a source has lost too much: says so.
  bool hold_losses() {
    constexpr std::uint64_t kFewestRecords = 100;  // below these a share says nothing
    std::string lost;
    for (std::size_t i = 0; i < task_->max_losses.size() && !task_->is_first; ++i) {
      if (!task_->max_losses[i] || before_[i] < kFewestRecords ||
          static_cast<double>(lost_[i]) <=
              *task_->max_losses[i] * static_cast<double>(before_[i])) {
        continue;
      }
      lost += fmt::format("{}\"{}\": [{}, {}, {}]", lost.empty() ? "" : ", ",
                          task_->packing.numbers[i], before_[i], counts_[i], lost_[i]);
    }
    if (lost.empty()) return false;
    const std::string done = fmt::format(R"({{"lost": {{{}}}}})", lost);
    filled_->done.assign(done.begin(), done.end());
    return true;
  }
  void judge_keys(std::span<const Entry> run) {
    std::size_t keys = 0;
    bool are_shared = false;
    std::uint32_t first = kNone;
    for (const Entry& entry : run) {
      if (entry.is_record != 0) continue;
      ++keys;
      if (first == kNone) first = entry.cluster;
      are_shared = are_shared || entry.cluster != first;
    }
    if (keys < 2) return;
    if (is_common(run, keys)) {
      common_.push_back(run.front().number);
      return;
    }
    if (!are_shared) return;
    for (const Entry& entry : run) {
      if (entry.is_record == 0) shares_[entry.cluster] = true;
    }
  }
  [[nodiscard]] bool is_common(std::span<const Entry> run, std::size_t keys) {
    const std::size_t kind = engine::kind_of_key(run.front().number);
    const auto limit_in = [kind](std::span<const std::int64_t> limits) {
      return kind < limits.size() ? static_cast<std::size_t>(limits[kind]) : std::size_t{0};
    };
    const std::size_t in_all = limit_in(task_->limits_in_all);
    const std::size_t a_source = limit_in(task_->limits_a_source);
    if (in_all > 0 && keys > in_all) return true;
    if (a_source == 0 || keys <= a_source) return false;
    std::vector<std::size_t> by_source;
    for (const Entry& entry : run) {
      if (entry.is_record != 0) continue;
      if (entry.source >= by_source.size()) by_source.resize(entry.source + std::size_t{1}, 0);
      if (++by_source[entry.source] > a_source) return true;
    }
    return false;
  }
  void judge_record(std::span<const Entry> run, std::size_t& old) {
    const std::int64_t rid = run.front().number;
    while (old < old_partition_.size() && old_partition_[old].rid < rid) ++old;
    const bool is_known = old < old_partition_.size() && old_partition_[old].rid == rid;
    for (const Entry& entry : run) {
      if (entry.is_record == 0) continue;
      const std::uint32_t was = is_known ? old_partition_[old].old : kNone;
      members_.push_back({entry.cluster, was});
      std::uint32_t& only = only_old_[entry.cluster];
      if (only == kUnknown) {
        only = was;
      } else if (only != was) {
        only = kMixed;
      }
    }
  }

  void name() {
    if (task_->is_first) {
      ids_ = std::move(clusters_);
      return;
    }
    for (const engine::Succession::Member& member : members_) {
      if (only_old_[member.cluster] == kMixed) mixed_.push_back({member.cluster, member.old});
    }
    engine::sort_each_once(mixed_);
    List<bool> is_back(&environment_.memory());
    if (first_back_ < olds_.size()) {
      is_back.assign(olds_.size(), true);
      std::fill_n(is_back.begin(), first_back_, false);
    }
    succession_.emplace(
        environment_, std::span<const engine::Succession::Member>(members_.data(), members_.size()),
        std::span<const engine::Uuid>(clusters_.data(), clusters_.size()), olds_.size(),
        std::span<const bool>(is_back.data(), is_back.size()));
    List<std::int64_t> ages(&environment_.memory());
    for (const std::uint32_t old : succession_->tied()) {
      ages.push_back(call([&] { return created_at(old); }));
    }
    kept_ = succession_->keep({ages.data(), ages.size()}, {olds_.data(), olds_.size()});
    UsedIds used(task_->map_id);
    ids_ = std::move(clusters_);
    List<std::uint32_t> fresh(&environment_.memory());
    for (std::uint32_t cluster = 0; cluster < ids_.size(); ++cluster) {
      if (kept_[cluster] == kNone) {
        fresh.push_back(cluster);
      } else {
        ids_[cluster] = olds_[kept_[cluster]];
      }
    }
    std::sort(fresh.begin(), fresh.end(),
              [this](std::uint32_t a, std::uint32_t b) { return ids_[a] < ids_[b]; });
    for (const std::uint32_t cluster : fresh) {
      ticker_.tick();
      ids_[cluster] = used.free_id(ids_[cluster]);
    }
    used.close();
  }

  // By their ids, as table and state are found by. Not where rows have to be read from files again.
  List<std::uint32_t> order_of_clusters() {
    List<std::uint32_t> order(ids_.size(), &environment_.memory());
    std::iota(order.begin(), order.end(), 0U);
    if (!execution_->resolver().has_parts()) {
      std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        ticker_.tick();
        return ids_[a] < ids_[b];
      });
    }
    return order;
  }

  void write() {
    const List<std::uint32_t> order = order_of_clusters();
    call([this] { events_.open(task_->map_id, task_->at); });
    for (const std::uint32_t cluster : order) write_identity(cluster);
    for (std::uint32_t old = 0; old < first_back_; ++old) {
      if (succession_->picks()[old] == kNone) call([&] { put_lost(old, nullptr); });
    }
    std::sort(revived_.begin(), revived_.end());
    call([this] {
      for (const engine::Uuid& id : revived_)
        events_.tell({"revived", datum_of(id), 0, 0, 0, 0, 0});
      events_.close();
      if (has_lookup_) were_gone_.close();
      if (!task_->is_first) {
        identities_.each_gone([this](std::uint32_t old) {
          const std::string_view pack = identities_.read(old).pack;
          guarded([&] { add_prints(pack); });
        });
      }
      write_gone();
      identities_.close();
    });
    count_changed();
    fingerprints_.write(task_->map_id);
    write_places();
    write_common();
  }

  // The identities that records of a cluster were, into olds_here_, rising by their ids.
  void list_olds(std::uint32_t cluster) {
    olds_here_.clear();
    if (task_->is_first) return;
    const std::uint32_t only = only_old_[cluster];
    if (only != kMixed) {
      if (only != kNone) olds_here_.push_back(only);
      return;
    }
    auto part = std::lower_bound(mixed_.begin(), mixed_.end(), Part{cluster, 0});
    for (; part != mixed_.end() && part->cluster == cluster; ++part) {
      if (part->old != kNone) olds_here_.push_back(part->old);
    }
    std::sort(olds_here_.begin(), olds_here_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return olds_[a] < olds_[b]; });
  }

  void write_identity(std::uint32_t cluster) {
    ticker_.tick();
    execution_->seek(engine::IdentityNumber{cluster});
    if (!execution_->next(row_.columns(), row_.column_nulls())) {
      throw engine::Error("XX000", "an identity was lost between two readings");
    }
    const std::uint32_t kept = task_->is_first ? kNone : kept_[cluster];
    list_olds(cluster);
    make_pack(shares_[cluster]);
    if (kept != kNone && olds_here_.size() > 1) remember_merged(cluster);
    call([&] {
      const MemoryContext outer = MemoryContextSwitchTo(row_memory_);
      put_into_state(cluster, kept);
      row_.begin();
      row_.set(kId, datum_of(ids_[cluster]));
      row_.set(kIsNew, BoolGetDatum(kept == kNone));
      sink_->put(row_, is_old(kept) ? kept : FilledSink::kNew);
      if (is_back(kept)) {
        events_.revive(datum_of(ids_[cluster]));
        guarded([&] { revived_.push_back(ids_[cluster]); });
      }
      tell(cluster, kept);
      for (const std::uint32_t old : olds_here_) {
        if (succession_->picks()[old] == cluster && kept != old) put_lost(old, &ids_[cluster]);
      }
      MemoryContextSwitchTo(outer);
      MemoryContextReset(row_memory_);
    });
  }
  // PostgreSQL's half.
  void put_into_state(std::uint32_t cluster, std::uint32_t kept) {
    const bool was_here = is_old(kept);
    const TimestampTz since = is_back(kept) ? back_since_[kept - first_back_] : task_->at;
    const bool differs =
        identities_.put(was_here ? kept : IdentityTable::kNew, ids_[cluster], since, pack_, print_);
    if (!differs || task_->is_first) return;
    guarded([this] { add_prints(pack_); });
    if (!was_here) return;
    const std::string_view before = identities_.read(kept).pack;
    guarded([&] { add_prints(before); });
  }
  // Of the identity at hand: its rows in the order of their records' numbers and their
  // fingerprints, equal ones once.
  void make_pack(bool shares) {
    bytes_here_.clear();
    for (const engine::OrderedRow& ordered : execution_->identity().rows()) {
      bytes_here_.push_back(ordered.row.beside());
    }
    const auto key_of = [](std::string_view row) {
      return std::pair(engine::rid_of(row), engine::fingerprint_of(row));
    };
    std::sort(bytes_here_.begin(), bytes_here_.end(),
              [&](std::string_view a, std::string_view b) { return key_of(a) < key_of(b); });
    engine::begin_pack(pack_, shares);
    engine::PackPrint print(pack_);
    for (std::size_t i = 0; i < bytes_here_.size(); ++i) {
      if (i > 0 && key_of(bytes_here_[i]) == key_of(bytes_here_[i - 1])) continue;
      engine::add_to_pack(pack_, bytes_here_[i]);
      if (!task_->is_first) print.add(*engine::read_row(bytes_here_[i]));
    }
    print_ = print.value();
  }

  // What happened to an identity, if anything. PostgreSQL's half, as those that follow.
  void tell(std::uint32_t cluster, std::uint32_t kept) {
    if (olds_here_.empty()) {
      ++created_count_;
      if (!task_->is_first) tell("created", cluster, 0);
      return;
    }
    if (kept != kNone && olds_here_.size() < 2) return;
    ++(kept == kNone ? split_ : merged_);
    auto* from = static_cast<Datum*>(palloc(olds_here_.size() * sizeof(Datum)));
    std::size_t count = 0;
    for (const std::uint32_t old : olds_here_) {
      if (old != kept) from[count++] = datum_of(olds_[old]);
    }
    tell(kept == kNone ? "split" : "merged", cluster, uuid_array(from, nullptr, count));
  }
  void tell(const char* event, std::uint32_t cluster, Datum from) {
    events_.tell({event, datum_of(ids_[cluster]), from, 0, 0, 0, 0});
  }
  void put_lost(std::uint32_t old, const engine::Uuid* into) {
    const Datum went = into == nullptr ? Datum{0} : datum_of(*into);
    ++retired_;
    if (is_back(old)) events_.revive(datum_of(olds_[old]));
    events_.retire(datum_of(olds_[old]), went);
    events_.tell({"retired", datum_of(olds_[old]), 0, went, 0, 0, 0});
    row_.begin_lost(datum_of(olds_[old]));
    if (into != nullptr) row_.set(kId, went);
    sink_->put(row_, is_old(old) ? old : FilledSink::kNew);
  }

  // By what these identities merged is found out when all is written.
  void remember_merged(std::uint32_t cluster) {
    const std::size_t first = filled_->rids.size();
    std::int64_t last = 0;
    for (const std::string_view row : bytes_here_) {
      const std::int64_t rid = engine::rid_of(row);
      if (filled_->rids.size() > first && rid == last) continue;
      filled_->rids.push_back(last = rid);
      filled_->ids.push_back(ids_[cluster]);
      filled_->olds.push_back({});
    }
    call([&] {
      for (const std::uint32_t old : olds_here_) {
        if (!is_old(old)) continue;
        each_row_of_pack(
            identities_.read(old).pack, [&](std::string_view, const engine::PackedRow& row) {
              const auto begin = filled_->rids.begin() + static_cast<std::ptrdiff_t>(first);
              const auto at = std::lower_bound(begin, filled_->rids.end(), row.rid);
              if (at == filled_->rids.end() || *at != row.rid) return;
              filled_->olds[static_cast<std::size_t>(at - filled_->rids.begin())] = olds_[old];
            });
      }
      if (!std::ranges::any_of(olds_here_, [this](std::uint32_t old) { return is_back(old); }))
        return;
      if (!has_lookup_) were_gone_.open(task_->map_id);
      has_lookup_ = true;
      for (std::size_t i = first; i < filled_->rids.size(); ++i) {
        GoneRecord gone{};
        if (filled_->olds[i] != engine::Uuid{} || !were_gone_.find(filled_->rids[i], gone))
          continue;
        const auto is_it = [&](std::uint32_t old) { return olds_[old] == gone.id; };
        if (std::ranges::any_of(olds_here_, is_it)) filled_->olds[i] = gone.id;
      }
    });
  }

  // An identity that the state has.
  [[nodiscard]] bool is_old(std::uint32_t old) const noexcept {
    return old != kNone && old < first_back_;
  }
  // Since when there is an old identity. PostgreSQL's half.
  [[nodiscard]] TimestampTz created_at(std::uint32_t old) {
    return is_back(old) ? back_since_[old - first_back_] : identities_.read(old).created_at;
  }
  // An old identity that was no more when all began.
  [[nodiscard]] bool is_back(std::uint32_t old) const noexcept {
    return old != kNone && old >= first_back_;
  }
  void write_gone() {
    if (revive_for() == 0) missing_.clear();
    if (returned_.empty() && missing_.empty()) return;
    GoneWriter writer;
    writer.open(task_->map_id, task_->at);
    for (const std::int64_t rid : returned_) writer.remove(rid);
    for (const OldRecord& record : missing_) {
      writer.add({record.rid, olds_[record.old], created_at(record.old)});
    }
    writer.close();
  }

  void write_places() {
    PlacesWriter writer(environment_.memory());
    call([&] { writer.open(task_->map_id); });
    List<PlaceEntry> sorted(&environment_.memory());
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      load(entries_, partition, spill_, partition_);
      sorted.clear();
      for (const Entry& entry : partition_) {
        const engine::Uuid& id = ids_[entry.cluster];
        sorted.push_back({entry.number, entry.is_record != 0 ? Place::of_record(id, entry.source)
                                                             : Place::of_key(id, entry.source)});
      }
      engine::sort_by_number(sorted, [](const PlaceEntry& entry) { return entry.number; });
      call([&] {
        CHECK_FOR_INTERRUPTS();
        for (const PlaceEntry& entry : sorted) writer.put(entry);
      });
    }
    entries_.clear();
    spill_.close();
    call([&] { writer.close(); });
  }
  void write_common() {
    call([this] {
      Rewrite* table = begin_rewrite(task_->map_id, "common");
      const bool is_null = false;
      for (const std::int64_t key : common_) {
        const Datum value = Int64GetDatum(key);
        rewrite_row(table, &value, &is_null);
      }
      finish_rewrite(table);
    });
  }

  void hold_result() {
    std::string counts;
    std::string together;
    std::string left_out;
    const std::span<const std::uint64_t> left = execution_->resolver().left_out();
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const std::int32_t number = task_->packing.numbers[i];
      counts += fmt::format("{}\"{}\": {}", i == 0 ? "" : ", ", number, counts_[i]);
      left_out += fmt::format("{}\"{}\": {}", i == 0 ? "" : ", ", number, left[i]);
      if (is_together_[i]) together += fmt::format("{}{}", together.empty() ? "" : ", ", number);
    }
    const std::string done =
        fmt::format(
            R"({{"records": {}, "created": {}, "merged": {}, "split": {}, "retired": {}, "identities": {}, "changed": {}, "totals": {{{}}}, "together": [{}], "left_out": {{{}}})",
            records_, created_count_, merged_, split_, retired_, ids_.size(), changed_, counts,
            together, left_out) +
        told_of_back() + "}";
    filled_->done.assign(done.begin(), done.end());
  }

  // A part of a JSON object: how many identities are back, and how many of these live on.
  [[nodiscard]] std::string told_of_back() const {
    std::size_t back = 0;
    for (std::uint32_t old = first_back_; old < olds_.size(); ++old) {
      if (succession_->picks()[old] != kNone) ++back;
    }
    if (back == 0) return {};
    return fmt::format(R"(, "revived": {}, "back": {})", revived_.size(), back);
  }

  const Task* task_;
  FilledSink* sink_;
  TupleDesc columns_;
  Environment environment_;
  Execution* execution_ = nullptr;
  engine::PartitionedLog<Entry> entries_;
  engine::PartitionedLog<OldRecord> old_records_;
  engine::PartitionedLog<RecordPrint> prints_;  // of identities that differ, now and before
  engine::Spill spill_;
  engine::Spill old_spill_;
  engine::Spill prints_spill_;
  std::size_t budget_;
  Prints fingerprints_;
  engine::Ticker ticker_;
  List<engine::Uuid> clusters_;    // the ids derived from their first records
  List<engine::Uuid> ids_;         // by cluster
  List<engine::Uuid> olds_;        // what the state has
  std::uint32_t first_back_ = 0;   // from which on they were no more, and may be back
  List<std::int64_t> back_since_;  // since when there were these
  List<std::int64_t> returned_;    // records that were gone
  List<OldRecord> missing_;        // records that are
  std::vector<engine::Uuid> revived_;
  List<engine::Succession::Member> members_;
  // By cluster: the identity that all of its records were; kNone: none; kMixed: see mixed_.
  List<std::uint32_t> only_old_;
  List<Part> mixed_;
  List<bool> shares_;  // by cluster
  List<std::int64_t> common_;
  List<Entry> partition_;  // at hand
  List<OldRecord> old_partition_;
  List<RecordPrint> prints_partition_;
  std::optional<engine::Succession> succession_;
  std::span<const std::uint32_t> kept_;
  std::vector<std::uint64_t> counts_;  // records by source, as the clauses have them
  std::vector<std::uint64_t> before_;  // that the state has
  std::vector<std::uint64_t> lost_;    // those of them that are gone
  std::vector<bool> is_together_;      // whether a record of it is with one of another source
  IdentityTable identities_;
  StateWriter events_;
  GoneRecords were_gone_;
  bool has_lookup_ = false;
  Filled* filled_ = nullptr;
  std::optional<LastFilled::Hold> filled_hold_;
  MemoryContext row_memory_ = call([] {
    return AllocSetContextCreate(CurrentMemoryContext, "identity_map_fill rows",
                                 ALLOCSET_DEFAULT_SIZES);
  });
  // Of the identity at hand.
  std::vector<std::uint32_t> olds_here_;
  std::vector<std::string_view> bytes_here_;
  std::string pack_;
  std::uint64_t print_ = 0;  // of the pack
  PlacedRow row_;
  // What has been done.
  std::uint64_t records_ = 0;
  std::uint64_t changed_ = 0;
  std::uint64_t created_count_ = 0;
  std::uint64_t merged_ = 0;
  std::uint64_t split_ = 0;
  std::uint64_t retired_ = 0;
};

// Into the map's own table.
class TableSink final : public FilledSink {
 public:
  explicit TableSink(Environment& environment) : places_(&environment.memory()) {}

  void open(MapTable* table) { table_ = table; }
  void know(const engine::PlaceTable<engine::Uuid>& olds) override {
    guarded([&] { places_.resize(olds.keys().size()); });
    each_identity(*table_, [&](const engine::Uuid& id, const KnownRow& row) {
      const std::uint32_t old = olds.find(id);
      if (old != engine::PlaceTable<engine::Uuid>::kNone) places_[old] = row;
    });
  }
  void put(const PlacedRow& row, std::uint32_t old) override {
    const KnownRow* place =
        old == kNew || !ItemPointerIsValid(&places_[old].place) ? nullptr : &places_[old];
    if (row.is_null(kLost)) {
      set_identity(table_, uuid_of(row.value(kId)), place, row.columns(), row.column_nulls());
    } else {
      remove_identity(table_, uuid_of(row.value(kLost)), place);
    }
  }

 private:
  MapTable* table_ = nullptr;
  boost::container::pmr::vector<KnownRow> places_;  // of old identities; invalid: there is none
};

// Into rows of a result.
class RowsSink final : public FilledSink {
 public:
  RowsSink(Tuplestorestate* rows, TupleDesc shape) : rows_(rows, shape) {}
  void know(const engine::PlaceTable<engine::Uuid>&) override {}
  void put(const PlacedRow& row, std::uint32_t) override { rows_.put(row); }

 private:
  PlacedRows rows_;
};

// The arguments that both functions have: (clauses, search_path, map_id, numbers integer[],
// limits_a_source bigint[], limits_in_all bigint[], at, is_first, max_losses double precision[]).
Task task_of(FunctionCallInfo fcinfo) {
  enum Argument : std::uint8_t {
    kClauses,
    kPath,
    kMapId,
    kNumbers,
    kLimitsASource,
    kLimitsInAll,
    kAt,
    kIsFirst,
    kMaxLosses
  };
  Task task{};
  struct Numbers {
    Datum* values;
    int count;
    Datum* losses;
    bool* no_losses;
    int loss_count;
  };
  const Numbers numbers = call([&] {
    Numbers taken{};
    bool* nulls = nullptr;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(kNumbers), INT4OID, sizeof(std::int32_t), true,
                      TYPALIGN_INT, &taken.values, &nulls, &taken.count);
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(kMaxLosses), FLOAT8OID, sizeof(double), FLOAT8PASSBYVAL,
                      TYPALIGN_DOUBLE, &taken.losses, &taken.no_losses, &taken.loss_count);
    task.clauses = PointerGetDatum(PG_GETARG_ARRAYTYPE_P_COPY(kClauses));
    task.path = text_to_cstring(PG_GETARG_TEXT_PP(kPath));
    task.limits_a_source = number_argument(fcinfo, kLimitsASource);
    task.limits_in_all = number_argument(fcinfo, kLimitsInAll);
    return taken;
  });
  task.map_id = PG_GETARG_INT32(kMapId);
  task.at = PG_GETARG_TIMESTAMPTZ(kAt);
  task.is_first = PG_GETARG_BOOL(kIsFirst);
  task.packing.is_on = true;
  for (int i = 0; i < numbers.count; ++i) {
    task.packing.numbers.push_back(DatumGetInt32(numbers.values[i]));
  }
  for (int i = 0; i < numbers.loss_count; ++i) {
    task.max_losses.emplace_back();
    if (!numbers.no_losses[i]) task.max_losses.back() = DatumGetFloat8(numbers.losses[i]);
  }
  const SpiConnection spi;
  const char* query =
      call([&] { return psprintf("SELECT hash FROM identity_state.m%d_tombstones", task.map_id); });
  read_rows(query, {INT8OID}, [&](const Datum* values, const bool*) {
    const std::int64_t hash = DatumGetInt64(values[0]);
    guarded([&] { task.packing.forgotten.push_back(hash); });
  });
  SpiConnection::finish();
  std::sort(task.packing.forgotten.begin(), task.packing.forgotten.end());
  return task;
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_fill(clauses, search_path, map_id, numbers, limits_a_source, limits_in_all, at,
// is_first, max_losses, map regclass, columns text[], stamp text) → jsonb: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_fill) {
  return guarded([&] {
    const Task task = task_of(fcinfo);
    const auto columns_of = [fcinfo] {
      return MapColumns{PG_GETARG_ARRAYTYPE_P(10), text_to_cstring(PG_GETARG_TEXT_PP(11))};
    };
    const TupleDesc columns = call([&]() -> TupleDesc {
      MapTable* table = open_map_table(PG_GETARG_OID(9), columns_of(), task.at);
      if (table == nullptr) return nullptr;
      const TupleDesc shape = table->shape;
      close_map_table(table);
      return shape;
    });
    if (columns == nullptr) {
      fcinfo->isnull = true;
      return Datum{0};
    }
    Environment environment(CurrentMemoryContext, SIZE_MAX / 2);
    TableSink sink(environment);
    call([] { PushActiveSnapshot(GetTransactionSnapshot()); });
    Filling filling(task, columns, sink);
    filling.read();
    call([] { PopActiveSnapshot(); });
    MapTable* table = call(
        [&] { return open_map_table(PG_GETARG_OID(9), columns_of(), task.at, task.is_first); });
    if (table == nullptr || !call([&] { return are_same_columns(table->shape, columns); })) {
      throw identity_resolve::engine::Error(
          "55000", "the table of the identity map was altered while its sources were read", {},
          "Refresh the identity map again.");
    }
    sink.open(table);
    filling.fill();
    const std::string done =
        fmt::format(R"({{"inserted": {}, "updated": {}, "deleted": {}, "kept": {}}})",
                    table->inserted, table->updated, table->deleted, table->kept);
    return call([&] {
      close_map_table(table);
      return DirectFunctionCall1(jsonb_in, CStringGetDatum(pstrdup(done.c_str())));
    });
  });
}

// identity_map_fill_rows(clauses, search_path, map_id, numbers, limits_a_source, limits_in_all, at,
// is_first, max_losses) → SETOF record: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_fill_rows) {
  guarded([&] {
    const Task task = task_of(fcinfo);
    const ReturnSetInfo& result = *begin_tuplestore(fcinfo);
    const TupleDesc columns = PlacedRow::columns_of(result.setDesc);
    RowsSink rows(result.setResult, result.setDesc);
    call([] { PushActiveSnapshot(GetTransactionSnapshot()); });
    Filling filling(task, columns, rows);
    filling.read();
    call([] {
      PopActiveSnapshot();
      PushActiveSnapshot(GetTransactionSnapshot());
    });
    filling.fill();
    call([] { PopActiveSnapshot(); });
  });
  return Datum{0};
}

// identity_map_filled(map_id) → (done jsonb, ids uuid[], rids bigint[], olds uuid[]): what the last
// fill of the transaction has done, and what of that by what identities merged is to be found out.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_filled) {
  const TupleDesc shape = result_shape(fcinfo, 4);
  const Filled* filled = LastFilled::of(PG_GETARG_INT32(0));
  if (filled == nullptr) out_of_turn("nothing was filled");
  const std::size_t count = filled->rids.size();
  auto* ids = static_cast<Datum*>(palloc((count + 1) * sizeof(Datum)));
  auto* olds = static_cast<Datum*>(palloc((count + 1) * sizeof(Datum)));
  auto* are_null = static_cast<bool*>(palloc(count + 1));
  const identity_resolve::engine::Uuid none{};
  for (std::size_t i = 0; i < count; ++i) {
    ids[i] = datum_of(filled->ids[i]);
    are_null[i] = filled->olds[i] == none;
    olds[i] = datum_of(filled->olds[i]);
  }
  std::array<Datum, 4> values = {
      DirectFunctionCall1(jsonb_in,
                          CStringGetDatum(pnstrdup(filled->done.data(), filled->done.size()))),
      count == 0 ? PointerGetDatum(construct_empty_array(UUIDOID))
                 : uuid_array(ids, nullptr, count),
      number_array({filled->rids.data(), count}),
      count == 0 ? PointerGetDatum(construct_empty_array(UUIDOID))
                 : uuid_array(olds, are_null, count)};
  std::array<bool, 4> nulls{};
  LastFilled::end();
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(shape, values.data(), nulls.data())));
}
