// What each provider's rule unites, and what it must not.
#include "normalize/mailbox.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <string_view>

#include "normalize/email.h"
#include "normalize/provider.h"

namespace identity_resolve::normalize {
namespace {

std::string mailbox(std::string_view typed) {
  Scratch scratch;
  const Result result = normalize_mailbox(typed, scratch);
  return result.status == Status::kValid ? std::string(result.text) : "<none>";
}

TEST(MailboxTest, Gmail) {
  for (const char* typed : {"zig.gy@gmail.com", "Z.i.g.g.y@GMAIL.com", "ziggy+news@gmail.com",
                            "ziggy+a+b@googlemail.com", "zi.ggy+@gmail.com", "\"ziggy\"@gmail.com",
                            "Ziggy <zig.gy@googlemail.com>"}) {
    EXPECT_EQ(mailbox(typed), "ziggy@gmail.com") << typed;
  }
  EXPECT_EQ(mailbox("+news@gmail.com"), "+news@gmail.com");
  EXPECT_EQ(mailbox("zig_gy@gmail.com"), "zig_gy@gmail.com");
  EXPECT_EQ(mailbox("zig-gy@gmail.com"), "zig-gy@gmail.com");
  EXPECT_EQ(mailbox("\"zig gy\"@gmail.com"), "\"zig gy\"@gmail.com");
  EXPECT_EQ(mailbox("zíg.gy+x@gmail.com"), "zíg.gy+x@gmail.com");
  EXPECT_EQ(mailbox("zig.gy@gmail.com.br"), "zig.gy@gmail.com.br");
}

TEST(MailboxTest, OutlookCutsTagsAndKeepsDotsAndDomains) {
  EXPECT_EQ(mailbox("Zig.gy+news@Outlook.com"), "zig.gy@outlook.com");
  EXPECT_EQ(mailbox("ziggy+news@hotmail.co.uk"), "ziggy@hotmail.co.uk");
  EXPECT_NE(mailbox("ziggy@outlook.com"), mailbox("ziggy@hotmail.com"));
  EXPECT_EQ(mailbox("ziggy-x@outlook.com"), "ziggy-x@outlook.com");
  EXPECT_EQ(mailbox("ziggy.+x@outlook.com"), "ziggy.+x@outlook.com");  // no name ends with a dot
}

// A disposable address has a base name, which is no account's: ziggy@yahoo.com may be somebody
// else.
TEST(MailboxTest, YahooDisposableAddresses) {
  EXPECT_EQ(mailbox("ziggy-news@yahoo.com"), "ziggy-@yahoo.com");
  EXPECT_EQ(mailbox("ziggy-a-b@ymail.com"), "ziggy-@ymail.com");
  EXPECT_EQ(mailbox("ziggy-@yahoo.com"), "ziggy-@yahoo.com");
  EXPECT_EQ(mailbox("ziggy-news@yahoo.com"), mailbox("ziggy-shop@yahoo.com"));
  EXPECT_NE(mailbox("ziggy-news@yahoo.com"), mailbox("ziggy@yahoo.com"));
  EXPECT_EQ(mailbox("-news@yahoo.com"), "-news@yahoo.com");
  EXPECT_EQ(mailbox("zig.gy@yahoo.com"), "zig.gy@yahoo.com");
  EXPECT_EQ(mailbox("ziggy+x@yahoo.com"), "ziggy+x@yahoo.com");
  EXPECT_NE(mailbox("ziggy@yahoo.com"), mailbox("ziggy@yahoo.co.uk"));
}

TEST(MailboxTest, ICloudHasThreeDomains) {
  EXPECT_EQ(mailbox("ziggy+x@me.com"), "ziggy@icloud.com");
  EXPECT_EQ(mailbox("ziggy@mac.com"), "ziggy@icloud.com");
  EXPECT_NE(mailbox("zig.gy@icloud.com"), mailbox("ziggy@icloud.com"));
}

TEST(MailboxTest, FastmailSubdomainsAreNames) {
  EXPECT_EQ(mailbox("ziggy+shop@fastmail.com"), "ziggy@fastmail.com");
  EXPECT_EQ(mailbox("shop@ziggy.fastmail.com"), "ziggy@fastmail.com");
  EXPECT_EQ(mailbox("shop@ziggy-stardust.fastmail.com"), "ziggy_stardust@fastmail.com");
  EXPECT_EQ(mailbox("shop@zi\u00e9.fastmail.com"), "shop@xn--zi-cja.fastmail.com");
  EXPECT_EQ(mailbox("shop+x@ziggy.sent.com"), "ziggy@sent.com");
  EXPECT_EQ(mailbox("用户@ziggy.fastmail.fm"), "ziggy@fastmail.fm");
  EXPECT_EQ(mailbox("shop@a.ziggy.fastmail.com"), "shop@a.ziggy.fastmail.com");
  EXPECT_NE(mailbox("ziggy@fastmail.com"), mailbox("ziggy@fastmail.fm"));
  EXPECT_EQ(mailbox("shop@ziggy.gmail.com"), "shop@ziggy.gmail.com");
}

TEST(MailboxTest, ProtonIgnoresPunctuation) {
  for (const char* typed : {"Zig.Gy@proton.me", "zig-gy@protonmail.com", "zig_gy+x@pm.me",
                            "ziggy@protonmail.ch", "_ziggy-@proton.me"}) {
    EXPECT_EQ(mailbox(typed), "ziggy@proton.me") << typed;
  }
  EXPECT_EQ(mailbox("_-_@proton.me"), "_-_@proton.me");
}

TEST(MailboxTest, YandexDotIsHyphen) {
  EXPECT_EQ(mailbox("zig.gy@yandex.ru"), mailbox("zig-gy+x@ya.ru"));
  EXPECT_EQ(mailbox("zig.gy@yandex.com"), "zig-gy@yandex.ru");
  EXPECT_NE(mailbox("ziggy@yandex.ru"), mailbox("zig.gy@yandex.ru"));
}

TEST(MailboxTest, GitHubNumberIsTheAccount) {
  EXPECT_EQ(mailbox("12345+ziggy@users.noreply.github.com"),
            mailbox("12345+stardust@users.noreply.github.com"));
  EXPECT_EQ(mailbox("12345+ziggy@users.noreply.github.com"), "12345+@users.noreply.github.com");
  EXPECT_EQ(mailbox("ziggy@users.noreply.github.com"), "ziggy@users.noreply.github.com");
  EXPECT_NE(mailbox("12345@users.noreply.github.com"),
            mailbox("12345+ziggy@users.noreply.github.com"));
  EXPECT_EQ(mailbox("a+b@users.noreply.github.com"), "a+b@users.noreply.github.com");
}

TEST(MailboxTest, UnknownProvidersAreLeftAlone) {
  for (const char* address : {"zig.gy+news@example.com", "zig-gy@gmx.de", "ziggy+x@aol.com",
                              "a+b@company.io", "a.b@web.de"}) {
    EXPECT_EQ(mailbox(address), address);
  }
  EXPECT_EQ(mailbox("n/a"), "<none>");
}

TEST(MailboxTest, TableIsSound) {
  std::set<std::string_view> domains;
  for (const Provider& provider : providers()) {
    EXPECT_TRUE(provider.page.starts_with("http")) << provider.name;
    std::string_view rest = provider.domains;
    while (!rest.empty()) {
      const std::string_view domain = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(rest.size(), domain.size() + 1));
      EXPECT_TRUE(domains.insert(domain).second) << domain << " is there twice";
      EXPECT_EQ(provider_of(domain), &provider) << domain;
      Scratch scratch;
      EXPECT_EQ(read_email("a@" + std::string(domain), scratch).problem, EmailProblem::kNone)
          << domain;
    }
    if (!provider.home.empty()) {
      EXPECT_EQ(provider_of(provider.home), &provider) << provider.name;
    }
  }
  EXPECT_EQ(provider_of("example.com"), nullptr);
  EXPECT_EQ(provider_of(""), nullptr);
}

// A mailbox is an address, and its own mailbox; equal addresses have equal mailboxes.
TEST(MailboxLawTest, Random) {
  std::mt19937_64 random{11};
  const std::string_view alphabet = "ab1.-_+";
  const std::string_view domains[] = {
      "gmail.com",    "googlemail.com", "outlook.com", "yahoo.com",  "me.com",
      "fastmail.com", "x.fastmail.fm",  "pm.me",       "yandex.com", "users.noreply.github.com",
      "example.com"};
  for (int i = 0; i < 200000; ++i) {
    std::string typed;
    for (std::uint64_t n = random() % 8; n > 0; --n) typed += alphabet[random() % alphabet.size()];
    typed += '@';
    typed += domains[random() % std::size(domains)];
    const std::string once = mailbox(typed);
    if (once == "<none>") continue;
    ASSERT_EQ(mailbox(once), once) << typed;
    Scratch scratch;
    const Result address = normalize_email(once, scratch);
    ASSERT_EQ(address.status, Status::kValid) << typed;
    ASSERT_EQ(address.text, once) << typed;
    const Result spelled = normalize_email(typed, scratch);
    ASSERT_EQ(mailbox(std::string(spelled.text)), once);
  }
}

TEST(MailboxTest, BaseNames) {
  for (const char* mailbox : {"nick-@yahoo.com", "no-@ymail.com"}) {
    EXPECT_TRUE(is_base_name(mailbox)) << mailbox;
  }
  for (const char* mailbox : {"nick@yahoo.com", "nick-@gmail.com", "nick-@x.org", "-", "",
                              "@yahoo.com", "-@", "nick-shop@yahoo.com"}) {
    EXPECT_FALSE(is_base_name(mailbox)) << mailbox;
  }
}

}  // namespace
}  // namespace identity_resolve::normalize
