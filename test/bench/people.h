// Made-up people whose truth is known: records with the errors of real ones, and which of them are
// of the same person. To measure matching with, from a thousand records to ten million.
//
// Every record follows from the seed, the number of records and its own place: nothing is kept but
// eight bytes a record. Numbers are whole and chance is our own, so every compiler and library
// writes the same bytes. Each kind of error has chance of its own for each record: to switch one on
// or off changes neither the people nor the other errors.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/people_names.h"

namespace identity_resolve::people {

// ---- chance ----

// A number from two, well mixed (the finish of splitmix64).
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a + 0x9e3779b97f4a7c15U * (b + 1);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

// splitmix64.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15U, 0); }

  // A number below bound.
  constexpr std::uint32_t below(std::size_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32U) * bound) >> 32U);
  }

  // A number from first to last.
  constexpr int between(int first, int last) {
    return first + static_cast<int>(below(static_cast<std::size_t>(last - first + 1)));
  }

  // True in so many of a thousand cases.
  constexpr bool chance(std::uint32_t per_mille) { return below(1000) < per_mille; }

  template <class Container>
  constexpr const auto& one_of(const Container& container) {
    return container[below(container.size())];
  }

  // A number from first to first * 2^octaves - 1, x with a share like 1 / x: Zipf's law.
  constexpr std::uint32_t zipf(std::uint32_t first, std::uint32_t octaves) {
    const std::uint32_t low = first << below(octaves);
    for (;;) {
      const std::uint32_t x = low + below(low);
      // x is kept with the probability low / x.
      if (below(x) < low) return x;
    }
  }

 private:
  std::uint64_t state_;
};

// ---- text ----

// The bytes of the character that begins at this place.
inline std::size_t character_size(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const std::size_t size = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  return std::min(size, text.size() - at);
}

// Where the characters of a text begin, and its end.
inline std::vector<std::size_t> characters(std::string_view text) {
  std::vector<std::size_t> places;
  std::size_t at = 0;
  while (at < text.size()) {
    places.push_back(at);
    at += character_size(text, at);
  }
  places.push_back(text.size());
  return places;
}

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return is_lower(c) || is_upper(c); }
constexpr char lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }
constexpr char upper(char c) { return is_lower(c) ? static_cast<char>(c - 32) : c; }

// Capital letters: of ASCII, Latin-1, Latin Extended-A and the Vietnamese letters.
inline std::string to_upper(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    std::string letter(text.substr(at, size));
    at += size;
    const auto first = static_cast<unsigned char>(letter[0]);
    if (size == 1) {
      letter[0] = upper(letter[0]);
    } else {
      char& last = letter.back();
      const auto value = static_cast<unsigned char>(last);
      const bool is_odd = (value & 1U) != 0;
      if (first == 0xc3 && value >= 0xa0 && value != 0xb7 && value != 0xbf) {
        last = static_cast<char>(value - 0x20);
      } else if (letter == "ı") {
        letter = "I";
      } else if (first == 0xc4 || first == 0xc5 || first == 0xc6 || first == 0xe1) {
        // Pairs of a capital and a small letter; from U+0139 to U+0148 and from U+0179 to U+017E,
        // and for the letter with a horn (U+01AF), the capital is the odd one.
        const bool capital_is_odd = (first == 0xc4 && value >= 0xb9) ||
                                    (first == 0xc5 && (value <= 0x88 || value >= 0xb9)) ||
                                    (first == 0xc6 && value >= 0xaf);
        if (is_odd != capital_is_odd) last = static_cast<char>(value - 1);
      }
    }
    result += letter;
  }
  return result;
}

// The words of a list, apart at spaces.
inline std::vector<std::string_view> words(std::string_view list) {
  std::vector<std::string_view> result;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (end > 0) result.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return result;
}

inline const std::vector<Accent>& accents() {
  static const std::vector<Accent> kAll = [] {
    const std::vector<std::string_view> parts = words(kAccents);
    std::vector<Accent> all;
    for (std::size_t i = 0; i + 2 < parts.size(); i += 3) {
      all.push_back({parts[i], parts[i + 1], parts[i + 2]});
    }
    return all;
  }();
  return kAll;
}

// The text without accents; spelled, the letters that have one are written as two (ü as ue).
inline std::string without_accents(std::string_view text, bool spelled) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    const std::string_view letter = text.substr(at, size);
    at += size;
    std::string_view replaced = letter;
    if (size > 1) {
      for (const Accent& accent : accents()) {
        if (accent.letter == letter) replaced = spelled ? accent.spelled : accent.plain;
      }
    }
    result += replaced;
  }
  return result;
}

// The small ASCII letters and digits of a name, for an address.
inline std::string for_address(std::string_view name, bool spelled) {
  std::string result;
  for (const char c : without_accents(name, spelled)) {
    if (is_letter(c) || is_digit(c)) result += lower(c);
  }
  return result;
}

// ---- names ----

// Picks by given shares: 65,536 slots, each with a number.
class Picker {
 public:
  explicit Picker(const std::vector<std::uint64_t>& shares) {
    std::uint64_t sum = 0;
    for (const std::uint64_t share : shares) sum += share;
    std::uint64_t end = shares[0];
    std::uint16_t number = 0;
    for (std::uint64_t slot = 0; slot < slots_.size(); ++slot) {
      while (slot * sum >= end * slots_.size()) end += shares[++number];
      slots_[slot] = number;
    }
  }

  std::uint16_t pick(Random& random) const { return slots_[random.next() >> 48U]; }

 private:
  std::array<std::uint16_t, 65536> slots_{};
};

// The share of the n-th, counted from 1, where nothing better is known.
constexpr std::uint64_t share_of_rank(std::size_t n, std::size_t softness) {
  return 1'000'000 / (n + softness);
}

// Names and how frequent they are: "Smith 1006 Johnson 810", or names alone by their ranks.
class NameList {
 public:
  explicit NameList(std::string_view list, std::size_t softness = 5)
      : NameList(parse(list, softness)) {}

