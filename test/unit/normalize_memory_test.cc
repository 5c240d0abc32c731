// Memory that runs out: a value is spelled as ever, or std::bad_alloc says why not.
#include "normalize/memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "normalize/normalize.h"
#include "normalize/phone.h"

namespace identity_resolve::normalize {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

std::size_t address_space() {
  std::size_t pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%zu", &pages) != 1) pages = 0;
  if (file != nullptr) std::fclose(file);
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// What becomes of `work` in a process that may take so much more memory: 'r' its result is right,
// 'w' wrong, 'm' std::bad_alloc, 's' a signal ended it.
template <class Work>
char outcome_within(std::size_t bytes, Work work) {
  const pid_t child = fork();
  if (child == 0) {
    const rlim_t most = address_space() + bytes;
    const rlimit limit{most, most};
    setrlimit(RLIMIT_AS, &limit);
    try {
      _exit(work() ? 'r' : 'w');
    } catch (const std::bad_alloc&) {
      _exit('m');
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? static_cast<char>(WEXITSTATUS(status)) : 's';
}

// The outcomes with more and more memory, without repetitions: "mr" is what they have to be, or "r"
// where little is needed and the process has it already.
template <class Work>
std::string outcomes(Work work) {
  std::string seen;
  for (std::size_t bytes = 0; bytes <= 14 * kMegabyte; bytes += kMegabyte / 4) {
    const char outcome = outcome_within(bytes, work);
    if (seen.empty() || seen.back() != outcome) seen.push_back(outcome);
  }
  return seen;
}

bool spells(Method method, std::string_view typed, std::string_view expected) {
  Scratch scratch;
  const Result result = normalize(method, typed, scratch);
  return result.status == Status::kValid && result.text == expected;
}

TEST(MemoryTest, IsRequired) {
  EXPECT_NO_THROW(require_memory(kMegabyte));
  EXPECT_THROW(require_memory(SIZE_MAX / 4), std::bad_alloc);
}

TEST(MemoryTest, IcuIsNotTakenForJudge) {
  EXPECT_TRUE(icu_succeeded(U_ZERO_ERROR));
  EXPECT_TRUE(icu_succeeded(U_STRING_NOT_TERMINATED_WARNING));
  EXPECT_FALSE(icu_succeeded(U_ILLEGAL_ARGUMENT_ERROR));
  EXPECT_THROW(static_cast<void>(icu_succeeded(U_MEMORY_ALLOCATION_ERROR)), std::bad_alloc);
}

// First uses: no test before these has spelled such a value in this process, which ctest starts for
// each test anew.
TEST(MemoryTest, FirstNumber) {
  EXPECT_EQ(outcomes([] { return spells(Method::kPhone, "+44 20 8366 1177", "+442083661177"); }),
            "mr");
}

TEST(MemoryTest, FirstRegion) {
  EXPECT_EQ(outcomes([] { return phone_region("GB") == "GB" && phone_region("XX").empty(); }),
            "mr");
}

TEST(MemoryTest, FirstAddress) {
  const std::string seen = outcomes(
      [] { return spells(Method::kEmail, "\u00C4nn@\u00C4.org", "\u00E4nn@xn--4ca.org"); });
  EXPECT_TRUE(seen == "mr" || seen == "r") << seen;
}

TEST(MemoryTest, FirstCaseFold) {
  const std::string seen =
      outcomes([] { return spells(Method::kCasefold, "STRA\u00DFE", "strasse"); });
  EXPECT_TRUE(seen == "mr" || seen == "r") << seen;
}

// Numbers of many countries, whose patterns come up one after the other while the memory lasts.
TEST(MemoryTest, NumbersOfManyCountries) {
  prepare(Method::kPhone);
  static constexpr std::string_view kNumbers[] = {
      "+4930123456",   "+33123456789",  "+390212345678", "+34810123456",  "+12015550123",
      "+917410410123", "+861012345678", "+81312345678",  "+551123456789", "+522001234567",
      "+27101234567",  "+61212345678",  "+468123456",    "+4721234567",   "+41212345678"};
  const auto spell_all = [] {
    std::vector<std::string> eaten;
    for (const std::string_view number : kNumbers) {
      eaten.emplace_back(kMegabyte / 4, ' ');
      if (!spells(Method::kPhone, number, number)) return false;
    }
    return true;
  };
  EXPECT_EQ(outcomes(spell_all), "mr");
}

TEST(MemoryTest, PreparedMethodsNeedNoMore) {
  for (const Method method : {Method::kExact, Method::kCasefold, Method::kEmail, Method::kMailbox,
                              Method::kPhone, Method::kNone, Method::kUuid}) {
    prepare(method);
  }
  // As much as a value asks for by itself, and no tables of libphonenumber's.
  EXPECT_EQ(outcome_within(3 * kMegabyte / 2,
                           [] { return spells(Method::kPhone, "+442083661177", "+442083661177"); }),
            'r');
  EXPECT_EQ(
      outcome_within(
          kMegabyte / 2,
          [] { return spells(Method::kEmail, "\u00C4nn@\u00C4.org", "\u00E4nn@xn--4ca.org"); }),
      'r');
}

}  // namespace
}  // namespace identity_resolve::normalize
