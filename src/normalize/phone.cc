#include "normalize/phone.h"

#include <phonenumbers/phonenumberutil.h>

#include <string>

#include "normalize/memory.h"
#include "normalize/phone_region.h"
#include "normalize/phone_text.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

using i18n::phonenumbers::PhoneNumberUtil;

// What libphonenumber takes, and more: 2.6 MB while it makes its tables, of which it keeps 1.5; for
// a number, 0.3 MB of a country's patterns that come up for the first time, and as much for the
// text.
constexpr std::size_t kTableBytes = std::size_t{8} << 20;
constexpr std::size_t kNumberBytes = std::size_t{1} << 20;

const PhoneNumberUtil& phone_numbers() {
  static const PhoneNumberUtil* const instance = [] {
    require_memory(kTableBytes);
    return PhoneNumberUtil::GetInstance();
  }();
  return *instance;
}

// libphonenumber itself reads no more than 250 characters.
constexpr std::size_t kMaxPhoneBytes = 1000;

using i18n::phonenumbers::PhoneNumber;

constexpr std::string_view kNoRegion = "ZZ";

// E.164 allows 15 digits; libphonenumber takes more where a country's plan does.
constexpr std::size_t kMostDigits = 15;

// Brazil put a 9 before the mobile numbers of eight digits, area by area, until 2016. Trunking
// radios (70, 77, 78 and 79) kept theirs.
void add_ninth_digit(PhoneNumber& number) {
  constexpr int kBrazil = 55;
  constexpr std::uint64_t kSubscriber = 100'000'000;
  constexpr std::uint64_t kShortest = 1'000'000'000;  // ten digits: two of the area, eight
  constexpr std::uint64_t kLongest = 10 * kShortest;
  const std::uint64_t digits = number.national_number();
  if (number.country_code() != kBrazil || digits < kShortest || digits >= kLongest) return;
  const std::uint64_t first_two = digits % kSubscriber / 1'000'000;
  const bool radio = first_two == 70 || (first_two >= 77 && first_two <= 79);
  if (first_two < 60 || radio) return;
  number.set_national_number(digits / kSubscriber * kSubscriber * 10 + 9 * kSubscriber +
                             digits % kSubscriber);
}

// Argentina's 9 says that the number is a mobile one, to callers from abroad only; the same digits
// without it are nobody else's.
void drop_mobile_nine(PhoneNumber& number) {
  constexpr int kArgentina = 54;
  constexpr std::uint64_t kNine = 90'000'000'000;
  if (number.country_code() != kArgentina || number.national_number() / kNine != 1 ||
      number.national_number() >= kNine + 10'000'000'000) {
    return;
  }
  number.set_national_number(number.national_number() - kNine);
}

// Reads texts as numbers of one region.
class Reader {
 public:
  explicit Reader(std::string_view region)
      : util_(&phone_numbers()), region_(region.empty() ? kNoRegion : region) {}

  // Whether all of `text` is a number, which number() then is.
  bool read(std::string_view text) {
    number_.Clear();
    if (util_->Parse(std::string(text), region_, &number_) != PhoneNumberUtil::NO_PARSING_ERROR) {
      return false;
    }
    return settle();
  }
  // The number with letters for digits; only numbers that callers do not pay, or pay for, have
  // words of their own.
  bool read_vanity(std::string_view text) {
    if (!read(text)) return false;
    constexpr int kNorthAmerica = 1;
    if (!may_be_vanity(text, number_.country_code() == kNorthAmerica)) return false;
    switch (util_->GetNumberType(number_)) {
      case PhoneNumberUtil::TOLL_FREE:
      case PhoneNumberUtil::PREMIUM_RATE:
      case PhoneNumberUtil::SHARED_COST:
      case PhoneNumberUtil::UAN:
        return true;
      default:
        return false;
    }
  }
  void write(Scratch& out) const { util_->Format(number_, PhoneNumberUtil::E164, &out); }
  [[nodiscard]] std::string extension() const { return number_.extension(); }
  // The same number as it is dialled from abroad.
  bool read_from_abroad(const std::string& e164) {
    region_ = kNoRegion;
    return read(e164);
  }

 private:
  // One spelling for numbers that have two, where it is one that can exist.
  bool settle() {
    PhoneNumber other = number_;
    add_ninth_digit(other);
    drop_mobile_nine(other);
    if (other.national_number() != number_.national_number() && util_->IsValidNumber(other)) {
      number_ = other;
      return true;
    }
    return util_->IsValidNumber(number_);
  }

  const PhoneNumberUtil* util_;
  std::string region_;
  PhoneNumber number_;
};

// The number in a text without words, and what stands behind it.
bool read_digits(std::string_view text, Reader& reader) {
  for (const DividePhone divide : phone_divisions()) {
    const PhoneParts parts = divide(text);
    if (parts.rest == PhoneRest::kNothing || !reader.read(parts.number)) continue;
    if (parts.rest == PhoneRest::kSecond) return false;
    text = parts.number;
  }
  if (reader.read(text)) return true;
  const PhoneParts parts = divide_at_year(text);
  return parts.rest == PhoneRest::kRemark && reader.read(parts.number);
}

bool read_value(std::string_view text, Reader& reader) {
  if (is_scientific(text)) return false;
  const PhoneParts parts = divide_at_words(text);
  switch (parts.rest) {
    case PhoneRest::kNothing:
      return read_digits(text, reader);
    case PhoneRest::kWords: {
      const PhoneParts own = divide_at_own_digits(parts.number);
      if (own.rest != PhoneRest::kNothing && reader.read(own.number)) {
        return own.rest == PhoneRest::kRemark && read_digits(own.number, reader);
      }
      return read_digits(parts.number, reader) || reader.read_vanity(text);
    }
    default:
      return false;
  }
}

}  // namespace

Result normalize_phone(std::string_view utf8, Scratch& scratch, std::string_view region) {
  const std::string_view text = trim(utf8);
  if (text.empty()) return {Status::kBlank, {}};
  if (text.size() > kMaxPhoneBytes || !is_valid_utf8(text)) return {Status::kInvalid, text};
  const std::string typed = plain_phone_text(text);
  static_cast<void>(phone_numbers());
  require_memory(kNumberBytes);
  Reader reader(region);
  if (!read_value(typed, reader)) return {Status::kInvalid, text};
  const std::string extension = reader.extension();
  reader.write(scratch);  // without the extension
  // A few plans have digits that are dialled within the country only, as Mexico's 1 before a mobile
  // number was, and libphonenumber drops them from the international form alone: so that is read.
  if (!region.empty() && typed.front() != '+') {
    if (!reader.read_from_abroad(scratch)) return {Status::kInvalid, text};
    reader.write(scratch);
  }
  if (scratch.size() > kMostDigits + 1) return {Status::kInvalid, text};
  if (!extension.empty()) scratch.append(";ext=").append(extension);
  return {Status::kValid, scratch};
}

std::string_view phone_region(std::string_view written) {
  const std::string_view region = country_code(written);
  if (region.empty() || phone_numbers().GetCountryCodeForRegion(std::string(region)) == 0)
    return {};
  return region;
}

}  // namespace identity_resolve::normalize