  std::uint16_t pick(Random& random) const { return picker_.pick(random); }
  std::string_view name(std::size_t number) const { return names_[number]; }
  std::size_t size() const { return names_.size(); }

 private:
  struct Parsed {
    std::vector<std::string_view> names;
    std::vector<std::uint64_t> shares;
  };

  explicit NameList(Parsed parsed) : names_(std::move(parsed.names)), picker_(parsed.shares) {}

  static Parsed parse(std::string_view list, std::size_t softness) {
    Parsed parsed;
    for (const std::string_view word : words(list)) {
      if (!is_digit(word[0])) {
        parsed.names.push_back(word);
        parsed.shares.push_back(share_of_rank(parsed.names.size(), softness));
        continue;
      }
      std::uint64_t& share = parsed.shares.back() = 0;
      for (const char c : word) share = share * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return parsed;
  }

  std::vector<std::string_view> names_;
  Picker picker_;
};

// The lists, and names put together of syllables.
enum class Pool : std::uint8_t {
  kNone,
  kSurname,
  kWoman,
  kMan,
  kSpanishSurname,
  kSpanishWoman,
  kSpanishMan,
  kGermanSurname,
  kGermanWoman,
  kGermanMan,
  kOtherSurname,
  kOtherWoman,
  kOtherMan,
  kRareSurname,
  kRareWoman,
  kRareMan,
};

struct Name {
  Pool pool = Pool::kNone;
  std::uint32_t number = 0;
  bool operator==(const Name&) const = default;
};

class Names {
 public:
  // A list by its pool.
  const NameList& list(Pool pool) const { return lists_[static_cast<std::size_t>(pool) - 1]; }

  // The group of languages a household's names are of: 0 English, 1 Spanish, 2 German, 3 others.
  static std::uint32_t pick_culture(Random& random) {
    const std::uint32_t x = random.below(100);
    return x < 78 ? 0 : x < 87 ? 1 : x < 93 ? 2 : 3;
  }

  // A third of the people have one of the 400 frequent surnames, as in the census; the others
  // about 130,000 rare ones by Zipf's law.
  Name pick_surname(std::uint32_t culture, Random& random) const {
    if (culture == 0 && random.chance(670)) return {Pool::kRareSurname, random.zipf(256, 9)};
    return pick(static_cast<Pool>(1 + 3 * culture), random);
  }

  Name pick_given(std::uint32_t culture, bool female, Random& random) const {
    if (culture != 0 && random.chance(250)) culture = 0;
    if (culture == 0 && random.chance(female ? 290 : 180)) {
      return {female ? Pool::kRareWoman : Pool::kRareMan, random.zipf(256, 3)};
    }
    return pick(static_cast<Pool>((female ? 2U : 3U) + 3 * culture), random);
  }

  Name pick(Pool pool, Random& random) const { return {pool, list(pool).pick(random)}; }

  std::string text(Name name) const {
    switch (name.pool) {
      case Pool::kNone:
        return "";
      case Pool::kRareSurname:
        return rare(name.number, 1, kSurnameEndings);
      case Pool::kRareWoman:
        return rare(name.number, 2, kWomenEndings);
      case Pool::kRareMan:
        return rare(name.number, 3, kMenEndings);
      default:
        return std::string(list(name.pool).name(name.number));
    }
  }

 private:
  // One or two syllables and an ending.
  template <class Endings>
  static std::string rare(std::uint32_t number, std::uint64_t kind, const Endings& endings) {
    Random random(mix(kind, number));
    std::string text;
    const bool is_long = random.chance(400);
    for (int syllable = 0; syllable < (is_long ? 2 : 1); ++syllable) {
      text += random.one_of(kOnsets);
      text += random.one_of(kVowels);
      text += random.one_of(kCodas);
    }
    text += random.one_of(endings);
    text[0] = upper(text[0]);
    return text;
  }

  std::array<NameList, 12> lists_ = {
      NameList(kSurnames),        NameList(kWomen),        NameList(kMen),
      NameList(kSpanishSurnames), NameList(kSpanishWomen), NameList(kSpanishMen),
      NameList(kGermanSurnames),  NameList(kGermanWomen),  NameList(kGermanMen),
      NameList(kOtherSurnames),   NameList(kOtherWomen),   NameList(kOtherMen)};
};

// ---- people ----

struct Date {
  int year = 0;
  int month = 0;
  int day = 0;
};

struct Home {
  std::uint16_t city = 0;
  std::uint16_t street = 0;
  std::uint8_t type = 0;
  std::uint8_t direction = 0;  // 0: none
  std::uint16_t number = 0;
  std::uint16_t flat = 0;  // 0: a house
  bool is_short = false;   // words are abbreviated
  bool shows_number = true;
};

// What an address is made of.
struct Mailbox {
  std::uint64_t seed = 0;  // 0: no address
  Name given;
  Name surname;
  int year = 0;
  std::uint32_t company = 0;  // 0: none
};

enum class SurnameJoin : std::uint8_t { kHyphen, kSpace };

struct Person {
  std::uint64_t seed = 0;
  std::uint32_t culture = 0;
  bool is_female = false;
  bool is_child = false;
  Name given;
  Name middle;
  bool shows_middle = false;
  bool middle_is_initial = false;
  Name surname;
  Name surname2;
  SurnameJoin join = SurnameJoin::kHyphen;
  Date birth;
  std::uint64_t phone = 0;  // 0: none
  Mailbox mailbox;
  Home home;
};

// A record's columns after id, truth and src, in their order.
enum Column : std::uint8_t {
  kGivenName,
  kSurname,
  kBirthDate,
  kPhone,
  kEmail,
  kStreet,
  kPostcode,
  kCity,
};
inline constexpr std::size_t kColumns = 8;
inline constexpr std::string_view kHeader =
    "id,truth,src,given_name,surname,birth_date,phone,email,street,postcode,city";
inline constexpr std::array<std::string_view, 4> kSources = {"crm", "shop", "support", "billing"};

struct Record {
  std::uint64_t id = 0;
  std::uint64_t truth = 0;
  std::string_view source;
  std::array<std::string, kColumns> columns;
};

// ---- the world: what all people share ----

class World {
 public:
  World(std::uint64_t seed, std::uint64_t records)
      : seed_(seed),
        companies_(static_cast<std::uint32_t>(16 + records / 80)),
        address_numbers_(std::max<std::uint64_t>(1000, records / 10)) {
    while ((kLargest << company_octaves_) < companies_) ++company_octaves_;
  }

