// Ids in their several spellings, and what an address tells about its owner.
#include "normalize/id.h"
#include "normalize/placeholder.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include "normalize/email_facts.h"
#include "normalize/normalize.h"

namespace identity_resolve::normalize {
namespace {

std::string spell(Method method, std::string_view typed) {
  Scratch scratch;
  const Result result = normalize(method, typed, scratch);
  if (result.status == Status::kBlank) return "<blank>";
  return result.status == Status::kInvalid ? "<invalid>" : std::string(result.text);
}

TEST(SalesforceIdTest, ShortAndLongAreOne) {
  for (const char* typed : {"00Q31000014XGRc", "00Q31000014XGRcEAO", "00q31000014xgrceao",
                            "00Q31000014XGRCEAO", " 00Q31000014XGRcEAO\n", "00Q31000014XGRceao"}) {
    EXPECT_EQ(spell(Method::kSalesforceId, typed), "00Q31000014XGRcEAO") << typed;
  }
  EXPECT_EQ(spell(Method::kSalesforceId, "00Q31000014sKCqEAM"), "00Q31000014sKCqEAM");
  EXPECT_EQ(spell(Method::kSalesforceId, "00Q31000014sKCq"), "00Q31000014sKCqEAM");
  // In 15 characters the case tells two ids apart.
  EXPECT_NE(spell(Method::kSalesforceId, "00Q31000014XGRc"),
            spell(Method::kSalesforceId, "00Q31000014XGRC"));
}

TEST(SalesforceIdTest, TheChecksumIsVerified) {
  EXPECT_EQ(spell(Method::kSalesforceId, "00Q31000014XGRcEAM"), "<invalid>");  // c, and not C
  EXPECT_EQ(spell(Method::kSalesforceId, "00Q31000014XGRCEAo"), "00Q31000014XGRcEAO");
  EXPECT_EQ(spell(Method::kSalesforceId, "00Q31000014xGRcEAO"), "<invalid>");
  EXPECT_EQ(spell(Method::kSalesforceId, "00q31000014xgrceap"), "<invalid>");  // a digit as capital
  EXPECT_EQ(spell(Method::kSalesforceId, "00q31000014xgrcea9"), "<invalid>");  // no check character
  // Damaged: a character lost or won. What is missing is not guessed.
  for (const char* typed : {"00Q31000014XGR", "00Q31000014XGRcE", "00Q31000014XGRcEA",
                            "0Q31000014XGRcEAO", "00Q31000014XGRcEAOO"}) {
    EXPECT_EQ(spell(Method::kSalesforceId, typed), "<invalid>") << typed;
  }
  // The last of 18 is 0 for O, as a spreadsheet or an eye reads it.
  EXPECT_EQ(spell(Method::kSalesforceId, "00Q31000014XGRcEA0"), "<invalid>");
  EXPECT_EQ(spell(Method::kSalesforceId, "００Q31000014XGRc"), "<invalid>");
  EXPECT_EQ(spell(Method::kSalesforceId, "00Q31000014XG-c"), "<invalid>");
  EXPECT_EQ(spell(Method::kSalesforceId, ""), "<blank>");
}

TEST(UuidTest, OneSpelling) {
  for (const char* typed :
       {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "URN:UUID:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "f81d4fae7dec11d0a76500a0c91e6bf6",
        " f81d4fae-7dec-11d0-a765-00a0c91e6bf6\u200b"}) {
    EXPECT_EQ(spell(Method::kUuid, typed), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6") << typed;
  }
  for (const char* typed :
       {"f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6a",
        "f81d4fa-e7dec-11d0-a765-00a0c91e6bf6", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "urn:uuid:{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "{urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
        "f81d4fae-7dec11d0a76500a0c91e6bf6", "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "x"}) {
    EXPECT_EQ(spell(Method::kUuid, typed), "<invalid>") << typed;
  }
}

TEST(ObjectIdTest, OneSpelling) {
  for (const char* typed :
       {"55c8923f67b8d6524600037f", "55C8923F67B8D6524600037F",
        "ObjectId(\"55c8923f67b8d6524600037f\")", "ObjectId('55c8923f67b8d6524600037f')",
        "ObjectId( \"55C8923F67B8D6524600037F\" )", "ObjectID(55c8923f67b8d6524600037f)"}) {
    EXPECT_EQ(spell(Method::kObjectId, typed), "55c8923f67b8d6524600037f") << typed;
  }
  for (const char* typed : {"55c8923f67b8d6524600037", "ObjectId(\"55c8923f67b8d6524600037f\"",
                            "ObjectId55c8923f67b8d6524600037f", "55c8923f67b8d6524600037g",
                            "(55c8923f67b8d6524600037f)"}) {
    EXPECT_EQ(spell(Method::kObjectId, typed), "<invalid>") << typed;
  }
}

TEST(IdLawTest, Idempotent) {
  std::mt19937_64 random{3};
  const std::string_view alphabet = "0123456789abcdefABCDEFXYZ";
  for (int i = 0; i < 200000; ++i) {
    std::string typed;
    const std::size_t lengths[] = {15, 18, 24, 32};
    for (std::size_t n = lengths[random() % 4]; n > 0; --n)
      typed += alphabet[random() % alphabet.size()];
    for (const Method method : {Method::kSalesforceId, Method::kUuid, Method::kObjectId}) {
      const std::string once = spell(method, typed);
      if (once.front() == '<') continue;
      ASSERT_EQ(spell(method, once), once) << typed;
      if (method == Method::kSalesforceId) {
        // Either case of the long form leads back to it.
        std::string loud = once;
        std::string low = once;
        for (char& c : loud) c = static_cast<char>(std::toupper(c));
        for (char& c : low) c = static_cast<char>(std::tolower(c));
        ASSERT_EQ(spell(method, loud), once) << typed;
        ASSERT_EQ(spell(method, low), once) << typed;
        ASSERT_EQ(spell(method, once.substr(0, 15)), once);
      }
    }
  }
}

TEST(EmailFactsTest, Domain) {
  EXPECT_EQ(domain_of("a@x.org"), "x.org");
  EXPECT_EQ(domain_of("\"a@b\"@x.org"), "x.org");
}

TEST(EmailFactsTest, Role) {
  for (const char* address :
       {"info@x.org", "support+de@x.org", "no-reply@x.org", "postmaster@x.org", "kontakt@x.de"}) {
    EXPECT_TRUE(is_role(address)) << address;
  }
  for (const char* address : {"ziggy@x.org", "information.desk.ziggy@x.org", "\"info\"x@x.org"}) {
    EXPECT_FALSE(is_role(address)) << address;
  }
}

TEST(EmailFactsTest, Automatic) {
  for (const char* address :
       {"no-reply@x.org", "noreply@x.org", "do.not.reply@x.org", "docs-noreply@x.org",
        "noreply+4711@x.org", "noreply3@x.org", "nicht_antworten@x.de", "mailer-daemon@x.org",
        "bounces@x.org", "bounce+ann=y.org@x.org", "bounces-17@x.org", "devnull@x.org"}) {
    EXPECT_TRUE(is_automatic(address)) << address;
  }
  for (const char* address :
       {"ziggy@x.org", "casinoreply@x.org", "noreplyson@x.org", "bounce-house@x.org",
        "bouncer@x.org", "reply@x.org", "ziggy@noreply.org", "noreply@users.noreply.github.com",
        "17+ziggy@users.noreply.github.com", "no address", ""}) {
    EXPECT_FALSE(is_automatic(address)) << address;
  }
}

TEST(PlaceholderTest, Machines) {
  for (const char* value : {"(null)",
                            "<NULL>",
                            "\\N",
                            "#N/A",
                            "0x0000",
                            "{{user.id}}",
                            "%%emailaddr%%",
                            "*|EMAIL|*",
                            "{!Contact.Email}",
                            "%FIRSTNAME%",
                            "{contact.email}",
                            "1.23457E+15",
                            "1E+15",
                            "-",
                            "...",
                            "000000000000000AAA",
                            "ffffffff-ffff-ffff-ffff-ffffffffffff",
                            "a@b.invalid",
                            "noemail@x.org",
                            "j***@x.org",
                            "+12345678900",
                            "[null, null]",
                            "{\"id\": null}",
                            ":user_id",
                            "~null~",
                            "\\x00",
                            "#<User:0x000055d1>",
                            "<object object at 0x7f3c>",
                            "[B@1b6d3586",
                            "%(user_id)s",
                            "{email}@x.org",
                            "\xE2\x80\x94"}) {
    EXPECT_TRUE(is_placeholder(value)) << value;
  }
  for (const char* value : {"",
                            "1e810c197e",
                            "55e8923",
                            "1e810",
                            "1.e4",
                            "55e-8923",
                            "0_0",
                            "fffffff",
                            "nat",
                            "array",
                            "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
                            "__jane__",
                            "null@x.org",
                            "a@invalid.org",
                            "rock*star@x.org",
                            "\xE2\x80",
                            "\xFF",
                            "100%",
                            "[jane, null]",
                            "_null",
                            ":jane",
                            "<jane at home>",
                            "()x",
                            "[ ]x",
                            "\\x01",
                            "@x",
                            "[B@",
                            "{x",
                            "<x",
                            "%(x"}) {
    EXPECT_FALSE(is_placeholder(value)) << value;
  }
}

TEST(PlaceholderTest, EachWordIsOne) {
  for (const Placeholder& at : placeholders()) {
    EXPECT_FALSE(at.source.empty()) << at.value;
    if (!at.is_pattern) {
      EXPECT_TRUE(is_placeholder(at.value)) << at.value;
    }
  }
}

TEST(EmailFactsTest, Free) {
  for (const char* address : {"a@gmail.com", "a@hotmail.co.uk", "a@gmx.de", "a@qq.com",
                              "a@proton.me", "shop@ziggy.fastmail.com", "a@ya.ru"}) {
    EXPECT_TRUE(is_free(address)) << address;
  }
  for (const char* address : {"a@x.org", "a@corp.gmail.com", "1+a@users.noreply.github.com"}) {
    EXPECT_FALSE(is_free(address)) << address;
  }
}

TEST(EmailFactsTest, Disposable) {
  for (const char* address : {"a@mailinator.com", "a@inbox.mailinator.com", "a@yopmail.com"}) {
    EXPECT_TRUE(is_disposable(address)) << address;
  }
  for (const char* address : {"a@x.org", "a@mailinator.example", "a@gmail.com"}) {
    EXPECT_FALSE(is_disposable(address)) << address;
  }
}

// Every line is a domain as read_email() spells it, no one's free mailboxes, and found; what is
// nearly one is not.
TEST(EmailFactsTest, DisposableDomains) {
  std::set<std::string, std::less<>> domains;
  std::string lines;
  for (const std::string_view part : disposable_domains()) lines += part;
  std::string_view rest = lines;
  std::string last;
  while (!rest.empty()) {
    const std::string domain(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(domain.size() + 1);
    ASSERT_LT(last, domain);
    last = domain;
    domains.insert(domain);
  }
  EXPECT_GT(domains.size(), 8000U);
  const auto listed = [&](std::string_view domain) {
    while (!domains.contains(domain)) {
      const std::size_t dot = domain.find('.');
      if (dot == std::string_view::npos) return false;
      domain.remove_prefix(dot + 1);
    }
    return true;
  };
  for (const std::string& domain : domains) {
    const std::string address = "a@" + domain;
    ASSERT_EQ(spell(Method::kEmail, address), address);
    ASSERT_TRUE(is_disposable(address)) << address;
    ASSERT_FALSE(is_free(address)) << address;
    const std::string variants[] = {"x" + domain,
                                    "-" + domain,
                                    domain + "m",
                                    domain + ".",
                                    "x." + domain,
                                    domain.substr(1),
                                    domain.substr(0, domain.size() - 1)};
    for (const std::string& variant : variants) {
      ASSERT_EQ(is_disposable("a@" + variant), listed(variant)) << variant;
    }
  }
  // Relays and providers whose mailboxes last.
  for (const char* domain :
       {"duck.com", "privaterelay.appleid.com", "mozmail.com", "simplelogin.com", "simplelogin.co",
        "slmail.me", "addy.io", "anonaddy.me", "passmail.net", "hey.com", "21cn.com"}) {
    EXPECT_FALSE(listed(domain)) << domain;
  }
}

}  // namespace
}  // namespace identity_resolve::normalize
