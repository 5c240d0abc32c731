// What one step of an identity map's work keeps for the next one of the same transaction.
#pragma once

#include "pg/environment.h"

namespace identity_resolve::pg {

// One object of type T at a time, on a context of its own, which goes with the transaction, and
// with the subtransaction if that is rolled back. T is made from (MemoryContext, int map_id), has a
// member `map_id`, and all its memory on the context. PostgreSQL's half, but for of().
template <class T>
class OfTransaction {
 public:
  // A new one in the place of the one before.
  static T* begin(int map_id) {
    end();
    const MemoryContext context =
        AllocSetContextCreate(CurTransactionContext, "identity map", ALLOCSET_DEFAULT_SIZES);
    auto* callback = static_cast<MemoryContextCallback*>(
        MemoryContextAlloc(context, sizeof(MemoryContextCallback)));
    callback->func = [](void*) { current = nullptr; };
    callback->arg = nullptr;
    MemoryContextRegisterResetCallback(context, callback);
    void* place = MemoryContextAlloc(context, sizeof(T));
    current = guarded([&] { return new (place) T(context, map_id); });
    current_context = context;
    return current;
  }
  static void end() {
    if (current != nullptr) MemoryContextDelete(current_context);
  }
  // That of the map; nullptr where there is none.
  static T* of(int map_id) noexcept {
    return current != nullptr && current->map_id == map_id ? current : nullptr;
  }
  // That of the map, or a new one.
  static T* of_or_new(int map_id) {
    T* known = of(map_id);
    return known == nullptr ? begin(map_id) : known;
  }

 private:
  static inline T* current = nullptr;
  static inline MemoryContext current_context = nullptr;
};

}  // namespace identity_resolve::pg