  const Names& names() const { return names_; }

  Home pick_home(Random& random) const { return pick_home_in(cities_.pick(random), random); }

  Home pick_home_in(std::uint16_t city, Random& random) const {
    Home home;
    home.city = city;
    home.street = streets_.pick(random);
    // Most streets of a name are of the same type.
    home.type = static_cast<std::uint8_t>(random.chance(750) ? home.street % kStreetTypes.size()
                                                             : random.below(kStreetTypes.size()));
    if (random.chance(150)) home.direction = static_cast<std::uint8_t>(random.between(1, 4));
    // One to four digits.
    home.number = static_cast<std::uint16_t>(1 + random.below(9U + random.below(9990)));
    if (random.chance(180)) home.flat = static_cast<std::uint16_t>(random.between(1, 60));
    return home;
  }

  // A telephone number of ten digits, the first three by the city.
  static std::uint64_t pick_phone(std::uint16_t city, Random& random) {
    const std::uint64_t area = kAreaCodes[city % kAreaCodes.size()];
    std::uint32_t exchange = 11;
    while (exchange % 100 == 11) exchange = 200 + random.below(800);
    return (area * 1000 + exchange) * 10'000 + random.below(10'000);
  }

  // A company, 1 and on: some are large.
  std::uint32_t pick_company(Random& random) const {
    return random.zipf(kLargest, company_octaves_);
  }
  Home company_home(std::uint32_t company) const {
    Random random(company_seed(company));
    return pick_home(random);
  }
  std::uint64_t company_phone(std::uint32_t company) const {
    Random random(mix(company_seed(company), 1));
    return pick_phone(company_home(company).city, random);
  }

  // "12 North Oak Street, Apt 4".
  std::string street_text(const Home& home) const {
    std::string text;
    if (home.shows_number) text = std::to_string(home.number) + " ";
    const auto add = [&](const StreetType& word) {
      text += home.is_short ? word.abbreviation : word.name;
    };
    if (home.direction > 0) {
      add(kDirections[home.direction - 1U]);
      text += ' ';
    }
    text += streets_.name(home.street);
    text += ' ';
    add(kStreetTypes[home.type]);
    if (home.flat > 0 && home.shows_number) {
      text += home.is_short ? " #" : ", Apt ";
      text += std::to_string(home.flat);
    }
    return text;
  }

  static std::string city_text(std::uint16_t city) {
    std::string text(kCityHeads[city % kCityHeads.size()]);
    text += kCityTails[city % kCityTails.size()];
    return text;
  }

  // Three digits by the city, two by the street and the hundreds of the house number.
  static std::string postcode_text(const Home& home) {
    const std::uint32_t districts = std::max(3U, 60U / (1U + home.city / 8U));
    const std::uint32_t district = (home.street + home.number / 1000U) % districts;
    return std::to_string((101 + 2 * home.city) * 100U + district);
  }

  std::string email_text(const Mailbox& mailbox) const {
    if (mailbox.seed == 0) return "";
    Random random(mailbox.seed);
    const bool spelled = random.chance(500);
    const std::string given = for_address(names_.text(mailbox.given), spelled);
    const std::string surname = for_address(names_.text(mailbox.surname), spelled);
    const bool is_at_work = mailbox.company > 0;
    std::string local;
    const std::uint32_t style = random.below(is_at_work ? 3 : 9);
    switch (style) {
      case 0:
      case 3:
        local = given + "." + surname;
        break;
      case 1:
        local = given.substr(0, 1) + surname;
        break;
      case 2:
        local = given + surname;
        break;
      case 4:
        local = given + "_" + surname;
        break;
      case 5:
        local = surname + "." + given;
        break;
      case 6:
        local = given + surname.substr(0, 1);
        break;
      case 7:
        local = surname + given.substr(0, 1);
        break;
      default:
        local = given;
        break;
    }
    if (!is_at_work) {
      // An address has one owner: it takes a large number where names alone have many.
      const bool is_whole = style < 6;
      const bool is_rare = mailbox.surname.pool == Pool::kRareSurname;
      const std::uint32_t x = random.below(100);
      if (x < 30 && is_whole) {
        local += std::to_string(mailbox.year).substr(x < 22 ? 2 : 0);
      } else if (x < 60 || !is_whole || !is_rare || local.size() < 7) {
        local += std::to_string(random.below(is_whole && is_rare ? 100 : address_numbers_));
      }
    }
    local += '@';
    if (is_at_work) return local + company_domain(mailbox.company);
    if (random.chance(80)) {
      local += surname;
      if (random.chance(300)) local += "family";
      local += random.one_of(kDomainTails);
      return local;
    }
    local += kCommonDomains[std::min(random.below(10), random.below(10))];
    return local;
  }

 private:
  // Companies have the ranks from this on, so that the largest is not a city of its own.
  static constexpr std::uint32_t kLargest = 16;

  static std::vector<std::uint64_t> city_shares() {
    std::vector<std::uint64_t> shares;
    for (std::size_t n = 1; n <= kCities; ++n) shares.push_back(share_of_rank(n, 5));
    return shares;
  }

  std::uint64_t company_seed(std::uint32_t company) const { return mix(mix(seed_, 0xc0), company); }

