// The inner loops of the propensity estimator: plain element-wise arithmetic, maxima, minima and integer reductions
// over kLanes draws at a time, in one fixed order, so the bits do not depend on the width of the vectors (no fused
// multiply-add): each is compiled for every width, and the machine's widest runs (bandit/base/vector_width.h).
//
// Scores and breakpoints are in single precision: relative to a common row, so that they keep their digits, and noise
// against the standard error of some ten thousandths that any affordable number of draws leaves.
#ifndef BANDIT_PROPENSITY_PROPENSITY_KERNEL_H_
#define BANDIT_PROPENSITY_PROPENSITY_KERNEL_H_

#include "bandit/choose/score_kernel.h"

namespace suggest::bandit {

inline constexpr int kLanes = 16;  // draws per block; element [i * kLanes + lane] of each array below

// out[k][lane] = sum_c rows[k * cols + c] w[c][lane], over c in ascending order.
void ScoreLanes(const float* rows, int n, int cols, const float* w, float* out);

// gaps[k] = 1 - covariances[k] / variance and gains[k] = 1 / (gaps[k] sd), infinite where the gap is 0.
void GapsAndGains(const double* covariances, int n, double variance, double sd, double* gaps, float* gains);

// tails[i] = Phi(-|x_i|) with a relative error below 1e-5 up to |x| = 13; beyond it as at 13, below 1e-37. By
// e^(-x^2/2) times a polynomial in t = 1 / (1 + 0.3 |x|), interpolated at Chebyshev points.
void NormalTails(const float* x, int n, float* tails);

// survivals[i] = P(N(0, 1) > x_i), or where `negated` P(N(0, 1) > -x_i), with the error of NormalTails where it is
// small, and 0 where it is below 1.2e-38. In place is allowed. REQUIRES: n is a multiple of kLanes.
void Survivals(const float* x, int n, bool negated, float* survivals);

// mass[lane] += P(exactly `rank` contenders stand above), from the survivals of the largest falls and of the largest
// negated rises of propensity_estimator.h, [place][lane]. REQUIRES: rank + 1 places of each.
void AddRankMass(const float* falls, const float* rises, int rank, float* mass);

// mass[lane] += P(fewer than `slate` contenders stand above), from the same. REQUIRES: `slate` places of each.
void AddSlateMass(const float* falls, const float* rises, int slate, float* mass);

// Offers x = own_x + (scores[index[i]] - own) gain[i] for i < count to the `keep` largest per lane, which stand in
// `largest` [keep][lane], descending. `scores` has kLanes per row.
void OfferBreakpoints(const float* scores, const int* index, const float* gain, int count, const float* own,
                      const float* own_x, int keep, float* largest);

// The cut, and what a candidate's score has in common with it; everything relative to the leaders (contenders.h). With
// d the candidate's row less the leaders' mean row, of which the columns that the panel has not are the same for all:
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
// 16 floats per column, aligned to 64 bytes or not.
void SquaredShortfalls(const float* block, const CutForm& cut, float* scratch, float* squares);

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_PROPENSITY_KERNEL_H_
