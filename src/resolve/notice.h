// What a resolve has to say besides its rows: warnings. They are raised, or, where somebody wants
// to read them (identity_check()) or to hear none (identity_columns()), collected.
#pragma once

#include <string>
#include <vector>

#include "pg/border.h"

namespace identity_resolve::pg {

struct Notice {
  std::string source;   // of one source; empty: of all
  std::string subject;  // a kind, a column; empty: of none
  std::string message;  // all of them in the database's encoding
  std::string detail;
  std::string hint;
  bool is_error = false;
};

// Raises a warning, or adds it to a list where there is one.
inline void tell(Notice notice, std::vector<Notice>* list) {
  if (list != nullptr) {
    list->push_back(std::move(notice));
  } else {
    warn(notice.message, notice.detail, notice.hint);
  }
}

}  // namespace identity_resolve::pg
