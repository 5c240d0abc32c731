// From a field's text to what matching compares: one canonical form for each kind of field.
//
// All of it is deterministic: the same bytes give the same form, whatever the locale and the clock.
// The rules are this project's own where no source stands beside them.
#pragma once

#include <string>
#include <string_view>

#include "match/field.h"

namespace identity_resolve::match {

// The canonical form of a field's value, into `out`, which is overwritten and in which `utf8` must
// not lie. Empty: the value is missing. Tokens of folded letters and digits (fold.h) with one
// blank between, except where a kind says otherwise. What stands for no value is missing: null as
// programs write it, `unknown`, `n/a`, `test`, only signs.
//
// Bad input is no error: bytes that are no UTF-8 part tokens; of a value longer than kMaxInput
// bytes the rest is not read. Spelling a form again gives that form, unless the value was cut.
// Throws std::bad_alloc only.
//
//   kGivenName, kMiddleName, kSurname, kName
//                 Titles (`dr`, `mrs`, `herr`), degrees and suffixes (`jr`, `iii`) go, unless
//                 nothing else is there; an apostrophe joins (O'Neil oneil), a hyphen parts
//                 (Anne-Marie anne marie). Particles of a surname are joined to what follows (van
//                 der Berg vanderberg), also when they stand behind a comma (Berg, van der); in a
//                 whole name only those that are no given names, and al- with its hyphen.
//   kNameSuffix   jr, sr, i, ii, iii, iv or v; anything else is missing, as suffixes that differ
//                 are two people.
//   kWords        Legal forms of companies go, unless nothing else is there; such as are words as
//                 well (`co`, `sa`, `ag`) at the end of a text without numbers only. Words of
//                 streets become one abbreviation (Hauptstraße 5 and Hauptstr. 5 haupt st 5; Saint
//                 is st, too). Letters with full stops join (S.A. sa).
//   kDate         spell_date() without knowledge of the column (spell_date.h).
//   kPhone        The last ten digits, without an extension and `(0)`. Missing with fewer than
//   six,
//                 or if all are the same.
//   kId           Letters and digits without anything between them.
//   kHouseNumber  A letter joins the number before it (12 B 12b); no leading zeros.
//   kPostcode     Letters and digits without anything between them, without a country's sign
//   before
//                 a hyphen (D-80331); of nine digits the first five (ZIP+4).
//   kEmail        The address as read_email() spells it, without a tag behind `+`. Of what is no
//                 address, but UTF-8 and has one `@`, the characters in lower case without blanks.
//   kCity         St. and Sankt are saint, Mt. mount, Ft. fort.
//   kCategory     The tokens.
void spell(FieldKind kind, std::string_view utf8, std::string& out);

// The suffix that stands in a name behind its first word: jr, sr, ii, iii or iv. Empty for none.
// `utf8` may be any bytes.
[[nodiscard]] std::string_view suffix_of(std::string_view utf8);

// A form of spell() in which both ways to write an umlaut without its dots are one: `ae`, `oe` and
// `ue` lose their e, so that Mueller, Müller and Muller meet; not behind a vowel or q (Bauer,
// Queen), where German has no umlaut. spell() itself does not do so, as it takes letters from
// names that have no umlaut (Michael michal): this is one more spelling. Into `out`, which is
// overwritten and in which `spelled` must not lie.
void fold_umlauts(std::string_view spelled, std::string& out);

// A text with letters that are not Latin in Latin letters, as tokens: one more spelling beside
// spell(), by ICU's transliterators Any-Latin and Latin-ASCII (CLDR; it reads Han as Mandarin and
// Arabic without vowels). 王小明 is `wang xiao ming`, which meets `wang xiaoming` without blanks.
// Empty if all letters are Latin, and where ICU has no transliterator. Takes any bytes; the first
// call takes milliseconds, each some microseconds. Throws std::bad_alloc only.
[[nodiscard]] std::string latin(std::string_view utf8);

// The American Soundex code of a word, `R163` of `robert`; empty if its first character is no
// ASCII letter. What is no ASCII letter behind the first is passed over.
// Source: National Archives, https://www.archives.gov/research/census/soundex
[[nodiscard]] std::string soundex(std::string_view word);

}  // namespace identity_resolve::match
