// The rows that an identity map knows of a source, by their fingerprints, and which of them the
// source still has.
//
// A source whose rows lie in a table is read in the same order as the last time, but for the rows
// that have changed. So a row is first looked for where the last one stood; what is not there is a
// stray, and what the strays are is found out at the end, by going through all that is known once
// more. Where they are too many, the source has another order, and all that is known is indexed by
// its value.
#pragma once

#include "engine/place_table.h"

namespace identity_resolve::engine {

class KnownRows {
 public:
  explicit KnownRows(boost::container::pmr::memory_resource& memory)
      : memory_(&memory),
        words_(&memory),
        went_(memory),
        went_before_(&memory),
        landmarks_(memory),
        landmark_places_(&memory),
        strays_(memory),
        known_strays_(&memory),
        index_(&memory) {}

  // First, rows that came and rows that went, in the order in which they did: eight bytes each, of
  // which the last two bits are 0. expect(): so many will come in all; begin_run(): the next
  // `count` came one after the other, though others may have come between them.
  void expect(std::size_t count) { words_.reserve(count); }
  void begin_run(std::size_t count) {
    if (count < kLeastRun || runs_ == kMostRuns) return;
    run_[runs_++] = {words_.size(), words_.size() + count};
  }
  void add(std::span<const char> fingerprints) {
    const std::size_t begin = words_.size();
    const std::size_t count = fingerprints.size() / sizeof(std::uint64_t);
    if (count == 0) return;
    words_.resize(begin + count, boost::container::default_init);
    std::memcpy(words_.data() + begin, fingerprints.data(), count * sizeof(std::uint64_t));
    for (std::size_t i = begin; i < words_.size(); ++i) words_[i] = word(words_[i]) | kKnown;
  }
  void remove(std::span<const char> fingerprints) {
    for (std::size_t at = 0; at + sizeof(std::int64_t) <= fingerprints.size();
         at += sizeof(std::int64_t)) {
      std::int64_t fingerprint = 0;
      std::memcpy(&fingerprint, fingerprints.data() + at, sizeof fingerprint);
      const auto [place, is_new] = went_.insert(fingerprint);
      if (is_new) went_before_.push_back(0);
      went_before_[place] = words_.size();
    }
  }

  // Then, when all of these have been told:
  void begin() {
    if (went_.keys().empty()) return;
    for (std::size_t at = 0; at < words_.size(); ++at) {
      const std::uint32_t place = went_.find(static_cast<std::int64_t>(word(words_[at])));
      if (place != NumberTable::kNone && at < went_before_[place]) words_[at] = word(words_[at]);
    }
  }
  // And the rows that the source has. Whether one is known, or has been seen before; if not it is
  // new, unless finish() says otherwise.
  bool see(std::int64_t fingerprint) {
    ++rows_;
    const auto wanted = static_cast<std::uint64_t>(fingerprint);
    const std::size_t at = is_indexed_ && runs_ == 0 ? kNowhere : follow(wanted);
    if (at != kNowhere && mark(at)) return true;
    if (is_indexed_ && find_in_index(wanted)) return true;
    if (!strays_.insert(fingerprint).second) return true;
    if (is_indexed_ || strays_.keys().size() <= kFewStrays + rows_ / kRowsForAStray) return false;
    make_index();
    return !known_strays_.empty() && known_strays_.back() == fingerprint;
  }

  // At the end: the fingerprints, rising, of the rows that see() took for new and that are known.
  std::span<const std::int64_t> finish() {
    find_strays();
    std::sort(known_strays_.begin(), known_strays_.end());
    return {known_strays_.data(), known_strays_.size()};
  }
  // And then visit(fingerprint) for each that is known and was not seen.
  template <class Visit>
  void each_unseen(Visit&& visit) const {
    for (const std::uint64_t known : words_) {
      if ((known & kStates) == kKnown) visit(static_cast<std::int64_t>(word(known)));
    }
  }

 private:
  // What became of a row, in the last two bits of its word.
  static constexpr std::uint64_t kGone = 0;
  static constexpr std::uint64_t kKnown = 1;
  static constexpr std::uint64_t kSeen = 2;
  static constexpr std::uint64_t kStates = 3;
  static constexpr std::size_t kNowhere = SIZE_MAX;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Run {
    std::size_t next = 0;
    std::size_t end = 0;
  };
  static constexpr std::size_t kMostRuns = 32;
  static constexpr std::size_t kLeastRun = 4096;
  static constexpr std::size_t kWindow = 4;  // this many are looked through for what came
  // More strays than these, and one for so many rows, and the order is lost.
  static constexpr std::size_t kFewStrays = 1024;
  static constexpr std::size_t kRowsForAStray = 16;

  static std::uint64_t word(std::uint64_t known) noexcept { return known & ~kStates; }
  // Marks a row as seen; false where it went.
  bool mark(std::size_t at) noexcept {
    if ((words_[at] & kStates) == kGone) return false;
    words_[at] = word(words_[at]) | kSeen;
    return true;
  }

