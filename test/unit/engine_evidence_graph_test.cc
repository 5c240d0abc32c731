// The graph of the evidence: its records and links are those of the result, and its paths are as
// short as any, compared with a search that knows nothing of the graph.
#include "engine/evidence_graph.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <tuple>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::identity;
using testing::InputRow;
using testing::key_ring;
using testing::kind;
using testing::record;
using testing::RecordName;
using testing::source;
using testing::TestEnvironment;

constexpr std::size_t kSources = 3;
constexpr std::array kKindNames = {"user", "mail", "phone", "note"};

// user_id, one an identity; email; a weaker kind, at most three records; one that does not link.
std::vector<KindRules> rules() {
  std::vector<KindRules> rules(kKindNames.size());
  rules[0].priority = 100;
  rules[0].max_per_identity = 1;
  rules[1].priority = 60;
  rules[2].priority = 40;
  rules[2].max_records = 3;
  rules[3].links = false;
  return rules;
}

// A resolver with evidence, filled and finalized.
struct Resolved {
  explicit Resolved(const std::vector<InputRow>& rows, unsigned char secret = 7)
      : keys(key_ring(kKindNames.size(), kSources, secret)),
        resolver(
            std::make_unique<Resolver>(environment, Shape{rules(), kSources, false, true}, keys)) {
    auto sink = resolver->make_sink();
    for (const InputRow& row : rows) {
      sink->begin_row(source(row.source), row.id, row.updated_at);
      for (const InputRow::Item& item : row.items) {
        const Standing standing = item.bytes.front() == '?' ? Standing::kInvalid : Standing::kValid;
        sink->add_identifier(kind(item.number), item.bytes, standing, item.bytes);
      }
      sink->end_row();
    }
    resolver->combine(std::move(sink));
    resolver->finalize();
  }

  TestEnvironment environment;
  KeyRing keys;
  std::unique_ptr<Resolver> resolver;
};

RecordName name_of(const EvidenceGraph& graph, EvidenceGraph::Number number) {
  const EvidenceGraph::Record& record = graph.record(number);
  return {static_cast<std::uint16_t>(record.source), std::string(record.id)};
}

// "0/a -mail m-> 1/b", "=" in the place of "-" where the step is refused.
std::vector<std::string> read(const EvidenceGraph& graph,
                              const std::vector<EvidenceGraph::Step>& steps) {
  const auto shown = [&](EvidenceGraph::Number number) {
    const EvidenceGraph::Record& record = graph.record(number);
    return std::to_string(static_cast<int>(record.source)) + "/" + std::string(record.id);
  };
  std::vector<std::string> lines;
  for (const EvidenceGraph::Step& step : steps) {
    const Evidence& by = step.from->evidence;
    const char* line = step.accepted ? " -" : " =";
    lines.push_back(shown(step.from->record) + line + kKindNames.at(index(by.kind)) + " " +
                    std::string(by.value) + (line + 1) + "> " + shown(step.to->record));
  }
  return lines;
}

std::vector<std::string> path(const std::vector<InputRow>& rows, const RecordName& from,
                              const RecordName& to) {
  const Resolved resolved(rows);
  const EvidenceGraph graph(*resolved.resolver);
  const auto first = graph.find(source(from.first), from.second);
  const auto last = graph.find(source(to.first), to.second);
  if (!first || !last) return {"no such record"};
  return read(graph, graph.path(*first, *last));
}

using Lines = std::vector<std::string>;

TEST(EvidenceGraph, AChainIsToldStepByStep) {
  const std::vector<InputRow> rows = {record(0, "a").link(0, "u"),
                                      record(1, "b").link(0, "u").link(1, "m"),
                                      record(2, "c").link(1, "m")};
  EXPECT_EQ(path(rows, {0, "a"}, {2, "c"}), (Lines{"0/a -user u-> 1/b", "1/b -mail m-> 2/c"}));
  EXPECT_EQ(path(rows, {2, "c"}, {0, "a"}), (Lines{"2/c -mail m-> 1/b", "1/b -user u-> 0/a"}));
  EXPECT_EQ(path(rows, {0, "a"}, {0, "a"}), Lines{});
  EXPECT_EQ(path(rows, {0, "a"}, {0, "nobody"}), Lines{"no such record"});
}

