#include "match/matcher.h"

#include <gtest/gtest.h>

#include "unit/match_testing.h"

namespace identity_resolve::match {
namespace {

using testing::always;
using testing::Fields;
using testing::Groups;
using testing::groups_of;
using testing::Row;
using testing::table_of;

const Fields kFields{{FieldKind::kGivenName, "given_name"},
                     {FieldKind::kSurname, "surname"},
                     {FieldKind::kDate, "birth_date"},
                     {FieldKind::kWords, "street"},
                     {FieldKind::kCity, "city"},
                     {FieldKind::kPhone, "phone"},
                     {FieldKind::kEmail, "email"}};

// A town of strangers, whom the model learns from: names, dates and homes by chance.
std::vector<Row> strangers(std::size_t count, unsigned seed = 1) {
  static const std::vector<std::string> kGiven{
      "anna",  "bob",   "carla", "david", "eve",   "frank", "grace", "henry", "ines",  "james",
      "karen", "louis", "mary",  "nora",  "oscar", "paula", "quinn", "ruth",  "steve", "tina"};
  static const std::vector<std::string> kSurnames{
      "archer", "baker",  "cooper", "dyer",   "ellis", "fisher", "gardner",
      "hunter", "irving", "jones",  "king",   "lewis", "miller", "newman",
      "owens",  "potter", "quincy", "rogers", "smith", "taylor"};
  static const std::vector<std::string> kStreets{"high street", "mill lane", "church road",
                                                 "park avenue", "station road"};
  static const std::vector<std::string> kCities{"leeds", "york", "bath", "derby", "truro", "ely"};
  std::mt19937 random(seed);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string given = kGiven[random() % kGiven.size()];
    const std::string surname = kSurnames[random() % kSurnames.size()];
    const auto digits = [&](std::size_t most, std::size_t least, int width) {
      std::string text = std::to_string(least + random() % (most - least + 1));
      while (text.size() < static_cast<std::size_t>(width)) text.insert(0, "0");
      return text;
    };
    rows.push_back({given, surname, digits(2005, 1940, 4) + digits(12, 1, 2) + digits(28, 1, 2),
                    digits(200, 1, 1) + " " + kStreets[random() % kStreets.size()],
                    kCities[random() % kCities.size()], digits(9999999999, 1000000000, 10),
                    given.substr(0, 1) + surname + digits(99999, 0, 1) + "@mail.com"});
  }
  return rows;
}

// Which of the last `count` rows of `rows`, after strangers, are together.
Groups together(const std::vector<Row>& rows, const MayJoin& may_join = always) {
  std::vector<Row> all = strangers(1500);
  const auto first = static_cast<std::uint32_t>(all.size());
  all.insert(all.end(), rows.begin(), rows.end());
  engine::testing::TestEnvironment environment;
  const auto table = table_of(environment.memory(), kFields, all);
  const Outcome outcome = match(*table, {}, may_join, environment);
  Groups groups;
  for (const auto& group : groups_of(*table, outcome.clusters)) {
    std::set<std::uint32_t> here;
    for (const std::uint32_t row : group) {
      if (row >= first) here.insert(row - first);
    }
    if (!here.empty()) {
      EXPECT_EQ(here.size(), group.size()) << "a stranger is with them";
      groups.insert(here);
    }
  }
  return groups;
}

TEST(Matcher, JoinsWhoMistypes) {
  const Row jane{
      "jane", "winters", "19840217", "12 mill lane", "york", "4412345678", "jane.winters@mail.com"};
  Row typo = jane;
  typo[0] = "jnae";
  typo[6] = "jane.wintrs@mail.com";
  Row date = jane;
  date[2] = "19840218";
  date[5] = "";
  EXPECT_EQ(together({jane, typo, date}), (Groups{{0, 1, 2}}));
}

TEST(Matcher, JoinsWhoMoved) {
  const Row jane{
      "jane", "winters", "19840217", "12 mill lane", "york", "4412345678", "jane.winters@mail.com"};
  const Row moved{
      "jane", "winters", "19840217", "7 park avenue", "leeds", "", "jane.winters@mail.com"};
  EXPECT_EQ(together({jane, moved}), (Groups{{0, 1}}));
}

TEST(Matcher, JoinsWhoMarried) {
  const Row maiden{
      "jane", "winters", "19840217", "12 mill lane", "york", "4412345678", "jane.winters@mail.com"};
  const Row married{"jane", "lambert", "19840217", "12 mill lane", "york", "4412345678", ""};
  EXPECT_EQ(together({maiden, married}), (Groups{{0, 1}}));
}

TEST(Matcher, JoinsSwappedNames) {
  const Row jane{"jane", "winters", "19840217", "12 mill lane", "york", "", ""};
  const Row swapped{"winters", "jane", "19840217", "", "york", "", ""};
  EXPECT_EQ(together({jane, swapped}), (Groups{{0, 1}}));
}

TEST(Matcher, KeepsTwinsApart) {
  const Row one{"jane", "winters", "19840217", "12 mill lane", "york", "4412345678", ""};
  const Row other{"peter", "winters", "19840217", "12 mill lane", "york", "4412345678", ""};
  EXPECT_EQ(together({one, other}), (Groups{{0}, {1}}));
}

TEST(Matcher, KeepsFatherAndSonApart) {
  const Row father{"peter", "winters", "19510930", "12 mill lane", "york", "4412345678", ""};
  const Row son{"peter", "winters", "19840217", "12 mill lane", "york", "4412345678", ""};
  EXPECT_EQ(together({father, son}), (Groups{{0}, {1}}));
}

TEST(Matcher, KeepsCouplesApart) {
  const Row one{"jane", "winters", "19840217", "12 mill lane", "york", "4412345678", ""};
  const Row other{"peter", "winters", "19811123", "12 mill lane", "york", "4412345678", ""};
  EXPECT_EQ(together({one, other}), (Groups{{0}, {1}}));
}

TEST(Matcher, KeepsCommonNamesApart) {
  const Row one{"mary", "smith", "", "", "york", "", ""};
  EXPECT_EQ(together({one, one}), (Groups{{0}, {1}}));
}

// What a limit keeps apart is not joined, whatever it weighs.
TEST(Matcher, AsksBeforeItJoins) {
  const Row jane{
      "jane", "winters", "19840217", "12 mill lane", "york", "4412345678", "jane.winters@mail.com"};
  EXPECT_EQ(together({jane, jane}, [](RecordIndex, RecordIndex) { return false; }),
            (Groups{{0}, {1}}));
}

TEST(Matcher, DoesNotDependOnTheOrderOfRows) {
  std::vector<Row> rows = strangers(400, 7);
  std::mt19937 random(3);
  for (std::size_t i = 0; i < 200; ++i) {
    Row copy = rows[random() % 400];
    for (std::string& value : copy) {
      if (random() % 4 == 0) value.clear();
      if (!value.empty() && random() % 5 == 0) value.erase(random() % value.size(), 1);
    }
    rows.push_back(copy);
  }
  std::vector<std::uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  Groups first;
  for (int round = 0; round < 3; ++round) {
    engine::testing::TestEnvironment environment;
    const auto table = table_of(environment.memory(), kFields, rows, {}, order);
    const Outcome outcome = match(*table, {}, always, environment);
    const Groups groups = groups_of(*table, outcome.clusters, order);
    if (round == 0) first = groups;
    EXPECT_EQ(groups, first);
    EXPECT_GT(rows.size() - groups.size(), 100U);
    std::shuffle(order.begin(), order.end(), random);
  }
}

// A copy of a record is with it, and a field that nobody has changes nothing.
TEST(Matcher, AnEmptyFieldChangesNothing) {
  std::vector<Row> rows = strangers(300, 9);
  for (std::size_t i = 0; i < 50; ++i) rows.push_back(rows[i]);
  engine::testing::TestEnvironment environment;
  const auto table = table_of(environment.memory(), kFields, rows);
  const Groups groups = groups_of(*table, match(*table, {}, always, environment).clusters);
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_TRUE(groups.contains({i, 300 + i})) << i;
  Fields wider = kFields;
  wider.emplace_back(FieldKind::kId, "passport");
  for (Row& row : rows) row.emplace_back();
  const auto other = table_of(environment.memory(), wider, rows);
  EXPECT_EQ(groups_of(*other, match(*other, {}, always, environment).clusters), groups);
}

TEST(Matcher, OfLittle) {
  engine::testing::TestEnvironment environment;
  for (const std::size_t count : {0U, 1U, 2U, 3U}) {
    const auto table = table_of(environment.memory(), kFields,
                                std::vector<Row>(count, Row{"", "", "", "", "", "", ""}));
    EXPECT_EQ(match(*table, {}, always, environment).clusters.size(), count);
  }
  // No field at all.
  const auto table = table_of(environment.memory(), {}, std::vector<Row>(5, Row{}));
  EXPECT_EQ(groups_of(*table, match(*table, {}, always, environment).clusters).size(), 5U);
}

TEST(Matcher, EndsWhenCancelledAndGivesMemoryBack) {
  engine::testing::TestEnvironment environment;
  {
    const auto table = table_of(environment.memory(), kFields, strangers(500));
    environment.cancel_at = environment.checks + 20;
    EXPECT_THROW(match(*table, {}, always, environment), engine::testing::Cancelled);
  }
  EXPECT_EQ(environment.bytes, 0U);
  EXPECT_EQ(environment.wrong_deallocations, 0U);
}

}  // namespace
}  // namespace identity_resolve::match
