// How far the candidates of a block of the panel are short of the cut (contenders.h). No Eigen and no templates here or
// in the source: a wide copy of an inline function must not be kept for everyone.
#ifndef BANDIT_PROPENSITY_SHORTFALL_KERNEL_H_
#define BANDIT_PROPENSITY_SHORTFALL_KERNEL_H_

namespace suggest::bandit {

// The cut, and what a candidate's score has in common with it; everything relative to the leaders. With d the
// candidate's row less the leaders' mean row, of which the columns that the panel has not are the same for all:
//   gap = mean - d' w_mean,   own = own_constant + sum_i (offsets_i + (v L)_i' d)^2,
//   sd^2 = max(own + variance - 2 d' with_cut, 1e-6 own)
struct CutForm {
  int cols = 0;
  const float* leaders = nullptr;   // cols: their mean row
  const float* w_mean = nullptr;    // cols
  const float* with_cut = nullptr;  // cols: covariance of w and the cut
  const float* factor = nullptr;    // v L of w's covariance, its lower triangle column by column
  const float* offsets = nullptr;   // cols
  float mean = 0;
  float variance = 0;
  float own_constant = 0;
};

// squares[lane] = (gap / sd)^2, 0 where the gap is not positive, for the kPanelRows candidates of `block`. `scratch`:
// 16 floats per column.
void SquaredShortfalls(const float* block, const CutForm& cut, float* scratch, float* squares);

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_SHORTFALL_KERNEL_H_