TEST(EvidenceGraph, TheStrongerKindIsNamedWhereSeveralConnect) {
  const std::vector<InputRow> rows = {record(0, "a").link(2, "p").link(1, "m").link(0, "u"),
                                      record(1, "b").link(2, "p").link(1, "m").link(0, "u")};
  EXPECT_EQ(path(rows, {0, "a"}, {1, "b"}), Lines{"0/a -user u-> 1/b"});
}

TEST(EvidenceGraph, ARefusedStepIsTakenOnlyWhereThereIsNoOther) {
  std::vector<InputRow> rows = {record(0, "a").link(0, "1").link(1, "m"),
                                record(0, "b").link(0, "2").link(1, "m")};
  EXPECT_EQ(path(rows, {0, "a"}, {0, "b"}), Lines{"0/a =mail m=> 0/b"});
  // Many accepted steps are better than one that is refused.
  rows = {record(0, "a").link(2, "all").link(1, "1"), record(0, "b").link(2, "all").link(1, "4"),
          record(0, "c").link(2, "all").link(1, "9"), record(0, "d").link(2, "all").link(1, "8"),
          record(1, "x").link(1, "1").link(1, "2"),   record(1, "y").link(1, "2").link(1, "3"),
          record(1, "z").link(1, "3").link(1, "4")};
  EXPECT_EQ(path(rows, {0, "a"}, {0, "b"}), (Lines{"0/a -mail 1-> 1/x", "1/x -mail 2-> 1/y",
                                                   "1/y -mail 3-> 1/z", "1/z -mail 4-> 0/b"}));
  EXPECT_EQ(path(rows, {0, "c"}, {0, "d"}), Lines{"0/c =phone all=> 0/d"});
}

TEST(EvidenceGraph, TheSourceInWhichAnIdentifierIsMostCommonIsNamed) {
  const Resolved resolved({record(0, "a").link(1, "m"), record(1, "a").link(1, "m").link(2, "p"),
                           record(1, "b").link(1, "m"), record(2, "a").link(1, "m"),
                           record(2, "b").link(1, "m").link(2, "p"), record(2, "b").link(1, "m")});
  const EvidenceGraph graph(*resolved.resolver);
  const auto most_carried = [&](std::size_t at) {
    return graph.most_carried(graph.links_of(graph.find(source(1), "a").value())[at].identifier);
  };
  const EvidenceGraph::Carried mail = most_carried(0);
  EXPECT_EQ(mail.source, source(1));  // the first of two with two records each
  EXPECT_EQ(mail.records, 2U);
  EXPECT_EQ(mail.in_all, 5U);
  const EvidenceGraph::Carried phone = most_carried(1);
  EXPECT_EQ(phone.source, source(1));
  EXPECT_EQ(phone.records, 1U);
  EXPECT_EQ(phone.in_all, 2U);
}

TEST(EvidenceGraph, WhatTwoIdentitiesCannotBeOneForIsNamed) {
  const Resolved resolved({record(0, "a").link(0, "1").link(1, "m"),
                           record(0, "b").link(0, "2").link(1, "m"), record(1, "c").link(1, "m"),
                           record(2, "d").link(0, "9").link(0, "8").link(0, "7").link(0, "6")});
  const EvidenceGraph graph(*resolved.resolver);
  const auto excess = [&](std::size_t from, const char* id, std::size_t other_from,
                          const char* other) {
    const auto identity_of = [&](std::size_t at, const char* name) {
      return graph.record(graph.find(source(at), name).value()).identity;
    };
    return graph.excess(identity_of(from, id), identity_of(other_from, other));
  };
  const auto both = excess(0, "b", 0, "a");
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->kind, kind(0));
  EXPECT_EQ(both->count, 2U);
  EXPECT_EQ(both->values, (std::vector<std::string_view>{"1", "2"}));
  EXPECT_FALSE(excess(0, "a", 1, "c").has_value());
  EXPECT_FALSE(excess(0, "a", 0, "a").has_value());
  const auto alone = excess(2, "d", 2, "d");
  ASSERT_TRUE(alone.has_value());
  EXPECT_EQ(alone->count, 4U);
  EXPECT_EQ(alone->values, (std::vector<std::string_view>{"6", "7", "8"}));
}

