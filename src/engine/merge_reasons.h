// By which identifier identities were merged: of an identity into which several went, what linked
// each of them.
//
// An identifier joins if it links records that were of different identities, or new ones and
// others. Each old identity is told by such an identifier of its own records: of several by one
// that the identity that is kept carries too, then by the strongest kind, then by the smaller
// value. The merge itself is told as the strongest of those by which others than the kept one were.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/environment.h"

namespace identity_resolve::engine {

class MergeReasons {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // A record which an identifier links with others of its identity. The same may come several
  // times.
  struct Carrier {
    std::uint32_t kind;      // the stronger the smaller; two kinds are never equally strong
    std::string_view value;  // as shown
    std::int64_t record;     // its number
    std::uint32_t old;       // the identity that it was of, by its number; kNone where it is new
  };
  // The carriers of one identifier, by their records, each once.
  using Shared = std::span<const Carrier>;
  // An old identity, and what joined it.
  struct Reason {
    std::uint32_t old;
    Shared by;
  };

  explicit MergeReasons(Environment& environment)
      : ticker_(environment), candidates_(&environment.memory()), reasons_(&environment.memory()) {}

  // Finds them for one identity. Sorts the carriers, which the reasons then point into. kept: the
  // old identity that gives it its id.
  // Cost: carriers, sorted.
  void find(std::span<Carrier> carriers, std::uint32_t kept);

  // By rising old identity; one that no identifier joined, or that has no carrier, is not there.
  [[nodiscard]] std::span<const Reason> reasons() const noexcept {
    return {reasons_.data(), reasons_.size()};
  }
  // What joined one of them; empty where nothing did.
  [[nodiscard]] Shared of(std::uint32_t old) const noexcept;
  // What the merge is told by; empty where there is no reason.
  [[nodiscard]] Shared strongest() const noexcept { return strongest_; }

 private:
  // An old identity, and an identifier that joins its records to others.
  struct Candidate {
    std::uint32_t old;
    bool without_kept;  // the kept identity does not carry it
    std::size_t first;  // of its carriers: the stronger the smaller
    std::size_t last;
  };

  void add_candidates(Shared all, std::size_t first, std::size_t last, std::uint32_t kept);

  Ticker ticker_;
  boost::container::pmr::vector<Candidate> candidates_;
  boost::container::pmr::vector<Reason> reasons_;
  Shared strongest_;
};

}  // namespace identity_resolve::engine