  std::string company_domain(std::uint32_t company) const {
    Random random(mix(company_seed(company), 2));
    std::string text = for_address(names_.text(names_.pick_surname(0, random)), false);
    if (random.chance(300)) text += "-";
    text += random.one_of(kCompanyWords);
    text += random.one_of(kDomainTails);
    return text;
  }

  std::uint64_t seed_;
  std::uint32_t companies_;
  std::uint64_t address_numbers_;
  std::uint32_t company_octaves_ = 1;
  Names names_;
  NameList streets_{kStreets, 20};
  Picker cities_{city_shares()};
};

// ---- households ----

inline constexpr std::size_t kMembers = 8;
inline constexpr std::size_t kCopies = 6;

struct Household {
  std::array<Person, kMembers> people;
  std::size_t size = 0;
};

// Makes the households of a world: those alone, couples, families with twins or a junior, people
// who share a flat, people in an office, and bearers of common names in the largest cities.
class Households {
 public:
  explicit Households(const World& world) : world_(world) {}

  Household make(std::uint64_t seed) const {
    Household household;
    Random random(seed);
    const std::uint32_t kind = random.below(1000);
    const std::uint32_t culture = Names::pick_culture(random);
    const Home home = world_.pick_home(random);
    // A number at home that some use.
    const std::uint64_t shared_phone = World::pick_phone(home.city, random);
    const auto add = [&](std::uint32_t of_culture, Name surname, bool is_female,
                         int year) -> Person& {
      Person& person = household.people[household.size++];
      person.seed = mix(seed, household.size);
      person.culture = of_culture;
      person.is_female = is_female;
      person.given = names().pick_given(of_culture, is_female, random);
      person.middle = names().pick_given(of_culture, is_female, random);
      person.middle_is_initial = random.chance(500);
      person.surname = surname;
      if (of_culture == 1 ? random.chance(450) : is_female && random.chance(40)) {
        person.surname2 = names().pick_surname(of_culture, random);
        person.join = of_culture == 1 ? SurnameJoin::kSpace : SurnameJoin::kHyphen;
      }
      person.birth = {year, random.between(1, 12), random.between(1, 28)};
      if (random.chance(80)) person.birth.day = random.between(29, last_day(person.birth));
      person.home = home;
      person.phone = random.chance(300) ? shared_phone : World::pick_phone(home.city, random);
      person.mailbox = {random.next() | 1U, person.given, person.surname, year, 0};
      return person;
    };
    // Arguments are drawn one by one: the order in which a call evaluates its own is the
    // compiler's.
    const Name surname = names().pick_surname(culture, random);
    const bool is_female = random.chance(510);
    const int year = random.between(1935, 2003);

    if (kind < 20) {
      add_common_name(add, is_female, year, random);
    } else if (kind < 470) {
      add(culture, surname, is_female, year);
    } else if (kind < 550) {
      add_in_office(add(culture, surname, is_female, year), random);
    } else if (kind < 580) {
      const int mates = random.between(2, 4);
      for (int i = 0; i < mates; ++i) {
        const std::uint32_t own = Names::pick_culture(random);
        const Name own_surname = names().pick_surname(own, random);
        const bool is_woman = random.chance(510);
        add(own, own_surname, is_woman, random.between(1975, 2003));
      }
    } else {
      add_family(household, add, culture, surname, kind >= 770, random);
    }
    return household;
  }

  // How many records a person has: geometric, 1.65 on average.
  static std::size_t copies(const Person& person) {
    Random random(mix(person.seed, 0xc09));
    std::size_t copies = 1;
    while (copies < kCopies && random.chance(415)) ++copies;
    return copies;
  }

 private:
  const Names& names() const { return world_.names(); }

  static int last_day(const Date& date) {
    if (date.month == 2) return date.year % 4 == 0 ? 29 : 28;
    return date.month == 4 || date.month == 6 || date.month == 9 || date.month == 11 ? 30 : 31;
  }

  // One of the 20 most frequent names of each list, in one of the three largest cities.
  template <class Add>
  void add_common_name(const Add& add, bool is_female, int year, Random& random) const {
    const Name surname{Pool::kSurname, std::min(random.below(20), random.below(20))};
    Person& person = add(0, surname, is_female, year);
    person.given = {is_female ? Pool::kWoman : Pool::kMan,
                    std::min(random.below(20), random.below(20))};
    person.home = world_.pick_home_in(static_cast<std::uint16_t>(random.below(3)), random);
    person.phone = World::pick_phone(person.home.city, random);
    person.mailbox.given = person.given;
  }

  void add_in_office(Person& person, Random& random) const {
    const std::uint32_t company = world_.pick_company(random);
    person.home = world_.company_home(company);
    person.phone = random.chance(600) ? world_.company_phone(company)
                                      : World::pick_phone(person.home.city, random);
    if (random.chance(700)) person.mailbox.company = company;
  }

  template <class Add>
  void add_family(Household& household, const Add& add, std::uint32_t culture, Name surname,
                  bool has_children, Random& random) const {
    const int year = random.between(1940, has_children ? 1994 : 2000);
    const Name hers =
        random.chance(250) ? names().pick_surname(Names::pick_culture(random), random) : surname;
    Person& father = add(culture, surname, false, year);
    Person& mother = add(culture, hers, true, year + random.between(-6, 6));
    if (random.chance(100)) mother.mailbox = father.mailbox;
    if (!has_children) return;

    const int children = random.between(1, 4);
    const bool has_twins = random.chance(130);
    const bool has_junior = random.chance(150);
    int born = year + random.between(20, 32);
    for (int i = 0; i < children + (has_twins ? 1 : 0); ++i) {
      const bool is_junior = has_junior && i == 0;
      const bool is_twin = has_twins && i == 1;
      Person& child = add(culture, surname, !is_junior && random.chance(490), born);
      child.is_child = born > 2006;
      if (is_junior) {
        child.given = father.given;
        child.middle = father.middle;
        child.surname2 = father.surname2;
        child.join = father.join;
        child.mailbox.given = child.given;
      }
      if (is_twin) child.birth = household.people[household.size - 2].birth;
      if (is_twin && child.given == household.people[household.size - 2].given) {
        child.given = child.middle;
        child.mailbox.given = child.given;
      }
      if (child.is_child) {
        child.phone = random.chance(500) ? mother.phone : 0;
        child.mailbox = random.chance(300) ? mother.mailbox : Mailbox{};
      }
      // The first two are of one birth where they are twins.
      if (!(has_twins && i == 0)) born += random.between(1, 5);
    }
  }

