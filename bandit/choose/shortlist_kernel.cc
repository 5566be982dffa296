#include <cstring>
#include <limits>

#include "bandit/base/vectors.h"
#include "bandit/base/widest.h"
#include "bandit/choose/shortlist.h"

namespace suggest::bandit {

SUGGEST_WIDEST float KthLargest(const float* values, int n, int k) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Floats kth = Floats{} + kInfinity;
  for (int first = 0; first < n; first += kVectorLanes) {
    Floats own = Floats{} + kInfinity;
    std::memcpy(&own, values + first, sizeof(float) * (n - first < kVectorLanes ? n - first : kVectorLanes));
    Ints above = {};  // how many are above each of these
    for (int j = 0; j < n; ++j) above -= Floats{} + values[j] > own;
    const Floats among = above < k ? own : Floats{} + kInfinity;
    kth = among < kth ? among : kth;
  }
  float least = kInfinity;
  for (int i = 0; i < kVectorLanes; ++i) least = kth[i] < least ? kth[i] : least;
  return least;
}

}  // namespace suggest::bandit
