#include <immintrin.h>

#include "bandit/choose/shortlist.h"

#define SUGGEST_KERNEL "bandit/choose/shortlist_kernel.inc"
#include "bandit/base/each_width.inc"

namespace suggest::bandit {

float KthLargest(const float* values, int n, int k) {
  static const auto widest = SUGGEST_WIDEST(KthLargest);
  return widest(values, n, k);
}

}  // namespace suggest::bandit