  const World& world_;
};

// ---- errors ----

using Columns = std::array<std::string, kColumns>;

inline Columns render(const World& world, const Person& person) {
  Columns columns;
  const Names& names = world.names();
  std::string& given = columns[kGivenName];
  given = names.text(person.given);
  if (person.shows_middle) {
    const std::string middle = names.text(person.middle);
    given += ' ';
    if (person.middle_is_initial) {
      given += middle.substr(0, character_size(middle, 0));
      given += '.';
    } else {
      given += middle;
    }
  }
  std::string& surname = columns[kSurname];
  surname = names.text(person.surname);
  if (person.surname2.pool != Pool::kNone) {
    surname += person.join == SurnameJoin::kHyphen ? '-' : ' ';
    surname += names.text(person.surname2);
  }
  const Date& birth = person.birth;
  std::string& date = columns[kBirthDate];
  date = std::to_string(birth.year);
  for (const int part : {birth.month, birth.day}) {
    date += '-';
    date += static_cast<char>('0' + part / 10);
    date += static_cast<char>('0' + part % 10);
  }
  if (person.phone != 0) columns[kPhone] = std::to_string(person.phone);
  columns[kEmail] = world.email_text(person.mailbox);
  columns[kStreet] = world.street_text(person.home);
  columns[kPostcode] = World::postcode_text(person.home);
  columns[kCity] = World::city_text(person.home.city);
  return columns;
}

