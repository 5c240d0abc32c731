#include "normalize/memory.h"

#include <cstdlib>
#include <new>

namespace identity_resolve::normalize {

void require_memory(std::size_t bytes) {
  void* volatile memory =
      std::malloc(bytes);  // volatile: a compiler may leave out what is not used
  if (memory == nullptr) throw std::bad_alloc();
  std::free(memory);
}

bool icu_succeeded(UErrorCode error) {
  if (error == U_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  return U_SUCCESS(error);
}

}  // namespace identity_resolve::normalize
