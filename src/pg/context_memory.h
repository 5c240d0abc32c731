// PostgreSQL as the engine's environment: a memory context for memory, and its interrupts.
#pragma once

#include <sys/mman.h>

#include "engine/environment.h"
#include "pg/border.h"
#include "pg/progress.h"
#include "pg/temp_files.h"

namespace identity_resolve::pg {

// Memory from one memory context. Whatever happens to the C++ objects that use it, an abort or the
// end of the statement frees the context and all of it.
class ContextMemory final : public boost::container::pmr::memory_resource {
 public:
  explicit ContextMemory(MemoryContext context) noexcept : context_(context) {}
  [[nodiscard]] MemoryContext context() const noexcept { return context_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (alignment > MAXIMUM_ALIGNOF || bytes > MaxAllocHugeSize - kHugePage) throw std::bad_alloc();
    if (bytes >= kHugePage) return allocate_huge_pages(bytes);
    return allocate_plain(bytes);
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t /*alignment*/) override {
    if (memory == nullptr) return;
    pfree(bytes >= kHugePage ? static_cast<void**>(memory)[-1] : memory);
  }

  void* allocate_plain(std::size_t bytes) {
    void* memory = MemoryContextAllocExtended(context_, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }

  // Rows of one person lie anywhere in memory: with pages of 2 MiB the processor finds them without
  // walking page tables, and the kernel takes one fault in place of 512. A hint, where it is known.
  // Such a block begins where a huge page may; before it stands where the context's memory begins.
  // What lies between the two is never touched and takes no memory, but for one small page.
  void* allocate_huge_pages(std::size_t bytes) {
    void* const start = allocate_plain(bytes + kHugePage);
    const auto first = reinterpret_cast<std::uintptr_t>(start) + sizeof start;
    const std::uintptr_t place = (first + kHugePage - 1) & ~(kHugePage - 1);
    auto* const memory = reinterpret_cast<void**>(place);
    memory[-1] = start;
#ifdef MADV_HUGEPAGE
    static_cast<void>(madvise(memory, bytes & ~(kHugePage - 1), MADV_HUGEPAGE));
#endif
    return memory;
  }

  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  MemoryContext context_;
};

// An object on the current memory context, which never destroys it. PostgreSQL's half.
template <class T, class... Arguments>
T* make(Arguments&&... arguments) {
  void* place = palloc(sizeof(T));
  return guarded([&] { return new (place) T(std::forward<Arguments>(arguments)...); });
}

class Environment final : public engine::Environment {
 public:
  // All memory comes from `context`, which must outlive the object; budget: as engine::Environment
  // has it.
  Environment(MemoryContext context, std::size_t budget) noexcept
      : memory_(context), budget_(budget) {}
  // In a process that helps another one: with its files, and a prefix for the names of new ones.
  Environment(MemoryContext context, std::size_t budget, const TempFileSet& files,
              std::string prefix)
      : memory_(context), files_(files, std::move(prefix)), budget_(budget) {}

  boost::container::pmr::memory_resource& memory() noexcept override { return memory_; }
  [[nodiscard]] std::size_t budget() const noexcept override { return budget_; }
  std::unique_ptr<engine::SpillFile> make_spill_file() override { return files_.create(); }
  void check_interrupts() override { pg::check_interrupts(); }
  void begin_stage(engine::Stage stage) override { progress_.begin(stage); }

  [[nodiscard]] TempFiles& files() noexcept { return files_; }
  [[nodiscard]] Progress& progress() noexcept { return progress_; }
  [[nodiscard]] const Progress& progress() const noexcept { return progress_; }

 private:
  ContextMemory memory_;
  TempFiles files_;
  std::size_t budget_;
  Progress progress_;
};

}  // namespace identity_resolve::pg
