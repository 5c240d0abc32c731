// Ids that tools write in more than one way.
//
// Detection never guesses: a value is read as the kind that the user names, and what does not have
// that kind's form is invalid. Numbers in text are not touched: `007`, `+7` and `7` are three ids.
#pragma once

#include <string_view>

#include "normalize/normalize.h"

namespace identity_resolve::normalize {

/// The 18-character form of a Salesforce id. The 15-character one tells ids apart by letter case;
/// the 18 has three more characters, each of which says in five bits which of five characters are
/// capitals. So one that passed through a tool which changes case (all its letters are capitals, or
/// none) gets it back. Invalid if the three do not fit the rest.
/// (https://help.salesforce.com/s/articleView?id=000385008)
[[nodiscard]] Result normalize_salesforce_id(std::string_view utf8, Scratch& scratch);

/// A UUID in lower case with its hyphens (RFC 9562 section 4), from any case, with or without
/// hyphens, in braces, or as urn:uuid:. Any version; the nil and max UUIDs mean nobody and are
/// invalid.
[[nodiscard]] Result normalize_uuid(std::string_view utf8, Scratch& scratch);

/// A MongoDB ObjectId as 24 lower-case hex digits, from the bare digits or ObjectId("..."), with
/// either kind of quotes or none.
[[nodiscard]] Result normalize_object_id(std::string_view utf8, Scratch& scratch);

}  // namespace identity_resolve::normalize
