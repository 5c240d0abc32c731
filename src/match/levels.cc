#include "match/levels.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "match/compare.h"
#include "match/nickname.h"

namespace identity_resolve::match {

namespace {

using Text = std::string_view;

// The figures are those that a person's records agree by in public sets with known truth, rounded;
// the model moves each half way to what the data at hand say.
constexpr std::array kGivenM{.10, .05, .01, .14, .06, .58, .06};
constexpr std::array kSurnameM{.08, .05, .005, .17, .005, .69};
constexpr std::array kMiddleM{.10, .05, .15, .05, .03, .62};
constexpr std::array kDateM{.03, .03, .04, .04, .03, .13, .05, .65};
constexpr std::array kPhoneM{.17, .02, .05, .76};
constexpr std::array kIdM{.06, .01, .08, .85};
constexpr std::array kHouseM{.10, .04, .06, .80};
constexpr std::array kPostcodeM{.12, .01, .05, .12, .70};
constexpr std::array kEmailM{.15, .02, .06, .09, .10, .12, .46};
constexpr std::array kCityM{.12, .02, .07, .15, .64};
constexpr std::array kCategoryM{.20, .80};
constexpr std::array kSuffixM{.02, .98};
// No word in common; then by how much of both bags is: less than a half, than four fifths, than
// all, all.
constexpr std::array kBagM{.08, .10, .17, .20, .45};

// In the order of FieldKind.
constexpr std::array<Kind, 14> kKinds{{
    {kGivenM, kSameName, .20, false},
    {kMiddleM, kSameName, 1, false},
    {kSurnameM, kSameName, .15, true},
    {kBagM, kSameBag, .10, false},
    {kSuffixM, kEqual, 1, false},
    {kDateM, kSameDate, .08, false},
    {kPhoneM, kSameDigits, 1, true},
    {kIdM, kSameDigits, .15, false},
    {kHouseM, kSameDigits, 1, true},
    {kPostcodeM, kSamePostcode, 1, true},
    {kEmailM, kSameEmail, 1, true},
    {kCityM, kSameCity, 1, true},
    {kBagM, kSameBag, 1, true},
    {kCategoryM, kEqual, 1, false},
}};

std::string_view first_word(Text text) { return text.substr(0, text.find(' ')); }

// Two values that differ, and the comparators on what is known of both.
class Two {
 public:
  Two(const Column& column, Code a, Code b)
      : one(column.dictionary->text(a)),
        other(column.dictionary->text(b)),
        a_(a),
        b_(b),
        prepared_(column.prepared),
        are_padded_(prepared_->is_padded(a) && prepared_->is_padded(b)) {}

  Text one;
  Text other;

  [[nodiscard]] std::size_t least() const { return std::min(one.size(), other.size()); }
  [[nodiscard]] double alike() const {
    return are_padded_ ? jaro_winkler(prepared_->padded[a_], prepared_->padded[b_])
                       : jaro_winkler(one, other);
  }
  [[nodiscard]] bool is_one_edit() const {
    return are_padded_ ? one_edit(prepared_->padded[a_], prepared_->padded[b_])
                       : one_edit(one, other);
  }
  // At most 3: that many, or more.
  [[nodiscard]] std::uint32_t edits() const {
    if (is_one_edit()) return 1;
    return are_padded_ ? std::min(damerau(prepared_->padded[a_], prepared_->padded[b_]), 3U)
                       : damerau_at_most(one, other, 2);
  }
  [[nodiscard]] bool are_nicknames() const {
    const auto of_one = prepared_->nicknames[a_];
    const auto of_other = prepared_->nicknames[b_];
    return !of_one.empty() && !of_other.empty() && share_group(of_one, of_other) &&
           first_word(one) != first_word(other);
  }

