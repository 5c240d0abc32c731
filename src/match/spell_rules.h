// The rules of kinds that change tokens, for spell.cc.
#pragma once

#include <string_view>

#include "match/field.h"
#include "match/fold.h"

namespace identity_resolve::match {

// Titles, degrees and suffixes go, particles are joined; see spell(). `kind` is a kind of name.
void apply_name_rules(FieldKind kind, Tokens& tokens);

// The canonical suffix of one token: jr, sr, i, ii, iii, iv, v. Empty for no suffix.
[[nodiscard]] std::string_view suffix_of_token(std::string_view token);

// Whether a token behind the first one of a name is a suffix: those that are no names and no
// initials themselves.
[[nodiscard]] bool is_suffix_of_name(std::string_view token);

// Legal forms go, words of streets are abbreviated; see spell().
void apply_word_rules(Tokens& tokens);

// St. is saint, and likewise.
void apply_city_rules(Tokens& tokens);

}  // namespace identity_resolve::match
