#include "engine/types.h"

namespace identity_resolve::engine {

std::string_view status_name(LinkStatus status) noexcept {
  switch (status) {
    case LinkStatus::kLinks:
      return "links";
    case LinkStatus::kAlone:
      return "alone";
    case LinkStatus::kInvalid:
      return "invalid";
    case LinkStatus::kBlocked:
      return "blocked";
    case LinkStatus::kTooCommon:
      return "too_common";
    case LinkStatus::kConflict:
      return "conflict";
    case LinkStatus::kAmbiguous:
      return "ambiguous";
    case LinkStatus::kNotLinking:
      return "not_linking";
  }
  return {};
}

}  // namespace identity_resolve::engine
