#include "engine/identity_id.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <set>
#include <string>

namespace identity_resolve::engine {
namespace {

using std::string_view_literals::operator""sv;

std::string text(const Uuid& uuid) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) result += '-';
    result += kDigits[uuid[i] >> 4U];
    result += kDigits[uuid[i] & 15U];
  }
  return result;
}

class IdentityId : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_GE(sodium_init(), 0); }
};

// People keep their ids for ever: these values, worked out by another program (Python's
// hashlib.blake2b(digest_size=16) and the six bits of RFC 9562), must never change.
TEST_F(IdentityId, GoldenValues) {
  EXPECT_EQ(text(identity_id("segment", "mYhgYcRBC7")), "d9ec9196-edff-8a02-85f0-8608c83c7e7c");
  EXPECT_EQ(text(identity_id("zendesk", "1303028105")), "34c228c6-de2b-8925-b130-e650a2da1a84");
  EXPECT_EQ(text(identity_id("büro", "\0"sv)), "81944f2f-92e4-8149-9fb4-cb1e039d0218");
  EXPECT_EQ(text(identity_id("", "")), "c804ce19-8ec3-87e3-9c76-2bdd1a09aece");
}

// One block of BLAKE2b or several: both ways to the same function.
TEST_F(IdentityId, IdsOfAnyLength) {
  EXPECT_EQ(text(identity_id("segment", std::string(112, 'x'))),
            "0f5cbba4-7c2f-89f7-bc1d-c8de1f007e86");
  EXPECT_EQ(text(identity_id("segment", std::string(113, 'x'))),
            "b597a4fe-b7d9-8e6a-8e8d-6d5c1cc56a6f");
  EXPECT_EQ(text(identity_id("segment", std::string(114, 'x'))),
            "0f5a9352-1aad-8693-9b56-4405411271b3");
  EXPECT_EQ(text(identity_id("segment", std::string(300, 'x'))),
            "e82aed47-4d43-8ef8-b673-3855a96305c1");
}

TEST_F(IdentityId, WhereTheNameEndsMatters) {
  EXPECT_EQ(text(identity_id("segmentm", "YhgYcRBC7")), "05b08c49-3850-8651-8896-acf7a4ba22eb");
  EXPECT_NE(identity_id("a", ""), identity_id("", "a"));
}

TEST_F(IdentityId, IsVersion8AndVariant10AndDistinct) {
  std::set<Uuid> seen;
  for (int i = 0; i < 20000; ++i) {
    const Uuid uuid = identity_id("segment", std::to_string(i));
    ASSERT_EQ(uuid[6] >> 4U, 8);
    ASSERT_EQ(uuid[8] >> 6U, 2);
    ASSERT_TRUE(seen.insert(uuid).second);
  }
}

}  // namespace
}  // namespace identity_resolve::engine
