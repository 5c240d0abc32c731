// Memory for libraries that do not survive the lack of it.
//
// Where an allocation fails, ICU and libphonenumber follow a null pointer, end the process or, what
// is worse, take a value for an invalid one; and what they could not make once, such as a pattern
// of a country's numbers, they may lack for as long as the process lives. So a caller first makes
// sure that there is memory. It asks the system for it and gives it back: in a process of one
// thread, as PostgreSQL's are, the library's own allocations then find it.
#pragma once

#include <unicode/utypes.h>

#include <cstddef>

namespace identity_resolve::normalize {

/// Throws std::bad_alloc unless `bytes` of memory can be had. Costs some 20 ns.
void require_memory(std::size_t bytes);

/// What ICU takes for a text that is not long, and more.
inline constexpr std::size_t kIcuBytes = std::size_t{256} << 10;

/// Whether ICU succeeded. Throws std::bad_alloc where it lacked memory, which is no fault of the
/// value.
[[nodiscard]] bool icu_succeeded(UErrorCode error);

}  // namespace identity_resolve::normalize