  // The place of a row that came where it was expected, or near it; or one of whom the way can be
  // told.
  std::size_t follow(std::uint64_t wanted) {
    for (std::size_t i = 0; i < runs_; ++i) {
      Run& run = run_[i];
      const std::size_t end = std::min(run.next + kWindow, run.end);
      for (std::size_t at = run.next; at < end; ++at) {
        if (word(words_[at]) != wanted) continue;
        run.next = at + 1;
        return at;
      }
    }
    return runs_ == 0 || !is_landmark(wanted) ? kNowhere : find_way(wanted);
  }
  // One in 64, by its value: who comes upon it knows again where he is.
  static bool is_landmark(std::uint64_t wanted) noexcept { return (wanted >> 8 & 63) == 0; }
  std::size_t find_way(std::uint64_t wanted) {
    if (landmark_places_.empty()) note_landmarks();
    const std::uint32_t landmark = landmarks_.find(static_cast<std::int64_t>(wanted));
    if (landmark == NumberTable::kNone) return kNowhere;
    const std::size_t at = landmark_places_[landmark];
    for (std::size_t i = 0; i < runs_; ++i) {
      const std::size_t begin = i == 0 ? 0 : run_[i - 1].end;
      if (at >= begin && at < run_[i].end) run_[i].next = at + 1;
    }
    return at;
  }
  void note_landmarks() {
    for (std::size_t at = 0; at < words_.size(); ++at) {
      if (!is_landmark(words_[at]) || (words_[at] & kStates) == kGone) continue;
      if (landmarks_.insert(static_cast<std::int64_t>(word(words_[at]))).second) {
        landmark_places_.push_back(at);
      }
    }
  }

  // The places of all that are known, by their values: open addressing, at most half full.
  void make_index() {
    is_indexed_ = true;
    std::size_t size = 1024;
    while (size < 2 * words_.size()) size *= 2;
    if (words_.size() >= kNone) {
      throw Error("54000", "a source has more rows than can be read");
    }
    index_.assign(size, kNone);
    constexpr std::size_t kAhead = 16;
    for (std::size_t at = 0; at < words_.size(); ++at) {
      if (at + kAhead < words_.size()) {
        __builtin_prefetch(&index_[home(word(words_[at + kAhead]))], 1);
      }
      if ((words_[at] & kStates) == kGone) continue;
      std::uint32_t& slot = find_slot(word(words_[at]));
      if (slot == kNone) slot = static_cast<std::uint32_t>(at);
    }
    for (const std::int64_t stray : strays_.keys()) {
      if (find_in_index(static_cast<std::uint64_t>(stray))) known_strays_.push_back(stray);
    }
  }
  bool find_in_index(std::uint64_t wanted) noexcept {
    const std::uint32_t at = find_slot(wanted);
    return at != kNone && mark(at);
  }
  [[nodiscard]] std::size_t home(std::uint64_t wanted) const noexcept {
    return (wanted >> 20) & (index_.size() - 1);  // a keyed hash: any bits will do
  }
  std::uint32_t& find_slot(std::uint64_t wanted) noexcept {
    std::size_t at = home(wanted);
    while (index_[at] != kNone && word(words_[index_[at]]) != wanted) {
      at = (at + 1) & (index_.size() - 1);
    }
    return index_[at];
  }

  // Whether strays are known; and of what seems to be gone whether it is known in another place
  // too, and has been seen there.
  void find_strays() {
    NumberTable open(*memory_);
    if (!is_indexed_) {
      for (const std::int64_t stray : strays_.keys()) open.insert(stray);
    }
    const std::size_t stray_count = open.keys().size();
    each_unseen([&](std::int64_t fingerprint) { open.insert(fingerprint); });
    if (open.keys().empty()) return;
    // Most of what is known is none of them: a bit for each value says so.
    std::size_t bits = 4096;
    while (bits < 8 * open.keys().size()) bits *= 2;
    boost::container::pmr::vector<std::uint64_t> filter(bits / 64, 0, memory_);
    const auto bit_of = [bits](std::uint64_t wanted) { return (wanted >> 20) & (bits - 1); };
    for (const std::int64_t wanted : open.keys()) {
      const std::size_t bit = bit_of(static_cast<std::uint64_t>(wanted));
      filter[bit / 64] |= std::uint64_t{1} << bit % 64;
    }
    struct Found {
      std::size_t at;
      std::uint32_t place;
    };
    boost::container::pmr::vector<Found> found(memory_);
    boost::container::pmr::vector<bool> is_seen(open.keys().size(), false, memory_);
    for (std::size_t at = 0; at < words_.size(); ++at) {
      const std::uint64_t known = words_[at];
      const std::size_t bit = bit_of(known);
      if ((filter[bit / 64] >> bit % 64 & 1) == 0 || (known & kStates) == kGone) continue;
      const std::uint32_t place = open.find(static_cast<std::int64_t>(word(known)));
      if (place == NumberTable::kNone) continue;
      found.push_back({at, place});
      if (place < stray_count || (known & kStates) == kSeen) is_seen[place] = true;
    }
    for (const Found& one : found) {
      if (is_seen[one.place]) words_[one.at] = word(words_[one.at]) | kSeen;
    }
    for (std::size_t place = 0; place < stray_count; ++place) {
      if (is_seen[place]) known_strays_.push_back(open.keys()[place]);
    }
  }

  boost::container::pmr::memory_resource* memory_;
  boost::container::pmr::vector<std::uint64_t> words_;  // that came, as they came
  // Rows that went: those that came before the place of each.
  NumberTable went_;
  boost::container::pmr::vector<std::size_t> went_before_;
  std::size_t rows_ = 0;  // that have been seen
  std::array<Run, kMostRuns> run_{};
  std::size_t runs_ = 0;
  NumberTable landmarks_;  // made when it lost its way for the first time
  boost::container::pmr::vector<std::size_t> landmark_places_;
  NumberTable strays_;
  boost::container::pmr::vector<std::int64_t> known_strays_;
  bool is_indexed_ = false;
  boost::container::pmr::vector<std::uint32_t> index_;
};

}  // namespace identity_resolve::engine
