#include "match/model.h"

#include <algorithm>
#include <cmath>

namespace identity_resolve::match {

namespace {

constexpr double kLeastShare = 1e-7;
constexpr int kRounds = 20;
// What is known of households before any data weighs as much as so many pairs a record.
constexpr double kHouseholds = .05;
// In a household names and birth dates are as at random, but for sons of the same name, and twins.
constexpr double kSonsOfOneName = .03;
constexpr double kTwins = .015;
// How much likelier a household is, in bits, where people of one name and one home differ in a fact
// of the person.
constexpr double kFamily = 12;
// What a value's rarity adds or takes at most, in bits.
constexpr double kMostRarity = 6;

// In a household, how often a fact of the person is the same one.
double same_in_family(FieldKind kind) {
  if (kind == FieldKind::kGivenName) return kSonsOfOneName;
  return kind == FieldKind::kDate ? kTwins : 0;
}

void scale_to_one(std::vector<double>& shares) {
  double sum = 0;
  for (double& share : shares) {
    share = std::max(share, kLeastShare);
    sum += share;
  }
  for (double& share : shares) share /= sum;
}

}  // namespace

Pattern Pattern::of(std::span<const Level> levels) noexcept {
  Pattern pattern;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    pattern.parts[i / 12] |= std::uint64_t{levels[i] & 31U} << (5 * (i % 12));
  }
  return pattern;
}

Model::Model(const Table& table, std::span<const PatternCount> patterns,
             std::span<const PatternCount> random, double share)
    : table_(&table),
      all_pairs_(std::max(
          1.0, .5 * static_cast<double>(table.size()) * (static_cast<double>(table.size()) - 1))),
      fields_(table.columns().size()) {
  start(random);
  fit(patterns, share);
  make_weights();
}

// Of bags the steps of bits follow how much their values tell at all.
std::vector<double> Model::known_m(std::size_t column) const {
  const Column& values = table_->columns()[column];
  const std::span<const double> known = kind_of(values.kind).m;
  if (!values.is_bag()) {
    std::vector<double> m(known.begin(), known.end());
    scale_to_one(m);
    return m;
  }
  std::array<double, kBagBits> records{};
  for (Code value = 1; value < values.dictionary->size(); ++value) {
    double bits = 0;
    for (const Code word : values.words->of(value)) bits += values.words->bits[word];
    records[bag_step(bits)] += values.counts[value];
  }
  std::vector<double> m{known[0]};
  for (const double count : records) {
    for (std::size_t share = 0; share < kBagShares; ++share) {
      m.push_back(known[1 + share] * (count + 1) / (values.filled + static_cast<double>(kBagBits)));
    }
  }
  scale_to_one(m);
  return m;
}

void Model::start(std::span<const PatternCount> random) {
  const auto records = static_cast<double>(table_->size());
  lambda_person_ = records / 2 / all_pairs_;
  lambda_household_ = records / 5 / all_pairs_;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    fields_[i].m = known_m(i);
    fields_[i].is_of_household = kind_of(table_->columns()[i].kind).is_of_household;
    has_household_ = has_household_ || fields_[i].is_of_household;
  }
  // Where everything is of a household nothing tells its people apart.
  has_household_ =
      has_household_ && std::any_of(fields_.begin(), fields_.end(),
                                    [](const Field& field) { return !field.is_of_household; });
  if (!has_household_) lambda_household_ = 0;
  see_random(random);
  for (Field& field : fields_) {
    field.h = field.u;
    if (!field.is_of_household) continue;
    for (std::size_t level = 0; level < field.h.size(); ++level) {
      field.h[level] = (field.m[level] + field.u[level]) / 2;
    }
    scale_to_one(field.h);
  }
  for (const Field& field : fields_) known_h_.push_back(field.h);
}

