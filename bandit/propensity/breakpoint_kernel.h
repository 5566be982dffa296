// The innermost loop of the propensity estimator, with the same bits on every machine (see propensity_kernel.h): which
// breakpoints are the largest of each draw. No Eigen and no templates here or in the source.
#ifndef BANDIT_PROPENSITY_BREAKPOINT_KERNEL_H_
#define BANDIT_PROPENSITY_BREAKPOINT_KERNEL_H_

#include "bandit/base/vectors.h"

namespace suggest::bandit {

// Offers x = own_x + (scores[index[i]] - own) gain[i] for i < count to the `keep` largest per lane, which stand in
// `largest` [keep][lane], descending. `scores` has kVectorLanes per row.
using Offering = void (*)(const float* scores, const int* index, const float* gain, int count, const float* own,
                          const float* own_x, int keep, float* largest);

// The fastest on this machine.
void OfferBreakpoints(const float* scores, const int* index, const float* gain, int count, const float* own,
                      const float* own_x, int keep, float* largest);

// All that this machine can run, for tests. Returns how many, at most 2.
int AvailableOfferings(Offering out[2]);

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_BREAKPOINT_KERNEL_H_
