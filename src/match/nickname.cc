#include "match/nickname.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace identity_resolve::match {

namespace {

constexpr std::string_view kGroups =
#include "match/nicknames.inc"
    ;

// What comes before the first of a sign, which goes from the text with it.
std::string_view take(std::string_view& text, char sign) {
  const std::size_t end = std::min(text.find(sign), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

// Each name's groups. Made at the first use, as most sessions match nobody.
class Groups {
 public:
  Groups() {
    struct Member {
      std::string_view name;
      std::uint16_t group;
    };
    std::vector<Member> members;
    std::uint16_t group = 0;
    for (std::string_view text = kGroups; !text.empty(); ++group) {
      for (std::string_view line = take(text, '\n'); !line.empty();) {
        members.push_back({take(line, ' '), group});
      }
    }
    // Groups ascend already.
    std::stable_sort(members.begin(), members.end(),
                     [](const Member& a, const Member& b) { return a.name < b.name; });
    groups_.reserve(members.size());
    for (const Member& member : members) groups_.push_back(member.group);
    for (std::size_t begin = 0; begin < members.size();) {
      std::size_t end = begin + 1;
      while (end < members.size() && members[end].name == members[begin].name) ++end;
      of_name_.emplace(members[begin].name,
                       std::span<const std::uint16_t>(&groups_[begin], end - begin));
      begin = end;
    }
  }

  [[nodiscard]] std::span<const std::uint16_t> of(std::string_view name) const {
    const auto found = of_name_.find(name);
    return found == of_name_.end() ? std::span<const std::uint16_t>{} : found->second;
  }

 private:
  std::vector<std::uint16_t> groups_;
  std::unordered_map<std::string_view, std::span<const std::uint16_t>> of_name_;
};

}  // namespace

std::span<const std::uint16_t> nickname_groups(std::string_view given) {
  static const Groups groups;
  return groups.of(given);
}

bool share_group(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) {
  for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    if (a[i] == b[k]) return true;
    if (a[i] < b[k]) {
      ++i;
    } else {
      ++k;
    }
  }
  return false;
}

bool are_nicknames(std::string_view a, std::string_view b) {
  a = a.substr(0, a.find(' '));
  b = b.substr(0, b.find(' '));
  return a != b && share_group(nickname_groups(a), nickname_groups(b));
}

}  // namespace identity_resolve::match