namespace errors {

// Chance that is the same in all records of a person: who has moved has moved to one place.
inline Random of_person(const Person& person, std::uint64_t what) {
  return Random(mix(person.seed, 0x100 + what));
}
// Mostly the person's, else the record's.
inline Random mostly_of_person(const Person& person, std::uint64_t what, Random& random) {
  return random.chance(800) ? of_person(person, what) : Random(random.next());
}

inline void moved(const World& world, Person& person, Random& random) {
  Random home = mostly_of_person(person, 1, random);
  person.home =
      home.chance(500) ? world.pick_home_in(person.home.city, home) : world.pick_home(home);
}

inline void married(const World& world, Person& person, Random& /*random*/) {
  if (!person.is_female || person.is_child) return;
  Random husband = of_person(person, 2);
  person.surname = world.names().pick_surname(Names::pick_culture(husband), husband);
  person.surname2 = {};
}

inline void double_surname(const World& world, Person& person, Random& random) {
  if (person.surname2.pool != Pool::kNone) {
    if (random.chance(250)) person.surname = person.surname2;
    person.surname2 = {};
    return;
  }
  Random other = of_person(person, 2);
  person.surname2 = world.names().pick_surname(Names::pick_culture(other), other);
  person.join = SurnameJoin::kHyphen;
  if (random.chance(500)) std::swap(person.surname, person.surname2);
}

inline void middle_name(const World& /*world*/, Person& person, Random& /*random*/) {
  person.shows_middle = true;
}

inline void new_email(const World& world, Person& person, Random& random) {
  if (person.mailbox.seed == 0) return;
  Random other = mostly_of_person(person, 3, random);
  person.mailbox = {other.next() | 1U, person.given, person.surname, person.birth.year, 0};
  if (other.chance(200)) person.mailbox.company = world.pick_company(other);
}

inline void new_phone(const World& /*world*/, Person& person, Random& random) {
  if (person.phone == 0) return;
  Random other = mostly_of_person(person, 4, random);
  person.phone = World::pick_phone(person.home.city, other);
}

inline void street_abbreviated(const World& /*world*/, Person& person, Random& /*random*/) {
  person.home.is_short = true;
}

inline void no_house_number(const World& /*world*/, Person& person, Random& /*random*/) {
  person.home.shows_number = false;
}

// What happens to the columns of a record.

inline void nickname(Columns& columns, Random& random) {
  static const std::unordered_map<std::string_view, const Nicknames*> kByName = [] {
    std::unordered_map<std::string_view, const Nicknames*> by_name;
    for (const Nicknames& entry : kNicknames) by_name.emplace(entry.name, &entry);
    return by_name;
  }();
  std::string& given = columns[kGivenName];
  const std::size_t end = std::min(given.find(' '), given.size());
  const auto found = kByName.find(std::string_view(given).substr(0, end));
  if (found == kByName.end()) return;
  std::string_view name = random.one_of(found->second->short_names);
  if (name.empty()) name = found->second->short_names[0];
  if (random.chance(80)) {
    given += " \"";
    given += name;
    given += '"';
  } else {
    given = name;
  }
}

inline void initial(Columns& columns, Random& random) {
  std::string& given = columns[kGivenName];
  given.resize(character_size(given, 0));
  if (random.chance(500)) given += '.';
}

inline void hyphen(Columns& columns, Random& random) {
  for (const Column column : {kGivenName, kSurname}) {
    std::string& text = columns[column];
    const std::size_t at = text.find_first_of("-' ");
    if (at == std::string::npos) continue;
    if (random.chance(400)) {
      text.erase(at, 1);
    } else {
      text[at] = text[at] == ' ' ? '-' : ' ';
    }
  }
}

inline void swapped_names(Columns& columns, Random& /*random*/) {
  std::swap(columns[kGivenName], columns[kSurname]);
}

inline void spell_without_accents(Columns& columns, bool spelled) {
  for (const Column column : {kGivenName, kSurname}) {
    columns[column] = without_accents(columns[column], spelled);
  }
}
inline void accent_dropped(Columns& columns, Random& /*random*/) {
  spell_without_accents(columns, false);
}
inline void accent_spelled(Columns& columns, Random& /*random*/) {
  spell_without_accents(columns, true);
}

// A date is yyyy-mm-dd.
inline void day_month_swapped(Columns& columns, Random& /*random*/) {
  std::string& date = columns[kBirthDate];
  if (date.substr(8) > "12") return;
  date = date.substr(0, 5) + date.substr(8) + "-" + date.substr(5, 2);
}

inline void date_digit(Columns& columns, Random& random) {
  std::string& date = columns[kBirthDate];
  // The last two digits of the year, or the last digit of month or day; a month stays below 13 and
  // a day below 29.
  constexpr std::array<std::size_t, 4> kPlaces = {2, 3, 6, 9};
  const std::size_t at = random.one_of(kPlaces);
  const bool is_small = at == 6 && date[5] == '1';
  const bool is_day = at == 9;
  char digit = date[at];
  do {
    digit = static_cast<char>('0' + random.below(is_small ? 3 : is_day ? 8 : 10));
    if (!is_small && at > 3 && digit == '0') digit = '1';
  } while (digit == date[at]);
  date[at] = digit;
}

inline void january_first(Columns& columns, Random& /*random*/) {
  columns[kBirthDate].replace(5, 5, "01-01");
}

inline void year_off(Columns& columns, Random& random) {
  std::string& date = columns[kBirthDate];
  int year = 0;
  for (std::size_t i = 0; i < 4; ++i) year = year * 10 + (date[i] - '0');
  constexpr std::array<int, 6> kSteps = {-1, 1, -1, 1, -10, 10};
  date.replace(0, 4, std::to_string(year + random.one_of(kSteps)));
}

inline void email_tag(Columns& columns, Random& random) {
  std::string& email = columns[kEmail];
  const std::size_t at = email.find('@');
  if (at == std::string::npos) return;
  email.insert(at, "+" + std::string(random.one_of(kTags)));
}

// One letter less, double, or exchanged with the next.
inline void slip(std::string& text, std::size_t first, std::size_t last, Random& random) {
  if (last < first + 2) return;
  const std::size_t at = first + random.below(last - first - 1);
  switch (random.below(3)) {
    case 0:
      text.erase(at, 1);
      break;
    case 1:
      text.insert(at, 1, text[at]);
      break;
    default:
      if (text[at] == text[at + 1]) {
        text.erase(at, 1);
      } else {
        std::swap(text[at], text[at + 1]);
      }
  }
}

inline void email_typo(Columns& columns, Random& random) {
  std::string& email = columns[kEmail];
  const std::size_t at = email.find('@');
  if (at == std::string::npos) return;
  if (random.chance(600)) {
    slip(email, 0, at, random);
  } else {
    slip(email, at + 1, email.rfind('.'), random);
  }
}

inline void phone_digit(Columns& columns, Random& random) {
  std::string& phone = columns[kPhone];
  if (phone.empty()) return;
  const std::size_t at = 3 + random.below(6);
  if (random.chance(400) && phone[at] != phone[at + 1]) {
    std::swap(phone[at], phone[at + 1]);
  } else {
    const int digit = (phone[at] - '0' + random.between(1, 9)) % 10;
    phone[at] = static_cast<char>('0' + digit);
  }
}

inline void postcode_typo(Columns& columns, Random& random) {
  std::string& postcode = columns[kPostcode];
  const std::size_t at = random.below(postcode.size() - 1);
  if (random.chance(400) && postcode[at] != postcode[at + 1]) {
    std::swap(postcode[at], postcode[at + 1]);
  } else {
    const int digit = (postcode[at] - '0' + random.between(1, 9)) % 10;
    postcode[at] = static_cast<char>('0' + digit);
  }
}

// A column of words, names more often than addresses.
inline std::string& words_column(Columns& columns, Random& random) {
  constexpr std::array<Column, 8> kChoice = {kGivenName, kGivenName, kGivenName, kSurname,
                                             kSurname,   kSurname,   kStreet,    kCity};
  return columns[random.one_of(kChoice)];
}

inline void typo_neighbour(Columns& columns, Random& random) {
  std::string& text = words_column(columns, random);
  std::vector<std::size_t> letters;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_letter(text[i])) letters.push_back(i);
  }
  if (letters.empty()) return;
  char& letter = text[random.one_of(letters)];
  const char key = random.one_of(kNeighbours[static_cast<std::size_t>(lower(letter) - 'a')]);
  letter = is_upper(letter) ? upper(key) : key;
}

// At a character of the text that has one after it and is not the first.
template <class Change>
void change_character(Columns& columns, Random& random, Change&& change) {
  std::string& text = words_column(columns, random);
  const std::vector<std::size_t> places = characters(text);
  if (places.size() < 4) return;
  const std::size_t i = 1 + random.below(places.size() - 3);
  change(text, places[i], places[i + 1], places[i + 2]);
}

inline void typo_drop(Columns& columns, Random& random) {
  change_character(columns, random,
                   [](std::string& text, std::size_t at, std::size_t next, std::size_t) {
                     text.erase(at, next - at);
                   });
}

inline void typo_double(Columns& columns, Random& random) {
  change_character(columns, random,
                   [](std::string& text, std::size_t at, std::size_t next, std::size_t) {
                     text.insert(at, text.substr(at, next - at));
                   });
}

inline void typo_exchange(Columns& columns, Random& random) {
  change_character(columns, random,
                   [](std::string& text, std::size_t at, std::size_t next, std::size_t end) {
                     text = text.substr(0, at) + text.substr(next, end - next) +
                            text.substr(at, next - at) + text.substr(end);
                   });
}

