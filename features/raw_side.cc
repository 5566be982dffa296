#include "features/raw_side.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace suggest::features {

bool operator==(const RawSide& a, const RawSide& b) {
  const auto same_bits = [](double x, double y) { return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y); };
  return std::equal(a.numbers.begin(), a.numbers.end(), b.numbers.begin(), b.numbers.end(), same_bits) &&
         a.labels == b.labels;
}

}  // namespace suggest::features