 private:
  Code a_;
  Code b_;
  const Prepared* prepared_;
  bool are_padded_;
};

Level compare_names(const Two& two, bool is_given) {
  if (two.least() == 1) return two.one[0] == two.other[0] ? kInitial : kOtherName;
  if (is_given && two.are_nicknames()) return kNickname;
  // Of several given names the first.
  if (is_given && (two.one.find(' ') != Text::npos || two.other.find(' ') != Text::npos) &&
      first_word(two.one) == first_word(two.other))
    return kNickname;
  if (two.least() > 2 && two.is_one_edit()) return kNameEdit;
  const double alike = two.alike();
  if (alike >= .92) return kNameEdit;
  return alike >= .8 ? kAlikeName : kOtherName;
}

// Days, but for leap years and the lengths of months.
constexpr int kNearDays = 35;
int day_number(Text date) {
  const auto number = [&](std::size_t first, std::size_t end) {
    int value = 0;
    for (std::size_t i = first; i < end; ++i) value = value * 10 + (date[i] - '0');
    return value;
  };
  return number(0, 4) * 365 + number(4, 6) * 30 + number(6, 8);
}

// Eight digits each, as spell() has them; 00 for a part that is missing.
Level compare_dates(Text a, Text b) {
  if (a.size() != 8 || b.size() != 8) return kOtherDate;
  const bool is_partly = a.substr(6) == "00" || b.substr(6) == "00";
  const bool is_year = a.substr(0, 4) == b.substr(0, 4);
  if (is_partly) return is_year ? kSamePart : kOtherDate;
  const Text month_a = a.substr(4, 2);
  const Text month_b = b.substr(4, 2);
  const Text day_a = a.substr(6);
  const Text day_b = b.substr(6);
  if (is_year && month_a == day_b && day_a == month_b) return kDayForMonth;
  int others = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    if (a[i] == b[i]) continue;
    ++others;
    last = i;
  }
  if (others == 1) return kDateEdit;
  if (others == 2 && last > 0 && a[last] == b[last - 1] && a[last - 1] == b[last]) return kDateEdit;
  if (others == 2) return kTwoDigits;
  // Within a month, or that a year or a decade off.
  const int days = std::abs(day_number(a) - day_number(b));
  for (const int years : {0, 1, 10}) {
    if (std::abs(days - years * 365) <= kNearDays) return kNearDate;
  }
  return is_year || a.substr(4) == b.substr(4) ? kSamePart : kOtherDate;
}

// Digits of which few are left when one goes are compared more strictly.
Level compare_digits(const Two& two) {
  if (two.least() < 3) return kOtherDigits;
  const std::uint32_t edits = two.edits();
  if (edits <= 1) return kDigitEdit;
  return edits == 2 && two.least() > 4 ? kTwoDigitsOff : kOtherDigits;
}

Level compare_postcodes(const Two& two) {
  const std::uint32_t edits = two.edits();
  if (edits <= 1) return kPostcodeEdit;
  const std::size_t head = std::max<std::size_t>(2, two.least() / 2);
  if (two.one.substr(0, head) == two.other.substr(0, head)) return kSameHead;
  return edits == 2 && two.least() > 4 ? kTwoOff : kOtherPostcode;
}

Level compare_emails(const Two& two) {
  if (two.is_one_edit()) return kEmailEdit;
  const Text one = two.one.substr(0, two.one.find('@'));
  const Text other = two.other.substr(0, two.other.find('@'));
  if (one == other) return kSameLocal;
  if (std::min(one.size(), other.size()) > 4 && one_edit(one, other)) return kLocalEdit;
  const double alike = jaro_winkler(one, other);
  if (alike >= .9) return kMuchAlikeLocal;
  return alike >= .8 ? kAlikeLocal : kOtherEmail;
}

Level compare_cities(const Two& two) {
  if (two.least() > 2 && two.is_one_edit()) return kCityEdit;
  const double alike = two.alike();
  return alike >= .9 ? kMuchAlikeCity : alike >= .8 ? kAlikeCity : kOtherCity;
}

// Words that both have, a letter off counts for a little less, against what is left of both.
Level compare_bags(const Words& words, Code a, Code b, bool is_name) {
  constexpr std::size_t kMost = 16;
  std::array<Code, kMost> left_a;
  std::array<Code, kMost> left_b;
  const auto take = [kMost](std::span<const Code> from, std::array<Code, kMost>& to) {
    const std::size_t count = std::min(from.size(), kMost);
    std::copy_n(from.begin(), count, to.begin());
    return count;
  };
  std::size_t count_a = take(words.of(a), left_a);
  std::size_t count_b = take(words.of(b), left_b);
  double common = 0;
  const auto pair = [&](std::size_t i, std::size_t j, double share) {
    common += share * std::min(words.bits[left_a[i]], words.bits[left_b[j]]);
    left_a[i] = left_a[--count_a];
    left_b[j] = left_b[--count_b];
  };
  const auto pair_all = [&](auto&& is_pair, double share) {
    for (std::size_t i = 0; i < count_a;) {
      std::size_t j = 0;
      while (j < count_b && !is_pair(left_a[i], left_b[j])) ++j;
      if (j < count_b) {
        pair(i, j, share);
      } else {
        ++i;
      }
    }
  };
  pair_all([](Code x, Code y) { return x == y; }, 1);
  if (count_a > 0 && count_b > 0) {
    pair_all(
        [&](Code x, Code y) {
          const Text one = words.dictionary.text(x);
          const Text other = words.dictionary.text(y);
          if (is_name && are_nicknames(one, other)) return true;
          if (is_name && (one.size() == 1 || other.size() == 1)) return one[0] == other[0];
          return std::min(one.size(), other.size()) > 3 && one_edit(one, other);
        },
        .7);
  }
  if (common <= 0) return 0;
  double left = 0;
  for (std::size_t i = 0; i < count_a; ++i) left += words.bits[left_a[i]];
  for (std::size_t i = 0; i < count_b; ++i) left += words.bits[left_b[i]];
  const double share = 2 * common / (2 * common + left);
  const std::size_t step = share < .5 ? 0 : share < .8 ? 1 : share < .999 ? 2 : 3;
  return static_cast<Level>(1 + bag_step(common) * kBagShares + step);
}

}  // namespace

