// Work on things that lie anywhere in memory: each is fetched when it is told, and worked on later.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace identity_resolve::engine {

// Hands items out in the order in which they came, each a little later: where it leads, anywhere in
// memory, has been fetched by then. An Item{} is none.
template <class Item>
class DelayLine {
 public:
  // Takes an item, and gives the one that came a while before.
  Item push(Item item) noexcept { return std::exchange(items_[told_++ % kDelay], item); }
  // Calls visit(item) for what is still waiting.
  template <class Visit>
  void finish(Visit&& visit) {
    for (std::size_t i = 0; i < kDelay; ++i) visit(push(Item{}));
  }

 private:
  static constexpr std::size_t kDelay = 16;
  std::size_t told_ = 0;
  std::array<Item, kDelay> items_{};
};

}  // namespace identity_resolve::engine