TEST(EvidenceGraph, ARivalIsFound) {
  const auto rival = [](const std::vector<InputRow>& rows, const RecordName& from,
                        const RecordName& to) {
    const Resolved resolved(rows);
    const EvidenceGraph graph(*resolved.resolver);
    const auto first = graph.find(source(from.first), from.second).value();
    const auto last = graph.find(source(to.first), to.second).value();
    const auto found = graph.rival(graph.path(first, last).front());
    return found ? name_of(graph, *found).second : "nobody";
  };
  // By the identifier itself,
  EXPECT_EQ(rival({record(0, "a").link(0, "1").link(1, "m"),
                   record(0, "b").link(0, "2").link(1, "m"), record(1, "t").link(1, "m")},
                  {0, "a"}, {1, "t"}),
            "b");
  // by another one of the record between two,
  EXPECT_EQ(
      rival({record(0, "a").link(0, "1").link(1, "x"), record(0, "b").link(0, "2").link(1, "y"),
             record(1, "t").link(1, "x").link(1, "y")},
            {0, "a"}, {1, "t"}),
      "b");
  // and not where the two ends are all there is.
  EXPECT_EQ(
      rival({record(0, "a").link(0, "1").link(1, "m"), record(0, "b").link(0, "2").link(1, "m")},
            {0, "a"}, {0, "b"}),
      "nobody");
}

TEST(EvidenceGraph, InvalidValuesAndKindsThatDoNotLinkConnectNobody) {
  const std::vector<InputRow> rows = {record(0, "a").link(3, "n").link(0, "1"),
                                      record(0, "b").link(3, "n").link(0, "2")};
  EXPECT_EQ(path(rows, {0, "a"}, {0, "b"}), Lines{});
}

