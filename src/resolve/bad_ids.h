// What is said of record ids that name no record, and of those written in several ways: by a
// resolve, and by an identity map that reads its sources.
#pragma once

#include "engine/resolver.h"
#include "resolve/notice.h"
#include "resolve/request.h"

namespace identity_resolve::pg {

// Rows of a source that are left out, as their record id is blank, or a placeholder that comes on
// several rows: a warning, or, where the source is strict, Error 22023. id_name: the id's column.
// list: takes what is said, of a strict source as an error that is not raised.
void report_left_out(const Source& source, std::string_view id_name, std::uint64_t rows,
                     std::vector<Notice>* list = nullptr);

// A warning for records whose ids differ in the blanks around them; none where there are none.
void warn_of_spellings(const engine::Spellings& spellings, const std::string& source,
                       std::vector<Notice>* list = nullptr);

}  // namespace identity_resolve::pg
