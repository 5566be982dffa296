#include <cstring>
#include <limits>

#include "bandit/base/widest.h"
#include "bandit/shortlist.h"

namespace suggest::bandit {
namespace {

constexpr int kLanes = 16;
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Ints = int __attribute__((vector_size(kLanes * sizeof(int))));

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

SUGGEST_WIDEST float KthLargest(const float* values, int n, int k) {
  Floats kth = Floats{} + kInfinity;
  for (int first = 0; first < n; first += kLanes) {
    Floats own = Floats{} + kInfinity;
    std::memcpy(&own, values + first, sizeof(float) * (n - first < kLanes ? n - first : kLanes));
    Ints above = {};  // how many are above each of these
    for (int j = 0; j < n; ++j) above -= Floats{} + values[j] > own;
    const Floats among = above < k ? own : Floats{} + kInfinity;
    kth = among < kth ? among : kth;
  }
  float least = kInfinity;
  for (int i = 0; i < kLanes; ++i) least = kth[i] < least ? kth[i] : least;
  return least;
}

}  // namespace suggest::bandit
