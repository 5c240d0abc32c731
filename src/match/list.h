// The containers of matching: their memory is what the caller hands in.
#pragma once

#include <boost/container/pmr/polymorphic_allocator.hpp>
#include <boost/container/pmr/vector.hpp>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace identity_resolve::match {

using Memory = boost::container::pmr::memory_resource;
template <class T>
using List = boost::container::pmr::vector<T>;
template <class Key, class Value>
using Map =
    std::unordered_map<Key, Value, std::hash<Key>, std::equal_to<Key>,
                       boost::container::pmr::polymorphic_allocator<std::pair<const Key, Value>>>;
template <class Key>
using Set = std::unordered_set<Key, std::hash<Key>, std::equal_to<Key>,
                               boost::container::pmr::polymorphic_allocator<Key>>;

}  // namespace identity_resolve::match
