#include "normalize/placeholder.h"

#include <algorithm>
#include <array>

#include "normalize/word_table.h"

namespace identity_resolve::normalize {

namespace {

constexpr std::string_view kZerosAndDashes = "^[0-]*$";

constexpr std::string_view kSegment =
    "Segment Unify, blocked values: "
    "https://www.twilio.com/docs/segment/unify/identity-resolution/identity-resolution-settings";
constexpr std::string_view kMixpanel =
    "Mixpanel, ids that it rejects: "
    "https://docs.mixpanel.com/troubleshooting/errors/server-side-events-without-a-user";
constexpr std::string_view kPostHog =
    "PostHog, ids that it does not merge: https://posthog.com/docs/data/identify";
constexpr std::string_view kAddress = "what people and tests type where an address is wanted";

// Only what cannot be somebody's own id. An address is here only with its domain: null@gmx.de may
// well be somebody.
constexpr auto kPlaceholders = std::to_array<Placeholder>({
    {kZerosAndDashes, true, kSegment},
    {"-1", false, kSegment},
    {"null", false, kSegment},
    {"anonymous", false, kSegment},
    {"nil", false, kMixpanel},
    {"<nil>", false, kMixpanel},
    {"none", false, kMixpanel},
    {"n/a", false, kMixpanel},
    {"na", false, kMixpanel},
    {"nan", false, kPostHog},
    {"undefined", false, kMixpanel},
    {"unknown", false, kMixpanel},
    {"anon", false, kMixpanel},
    {"true", false, kMixpanel},
    {"false", false, kMixpanel},
    {"[]", false, kMixpanel},
    {"{}", false, kMixpanel},
    {"[object object]", false, kPostHog},
    {"guest", false, kPostHog},
    {"not_authenticated", false, kPostHog},
    {"id", false, kPostHog},
    {"distinct_id", false, kPostHog},
    {"distinctid", false, kPostHog},
    {"email", false, kPostHog},
    {"(none)", false, "Amplitude and Google Analytics write it where there is no value"},
    {"(not set)", false, "Google Analytics writes it where there is no value"},
    {"d41d8cd98f00b204e9800998ecf8427e", false, "the hash of an empty string: MD5 (RFC 1321)"},
    {"da39a3ee5e6b4b0d3255bfef95601890afd80709", false,
     "the hash of an empty string: SHA-1 (FIPS 180-4)"},
    {"d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f", false,
     "the hash of an empty string: SHA-224 (FIPS 180-4)"},
    {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false,
     "the hash of an empty string: SHA-256 (FIPS 180-4)"},
    {"38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b"
     "95b",
     false, "the hash of an empty string: SHA-384 (FIPS 180-4)"},
    {"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877ee"
     "c2f63b931bd47417a81a538327af927da3e",
     false, "the hash of an empty string: SHA-512 (FIPS 180-4)"},
    {"9774d56d682e549c", false,
     "one ANDROID_ID that many devices share: https://issuetracker.google.com/issues/36917242"},
    {"test@test.com", false, kAddress},
    {"test@example.com", false, kAddress},
    {"user@example.com", false, kAddress},
    {"example@example.com", false, kAddress},
    {"null@null.com", false, kAddress},
    {"none@none.com", false, kAddress},
    {"na@na.com", false, kAddress},
    {"noemail@noemail.com", false, kAddress},
    {"undefined@undefined.com", false, kAddress},
});

constexpr std::size_t kLongest = 128;

constexpr auto kWords = [] {
  WordTable<128> table;
  for (const Placeholder& placeholder : kPlaceholders) {
    if (!placeholder.is_pattern) table.add_one(placeholder.value, 0);
  }
  return table;
}();
static_assert(kWords.size() + 1 == kPlaceholders.size() && kWords.size() <= 64);
static_assert(std::all_of(kPlaceholders.begin(), kPlaceholders.end(),
                          [](const Placeholder& at) { return at.value.size() <= kLongest; }));

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

std::span<const Placeholder> placeholders() { return kPlaceholders; }

bool is_placeholder(std::string_view normalized) {
  if (normalized.empty() || normalized.size() > kLongest) return false;
  const bool may_be_zeros = normalized.front() == '0' || normalized.front() == '-';
  if (may_be_zeros && normalized.find_first_not_of("0-") == std::string_view::npos) return true;
  if (!kWords.may_contain(normalized.size(), lower(normalized.front()), lower(normalized.back()))) {
    return false;
  }
  std::array<char, kLongest> buffer;
  std::transform(normalized.begin(), normalized.end(), buffer.begin(), lower);
  return kWords.contains({buffer.data(), normalized.size()});
}

}  // namespace identity_resolve::normalize
