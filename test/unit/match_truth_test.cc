// Matching against truth: public sets of people, and made-up ones, half of whose kinds of error
// nothing was tuned on. One way for all of them; the figures are bounds below what it reaches.
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>

#include "bench/people.h"
#include "match/spell.h"
#include "unit/match_testing.h"

namespace identity_resolve::match {
namespace {

using testing::always;

struct Quality {
  double precision = 0;
  double recall = 0;
  [[nodiscard]] double f1() const { return 2 * precision * recall / (precision + recall); }
};

const std::map<std::string, FieldKind> kKinds{{"given_name", FieldKind::kGivenName},
                                              {"first_name", FieldKind::kGivenName},
                                              {"surname", FieldKind::kSurname},
                                              {"date_of_birth", FieldKind::kDate},
                                              {"dob", FieldKind::kDate},
                                              {"birth_date", FieldKind::kDate},
                                              {"street_number", FieldKind::kHouseNumber},
                                              {"address_1", FieldKind::kWords},
                                              {"address_2", FieldKind::kWords},
                                              {"street", FieldKind::kWords},
                                              {"suburb", FieldKind::kCity},
                                              {"city", FieldKind::kCity},
                                              {"postcode", FieldKind::kPostcode},
                                              {"state", FieldKind::kCategory},
                                              {"soc_sec_id", FieldKind::kId},
                                              {"phone", FieldKind::kPhone},
                                              {"email", FieldKind::kEmail}};

// A line of a CSV file, quotes as RFC 4180 has them but for line breaks.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool is_quoted = false;
  for (const char c : line) {
    if (c == '"') {
      is_quoted = !is_quoted;
    } else if (c == ',' && !is_quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  return cells;
}

double pairs_of(double count) { return count * (count - 1) / 2; }

// Of pairs of records, over clusters as a whole.
Quality quality_of(std::istream& csv) {
  engine::testing::TestEnvironment environment;
  Table table(environment.memory());
  std::string line;
  std::getline(csv, line);
  const std::vector<std::string> header = cells_of(line);
  std::vector<std::pair<std::size_t, FieldKind>> fields;
  std::size_t truth_at = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] == "truth") truth_at = i;
    const auto kind = kKinds.find(header[i]);
    if (kind == kKinds.end()) continue;
    fields.emplace_back(i, kind->second);
    table.add_column(kind->second, header[i]);
  }
  std::vector<std::string> truth;
  std::vector<std::string> spelled(fields.size());
  while (std::getline(csv, line)) {
    std::vector<std::string> cells = cells_of(line);
    cells.resize(header.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      spell(fields[i].second, cells[fields[i].first], spelled[i]);
    }
    const std::vector<std::string_view> values(spelled.begin(), spelled.end());
    const auto number = static_cast<std::uint32_t>(truth.size());
    table.add((number + 1) * 0x9E3779B97F4A7C15U, 0, number, values);
    truth.push_back(cells[truth_at]);
  }
  table.finish();
  const Outcome outcome = match(table, {}, always, environment);
  std::map<std::string, double> people;
  std::map<RecordIndex, double> clusters;
  std::map<std::pair<std::string, RecordIndex>, double> both;
  for (RecordIndex record = 0; record < table.size(); ++record) {
    const std::string& person = truth[table.arrival(record)];
    ++people[person];
    ++clusters[outcome.clusters[record]];
    ++both[{person, outcome.clusters[record]}];
  }
  const auto sum = [](const auto& counts) {
    double all = 0;
    for (const auto& [name, count] : counts) all += pairs_of(count);
    return all;
  };
  return {sum(both) / sum(clusters), sum(both) / sum(people)};
}

Quality quality_of_file(const std::string& name) {
  // Beside this file, wherever the tests run.
  const std::string here = __FILE__;
  std::ifstream csv(here.substr(0, here.rfind('/')) + "/../truth/" + name);
  EXPECT_TRUE(csv.is_open()) << name;
  return quality_of(csv);
}

TEST(Truth, Febrl3) {
  const Quality quality = quality_of_file("febrl3.csv");
  EXPECT_GE(quality.precision, .999);
  EXPECT_GE(quality.f1(), .999);
}

TEST(Truth, Fake1000) {
  const Quality quality = quality_of_file("fake_1000.csv");
  EXPECT_GE(quality.precision, .995);
  EXPECT_GE(quality.f1(), .98);
}

Quality quality_of_people(std::uint64_t seed, bool with_held_out) {
  people::Options options;
  options.records = 10000;
  options.seed = seed;
  options.kinds = people::kinds(with_held_out);
  const people::Population population(options);
  std::string text(people::kHeader);
  text += '\n';
  for (std::size_t place = 0; place < population.size(); ++place) {
    people::append_line(text, population.record(place));
  }
  std::istringstream csv(text);
  return quality_of(csv);
}

// Families, twins, juniors and offices among them.
TEST(Truth, MadeUpPeople) {
  const Quality quality = quality_of_people(1, false);
  EXPECT_GE(quality.precision, .985);
  EXPECT_GE(quality.f1(), .98);
}

TEST(Truth, MadeUpPeopleWithOtherErrors) {
  const Quality quality = quality_of_people(2, true);
  EXPECT_GE(quality.precision, .985);
  EXPECT_GE(quality.f1(), .97);
}

}  // namespace
}  // namespace identity_resolve::match
