#include "match/spell.h"

#include <unicode/translit.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "match/fold.h"
#include "match/spell_date.h"
#include "match/spell_rules.h"
#include "normalize/ascii.h"
#include "normalize/email.h"
#include "normalize/memory.h"
#include "normalize/placeholder.h"
#include "normalize/text.h"
#include "normalize/word_table.h"

namespace identity_resolve::match {

namespace {

using normalize::is_digit;
using normalize::is_letter;
using normalize::WordTable;

// ---- what stands for no value ----

// As spelled, in languages of forms. Not `na`, `no` and `none` where somebody may be called so.
constexpr auto kNoValues = [] {
  WordTable<256> table;
  table.add("unknown undefined unspecified anonymous nobody noname missing empty tbd tba null", 0);
  table.add("test testing tester dummy xx xxx xxxx xxxxx fnu lnu redacted deleted", 0);
  table.add("unbekannt inconnu inconnue desconocido desconocida sconosciuto onbekend desconhecido",
            0);
  for (const std::string_view words : {"n a",           "n n",           "n k",
                                       "k a",           "not available", "not applicable",
                                       "not provided",  "not known",     "not given",
                                       "not specified", "no name",       "no value",
                                       "no data",       "no answer",     "first name",
                                       "last name",     "keine angabe",  "sin datos",
                                       "sans objet",    "non renseigne", "baby boy",
                                       "baby girl",     "test test"}) {
    table.add_one(words, 0);
  }
  return table;
}();

constexpr auto kNoValuesOfOthers = [] {
  WordTable<16> table;
  table.add("na none keine aucun ninguno nessuno geen", 0);
  return table;
}();

// Of a form: whether it says that there is no value.
bool says_nothing(FieldKind kind, std::string_view spelled) {
  switch (kind) {
    case FieldKind::kDate:
    case FieldKind::kPhone:
    case FieldKind::kNameSuffix:
      return false;
    case FieldKind::kId:
    case FieldKind::kEmail:
      return normalize::is_placeholder(spelled) || kNoValues.contains(spelled);
    case FieldKind::kGivenName:
    case FieldKind::kMiddleName:
    case FieldKind::kSurname:
    case FieldKind::kName:
      return normalize::is_null(spelled) || kNoValues.contains(spelled);
    default:
      return normalize::is_null(spelled) || kNoValues.contains(spelled) ||
             kNoValuesOfOthers.contains(spelled);
  }
}

// ---- kinds that are no words ----

constexpr std::size_t kLeastPhone = 6;
constexpr std::size_t kWholePhone = 10;

void spell_phone(std::string_view utf8, std::string& out) {
  std::string scratch;
  utf8 = cut(utf8);
  if (!normalize::is_ascii(utf8)) {
    fold_to_ascii(utf8, scratch);
    utf8 = scratch;
  }
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    const char c = utf8[at];
    if (is_digit(c)) {
      out.push_back(c);
    } else if (c == '(' && utf8.substr(at, 3) == "(0)" && !out.empty()) {
      at += 2;  // +49 (0) 30: the zero is dialled within the country only
    } else if ((is_letter(c) || c == '#') && out.size() >= kLeastPhone) {
      break;  // an extension or a remark
    }
  }
  if (out.size() > kWholePhone) out.erase(0, out.size() - kWholePhone);
  if (out.size() < kLeastPhone || out.find_first_not_of(out.front()) == std::string::npos) {
    out.clear();
  }
}

constexpr std::size_t kMaxEmail = 320;

// What is typed for an address and is none: without blanks, in lower case. `utf8` is valid.
void tidy_email(std::string_view utf8, std::string& out) {
  out.clear();
  for (const char c : utf8) {
    if (static_cast<unsigned char>(c) > ' ' && c != 0x7F) out.push_back(normalize::to_lower(c));
  }
  const std::size_t at = out.find('@');
  if (at == std::string::npos || at == 0 || at + 1 == out.size() || at != out.rfind('@') ||
      out.size() > kMaxEmail) {
    out.clear();
  }
}

void drop_tag(std::string& address) {
  const std::size_t at = address.rfind('@');
  const std::size_t tag = address.find('+');
  if (tag == 0 || tag >= at || address.front() == '"') return;
  address.erase(tag, at - tag);
}

void spell_email(std::string_view utf8, std::string& out) {
  normalize::Scratch scratch;
  const normalize::Address address = normalize::read_email(utf8, scratch);
  if (address.problem == normalize::EmailProblem::kNone) {
    out = address.text;
    normalize::lower_ascii(out);
    drop_tag(out);
    return;
  }
  // Without its blanks or its tag it may be one: until nothing changes, so that spelling what comes
  // out changes nothing either.
  std::string tidied;
  tidy_email(utf8, tidied);
  if (tidied.empty()) return;
  drop_tag(tidied);
  if (tidied == utf8) {
    out = tidied;
  } else {
    spell_email(tidied, out);
  }
}

// 12 B is 12b.
void spell_house_number(Tokens& tokens, std::string& out) {
  constexpr auto kWords = [] {
    WordTable<32> table;
    table.add("no nr num number nummer numero nro hausnummer haus house", 0);
    return table;
  }();
  while (tokens.size() > 1 && kWords.contains(tokens.text(0))) tokens.erase(0);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string_view text = tokens.text(i);
    while (text.size() > 1 && text[0] == '0' && is_digit(text[1])) text.remove_prefix(1);
    const bool is_addition = (text.size() == 1 && is_letter(text[0])) || text == "bis" ||
                             text == "ter" || text == "quater";
    if (!out.empty() && !(is_addition && is_digit(out.back()))) out.push_back(' ');
    out.append(text);
  }
}

