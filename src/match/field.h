// What matching compares two records by: kinds of fields.
#pragma once

#include <cstdint>

namespace identity_resolve::match {

// How two values of a field are compared. levels.cc has the levels of each.
enum class FieldKind : std::uint8_t {
  kGivenName,
  kMiddleName,
  kSurname,
  kName,        // a whole name, as a bag of words
  kNameSuffix,  // Jr, Sr, III: two that differ are two people
  kDate,
  kPhone,
  kId,
  kHouseNumber,
  kPostcode,
  kEmail,
  kCity,
  kWords,     // a company, an address: a bag of words
  kCategory,  // equal or not: gender, country
};

}  // namespace identity_resolve::match
