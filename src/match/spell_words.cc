#include <algorithm>
#include <array>
#include <cstdint>

#include "match/spell_rules.h"
#include "normalize/ascii.h"
#include "normalize/word_table.h"

namespace identity_resolve::match {

namespace {

using normalize::is_digit;
using normalize::WordTable;

// Legal forms. ISO 20275 lists them all; these are the common ones.
enum LegalForm : std::uint16_t {
  kAnywhere,  // nothing else
  kAtEnd,     // also a word, a place or an abbreviation of one
};

constexpr auto kLegalForms = [] {
  WordTable<256> table;
  table.add("inc incorporated llc llp ltd limited plc corp corporation pty pte pvt", kAnywhere);
  table.add("gmbh mbh kgaa ohg gbr aktiengesellschaft", kAnywhere);
  table.add("sarl eurl sasu srl srls spa ltda eireli", kAnywhere);
  table.add("bvba nv vof asa aps oyj sro kft zrt ooo oao zao pjsc jsc", kAnywhere);
  table.add("co company lp pc na ag kg ug ev eg se sa sas sci snc sl slu sau cv", kAtEnd);
  table.add("bv ab hb as oy ou sia uab doo dd ad oo bt kk gk bhd sdn tbk", kAtEnd);
  return table;
}();

// Words of addresses, each line an abbreviation and what it stands for. No abbreviation is a word
// of another line, so that abbreviating twice changes nothing.
struct Abbreviation {
  std::string_view to;
  std::string_view words;
};

// Each word with the number of its line.
template <std::size_t kRoom, std::size_t kLines>
constexpr WordTable<kRoom> lines_of(const std::array<Abbreviation, kLines>& lines) {
  WordTable<kRoom> table;
  std::uint16_t number = 0;
  for (const Abbreviation& line : lines) table.add(line.words, number++);
  return table;
}

template <class Table, std::size_t kLines>
void abbreviate(Tokens& tokens, const Table& words, const std::array<Abbreviation, kLines>& lines) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (const std::uint16_t* const line = words.find(tokens.text(i)))
      tokens.replace(i, lines[*line].to);
  }
}

constexpr auto kStreetWords = std::to_array<Abbreviation>({
    // Street, in English, German, Dutch; saint: one form, as nobody can tell the two apart
    {"st", "street str strasse straat saint sankt sint"},
    {"ste", "suite sainte"},
    {"ave", "avenue av aven avenida avda"},
    {"rd", "road"},
    {"blvd", "boulevard boul bd blv bvd"},
    {"dr", "drive drv"},
    {"ln", "lane laan"},
    {"ct", "court crt"},
    {"pl", "place platz plaza plz pza pzza piazza plein"},
    {"sq", "square"},
    {"hwy", "highway hway"},
    {"pkwy", "parkway pky parkwy"},
    {"fwy", "freeway"},
    {"expy", "expressway expwy"},
    {"tpke", "turnpike tpk"},
    {"ter", "terrace terr"},
    {"cir", "circle circ"},
    {"cres", "crescent"},
    {"cl", "close"},
    {"gdns", "gardens"},
    {"gr", "grove gracht"},
    {"trl", "trail"},
    {"rte", "route"},
    {"hts", "heights"},
    {"mt", "mount"},
    {"mtn", "mountain"},
    {"ft", "fort"},
    {"pt", "point"},
    {"apt", "apartment appartement appt apartamento apto"},
    {"fl", "floor flr"},
    {"bldg", "building"},
    {"rm", "room"},
    {"n", "north"},
    {"s", "south"},
    {"e", "east"},
    {"w", "west"},
    {"ne", "northeast"},
    {"nw", "northwest"},
    {"se", "southeast"},
    {"sw", "southwest"},
    // French
    {"ch", "chemin che"},
    {"imp", "impasse"},
    {"all", "allee allees"},
    {"fbg", "faubourg fg"},
    // Spanish
    {"calle", "cll"},
    {"po", "paseo pso"},
    {"ctra", "carretera crta"},
    {"cno", "camino"},
    {"urb", "urbanizacion"},
    // Italian
    {"vle", "viale"},
    {"cso", "corso"},
    {"lgo", "largo"},
    // German and Dutch
    {"wg", "weg"},
    {"pf", "postfach postbus pobox"},
});