std::vector<InputRow> random_rows(std::mt19937_64& random) {
  const auto one_of = [&](std::uint64_t many) { return random() % many; };
  std::vector<InputRow> rows;
  const std::size_t values = 2 + one_of(6);
  for (std::size_t left = 2 + one_of(16); left > 0; --left) {
    InputRow row = record(one_of(kSources), std::to_string(one_of(8)));
    for (std::size_t links = one_of(4); links > 0; --links) {
      row.link(one_of(kKindNames.size()), std::to_string(one_of(values)));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// (refused steps, steps) from one record to each that can be reached: Bellman and Ford's way, over
// all pairs of links.
using Length = std::pair<std::size_t, std::size_t>;
std::vector<std::optional<Length>> lengths_from(const EvidenceGraph& graph,
                                                EvidenceGraph::Number from) {
  std::vector<std::optional<Length>> lengths(graph.records());
  lengths[from] = Length{0, 0};
  for (bool changed = true; changed;) {
    changed = false;
    for (EvidenceGraph::Number a = 0; a < graph.records(); ++a) {
      if (!lengths[a]) continue;
      for (EvidenceGraph::Number b = 0; b < graph.records(); ++b) {
        for (const auto& of_a : graph.links_of(a)) {
          for (const auto& of_b : graph.links_of(b)) {
            const Evidence& left = of_a.evidence;
            const Evidence& right = of_b.evidence;
            if (left.kind != right.kind || left.value != right.value || index(left.kind) == 3) {
              continue;
            }
            const bool accepted = left.status == LinkStatus::kLinks &&
                                  right.status == LinkStatus::kLinks &&
                                  graph.record(a).identity == graph.record(b).identity;
            const Length length{lengths[a]->first + (accepted ? 0 : 1), lengths[a]->second + 1};
            if (!lengths[b] || length < *lengths[b]) {
              lengths[b] = length;
              changed = true;
            }
          }
        }
      }
    }
  }
  return lengths;
}

TEST(EvidenceGraph, PathsAreTheShortestAndTheDataAloneDecides) {
  std::mt19937_64 random(20261124);
  std::map<Length, std::size_t> seen;
  for (int round = 0; round < 300; ++round) {
    std::vector<InputRow> rows = random_rows(random);
    const Resolved resolved(rows);
    const EvidenceGraph graph(*resolved.resolver);
    std::shuffle(rows.begin(), rows.end(), random);
    const Resolved resolved_again(rows, static_cast<unsigned char>(random()));
    const EvidenceGraph again(*resolved_again.resolver);
    ASSERT_EQ(graph.records(), again.records());

    // The graph's records and links are the result's.
    std::set<RecordName> given;
    std::set<std::tuple<RecordName, std::size_t, std::string>> claims;
    for (const InputRow& row : rows) {
      given.emplace(row.source, row.id);
      for (const InputRow::Item& item : row.items) {
        claims.emplace(RecordName(row.source, row.id), item.number, item.bytes);
      }
    }
    ASSERT_EQ(graph.records(), given.size());
    std::size_t links = 0;
    for (EvidenceGraph::Number a = 0; a < graph.records(); ++a) {
      for (const EvidenceGraph::Link& link : graph.links_of(a)) {
        ++links;
        ASSERT_EQ(link.record, a);
        ASSERT_TRUE(claims.contains(
            {name_of(graph, a), index(link.evidence.kind), std::string(link.evidence.value)}));
      }
    }
    ASSERT_EQ(links, claims.size());

    for (EvidenceGraph::Number a = 0; a < graph.records(); ++a) {
      const auto lengths = lengths_from(graph, a);
      for (EvidenceGraph::Number b = 0; b < graph.records(); ++b) {
        const auto steps = graph.path(a, b);
        ASSERT_EQ(lengths[b].has_value(), a == b || !steps.empty());
        if (steps.empty()) continue;
        Length length{0, 0};
        EvidenceGraph::Number at = a;
        for (const EvidenceGraph::Step& step : steps) {
          ASSERT_EQ(step.from->record, at);
          ASSERT_EQ(step.from->evidence.value, step.to->evidence.value);
          ASSERT_EQ(step.from->evidence.kind, step.to->evidence.kind);
          at = step.to->record;
          length.first += step.accepted ? 0 : 1;
          ++length.second;
        }
        ASSERT_EQ(at, b);
        ASSERT_EQ(length, *lengths[b]);
        // Two records of one identity are connected by accepted steps alone.
        ASSERT_TRUE(length.first == 0 || graph.record(a).identity != graph.record(b).identity);
        ++seen[length];
        const RecordName from = name_of(graph, a);
        const RecordName to = name_of(graph, b);
        ASSERT_EQ(read(again, again.path(*again.find(source(from.first), from.second),
                                         *again.find(source(to.first), to.second))),
                  read(graph, steps));
      }
    }
  }
  // Short and long, with and without refused steps.
  EXPECT_TRUE(seen.contains({0, 1}) && seen.contains({0, 3}) && seen.contains({1, 1}) &&
              seen.contains({1, 3}) && seen.contains({2, 2}));
}

TEST(EvidenceGraph, ManyRecordsOfOneIdentifierCostNoSquare) {
  std::vector<InputRow> rows;
  constexpr std::size_t kMany = 100'000;
  for (std::size_t i = 0; i < kMany; ++i) {
    rows.push_back(record(0, std::to_string(i)).link(1, "shared").link(0, std::to_string(i)));
  }
  EXPECT_EQ(path(rows, {0, "5"}, {0, "99999"}), Lines{"0/5 =mail shared=> 0/99999"});
}

}  // namespace
}  // namespace identity_resolve::engine