void spell_postcode(Tokens& tokens, std::string& out) {
  const auto is_all = [](std::string_view text, bool (*is)(char)) {
    return std::all_of(text.begin(), text.end(), is);
  };
  // D-80331
  if (tokens.size() == 2 && tokens[1].gap == Gap::kHyphen && tokens[0].size <= 2 &&
      is_all(tokens.text(0), is_letter) && is_all(tokens.text(1), is_digit)) {
    tokens.erase(0);
  }
  tokens.join(out, {});
  if (out.size() == 9 && is_all(out, is_digit)) out.erase(5);
}

// ---- other spellings ----

bool is_vowel_or_q(char c) {
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y' || c == 'q';
}

// Whether a letter is there that is not Latin. `text` is valid.
bool has_foreign_letters(std::string_view text) {
  if (normalize::is_ascii(text)) return false;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<UChar32>(normalize::next_code_point(text, at));
    if (c < 0x250 || u_isalpha(c) == 0) continue;
    UErrorCode error = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(c, &error);
    if (script != USCRIPT_LATIN && script != USCRIPT_COMMON && script != USCRIPT_INHERITED) {
      return true;
    }
  }
  return false;
}

// What the transliterators take when they are made, and more.
constexpr std::size_t kTransliteratorBytes = std::size_t{16} << 20;

// Null if ICU's data have none.
const icu::Transliterator* to_latin() {
  // Never destroyed: ICU may be gone by then.
  static const icu::Transliterator* const made = []() -> const icu::Transliterator* {
    normalize::require_memory(kTransliteratorBytes);
    UErrorCode error = U_ZERO_ERROR;
    std::unique_ptr<icu::Transliterator> result(
        icu::Transliterator::createInstance("Any-Latin; Latin-ASCII", UTRANS_FORWARD, error));
    return normalize::icu_succeeded(error) ? result.release() : nullptr;
  }();
  return made;
}

}  // namespace