constexpr auto kStreets = lines_of<512>(kStreetWords);
static_assert(std::none_of(kStreetWords.begin(), kStreetWords.end(),
                           [](const Abbreviation& a) { return kStreets.contains(a.to); }));

// Words that join two others.
constexpr auto kJoiners = [] {
  WordTable<16> table;
  table.add("and und et", 0);
  return table;
}();

// A number follows them.
constexpr auto kNumberWords = [] {
  WordTable<32> table;
  table.add("no nr num number nummer numero nro", 0);
  return table;
}();

constexpr std::array<std::string_view, 4> kStreetEndings{"street", "strasse", "straat", "str"};

// Cities
constexpr auto kCityWords = std::to_array<Abbreviation>({
    {"saint", "st sankt sint"},
    {"sainte", "ste"},
    {"mount", "mt"},
    {"fort", "ft"},
});

constexpr auto kCities = lines_of<32>(kCityWords);

bool is_number(std::string_view token) { return is_digit(token.front()); }

// S.A., L.L.C., J.P. Morgan
void join_dotted_letters(Tokens& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::size_t end = i;
    while (end < tokens.size() && tokens[end].size == 1 && !is_number(tokens.text(end)) &&
           (end == i || tokens[end].gap == Gap::kDot)) {
      ++end;
    }
    if (end > i + 1) tokens.merge(i, end);
  }
}

// Whether any word went.
bool drop_legal_forms(Tokens& tokens, bool has_numbers) {
  const std::size_t size = tokens.size();
  for (std::size_t i = tokens.size(); i-- > 0 && tokens.size() > 1;) {
    const std::uint16_t* const form = kLegalForms.find(tokens.text(i));
    if (form == nullptr) continue;
    if (*form == kAnywhere || (i + 1 == tokens.size() && !has_numbers)) tokens.erase(i);
  }
  return tokens.size() != size;
}

bool drop_joiners(Tokens& tokens) {
  const std::size_t size = tokens.size();
  for (std::size_t i = tokens.size(); i-- > 0 && tokens.size() > 1;) {
    const std::string_view text = tokens.text(i);
    const bool is_of_number =
        i + 1 < tokens.size() && is_number(tokens.text(i + 1)) && kNumberWords.contains(text);
    if (kJoiners.contains(text) || is_of_number || (i == 0 && text == "the")) tokens.erase(i);
  }
  return tokens.size() != size;
}

// Hauptstrasse: haupt st
void part_street_endings(Tokens& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view text = tokens.text(i);
    const auto* const ending = std::find_if(
        kStreetEndings.begin(), kStreetEndings.end(),
        [&](std::string_view one) { return text.size() >= one.size() + 3 && text.ends_with(one); });
    if (ending == kStreetEndings.end() || !tokens.insert(i + 1, "st")) continue;
    tokens.replace(i, text.substr(0, text.size() - ending->size()));
    --i;  // what is left may have an ending, too
  }
}

}  // namespace

void apply_word_rules(Tokens& tokens) {
  if (tokens.empty()) return;
  join_dotted_letters(tokens);
  bool has_numbers = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    has_numbers = has_numbers || is_number(tokens.text(i));
  }
  part_street_endings(tokens);
  abbreviate(tokens, kStreets, kStreetWords);
  // One may uncover the other: Smith and Co.
  while (drop_legal_forms(tokens, has_numbers) || drop_joiners(tokens)) {
  }
  // Calle is written C/ in front of the street's name.
  if (has_numbers && tokens.size() > 2 && tokens.text(0) == "c") tokens.replace(0, "calle");
}

void apply_city_rules(Tokens& tokens) { abbreviate(tokens, kCities, kCityWords); }

}  // namespace identity_resolve::match