// Equal values are counted, of all pairs; the other levels are seen in random ones.
void Model::see_random(std::span<const PatternCount> random) {
  seen_u_.resize(fields_.size());
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Column& column = table_->columns()[i];
    std::vector<double> seen(fields_[i].m.size(), 0);
    double pairs = 0;
    for (const PatternCount& count : random) {
      const Level level = count.pattern.level(i);
      if (level == kNoLevel) continue;
      seen[level] += count.pairs;
      pairs += count.pairs;
    }
    // A level that was never seen is rarer than one in so many: of bags the more so the more their
    // words tell.
    for (std::size_t level = 0; level < seen.size(); ++level) {
      double least = .3;
      if (column.is_bag() && level > 0) {
        least = std::min(.3, pairs * std::exp2(-kMiddleOfBagStep[(level - 1) / kBagShares]));
      }
      seen[level] = (seen[level] + least) / (pairs + 1);
    }
    if (!column.is_bag()) {
      double equal = 0;
      double new_year = 0;
      for (Code code = 1; code < column.counts.size(); ++code) {
        const double count = column.counts[code];
        const bool is_equal = level_of_equal(column, code) == kind_of(column.kind).equal;
        (is_equal ? equal : new_year) += count * (count - 1);
      }
      const double all = std::max(1.0, static_cast<double>(column.filled) * (column.filled - 1.0));
      seen[kind_of(column.kind).equal] = std::max(equal / all, .1 / all);
      if (column.kind == FieldKind::kDate) seen[kNewYear] = std::max(new_year / all, .1 / all);
      fields_[i].equal_at_random = seen[kind_of(column.kind).equal];
    }
    seen_u_[i] = seen;
    fields_[i].u = seen;
    scale_to_one(fields_[i].u);
  }
}

std::vector<double> Model::of_family(std::size_t column) const {
  std::vector<double> shares = fields_[column].u;
  const FieldKind kind = table_->columns()[column].kind;
  const double same = same_in_family(kind);
  if (same == 0) return shares;
  for (double& share : shares) share *= 1 - same;
  shares[kind_of(kind).equal] += same;
  return shares;
}

void Model::fit(std::span<const PatternCount> patterns, double share) {
  const std::vector<std::vector<double>> known = [this] {
    std::vector<std::vector<double>> all;
    for (const Field& field : fields_) all.push_back(field.m);
    return all;
  }();
  const double known_households = static_cast<double>(table_->size()) * kHouseholds;
  for (int round = 0; round < kRounds; ++round) {
    make_weights();
    // Expectation: how many pairs of each class have which level.
    double people = 0;
    double households = 0;
    std::vector<std::vector<double>> person(fields_.size());
    std::vector<std::vector<double>> household(fields_.size());
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      person[i].assign(fields_[i].m.size(), 0);
      household[i].assign(fields_[i].m.size(), 0);
    }
    const double strangers = 1 - lambda_person_ - lambda_household_;
    std::array<Level, Table::kMostColumns> levels{};
    for (const PatternCount& count : patterns) {
      for (std::size_t i = 0; i < fields_.size(); ++i) levels[i] = count.pattern.level(i);
      const Odds odds = odds_of({levels.data(), fields_.size()});
      const double one = std::exp2(odds.person);
      const double other = std::exp2(odds.household);
      const double all = one + other + strangers;
      const double pairs = count.pairs / share;
      people += pairs * one / all;
      households += pairs * other / all;
      for (std::size_t i = 0; i < fields_.size(); ++i) {
        const Level level = levels[i];
        if (level == kNoLevel) continue;
        person[i][level] += pairs * one / all;
        household[i][level] += pairs * other / all;
      }
    }
    // Maximisation, half way.
    lambda_person_ = std::clamp(people / all_pairs_, 1e-12, .5);
    if (has_household_) {
      lambda_household_ = std::clamp((households + known_households) / all_pairs_, 1e-12, .4);
    }
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      Field& field = fields_[i];
      const auto sum = [](const std::vector<double>& counts) {
        double all = 0;
        for (const double count : counts) all += count;
        return all;
      };
      const double of_person = sum(person[i]);
      for (std::size_t level = 0; level < field.m.size(); ++level) {
        const double seen = of_person > 0 ? person[i][level] / of_person : known[i][level];
        field.m[level] = (known[i][level] + seen) / 2;
      }
      const double most = kind_of(table_->columns()[i].kind).most_different;
      if (field.m[0] > most) {
        const double rest = 1 - field.m[0];
        for (std::size_t level = 1; level < field.m.size(); ++level) {
          field.m[level] *= (1 - most) / rest;
        }
        field.m[0] = most;
      }
      scale_to_one(field.m);
      const double of_household = sum(household[i]);
      if (field.is_of_household) {
        for (std::size_t level = 0; level < field.h.size(); ++level) {
          field.h[level] = (household[i][level] + known_households * known_h_[i][level]) /
                           (of_household + known_households);
        }
        scale_to_one(field.h);
      }
      // Pairs of one person are among the random ones, too.
      for (std::size_t level = 0; level < field.u.size(); ++level) {
        const double seen = seen_u_[i][level];
        field.u[level] =
            std::max((seen - lambda_person_ * field.m[level]) / (1 - lambda_person_), .2 * seen);
      }
      scale_to_one(field.u);
      if (!field.is_of_household) field.h = of_family(i);
    }
  }
}

