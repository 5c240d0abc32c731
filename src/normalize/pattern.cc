#include "normalize/pattern.h"

#include <algorithm>
#include <optional>

#include "normalize/ascii.h"

namespace identity_resolve::normalize {

namespace {

constexpr bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
constexpr bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }

// Reads a pattern from left to right; gives up (false) at whatever it does not know.
class Reader {
 public:
  Reader(std::string_view pattern, bool any_case) : rest_(pattern), any_case_(any_case) {}

  // The longest literal of each alternative; nothing where one has none.
  std::optional<std::vector<std::string>> read() {
    if (rest_.starts_with("***")) return std::nullopt;
    while (!rest_.empty()) {
      if (!read_piece()) return std::nullopt;
    }
    return end_alternative() ? std::optional(std::move(alternatives_)) : std::nullopt;
  }

 private:
  bool read_piece() {
    const char c = rest_.front();
    switch (c) {
      case '|':
        rest_.remove_prefix(1);
        return end_alternative();
      case '^':
      case '$':
        rest_.remove_prefix(1);
        end_run();
        return true;
      case '.':
        rest_.remove_prefix(1);
        end_run();
        return read_quantifier();
      case '[':
        end_run();
        return skip_brackets() && read_quantifier();
      case '(':
        end_run();
        return skip_group() && read_quantifier();
      case '\\':
        return read_escape();
      case ')':
      case ']':
      case '{':
      case '}':
      case '*':
      case '+':
      case '?':
        return false;
      default:
        rest_.remove_prefix(1);
        add(c);
        return read_quantifier();
    }
  }

  bool read_escape() {
    if (rest_.size() < 2) return false;
    const char c = rest_[1];
    rest_.remove_prefix(2);
    if (!is_alphanumeric(c)) {
      add(c);
      return read_quantifier();
    }
    end_run();
    switch (c) {
      case 'A':  // constraints
      case 'm':
      case 'M':
      case 'y':
      case 'Y':
      case 'Z':
        return true;
      case 'd':  // classes
      case 's':
      case 'w':
      case 'D':
      case 'S':
      case 'W':
        return read_quantifier();
      default:  // characters by number, references
        return false;
    }
  }

  // What may follow an atom: *, +, ?, {m}, {m,}, {m,n}, each with ? for as few as can be.
  bool read_quantifier() {
    if (rest_.empty()) return true;
    const char c = rest_.front();
    if (c == '{') {
      std::size_t at = 1;
      while (at < rest_.size() && (is_digit(rest_[at]) || rest_[at] == ',')) ++at;
      if (at == 1 || at == rest_.size() || rest_[at] != '}' || !is_digit(rest_[1])) return false;
      rest_.remove_prefix(at + 1);
      drop_last();
    } else if (c == '*' || c == '?') {
      rest_.remove_prefix(1);
      drop_last();
    } else if (c == '+') {
      rest_.remove_prefix(1);
      end_run();
    } else {
      return true;
    }
    if (rest_.starts_with('?')) rest_.remove_prefix(1);
    return true;
  }

  // [...], with ] as its first character, [:class:], [.element.], [=class=] and escapes in it.
  bool skip_brackets() {
    std::size_t at = 1;
    if (at < rest_.size() && rest_[at] == '^') ++at;
    if (at < rest_.size() && rest_[at] == ']') ++at;
    for (; at < rest_.size() && rest_[at] != ']'; ++at) {
      if (rest_[at] == '\\') {
        ++at;
      } else if (rest_[at] == '[' && at + 1 < rest_.size() &&
                 std::string_view(":.=").find(rest_[at + 1]) != std::string_view::npos) {
        const char closing[] = {rest_[at + 1], ']'};
        at = rest_.find(std::string_view(closing, 2), at + 2);
        if (at == std::string_view::npos) return false;
        ++at;
      }
    }
    if (at >= rest_.size()) return false;
    rest_.remove_prefix(at + 1);
    return true;
  }

  // (...) and (?:...). What else begins with (? may change what the rest means.
  bool skip_group() {
    rest_.remove_prefix(1);
    if (rest_.starts_with("?:")) {
      rest_.remove_prefix(2);
    } else if (rest_.starts_with('?')) {
      return false;
    }
    while (!rest_.empty() && rest_.front() != ')') {
      if (rest_.front() == '[') {
        if (!skip_brackets()) return false;
      } else if (rest_.front() == '(') {
        if (!skip_group()) return false;
      } else {
        const std::size_t length = rest_.front() == '\\' ? 2 : 1;
        if (rest_.size() < length) return false;
        rest_.remove_prefix(length);
      }
    }
    if (rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void add(char c) {
    const char lower = to_lower(c);
    if (!is_ascii(c) || (any_case_ && lower == 'i')) {
      end_run();
    } else {
      run_ += any_case_ ? lower : c;
    }
  }
  // The character before is optional or repeated. Where the atom before was none, the run is empty.
  void drop_last() {
    if (!run_.empty()) run_.pop_back();
    end_run();
  }
  void end_run() {
    if (run_.size() > longest_.size()) longest_ = run_;
    run_.clear();
  }
  bool end_alternative() {
    end_run();
    if (longest_.empty()) return false;
    alternatives_.push_back(std::move(longest_));
    longest_.clear();
    return true;
  }

  std::string_view rest_;
  bool any_case_;
  std::string run_;      // of characters that follow each other in every match
  std::string longest_;  // run of the alternative
  std::vector<std::string> alternatives_;
};

// As std::string_view::contains(), with the text's letters in any case.
bool contains_in_any_case(std::string_view text, std::string_view lower) {
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(),
                     [](char a, char b) { return to_lower(a) == b; }) != text.end();
}

}  // namespace

RequiredText::RequiredText(std::string_view pattern, bool any_case) : any_case_(any_case) {
  if (auto read = Reader(pattern, any_case).read()) alternatives_ = std::move(*read);
}

bool RequiredText::allows(std::string_view text) const {
  if (alternatives_.empty()) return true;
  return std::any_of(alternatives_.begin(), alternatives_.end(), [&](const std::string& literal) {
    return any_case_ ? contains_in_any_case(text, literal)
                     : text.find(literal) != std::string_view::npos;
  });
}

}  // namespace identity_resolve::normalize
