// What one process of a statement tells another one, as bytes.
#pragma once

#include "engine/error.h"
#include "pg/pg.h"

namespace identity_resolve::pg {

class ByteWriter {
 public:
  template <class T>
  void add(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void add_text(std::string_view text) {
    add(text.size());
    bytes_.append(text);
  }
  void add_bytes(std::string_view bytes) { bytes_.append(bytes); }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Of what a ByteWriter of the same library wrote.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view get_text() { return take(get<std::size_t>()); }
  void get_bytes(void* to, std::size_t bytes) {
    const std::string_view taken = take(bytes);
    if (bytes != 0) std::memcpy(to, taken.data(), bytes);
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) throw engine::Error("XX000", "a parallel worker was told too little");
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  std::string_view rest_;
};

// Bytes in shared memory, their size before them.
inline std::size_t sized_room(std::string_view bytes) noexcept {
  return sizeof(std::size_t) + bytes.size();
}
inline void put_sized(char* room, std::string_view bytes) noexcept {
  const std::size_t size = bytes.size();
  std::memcpy(room, &size, sizeof size);
  std::memcpy(room + sizeof size, bytes.data(), size);
}
inline std::string_view sized_at(const char* room) noexcept {
  std::size_t size = 0;
  std::memcpy(&size, room, sizeof size);
  return {room + sizeof size, size};
}

}  // namespace identity_resolve::pg