void spell(FieldKind kind, std::string_view utf8, std::string& out) {
  out.clear();
  const std::string_view typed = normalize::trim_ascii(cut(utf8));
  // The lists of placeholders ask for UTF-8.
  const bool is_utf8 = normalize::is_ascii(typed) || normalize::is_valid_utf8(typed);
  if (typed.empty() || (is_utf8 && normalize::is_null(typed))) return;
  switch (kind) {
    case FieldKind::kDate:
      spell_date(typed, DateOrder(), out);
      return;
    case FieldKind::kPhone:
      spell_phone(typed, out);
      return;
    case FieldKind::kEmail:
      if (is_utf8 && !normalize::is_placeholder(typed)) spell_email(typed, out);
      if (says_nothing(kind, out)) out.clear();
      return;
    default:
      break;
  }
  if (kind == FieldKind::kId && is_utf8 && normalize::is_placeholder(typed)) return;
  Tokens tokens(typed);
  switch (kind) {
    case FieldKind::kGivenName:
    case FieldKind::kMiddleName:
    case FieldKind::kSurname:
    case FieldKind::kName:
      apply_name_rules(kind, tokens);
      tokens.join(out);
      break;
    case FieldKind::kNameSuffix:
      for (std::size_t i = 0; i < tokens.size() && out.empty(); ++i) {
        out = suffix_of_token(tokens.text(i));
      }
      break;
    case FieldKind::kWords:
      apply_word_rules(tokens);
      tokens.join(out);
      break;
    case FieldKind::kId:
      tokens.join(out, {});
      break;
    case FieldKind::kHouseNumber:
      spell_house_number(tokens, out);
      break;
    case FieldKind::kPostcode:
      spell_postcode(tokens, out);
      break;
    case FieldKind::kCity:
      apply_city_rules(tokens);
      tokens.join(out);
      break;
    default:
      tokens.join(out);
      break;
  }
  if (says_nothing(kind, out)) out.clear();
}

std::string_view suffix_of(std::string_view utf8) {
  const Tokens tokens(utf8);
  for (std::size_t i = tokens.size(); i-- > 1;) {
    if (is_suffix_of_name(tokens.text(i))) return suffix_of_token(tokens.text(i));
  }
  return {};
}

void fold_umlauts(std::string_view spelled, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < spelled.size(); ++i) {
    const char c = spelled[i];
    out.push_back(c);
    if (i + 1 < spelled.size() && spelled[i + 1] == 'e' && (c == 'a' || c == 'o' || c == 'u') &&
        (i == 0 || !is_vowel_or_q(spelled[i - 1]))) {
      ++i;
    }
  }
}

std::string latin(std::string_view utf8) {
  std::string out;
  utf8 = cut(utf8);
  if (!normalize::is_valid_utf8(utf8) || !has_foreign_letters(utf8)) return out;
  const icu::Transliterator* const transliterator = to_latin();
  if (transliterator == nullptr) return out;
  normalize::require_memory(normalize::kIcuBytes);
  icu::UnicodeString text =
      icu::UnicodeString::fromUTF8({utf8.data(), static_cast<std::int32_t>(utf8.size())});
  transliterator->transliterate(text);
  if (text.isBogus()) return out;
  std::string latin;
  text.toUTF8String(latin);
  Tokens(latin).join(out);
  return out;
}

std::string soundex(std::string_view word) {
  // By letter; 0: a vowel, which parts equal codes; 7: h and w, which do not.
  constexpr std::string_view kCodes = "01230127022455012623017202";
  std::string code;
  char last = '0';
  for (const char c : word) {
    if (!is_letter(c)) {
      if (code.empty()) return code;
      continue;
    }
    const char letter = kCodes[normalize::to_lower(c) - 'a'];
    if (code.empty()) {
      code.push_back(normalize::to_upper(c));
    } else if (letter >= '1' && letter <= '6' && letter != last) {
      code.push_back(letter);
      if (code.size() == 4) return code;
    }
    if (letter != '7') last = letter;
  }
  if (!code.empty()) code.resize(4, '0');
  return code;
}

}  // namespace identity_resolve::match
