// The inner loops of the propensity estimator: plain element-wise arithmetic, maxima, minima and integer reductions
// over kLanes draws at a time, in one fixed order, so the bits do not depend on the width of the vectors (no fused
// multiply-add). No Eigen and no templates here or in the source: a wide copy of an inline function must not be kept
// for everyone.
#ifndef BANDIT_PROPENSITY_KERNEL_H_
#define BANDIT_PROPENSITY_KERNEL_H_

namespace suggest::bandit {

inline constexpr int kLanes = 32;  // draws per block; element [i * kLanes + lane] of each array below

// squares[k] += x[k]^2.
void AddSquares(const double* x, int n, double* squares);

// out[k][lane] = sum_c rows[k * cols + c] w[c][lane], over c in ascending order.
void ScoreLanes(const double* rows, int n, int cols, const double* w, double* out);

// Offers x = own_x + (scores[index[i]] - own) gain[i] for i < count to the `keep` largest per lane, which stand in
// `largest` [keep][lane], descending.
void OfferBreakpoints(const double* scores, const int* index, const double* gain, int count, const double* own,
                      const double* own_x, int keep, double* largest);

// tails[i] = Phi(-|x_i|) with a relative error below 1e-8 up to |x| = 37; beyond it as at 37, below 1e-299. By
// e^(-x^2/2) times a polynomial in t = 1 / (1 + 0.3 |x|), interpolated at Chebyshev points.
void NormalTails(const double* x, int n, double* tails);

// mass[lane] += P(exactly `rank` contenders stand above), from the largest falls and the largest negated rises of
// propensity_estimator.h, [place][lane]. REQUIRES: rank + 1 places of each.
void AddRankMass(const double* falls, const double* rises, int rank, double* mass);

// mass[lane] += P(fewer than `slate` contenders stand above). REQUIRES: `slate` places of each.
void AddSlateMass(const double* falls, const double* rises, int slate, double* mass);

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_KERNEL_H_
