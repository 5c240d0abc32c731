// The five-tool workload of test/bench/workload.sql for the engine alone, with clean addresses, and
// what it takes to feed it: an environment on the heap, a key ring without chance, and a sink.
#pragma once

#include <array>
#include <boost/container/pmr/global_resource.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/environment.h"
#include "engine/key.h"
#include "engine/resolver.h"
#include "engine/survivorship.h"
#include "engine/types.h"

namespace identity_resolve::engine {

class HeapEnvironment final : public Environment {
 public:
  boost::container::pmr::memory_resource& memory() noexcept override {
    return *boost::container::pmr::new_delete_resource();
  }
  [[nodiscard]] std::size_t budget() const noexcept override { return SIZE_MAX; }
  std::unique_ptr<SpillFile> make_spill_file() override { throw std::bad_alloc(); }
  void check_interrupts() override {}
};

inline constexpr KindNumber kUserId{0};
inline constexpr KindNumber kEmail{1};
inline constexpr SlotNumber kEmailSlot{0};
inline constexpr std::size_t kKinds = 2;
inline constexpr std::size_t kSources = 5;

// A tool: how many records it has in a thousand people, and in how many of a thousand records it
// knows the user id and the address.
struct Tool {
  std::uint64_t records, knows_user_id, knows_email;
};
inline constexpr std::array<Tool, kSources> kTools{{
    {1000, 1000, 800},  // segment
    {350, 500, 900},    // zendesk
    {500, 0, 950},      // stripe
    {300, 0, 970},      // salesforce
    {500, 700, 600},    // intercom
}};

// Vigna's SplitMix64: a number that looks random, as a function of n.
inline std::uint64_t dice(std::uint64_t n) {
  n += 0x9e3779b97f4a7c15U;
  n = (n ^ (n >> 30U)) * 0xbf58476d1ce4e5b9U;
  n = (n ^ (n >> 27U)) * 0x94d049bb133111ebU;
  return n ^ (n >> 31U);
}

struct Record {
  SourceNumber source;
  std::string id, user_id, email;
};

class Workload {
 public:
  // Of a thousand people so many carry the address of the person before them in place of their own.
  explicit Workload(std::size_t people, std::uint64_t shared = 0) {
    for (std::size_t tool = 0; tool < kSources; ++tool) {
      const std::size_t count = people * kTools[tool].records / 1000;
      for (std::size_t n = 0; n < count; ++n) {
        const std::uint64_t roll = dice(n * kSources + tool);
        const std::size_t person = tool == 0 ? n : roll % people;
        Record record{SourceNumber{static_cast<std::uint16_t>(tool)}, {}, {}, {}};
        record.id = tool == 0 ? user_id(person) : "cus_" + std::to_string(roll);
        if ((roll >> 20U) % 1000 < kTools[tool].knows_user_id) record.user_id = user_id(person);
        if ((roll >> 40U) % 1000 < kTools[tool].knows_email) {
          const std::size_t owner = dice(~person) % 1000 < shared ? person - 1 : person;
          record.email = "ziggy.stardust" + std::to_string(owner) + "@gmail.com";
        }
        identifiers_ += (record.user_id.empty() ? 0U : 1U) + (record.email.empty() ? 0U : 1U);
        records_.push_back(std::move(record));
      }
    }
  }

  [[nodiscard]] const std::vector<Record>& records() const { return records_; }
  [[nodiscard]] std::size_t identifiers() const { return identifiers_; }

 private:
  static std::string user_id(std::size_t person) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text(10, ' ');
    std::uint64_t bits = dice(person);
    for (char& c : text) {
      c = kDigits[bits & 15U];
      bits >>= 4U;
    }
    return text;
  }

  std::vector<Record> records_;
  std::size_t identifiers_ = 0;
};

inline KeyRing key_ring() {
  constexpr std::array<std::byte, kSecretBytes> kSecret{};
  return KeyRing(kSecret, kKinds, kSources);
}

// Sinks the whole workload; the e-mail address is carried to the output. ids_are_unique: whether
// the resolver is told that they are.
inline std::unique_ptr<LocalSink> sink_all(Resolver& resolver, const Workload& workload,
                                           bool ids_are_unique = false) {
  std::unique_ptr<LocalSink> sink = resolver.make_sink();
  for (const Record& record : workload.records()) {
    sink->begin_row(record.source, record.id, kNeverUpdated, ids_are_unique);
    if (!record.user_id.empty()) sink->add_identifier(kUserId, record.user_id);
    if (!record.email.empty()) {
      sink->add_identifier(kEmail, record.email);
      sink->add_value(kEmailSlot, record.email);
    }
    sink->end_row();
  }
  return sink;
}

// The columns of the master table: each source's record id and the address; as arrays, or not.
inline std::vector<ColumnPlan> master_columns(bool arrays) {
  std::vector<ColumnPlan> columns;
  for (std::size_t source = 0; source < kSources; ++source) {
    columns.push_back({Shows::kRecordId, SourceNumber{static_cast<std::uint16_t>(source)},
                       SlotNumber{}, false, arrays});
  }
  columns.push_back({Shows::kValue, SourceNumber{}, kEmailSlot, false, arrays});
  return columns;
}

}  // namespace identity_resolve::engine
