// What agreement tells: Fellegi and Sunter's model with three classes of pairs.
//
// A pair of records is of one person, of two people of one household or office, or of strangers.
// For each class and column the model has the share of each level (match/levels.h). The weight of a
// pair is log2 of P(one person) / (P(household) + P(strangers)), in bits: 0 is as likely as not.
//
// Nothing is trained. What strangers agree in is seen in random pairs, cleaned of the few of one
// person among them; what a person's records agree in starts from what is known of a kind of field
// and is moved half way to what the pairs that were compared say (expectation maximisation).
//
// Fellegi, Sunter: A Theory for Record Linkage, JASA 64 (1969). Winkler: Using the EM Algorithm for
// Weight Computation in the Fellegi-Sunter Model of Record Linkage (2000).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "match/levels.h"
#include "match/list.h"
#include "match/table.h"

namespace identity_resolve::match {

// The levels of a pair in all columns, 5 bits each: what pairs are counted by.
struct Pattern {
  std::array<std::uint64_t, 2> parts{};

  static Pattern of(std::span<const Level> levels) noexcept;
  [[nodiscard]] Level level(std::size_t column) const noexcept {
    const auto level = static_cast<Level>((parts[column / 12] >> (5 * (column % 12))) & 31U);
    return level == 31 ? kNoLevel : level;
  }
  auto operator<=>(const Pattern&) const = default;
};
struct PatternCount {
  Pattern pattern;
  double pairs = 0;
};

class Model {
 public:
  // Shares of the levels of a column, by class.
  struct Field {
    std::vector<double> m;  // one person
    std::vector<double> u;  // strangers
    std::vector<double> h;  // a household
    // The share of pairs of equal values, of which a rare one tells more.
    double equal_at_random = 0;
    bool is_of_household = false;
  };

  // table: finished. patterns: those of compared pairs, each once; `share`: of all candidates.
  // random: patterns of pairs taken at random.
  Model(const Table& table, std::span<const PatternCount> patterns,
        std::span<const PatternCount> random, double share);

  // In bits. a: one of the two records; where their values are equal their rarity counts.
  [[nodiscard]] double weight(std::span<const Level> levels, RecordIndex a) const;

  // What it is at most, by which values are equal: most pairs need no more than that.
  [[nodiscard]] double weight_at_most(RecordIndex a, RecordIndex b) const noexcept;

  [[nodiscard]] const std::vector<Field>& fields() const noexcept { return fields_; }
  [[nodiscard]] double people() const noexcept { return lambda_person_; }
  [[nodiscard]] double households() const noexcept { return lambda_household_; }

 private:
  // Of a pair with such levels, log2 of the likelihood of a class against strangers, times its
  // share.
  struct Odds {
    double person;
    double household;
  };
  [[nodiscard]] Odds odds_of(std::span<const Level> levels) const;

  void start(std::span<const PatternCount> random);
  void see_random(std::span<const PatternCount> random);
  void fit(std::span<const PatternCount> patterns, double share);
  void make_weights();
  [[nodiscard]] std::vector<double> known_m(std::size_t column) const;
  [[nodiscard]] bool is_family(std::span<const Level> levels) const;
  [[nodiscard]] std::vector<double> of_family(std::size_t column) const;

  const Table* table_;
  double all_pairs_;
  std::vector<Field> fields_;
  std::vector<std::vector<double>> seen_u_;   // as counted, with those of one person among them
  std::vector<std::vector<double>> known_h_;  // of households, before any data
  double lambda_person_ = 0;                  // of all pairs, the share of each class
  double lambda_household_ = 0;
  bool has_household_ = false;
  // By column and level, in bits against strangers.
  std::vector<std::vector<double>> bits_person_;
  std::vector<std::vector<double>> bits_household_;
  double least_ = 0;  // of a pair of which no value tells anything
  // By column, the most that equal values and others may add; bags that differ may have the same
  // words.
  std::vector<double> most_equal_;
  std::vector<double> most_other_;
};

}  // namespace identity_resolve::match
