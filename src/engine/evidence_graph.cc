#include "engine/evidence_graph.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace identity_resolve::engine {

namespace {

// Whether an identifier with this status can join records or counts for a limit.
bool is_usable(LinkStatus status) noexcept {
  return status != LinkStatus::kInvalid && status != LinkStatus::kBlocked &&
         status != LinkStatus::kTooCommon;
}

}  // namespace

EvidenceGraph::EvidenceGraph(Resolver& resolver)
    : environment_(&resolver.environment()),
      kinds_(resolver.shape().kinds),
      records_(&environment_->memory()),
      links_(&environment_->memory()),
      carriers_(&environment_->memory()),
      first_carrier_(&environment_->memory()) {
  read(resolver);
  number_identifiers();
}

// The records with what they carry.
void EvidenceGraph::read(Resolver& resolver) {
  Ticker ticker(*environment_);
  IdentityReader reader(resolver);
  const auto order = [this](const Link& at) {
    const Evidence& evidence = at.evidence;
    return std::tuple(-std::int64_t{kinds_[index(evidence.kind)].priority}, evidence.kind,
                      evidence.value, evidence.key);
  };
  for (std::size_t identity = 0; identity < resolver.identities(); ++identity) {
    reader.load(IdentityNumber{static_cast<std::uint32_t>(identity)});
    const std::span<const OrderedRow> rows = reader.rows();
    for (std::size_t at = 0; at < rows.size();) {
      const auto number = static_cast<Number>(records_.size());
      const std::size_t first = links_.size();
      const Row& row = rows[at].row;
      records_.push_back({row.source(), row.record_id(), static_cast<Number>(identity), first, 0});
      do {
        rows[at++].row.each_evidence([&](const Evidence& evidence) {
          ticker.tick();
          links_.push_back({evidence, number, 0});
        });
      } while (at < rows.size() && !rows[at].starts_record);
      const auto begin = links_.begin() + static_cast<std::ptrdiff_t>(first);
      std::sort(begin, links_.end(), [&](const Link& a, const Link& b) {
        ticker.tick();
        return order(a) < order(b);
      });
      links_.erase(std::unique(begin, links_.end(),
                               [](const Link& a, const Link& b) {
                                 return a.evidence.key == b.evidence.key;
                               }),
                   links_.end());
      records_.back().links = links_.size() - first;
    }
  }
}

void EvidenceGraph::number_identifiers() {
  Ticker ticker(*environment_);
  carriers_.resize(links_.size());
  for (Number i = 0; i < links_.size(); ++i) carriers_[i] = i;
  const auto order = [this](Number link) {
    return std::tuple(links_[link].evidence.key, records_[links_[link].record].identity, link);
  };
  std::sort(carriers_.begin(), carriers_.end(), [&](Number a, Number b) {
    ticker.tick();
    return order(a) < order(b);
  });
  for (std::size_t i = 0; i < carriers_.size(); ++i) {
    ticker.tick();
    if (i == 0 || links_[carriers_[i]].evidence.key != links_[carriers_[i - 1]].evidence.key) {
      first_carrier_.push_back(static_cast<Number>(i));
    }
    links_[carriers_[i]].identifier = static_cast<Number>(first_carrier_.size() - 1);
  }
  first_carrier_.push_back(static_cast<Number>(carriers_.size()));
}

EvidenceGraph::Carried EvidenceGraph::most_carried(Number identifier) const {
  Ticker ticker(*environment_);
  Vector<std::size_t> records(&environment_->memory());  // by source
  for (const Number number : carriers_of(identifier)) {
    ticker.tick();
    const std::size_t source = index(records_[links_[number].record].source);
    if (source >= records.size()) records.resize(source + 1);
    ++records[source];
  }
  const auto most = std::max_element(records.begin(), records.end());
  return {SourceNumber{static_cast<std::uint16_t>(most - records.begin())}, *most,
          carriers_of(identifier).size()};
}

std::optional<EvidenceGraph::Number> EvidenceGraph::find(SourceNumber source,
                                                         std::string_view id) const {
  Ticker ticker(*environment_);
  for (Number number = 0; number < records_.size(); ++number) {
    ticker.tick();
    if (records_[number].source == source && records_[number].id == id) return number;
  }
  return std::nullopt;
}

