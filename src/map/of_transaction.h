// What one step of an identity map's work keeps for the next one of the same transaction.
#pragma once

#include "pg/context_memory.h"

namespace identity_resolve::pg {

// Raises error 55000: a step of a map's work was called by hand, or from within another step.
[[noreturn]] inline void out_of_turn(const char* what) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s", what),
                  errdetail("Functions named identity_map_... are internal: each of them is a step "
                            "of a refresh, or of identify() or forget()."),
                  errhint("Call refresh_identity_map(), identify() or forget().")));
  pg_unreachable();
}

// One object of type T at a time, on a context of its own, which goes with the transaction, and
// with the subtransaction if that is rolled back. T is made from (MemoryContext, int map_id), has a
// member `map_id`, and all its memory on the context. PostgreSQL's half, but for of().
template <class T>
class OfTransaction {
 public:
  // Keeps the object from being replaced or ended for as long as it lives. Whoever reads the object
  // while a user's code may run (a query, a domain's CHECK, an index's expression) holds one: that
  // code may call the functions which begin and end these objects. Throws PgError where somebody
  // holds one already.
  class Hold {
   public:
    Hold() {
      call([] { check_free(); });
      is_held = true;
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { release(); }
    void release() noexcept {
      if (is_on_) is_held = false;
      is_on_ = false;
    }

   private:
    bool is_on_ = true;
  };

  // A new one in the place of the one before. Error 55000 where somebody holds that.
  static T* begin(int map_id) {
    end();
    const MemoryContext context =
        AllocSetContextCreate(CurTransactionContext, "identity map", ALLOCSET_DEFAULT_SIZES);
    auto* callback = static_cast<MemoryContextCallback*>(
        MemoryContextAlloc(context, sizeof(MemoryContextCallback)));
    callback->func = [](void*) {
      current = nullptr;
      is_held = false;
    };
    callback->arg = nullptr;
    MemoryContextRegisterResetCallback(context, callback);
    void* place = MemoryContextAlloc(context, sizeof(T));
    current = guarded([&] { return new (place) T(context, map_id); });
    current_context = context;
    return current;
  }
  static void end() {
    check_free();
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
  static void check_free() {
    if (is_held) out_of_turn("a step of an identity map's work was called within another one");
  }

  static inline bool is_held = false;
  static inline T* current = nullptr;
  static inline MemoryContext current_context = nullptr;
};

}  // namespace identity_resolve::pg
