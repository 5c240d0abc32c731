#include <array>

#include "match/spell_rules.h"
#include "normalize/word_table.h"

namespace identity_resolve::match {

namespace {

using normalize::WordTable;

// What a title says where.
enum Title : std::uint16_t {
  kAnywhere,  // nobody's name
  kInFront,   // also a surname (Herr, Lord)
};

constexpr auto kTitles = [] {
  WordTable<256> table;
  // English, German, French, Spanish, Italian, Portuguese, Dutch, and what all use
  table.add("mr mrs ms mx dr prof professor doctor rev reverend", kAnywhere);
  table.add("mister mstr capt sgt cpl sir messrs", kAnywhere);
  table.add("frl fraulein dipl dipling drs", kAnywhere);
  table.add("mme mlle mlles mmes monsieur madame mademoiselle", kAnywhere);
  table.add("sra srta senora senorita dna dott dottssa sigra signora", kAnywhere);
  table.add("dhr mevr mevrouw meneer", kAnywhere);
  table.add("miss herr frau hr fr sr lady lord dame madam sister brother col lt cmdr sig signor",
            kInFront);
  table.add("senhor senhora senor shri smt lic", kInFront);
  return table;
}();

// Degrees and the like behind a name.
constexpr auto kDegrees = [] {
  WordTable<64> table;
  table.add("phd md mba dds dmd esq esquire rn cpa jd llm msc bsc dphil obe mbe cbe", 0);
  return table;
}();

enum Suffix : std::uint16_t { kJr, kSr, kI, kIi, kIii, kIv, kV };
constexpr std::array<std::string_view, 7> kSuffixNames{"jr", "sr", "i", "ii", "iii", "iv", "v"};

constexpr auto kSuffixes = [] {
  WordTable<64> table;
  table.add("jr junior jnr jun", kJr);
  table.add("sr senior snr sen", kSr);
  table.add("i 1st 1 first", kI);
  table.add("ii 2nd 2 second", kIi);
  table.add("iii 3rd 3 third", kIii);
  table.add("iv 4th 4 fourth", kIv);
  table.add("v 5th 5 fifth", kV);
  return table;
}();

// Those that are written behind a name, and that nobody is called.
constexpr auto kSuffixesOfNames = [] {
  WordTable<32> table;
  table.add("jr jnr junior sr snr ii iii iv 2nd 3rd 4th", 0);
  return table;
}();

enum Particle : std::uint16_t {
  kOfAnyName,      // no given name
  kWithHyphen,     // of a whole name with a hyphen behind it only: Al is a given name as well
  kOfSurnameOnly,  // in a whole name it may be a name or an initial
};

constexpr auto kParticles = [] {
  WordTable<256> table;
  // Dutch, German, the Romance languages, the Nordic ones, Arabic and Hebrew, Irish and Scottish
  table.add("van vd von vom zu zum zur der vander vanden vande", kOfAnyName);
  table.add("de del dela delos della delle degli dei dos das du des", kOfAnyName);
  table.add("af bin ibn bint mc", kOfAnyName);
  table.add("al el ul as ad", kWithHyphen);
  table.add("den het ter ten te t op v", kOfSurnameOnly);
  table.add("da do di d l la las le les lo los li", kOfSurnameOnly);
  table.add("av ben abu abd o mac st saint san santa", kOfSurnameOnly);
  return table;
}();

bool is_particle(FieldKind kind, const Tokens& tokens, std::size_t i) {
  const std::uint16_t* const particle = kParticles.find(tokens.text(i));
  if (particle == nullptr) return false;
  if (kind == FieldKind::kSurname) return true;
  switch (*particle) {
    case kOfAnyName:
      // Van Morrison
      return i > 0 || tokens.size() > 2;
    case kWithHyphen:
      return i + 1 < tokens.size() && tokens[i + 1].gap == Gap::kHyphen;
    default:
      return false;
  }
}

// Erases what is no part of the name. Whether anything was.
bool strip(FieldKind kind, Tokens& tokens) {
  const std::size_t size = tokens.size();
  while (tokens.size() > 1 && kTitles.contains(tokens.text(0))) tokens.erase(0);
  for (std::size_t i = tokens.size() - 1; i > 0; --i) {
    const std::string_view text = tokens.text(i);
    const bool is_last = i + 1 == tokens.size();
    if (is_suffix_of_name(text) || (is_last && kDegrees.contains(text))) {
      tokens.erase(i);
    } else if (is_last && i > 1 && text == "d" && tokens.text(i - 1) == "ph") {  // Ph.D.
      tokens.erase(i);
      tokens.erase(--i);
    } else if (kind != FieldKind::kMiddleName) {
      const std::uint16_t* const title = kTitles.find(text);
      if (title != nullptr && *title == kAnywhere) tokens.erase(i);
    }
  }
  return tokens.size() != size;
}

// Joins particles to what follows them. Whether any was.
bool join_particles(FieldKind kind, Tokens& tokens) {
  bool is_joined = false;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (kind == FieldKind::kSurname && tokens.text(i) == "saint") tokens.replace(i, "st");
    std::size_t end = i;
    while (end + 1 < tokens.size() && is_particle(kind, tokens, end)) ++end;
    if (end > i && tokens.merge(i, end + 1)) is_joined = true;
  }
  return is_joined;
}

// Berg, van der
void bring_particles_to_front(Tokens& tokens) {
  std::size_t begin = tokens.size();
  while (begin > 0 && kParticles.contains(tokens.text(begin - 1)) &&
         (begin == tokens.size() || tokens[begin].gap != Gap::kComma)) {
    --begin;
  }
  if (begin > 0 && begin < tokens.size() && tokens[begin].gap == Gap::kComma) tokens.rotate(begin);
}

}  // namespace

std::string_view suffix_of_token(std::string_view token) {
  const std::uint16_t* const suffix = kSuffixes.find(token);
  return suffix == nullptr ? std::string_view{} : kSuffixNames[*suffix];
}

bool is_suffix_of_name(std::string_view token) { return kSuffixesOfNames.contains(token); }

void apply_name_rules(FieldKind kind, Tokens& tokens) {
  if (tokens.empty()) return;
  if (kind == FieldKind::kSurname) bring_particles_to_front(tokens);
  // What is joined may be a title, and what is left of a title a particle.
  bool is_changed = true;
  while (is_changed) {
    is_changed = strip(kind, tokens);
    if (kind == FieldKind::kSurname || kind == FieldKind::kName) {
      is_changed = join_particles(kind, tokens) || is_changed;
    }
  }
  if (tokens.size() == 1 && (kind == FieldKind::kGivenName || kind == FieldKind::kMiddleName)) {
    const std::uint16_t* const title = kTitles.find(tokens.text(0));
    if (title != nullptr && *title == kAnywhere) tokens.clear();
  }
}

}  // namespace identity_resolve::match
