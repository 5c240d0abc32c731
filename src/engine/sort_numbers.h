// Sorting by a 64-bit number, of which the records of a map have millions.
#pragma once

#include <algorithm>
#include <boost/sort/spreadsort/integer_sort.hpp>
#include <cstddef>
#include <cstdint>

namespace identity_resolve::engine {

// Sorts `items`, a vector, by < where that begins with the number that number_of(item) gives.
template <class Items, class NumberOf>
void sort_by_number(Items& items, NumberOf&& number_of) {
  using Item = typename Items::value_type;
  boost::sort::spreadsort::integer_sort(
      items.begin(), items.end(),
      [&](const Item& item, unsigned shift) { return number_of(item) >> shift; });
  // Those of one number are not in order yet.
  for (auto first = items.begin(); first != items.end();) {
    auto end = first + 1;
    while (end != items.end() && number_of(*end) == number_of(*first)) ++end;
    if (end - first > 1) std::sort(first, end);
    first = end;
  }
}

}  // namespace identity_resolve::engine
