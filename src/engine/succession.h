// Which identity lives on where: identities keep their ids while their records part and meet.
//
// Each old identity picks the cluster that has most of its records; of several the one in which
// other identities have least, then the smaller. Of those that pick one cluster the one with most
// records there gives it its id; of several the older, then the smaller. An identity that was no
// more, as all of its records had gone, and of which records are back gives its id only where no
// other one does. A cluster that nobody picks, or of new records only, is new; an old identity that
// gives nobody its id is no more, and went into the cluster that it picked.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/environment.h"
#include "engine/identity_id.h"

namespace identity_resolve::engine {

class Succession {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  // Of an identity whose age is not known: younger than all others.
  static constexpr std::int64_t kUnknownAge = INT64_MAX;

  // A record: the cluster that it is in, and the old identity that it was of, by their numbers;
  // kNone where it is new.
  struct Member {
    std::uint32_t cluster;
    std::uint32_t old;
  };

  // Lets each of the `olds` old identities pick. `members`: each record once, in any order;
  // `clusters`: their ids by their numbers; `is_back`: of each old identity whether it was no more,
  // or nothing, where none was. Nothing of these is kept.
  // Cost: members, sorted.
  Succession(Environment& environment, std::span<const Member> members,
             std::span<const Uuid> clusters, std::size_t olds, std::span<const bool> is_back = {});

  // By old identity: the cluster that it picked; kNone where it has no record.
  [[nodiscard]] std::span<const std::uint32_t> picks() const noexcept {
    return {picks_.data(), picks_.size()};
  }
  // The old identities, rising, that nothing but their ages and ids tells apart.
  [[nodiscard]] std::span<const std::uint32_t> tied() const noexcept {
    return {tied_.data(), tied_.size()};
  }

  // By cluster: the old identity that gives it its id, or kNone. `created`: of each of tied(), in
  // their order, when it came to be, or kUnknownAge; `olds`: their ids by their numbers.
  [[nodiscard]] std::span<const std::uint32_t> keep(std::span<const std::int64_t> created,
                                                    std::span<const Uuid> olds);

 private:
  // What an old identity picked, with how many records.
  struct Claim {
    std::uint32_t cluster;
    std::uint32_t old;
    std::uint32_t records;
    bool is_back;
  };

  void pick(std::span<const Member> members, std::span<const Uuid> clusters,
            std::span<const bool> is_back);
  void find_ties();

  Environment* environment_;
  boost::container::pmr::vector<Claim> claims_;  // by cluster, the greatest first
  boost::container::pmr::vector<std::uint32_t> picks_;
  boost::container::pmr::vector<std::uint32_t> tied_;
  boost::container::pmr::vector<std::uint32_t> kept_;
};

}  // namespace identity_resolve::engine