// Replaces one of the pairs that the text has.
template <class Pairs>
void replace_one(std::string& text, const Pairs& pairs, Random& random) {
  const std::size_t first = random.below(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Replacement& pair = pairs[(first + i) % pairs.size()];
    const std::size_t at = text.find(pair.from);
    if (at == std::string::npos) continue;
    text.replace(at, pair.from.size(), pair.to);
    return;
  }
}

inline void by_ear(Columns& columns, Random& random) {
  std::string& text = words_column(columns, random);
  if (text.empty()) return;
  const bool was_capital = is_upper(text[0]);
  text[0] = lower(text[0]);
  replace_one(text, kByEar, random);
  if (was_capital) text[0] = upper(text[0]);
}

inline void by_scanner(Columns& columns, Random& random) {
  constexpr std::array<Column, 6> kChoice = {kGivenName, kSurname,  kGivenName,
                                             kSurname,   kPostcode, kStreet};
  replace_one(columns[random.one_of(kChoice)], kByScanner, random);
}

inline void phone_format(Columns& columns, Random& random) {
  std::string& phone = columns[kPhone];
  if (phone.size() != 10) return;
  const std::string area = phone.substr(0, 3);
  const std::string exchange = phone.substr(3, 3);
  const std::string line = phone.substr(6);
  switch (random.below(6)) {
    case 0:
      phone = "+1 " + area + " " + exchange + " " + line;
      break;
    case 1:
      phone = "(" + area + ") " + exchange + "-" + line;
      break;
    case 2:
      phone = area + "-" + exchange + "-" + line;
      break;
    case 3:
      phone = "+1" + phone;
      break;
    case 4:
      phone = area + "." + exchange + "." + line;
      break;
    default:
      phone = "1 " + area + " " + exchange + line;
  }
}

inline void upper_case(Columns& columns, Random& /*random*/) {
  for (const Column column : {kGivenName, kSurname, kStreet, kCity}) {
    columns[column] = to_upper(columns[column]);
  }
}

// One to three fields are empty, never both names.
inline void missing(Columns& columns, Random& random) {
  constexpr std::array<Column, 10> kChoice = {kBirthDate, kBirthDate, kPhone,  kPhone,
                                              kEmail,     kEmail,     kStreet, kPostcode,
                                              kCity,      kGivenName};
  const int fields = random.between(1, 3);
  for (int i = 0; i < fields; ++i) columns[random.one_of(kChoice)].clear();
}

}  // namespace errors

// A kind of error. One that changes the person comes before those that change the text.
struct Kind {
  std::string_view name;
  std::uint32_t per_mille;
  bool is_held_out;
  bool is_everywhere;     // in the first record of a person, too
  std::uint32_t columns;  // the columns it may change, bits
  void (*change)(const World&, Person&, Random&);
  void (*spell)(Columns&, Random&);
  std::string_view what;
};

constexpr std::uint32_t bits(std::initializer_list<Column> columns) {
  std::uint32_t result = 0;
  for (const Column column : columns) result |= 1U << column;
  return result;
}
inline constexpr std::uint32_t kNameBits = bits({kGivenName, kSurname});
inline constexpr std::uint32_t kHomeBits = bits({kStreet, kPostcode, kCity});
inline constexpr std::uint32_t kWordBits = kNameBits | bits({kStreet, kCity});

// All kinds, in the order in which they happen. Half of them are held out: whoever tunes matching
// looks at the others, and measures with all. A rate is of the records that could have the error.
inline constexpr std::array<Kind, 30> kKinds = {{
    {"moved", 120, false, false, kHomeBits, errors::moved, nullptr,
     "another street, in half of the cases another city"},
    {"married", 100, true, false, bits({kSurname}), errors::married, nullptr,
     "a woman's other surname"},
    {"double_surname", 40, true, false, bits({kSurname}), errors::double_surname, nullptr,
     "a second surname more or less"},
    {"middle_name", 120, false, false, bits({kGivenName}), errors::middle_name, nullptr,
     "a middle name or its initial after the given name"},
    {"new_email", 200, false, false, bits({kEmail}), errors::new_email, nullptr,
     "another e-mail address"},
    {"new_phone", 150, true, false, bits({kPhone}), errors::new_phone, nullptr,
     "another telephone number"},
    {"street_abbreviated", 300, false, false, bits({kStreet}), errors::street_abbreviated, nullptr,
     "St for Street, N for North"},
    {"no_house_number", 50, true, false, bits({kStreet}), errors::no_house_number, nullptr,
     "a street without its number"},
    {"nickname", 200, true, false, bits({kGivenName}), nullptr, errors::nickname, "Bob for Robert"},
    {"initial", 50, false, false, bits({kGivenName}), nullptr, errors::initial,
     "the given name's first letter"},
    {"hyphen", 300, true, false, kNameBits, nullptr, errors::hyphen,
     "a hyphen, space or apostrophe in a name lost or another"},
    {"accent_dropped", 300, false, false, kNameBits, nullptr, errors::accent_dropped, "u for ü"},
    {"accent_spelled", 150, true, false, kNameBits, nullptr, errors::accent_spelled, "ue for ü"},
    {"by_ear", 50, false, false, kWordBits, nullptr, errors::by_ear,
     "ph for f, y for ie, and the like"},
    {"typo_neighbour", 60, false, false, kWordBits, nullptr, errors::typo_neighbour,
     "the key beside the right one"},
    {"typo_drop", 50, true, false, kWordBits, nullptr, errors::typo_drop, "a letter less"},
    {"typo_double", 30, false, false, kWordBits, nullptr, errors::typo_double, "a letter twice"},
    {"typo_exchange", 30, true, false, kWordBits, nullptr, errors::typo_exchange,
     "two letters exchanged"},
    {"ocr", 30, true, false, kNameBits | bits({kPostcode, kStreet}), nullptr, errors::by_scanner,
     "rn for m, 0 for O, and the like"},
    {"swapped_names", 30, false, false, kNameBits, nullptr, errors::swapped_names,
     "given name and surname exchanged"},
    {"day_month_swapped", 40, true, false, bits({kBirthDate}), nullptr, errors::day_month_swapped,
     "day and month of the birth date exchanged"},
    {"date_digit", 50, false, false, bits({kBirthDate}), nullptr, errors::date_digit,
     "one digit of the birth date"},
    {"year_off", 30, false, false, bits({kBirthDate}), nullptr, errors::year_off,
     "the birth year off by one or ten"},
    {"january_first", 20, true, false, bits({kBirthDate}), nullptr, errors::january_first,
     "1 January of the birth year"},
    {"email_typo", 50, false, false, bits({kEmail}), nullptr, errors::email_typo,
     "a letter of the address or its domain"},
    {"email_tag", 60, true, false, bits({kEmail}), nullptr, errors::email_tag, "name+tag@"},
    {"phone_digit", 40, true, false, bits({kPhone}), nullptr, errors::phone_digit,
     "one digit, or two exchanged"},
    {"phone_format", 350, false, true, bits({kPhone}), nullptr, errors::phone_format,
     "+1, brackets, hyphens, spaces, points"},
    {"upper_case", 120, true, true, kWordBits, nullptr, errors::upper_case,
     "names and address in capitals"},
    {"missing", 250, false, true, 0xffU & ~bits({kSurname}), nullptr, errors::missing,
     "one to three empty fields"},
}};

