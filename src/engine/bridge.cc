#include "engine/bridge.h"

#include <algorithm>

namespace identity_resolve::engine {

namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

// Records are the nodes from 0 on, identifiers those behind them.
class Walk {
 public:
  Walk(std::uint32_t records, std::uint32_t identifiers, std::span<const CarriedIdentifier> carried)
      : records_(records),
        first_(std::size_t{records} + identifiers + 1),
        neighbours_(carried.size() * 2),
        nodes_(std::size_t{records} + identifiers) {
    for (const CarriedIdentifier& at : carried) {
      ++first_[at.record + 1];
      ++first_[records + at.identifier + 1];
    }
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
    for (const CarriedIdentifier& at : carried) {
      const std::uint32_t identifier = records + at.identifier;
      neighbours_[next[at.record]++] = identifier;
      neighbours_[next[identifier]++] = at.record;
    }
  }

  std::vector<Bridge> find(Ticker& ticker) {
    std::vector<Bridge> bridges;
    for (std::uint32_t root = 0; root < nodes_.size(); ++root) {
      if (nodes_[root].seen != 0) continue;
      const std::size_t first = order_.size();
      walk_from(root, ticker);
      judge(first, bridges);
    }
    std::ranges::sort(bridges, [](const Bridge& a, const Bridge& b) {
      return std::pair(!a.is_record, a.number) < std::pair(!b.is_record, b.number);
    });
    return bridges;
  }

 private:
  struct Node {
    std::uint32_t seen = 0;  // when; from 1
    std::uint32_t low = 0;   // the first one seen that its subtree has an edge to
    std::uint32_t parent = kNone;
    std::uint32_t records = 0;  // in its subtree, itself included
    // Subtrees that hang on it alone: how many, their records, the records of the largest.
    std::uint32_t hanging = 0;
    std::uint32_t hanging_records = 0;
    std::uint32_t largest = 0;
    std::size_t next = 0;  // neighbour
  };

  [[nodiscard]] std::uint32_t own_records(std::uint32_t node) const noexcept {
    return node < records_ ? 1 : 0;
  }

  void enter(std::uint32_t node, std::uint32_t parent) {
    Node& at = nodes_[node];
    order_.push_back(node);
    at.seen = at.low = static_cast<std::uint32_t>(order_.size());
    at.parent = parent;
    at.records = own_records(node);
    at.next = first_[node];
  }

  // Its own stack: an identity may be a chain of a million records.
  void walk_from(std::uint32_t root, Ticker& ticker) {
    enter(root, kNone);
    for (std::uint32_t node = root; node != kNone;) {
      ticker.tick();
      Node& at = nodes_[node];
      if (at.next < first_[node + 1]) {
        const std::uint32_t other = neighbours_[at.next++];
        if (nodes_[other].seen == 0) {
          enter(other, node);
          node = other;
        } else if (other != at.parent) {
          at.low = std::min(at.low, nodes_[other].seen);
        }
        continue;
      }
      if (at.parent != kNone) leave(at, nodes_[at.parent]);
      node = at.parent;
    }
  }

  static void leave(const Node& child, Node& parent) noexcept {
    parent.records += child.records;
    parent.low = std::min(parent.low, child.low);
    // A subtree without records is an identifier that only the parent carries.
    if (child.low < parent.seen || child.records == 0) return;
    ++parent.hanging;
    parent.hanging_records += child.records;
    parent.largest = std::max(parent.largest, child.records);
  }

  // What was seen from order_[first] on is one graph, and that node its root.
  void judge(std::size_t first, std::vector<Bridge>& bridges) const {
    const std::uint32_t all = nodes_[order_[first]].records;
    for (std::size_t i = first; i < order_.size(); ++i) {
      const std::uint32_t node = order_[i];
      const Node& at = nodes_[node];
      const std::uint32_t others = all - own_records(node);
      const std::uint32_t rest = others - at.hanging_records;
      const std::uint32_t parts = at.hanging + (rest > 0 ? 1 : 0);
      if (parts < 2) continue;
      const bool is_record = node < records_;
      bridges.push_back({is_record, is_record ? node : node - records_,
                         others - std::max(at.largest, rest), parts});
    }
  }

  std::uint32_t records_;
  std::vector<std::size_t> first_;
  std::vector<std::uint32_t> neighbours_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

std::vector<Bridge> find_bridges(std::uint32_t records, std::uint32_t identifiers,
                                 std::span<const CarriedIdentifier> carried, Ticker& ticker) {
  return Walk(records, identifiers, carried).find(ticker);
}

}  // namespace identity_resolve::engine