const Kind& kind_of(FieldKind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)]; }

std::size_t bag_step(double bits) noexcept {
  constexpr std::array<double, kBagBits - 1> kSteps{4, 8, 12, 18, 26};
  return static_cast<std::size_t>(std::upper_bound(kSteps.begin(), kSteps.end(), bits) -
                                  kSteps.begin());
}

Level level_of_equal(const Column& column, Code value) noexcept {
  // 1 January, or less: month or day are missing.
  if (column.kind == FieldKind::kDate && column.dictionary->text(value).substr(4) <= "0101")
    return kNewYear;
  return kind_of(column.kind).equal;
}

Level compare_values(const Column& column, Code a, Code b) {
  if (column.is_bag()) return compare_bags(*column.words, a, b, column.kind == FieldKind::kName);
  const Two two(column, a, b);
  switch (column.kind) {
    case FieldKind::kGivenName:
    case FieldKind::kMiddleName:
      return compare_names(two, true);
    case FieldKind::kSurname:
      return compare_names(two, false);
    case FieldKind::kDate:
      return compare_dates(two.one, two.other);
    case FieldKind::kPhone:
    case FieldKind::kId:
    case FieldKind::kHouseNumber:
      return compare_digits(two);
    case FieldKind::kPostcode:
      return compare_postcodes(two);
    case FieldKind::kEmail:
      return compare_emails(two);
    case FieldKind::kCity:
      return compare_cities(two);
    default:
      return kDifferent;
  }
}

Comparison::Comparison(const Table& table)
    : table_(&table),
      given_(table.column_of(FieldKind::kGivenName).value_or(SIZE_MAX)),
      surname_(table.column_of(FieldKind::kSurname).value_or(SIZE_MAX)),
      email_(table.column_of(FieldKind::kEmail).value_or(SIZE_MAX)) {}

void Comparison::compare(RecordIndex a, RecordIndex b, Level* levels) const {
  const std::vector<Column>& columns = table_->columns();
  const Code* row_a = table_->row(a);
  const Code* row_b = table_->row(b);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Column& column = columns[i];
    const Code one = row_a[i];
    const Code other = row_b[i];
    if (one == kMissing || other == kMissing) {
      levels[i] = kNoLevel;
    } else if (one == other && !column.is_bag()) {
      levels[i] = level_of_equal(column, one);
    } else {
      levels[i] = compare_values(column, one, other);
    }
  }
  if (given_ == SIZE_MAX || surname_ == SIZE_MAX || levels[surname_] == kNoLevel) return;
  if (levels[given_] == kNoLevel) {
    // A single name that the other has as its given name may be that.
    if (levels[surname_] == kOtherName && (is_other_name(a, b) || is_other_name(b, a)))
      levels[surname_] = kNoLevel;
    return;
  }
  // Addresses are made of names: that they are alike tells nothing that the names have not told.
  if (email_ != SIZE_MAX && levels[email_] != kNoLevel && levels[email_] > kOtherEmail &&
      levels[email_] < kSameLocal && levels[given_] > kAlikeName && levels[surname_] > kAlikeName)
    levels[email_] = kNoLevel;
  if (levels[given_] <= kAlikeName && levels[surname_] <= kAlikeName && is_other_name(a, b) &&
      is_other_name(b, a)) {
    levels[given_] = kSwapped;
    levels[surname_] = kNoLevel;
  }
}

// The given name of `a` is the surname of `b`, or nearly: a letter off, or a second name.
bool Comparison::is_other_name(RecordIndex a, RecordIndex b) const {
  const Column& given = table_->columns()[given_];
  const Column& surname = table_->columns()[surname_];
  const Code of_a = table_->row(a)[given_];
  const Code of_b = table_->row(b)[surname_];
  if (of_a == of_b) return of_a != kMissing;
  if (of_a == kMissing) return false;
  const Text one = given.dictionary->text(of_a);
  const Text other = surname.dictionary->text(of_b);
  return std::min(one.size(), other.size()) > 2 &&
         (first_word(one) == first_word(other) || one_edit(one, other));
}

}  // namespace identity_resolve::match
