// What a regular expression demands of a text. That it demands nothing too much is a matter of
// PostgreSQL's own expressions: sql/40_rules.sql compares them over many patterns and texts.
#include "normalize/pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace identity_resolve::normalize {
namespace {

using Words = std::vector<std::string>;

Words demanded(std::string_view pattern, bool any_case = false) {
  return RequiredText(pattern, any_case).alternatives();
}

TEST(RequiredTextTest, TheLongestLiteralIsDemanded) {
  EXPECT_EQ(demanded("test"), Words{"test"});
  EXPECT_EQ(demanded("^test-"), Words{"test-"});
  EXPECT_EQ(demanded(R"(@example\.(org|net)$)"), Words{"@example."});
  EXPECT_EQ(demanded(R"(^(qa|dev)[0-9]+@corp\.com$)"), Words{"@corp.com"});
  EXPECT_EQ(demanded("ab.cde"), Words{"cde"});
  EXPECT_EQ(demanded(R"(\Aroot\M)"), Words{"root"});
  EXPECT_EQ(demanded("a b"), Words{"a b"});
  EXPECT_EQ(demanded("x[]a]bc[^]]d[[:alpha:]]efg[[.].]]"), Words{"efg"});
  EXPECT_EQ(demanded(R"(a[\]]bc)"), Words{"bc"});
  EXPECT_EQ(demanded("abc((x)|[)])de"), Words{"abc"});
}

TEST(RequiredTextTest, WhatIsOptionalIsNotDemanded) {
  EXPECT_EQ(demanded("abcd?ef"), Words{"abc"});
  EXPECT_EQ(demanded("abcd*?ef"), Words{"abc"});
  EXPECT_EQ(demanded("ab+cde"), Words{"cde"});
  EXPECT_EQ(demanded("ab+?c"), Words{"ab"});
  EXPECT_EQ(demanded("abc{0,2}d"), Words{"ab"});
  EXPECT_EQ(demanded("abc{0}?d"), Words{"ab"});
  EXPECT_EQ(demanded("(abc)?d"), Words{"d"});
  EXPECT_EQ(demanded("ab(?:cde)*f"), Words{"ab"});
}

TEST(RequiredTextTest, OneOfSeveralAlternatives) {
  EXPECT_EQ(demanded("^test|demo$|x"), (Words{"test", "demo", "x"}));
  const RequiredText either("^test|^demo", false);
  EXPECT_TRUE(either.allows("my test") && either.allows("demonstration"));
  EXPECT_FALSE(either.allows("Test") || either.allows("dem"));
}

TEST(RequiredTextTest, NothingIsDemandedWhereItCannotBeTold) {
  for (const char* pattern :
       {"",     "^$",     ".*",        "a?",         "[abc]",   "a|",         "|a",      "a|b*",
        "(a)",  R"(\d+)", R"(\x61bc)", R"((a)\1bc)", "(?i)abc", "(?=abc)abc", "***=abc", "***:abc",
        "a{b}", "abc]",   "abc}",      "[abc",       "(abc",    "abc\\",      "ü"}) {
    EXPECT_EQ(demanded(pattern), Words{}) << pattern;
    EXPECT_TRUE(RequiredText(pattern, false).allows("")) << pattern;
  }
  EXPECT_EQ(demanded("aübc"), Words{"bc"});
}

TEST(RequiredTextTest, InAnyCase) {
  EXPECT_EQ(demanded("^TEST-", true), Words{"test-"});
  EXPECT_EQ(demanded("Mailinator", true), Words{"nator"});
  EXPECT_EQ(demanded("i", true), Words{});
  const RequiredText pattern("^TeSt", true);
  EXPECT_TRUE(pattern.allows("xTEST") && pattern.allows("test") && pattern.allows("tesT1"));
  EXPECT_FALSE(pattern.allows("") || pattern.allows("tes") || pattern.allows("t est"));
}

}  // namespace
}  // namespace identity_resolve::normalize
