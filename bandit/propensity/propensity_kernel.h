// The inner loops of the propensity estimator: plain element-wise arithmetic, maxima, minima and integer reductions
// over kLanes draws at a time, in one fixed order, so the bits do not depend on the width of the vectors (no fused
// multiply-add). No Eigen and no templates here or in the source: a wide copy of an inline function must not be kept
// for everyone.
//
// Scores and breakpoints are in single precision: relative to a common row, so that they keep their digits, and noise
// against the standard error of some ten thousandths that any affordable number of draws leaves.
#ifndef BANDIT_PROPENSITY_PROPENSITY_KERNEL_H_
#define BANDIT_PROPENSITY_PROPENSITY_KERNEL_H_

#include "bandit/base/vectors.h"

namespace suggest::bandit {

inline constexpr int kLanes = kVectorLanes;  // draws per block; element [i * kLanes + lane] of each array below

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

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_PROPENSITY_KERNEL_H_