// Bits of kKinds.
using KindSet = std::uint32_t;

inline KindSet kinds(bool with_held_out) {
  KindSet set = 0;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (with_held_out || !kKinds[i].is_held_out) set |= 1U << i;
  }
  return set;
}

// The set of a list "moved,initial"; "none" is empty. Raises an error for a name that is unknown or
// held out.
inline KindSet kinds(std::string_view list, bool with_held_out) {
  if (list == "none") return 0;
  KindSet set = 0;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string name(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&](const Kind& candidate) { return candidate.name == name; });
    if (kind == kKinds.end()) throw std::invalid_argument("no such kind of error: " + name);
    if (kind->is_held_out && !with_held_out) {
      throw std::invalid_argument(name + " is held out: it takes --held-out");
    }
    set |= 1U << static_cast<std::size_t>(kind - kKinds.begin());
  }
  return set;
}

// ---- records ----

struct Options {
  std::uint64_t records = 1000;
  std::uint64_t seed = 1;
  KindSet kinds = people::kinds(false);
};

class Population {
 public:
  explicit Population(const Options& options)
      : options_(options), world_(options.seed, options.records), households_(world_) {
    rows_.reserve(options.records);
    for (std::uint64_t number = 0; rows_.size() < options.records; ++number) {
      const Household household = households_.make(household_seed(number));
      for (std::size_t member = 0; member < household.size; ++member) {
        const std::size_t copies = Households::copies(household.people[member]);
        for (std::size_t copy = 0; copy < copies && rows_.size() < options.records; ++copy) {
          rows_.push_back((number * kMembers + member) * kCopies + copy);
        }
      }
    }
    Random random(mix(options.seed, 0x5487));
    for (std::size_t i = rows_.size(); i > 1; --i) {
      std::swap(rows_[i - 1], rows_[(random.next() >> 16U) % i]);
    }
  }

  std::size_t size() const { return rows_.size(); }

  // The record at this place; its id is the place, counted from 1.
  Record record(std::size_t place) const {
    const std::uint64_t row = rows_[place];
    const std::uint64_t copy = row % kCopies;
    const std::uint64_t truth = row / kCopies;
    Person person = households_.make(household_seed(truth / kMembers)).people[truth % kMembers];
    const std::uint64_t seed = mix(person.seed, copy);

    Record record;
    record.id = place + 1;
    record.truth = truth + 1;
    Random source(mix(seed, 0x50));
    record.source = source.one_of(kSources);
    // Where each kind has its chance.
    std::array<Random, kKinds.size()> chances = make_chances(seed);
    const KindSet happening = what_happens(chances, copy == 0);
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      if ((happening >> i & 1U) != 0 && kKinds[i].change != nullptr) {
        kKinds[i].change(world_, person, chances[i]);
      }
    }
    record.columns = render(world_, person);
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      if ((happening >> i & 1U) != 0 && kKinds[i].spell != nullptr) {
        kKinds[i].spell(record.columns, chances[i]);
      }
    }
    return record;
  }

 private:
  std::uint64_t household_seed(std::uint64_t number) const {
    return mix(mix(options_.seed, 0x40), number);
  }

  template <std::size_t... I>
  static std::array<Random, sizeof...(I)> make_chances(std::uint64_t seed,
                                                       std::index_sequence<I...> /*kinds*/) {
    return {Random(mix(seed, 0x1000 + I))...};
  }
  static std::array<Random, kKinds.size()> make_chances(std::uint64_t seed) {
    return make_chances(seed, std::make_index_sequence<kKinds.size()>());
  }

  KindSet what_happens(std::array<Random, kKinds.size()>& chances, bool is_first) const {
    KindSet set = 0;
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      const bool happens = chances[i].chance(kKinds[i].per_mille);
      if (happens && (kKinds[i].is_everywhere || !is_first)) set |= 1U << i;
    }
    return set & options_.kinds;
  }

  Options options_;
  World world_;
  Households households_;
  std::vector<std::uint64_t> rows_;
};

// ---- CSV ----

// Appends a field as RFC 4180 has it.
inline void append_field(std::string& line, std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    line += field;
    return;
  }
  line += '"';
  for (const char c : field) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

inline void append_line(std::string& text, const Record& record) {
  text += std::to_string(record.id);
  text += ',';
  text += std::to_string(record.truth);
  text += ',';
  text += record.source;
  for (const std::string& column : record.columns) {
    text += ',';
    append_field(text, column);
  }
  text += '\n';
}

}  // namespace identity_resolve::people