bool EvidenceGraph::before(Number a, Number b) const noexcept {
  const Record& left = records_[a];
  const Record& right = records_[b];
  if (left.source != right.source) return left.source < right.source;
  return compare_ids(left.id, right.id) < 0;
}

std::span<const EvidenceGraph::Record> EvidenceGraph::records_in(Number identity) const noexcept {
  const auto first =
      std::partition_point(records_.begin(), records_.end(),
                           [&](const Record& record) { return record.identity < identity; });
  const auto last = std::partition_point(
      first, records_.end(), [&](const Record& record) { return record.identity == identity; });
  return {records_.data() + (first - records_.begin()), static_cast<std::size_t>(last - first)};
}

std::vector<EvidenceGraph::Number> EvidenceGraph::records_of(Number identity) const {
  Ticker ticker(*environment_);
  const std::span<const Record> records = records_in(identity);
  std::vector<Number> numbers(records.size());
  std::iota(numbers.begin(), numbers.end(), static_cast<Number>(records.data() - records_.data()));
  std::sort(numbers.begin(), numbers.end(), [&](Number a, Number b) {
    ticker.tick();
    return before(a, b);
  });
  return numbers;
}

bool EvidenceGraph::is_accepted(const Link& a, const Link& b) const noexcept {
  return a.evidence.status == LinkStatus::kLinks && b.evidence.status == LinkStatus::kLinks &&
         records_[a.record].identity == records_[b.record].identity;
}

// Dijkstra's algorithm with (refused steps, steps) as lengths; each identifier is gone through once
// for its refused steps, and once in each identity for its accepted ones.
std::vector<EvidenceGraph::Step> EvidenceGraph::path(Number from, Number to) const {
  struct Reached {
    Number refused;
    Number steps;
    Number record;
    Step by;
  };
  Ticker ticker(*environment_);
  Vector<Reached> waiting(&environment_->memory());  // a heap, the nearest on top
  Vector<Step> came_by(records_.size(), Step{}, &environment_->memory());
  Vector<std::uint8_t> settled(records_.size(), 0, &environment_->memory());
  Vector<std::uint8_t> refused_done(first_carrier_.size(), 0, &environment_->memory());
  Vector<std::uint8_t> accepted_done(links_.size(), 0, &environment_->memory());
  // Between equally near records the data decides, and between ways to one record too.
  const auto farther = [&](const Reached& a, const Reached& b) {
    ticker.tick();
    if (a.refused != b.refused) return a.refused > b.refused;
    if (a.steps != b.steps) return a.steps > b.steps;
    if (a.record != b.record) return before(b.record, a.record);
    if (a.by.from == b.by.from || a.by.from == nullptr || b.by.from == nullptr) return false;
    const auto order = [this](const Link& at) {
      return std::tuple(-std::int64_t{kinds_[index(at.evidence.kind)].priority}, at.evidence.kind,
                        at.evidence.value);
    };
    if (order(*a.by.from) != order(*b.by.from)) return order(*b.by.from) < order(*a.by.from);
    return before(b.by.from->record, a.by.from->record);
  };
  const auto reach = [&](Reached reached) {
    waiting.push_back(reached);
    std::push_heap(waiting.begin(), waiting.end(), farther);
  };
  const auto within = [this](std::span<const Number> carriers, Number identity) {
    const auto identity_of = [this](Number link) { return records_[links_[link].record].identity; };
    const auto first = std::partition_point(carriers.begin(), carriers.end(), [&](Number link) {
      return identity_of(link) < identity;
    });
    const auto last = std::partition_point(
        first, carriers.end(), [&](Number link) { return identity_of(link) == identity; });
    return std::span(first, last);
  };
  reach({0, 0, from, Step{}});
  while (!waiting.empty()) {
    std::pop_heap(waiting.begin(), waiting.end(), farther);
    const Reached at = waiting.back();
    waiting.pop_back();
    if (settled[at.record] != 0) continue;
    settled[at.record] = 1;
    came_by[at.record] = at.by;
    if (at.record == to) break;
    for (const Link& link : links_of(at.record)) {
      if (!kinds_[index(link.evidence.kind)].links) continue;
      const auto own = static_cast<std::size_t>(&link - links_.data());
      const bool all = refused_done[link.identifier] == 0;
      std::span<const Number> carriers = carriers_of(link.identifier);
      if (!all) {
        if (link.evidence.status != LinkStatus::kLinks || accepted_done[own] != 0) continue;
        carriers = within(carriers, records_[at.record].identity);
      }
      for (const Number number : carriers) {
        ticker.tick();
        const Link& other = links_[number];
        const bool accepted = is_accepted(link, other);
        if (accepted) accepted_done[number] = 1;
        if (settled[other.record] != 0 || (!accepted && !all)) continue;
        reach({at.refused + (accepted ? 0 : 1), at.steps + 1, other.record,
               Step{&link, &other, accepted}});
      }
      refused_done[link.identifier] = 1;
    }
  }
  std::vector<Step> steps;
  if (settled[to] == 0) return steps;
  for (Number at = to; at != from; at = came_by[at].from->record) steps.push_back(came_by[at]);
  std::reverse(steps.begin(), steps.end());
  return steps;
}

