// Writes made-up people with known truth as CSV: see people.h.
//
//   people --records N [--seed S] [--kinds a,b,…|none] [--held-out] > file.csv
//   people --list
//
// The columns are id, truth, src, given_name, surname, birth_date, phone, email, street, postcode
// and city; records of one person have the same truth. --kinds picks kinds of error; without it all
// come up but those held out, with --held-out these, too. --list prints the kinds.
#include "bench/people.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace identity_resolve::people {
namespace {

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw std::invalid_argument("not a number: " + std::string(text));
  }
  return value;
}

void write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw std::runtime_error("cannot write");
  }
}

void list_kinds() {
  std::string text;
  for (const Kind& kind : kKinds) {
    text += kind.name;
    text.append(20 - kind.name.size(), ' ');
    text += kind.is_held_out ? "held out  " : "          ";
    const std::string rate = std::to_string(kind.per_mille / 10) + " %";
    text.append(4 - std::min<std::size_t>(4, rate.size()), ' ');
    text += rate;
    text += "  ";
    text += kind.what;
    text += '\n';
  }
  write(text);
}

void write_people(const Options& options) {
  constexpr std::size_t kBuffer = 1U << 20U;
  const Population population(options);
  std::string text(kHeader);
  text += '\n';
  for (std::size_t place = 0; place < population.size(); ++place) {
    append_line(text, population.record(place));
    if (text.size() < kBuffer) continue;
    write(text);
    text.clear();
  }
  write(text);
  if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write");
}

void run(int argc, char** argv) {
  Options options;
  options.records = 0;
  std::string_view wanted;
  bool is_picked = false;
  bool with_held_out = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&]() -> std::string_view {
      if (i + 1 == argc) throw std::invalid_argument(std::string(argument) + " takes a value");
      return argv[++i];
    };
    if (argument == "--list") return list_kinds();
    if (argument == "--records") {
      options.records = number(value());
    } else if (argument == "--seed") {
      options.seed = number(value());
    } else if (argument == "--kinds") {
      wanted = value();
      is_picked = true;
    } else if (argument == "--held-out") {
      with_held_out = true;
    } else {
      throw std::invalid_argument("unknown option: " + std::string(argument));
    }
  }
  if (options.records == 0) throw std::invalid_argument("--records N is missing");
  options.kinds = is_picked ? kinds(wanted, with_held_out) : kinds(with_held_out);
  write_people(options);
}

}  // namespace
}  // namespace identity_resolve::people

int main(int argc, char** argv) {
  try {
    identity_resolve::people::run(argc, argv);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "people: %s\n", error.what());
    return 1;
  }
}
