#include "bandit/propensity/propensity_kernel.h"

#include <immintrin.h>

#define SUGGEST_KERNEL "bandit/propensity/propensity_kernel.inc"
#include "bandit/base/each_width.inc"

namespace suggest::bandit {

void ScoreLanes(const float* rows, int n, int cols, const float* w, float* out) {
  static const auto widest = SUGGEST_WIDEST(ScoreLanes);
  widest(rows, n, cols, w, out);
}

void GapsAndGains(const double* covariances, int n, double variance, double sd, double* gaps, float* gains) {
  static const auto widest = SUGGEST_WIDEST(GapsAndGains);
  widest(covariances, n, variance, sd, gaps, gains);
}

void NormalTails(const float* x, int n, float* tails) {
  static const auto widest = SUGGEST_WIDEST(NormalTails);
  widest(x, n, tails);
}

void Survivals(const float* x, int n, bool negated, float* survivals) {
  static const auto widest = SUGGEST_WIDEST(Survivals);
  widest(x, n, negated, survivals);
}

void AddRankMass(const float* falls, const float* rises, int rank, float* mass) {
  static const auto widest = SUGGEST_WIDEST(AddRankMass);
  widest(falls, rises, rank, mass);
}

void AddSlateMass(const float* falls, const float* rises, int slate, float* mass) {
  static const auto widest = SUGGEST_WIDEST(AddSlateMass);
  widest(falls, rises, slate, mass);
}

void OfferBreakpoints(const float* scores, const int* index, const float* gain, int count, const float* own,
                      const float* own_x, int keep, float* largest) {
  static const auto widest = SUGGEST_WIDEST(OfferBreakpoints);
  widest(scores, index, gain, count, own, own_x, keep, largest);
}

void SquaredShortfalls(const float* block, const CutForm& cut, float* scratch, float* squares) {
  static const auto widest = SUGGEST_WIDEST(SquaredShortfalls);
  widest(block, cut, scratch, squares);
}

}  // namespace suggest::bandit