std::optional<EvidenceGraph::Excess> EvidenceGraph::excess(Number identity, Number other) const {
  constexpr std::size_t kMostValues = 3;
  Ticker ticker(*environment_);
  Vector<const Link*> held(&environment_->memory());  // of the kinds with a limit
  const auto collect = [&](Number of) {
    for (const Record& record : records_in(of)) {
      ticker.tick();
      for (std::size_t i = 0; i < record.links; ++i) {
        const Evidence& evidence = links_[record.first_link + i].evidence;
        if (kinds_[index(evidence.kind)].max_per_identity == 0 || !is_usable(evidence.status)) {
          continue;
        }
        held.push_back(&links_[record.first_link + i]);
      }
    }
  };
  collect(identity);
  if (other != identity) collect(other);
  const auto order = [this](const Link* at) {
    const Evidence& evidence = at->evidence;
    return std::tuple(-std::int64_t{kinds_[index(evidence.kind)].priority}, evidence.kind,
                      evidence.value, at->identifier);
  };
  std::sort(held.begin(), held.end(), [&](const Link* a, const Link* b) {
    ticker.tick();
    return order(a) < order(b);
  });
  // One value in two scopes is one.
  const auto is_one = [this](const Link* a, const Link* b) {
    return a->identifier == b->identifier ||
           (a->evidence.kind == b->evidence.kind && kinds_[index(a->evidence.kind)].scoped &&
            a->evidence.value == b->evidence.value);
  };
  held.erase(std::unique(held.begin(), held.end(), is_one), held.end());
  for (std::size_t first = 0; first < held.size();) {
    const KindNumber kind = held[first]->evidence.kind;
    std::size_t last = first;
    while (last < held.size() && held[last]->evidence.kind == kind) ++last;
    if (last - first > kinds_[index(kind)].max_per_identity) {
      Excess result{kind, last - first, {}};
      for (std::size_t i = first; i < std::min(last, first + kMostValues); ++i) {
        result.values.push_back(held[i]->evidence.value);
      }
      return result;
    }
    first = last;
  }
  return std::nullopt;
}

std::optional<EvidenceGraph::Number> EvidenceGraph::rival(const Step& step) const {
  constexpr std::size_t kMostLookedAt = 64;
  Ticker ticker(*environment_);
  const Number from = records_[step.from->record].identity;
  const Number to = records_[step.to->record].identity;
  const auto first_by_id = [this](Number a, Number b) { return before(a, b); };
  const auto among = [&](const Link& link) -> std::optional<Number> {
    std::vector<Number> first;
    for (const Number number : carriers_of(link.identifier)) {
      ticker.tick();
      const Link& other = links_[number];
      const Number identity = records_[other.record].identity;
      if (identity == from || identity == to || !is_usable(other.evidence.status)) continue;
      if (first.size() == kMostLookedAt && before(first.back(), other.record)) continue;
      first.insert(std::upper_bound(first.begin(), first.end(), other.record, first_by_id),
                   other.record);
      if (first.size() > kMostLookedAt) first.pop_back();
    }
    const auto found = std::find_if(first.begin(), first.end(), [&](Number record) {
      const Number identity = records_[record].identity;
      return excess(from, identity).has_value() || excess(to, identity).has_value();
    });
    return found != first.end() ? std::optional(*found) : std::nullopt;
  };
  if (const auto found = among(*step.from)) return found;
  for (const Number record : {step.from->record, step.to->record}) {
    for (const Link& link : links_of(record)) {
      if (!kinds_[index(link.evidence.kind)].links || !is_usable(link.evidence.status)) continue;
      if (const auto found = among(link)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace identity_resolve::engine