void Model::make_weights() {
  bits_person_.resize(fields_.size());
  bits_household_.resize(fields_.size());
  most_equal_.assign(fields_.size(), 0);
  most_other_.assign(fields_.size(), 0);
  least_ = std::log2(lambda_person_) - std::log2(1 - lambda_person_ - lambda_household_);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field& field = fields_[i];
    bits_person_[i].resize(field.m.size());
    bits_household_[i].resize(field.m.size());
    const Column& column = table_->columns()[i];
    for (std::size_t level = 0; level < field.m.size(); ++level) {
      bits_person_[i][level] = std::log2(field.m[level] / field.u[level]);
      bits_household_[i][level] = std::log2(field.h[level] / field.u[level]);
      const bool is_other = column.is_bag() || level != kind_of(column.kind).equal;
      if (is_other) most_other_[i] = std::max(most_other_[i], bits_person_[i][level]);
      most_equal_[i] =
          std::max(most_equal_[i], bits_person_[i][level] + (is_other ? 0 : kMostRarity));
    }
  }
}

// People of one home whom their persons do not show to be one: of one name, but a fact of the
// person is another, such as brothers and sisters of one birthday, or father and son of one name;
// or nothing of the person is the same. That these facts come together the shares of single columns
// do not know.
bool Model::is_family(std::span<const Level> levels) const {
  bool has_home = false;
  bool has_surname = false;
  bool has_email = false;
  bool agrees = false;
  bool contradicts = false;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Level level = levels[i];
    if (level == kNoLevel) continue;
    const FieldKind kind = table_->columns()[i].kind;
    switch (kind) {
      case FieldKind::kSurname:
        has_surname = level > kOtherName;
        break;
      case FieldKind::kPhone:
        has_home = has_home || level == kind_of(kind).equal;
        break;
      case FieldKind::kWords:
        // All words of both, or most.
        has_home = has_home || (level > 0 && (level - 1U) % kBagShares >= 2);
        break;
      case FieldKind::kEmail:
        has_email = level >= kSameLocal;
        break;
      case FieldKind::kGivenName:
        agrees = agrees || level > kAlikeName;
        contradicts = contradicts || level == kOtherName;
        break;
      case FieldKind::kDate:
        agrees = agrees || level > kSamePart;
        contradicts = contradicts || level == kOtherDate;
        break;
      case FieldKind::kId:
        agrees = agrees || level > kTwoDigitsOff;
        break;
      default:
        break;
    }
  }
  if (!has_home) return false;
  return contradicts ? has_surname || !agrees : !agrees && !has_email;
}

double Model::weight_at_most(RecordIndex a, RecordIndex b) const noexcept {
  const Code* one = table_->row(a);
  const Code* other = table_->row(b);
  double bits = least_;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (one[i] == kMissing || other[i] == kMissing) continue;
    bits += one[i] == other[i] ? most_equal_[i] : most_other_[i];
  }
  return bits;
}

Model::Odds Model::odds_of(std::span<const Level> levels) const {
  Odds odds{std::log2(lambda_person_), has_household_ ? std::log2(lambda_household_) : -1e9};
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (levels[i] == kNoLevel) continue;
    odds.person += bits_person_[i][levels[i]];
    odds.household += bits_household_[i][levels[i]];
  }
  if (is_family(levels)) odds.household += kFamily;
  return odds;
}

double Model::weight(std::span<const Level> levels, RecordIndex a) const {
  Odds odds = odds_of(levels);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Column& column = table_->columns()[i];
    if (column.is_bag() || levels[i] != kind_of(column.kind).equal) continue;
    const double share = column.counts[table_->row(a)[i]] / static_cast<double>(column.filled);
    const double rarity =
        std::clamp(std::log2(fields_[i].equal_at_random / share), -kMostRarity, kMostRarity);
    odds.person += rarity;
    if (fields_[i].is_of_household) {
      odds.household += rarity;
    } else if (const double same = same_in_family(column.kind); same > 0) {
      // Whoever is named for the father has his name, rare or not.
      const double random = std::exp2(-rarity) * fields_[i].equal_at_random;
      odds.household +=
          std::log2((same + (1 - same) * random) / random) - bits_household_[i][levels[i]];
    }
  }
  return odds.person -
         std::log2(std::exp2(odds.household) + 1 - lambda_person_ - lambda_household_);
}

}  // namespace identity_resolve::match
