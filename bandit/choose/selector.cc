#include "bandit/choose/selector.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "bandit/choose/score_kernel.h"
#include "bandit/choose/shortlist.h"
#include "bandit/model/weight_space.h"

namespace suggest::bandit {
namespace {

bool HasPair(const std::vector<PairRow>& pairs, int candidate) {
  return !PairOf(pairs, candidate).empty();
}

std::vector<Ranked> ScoreExactly(const CandidateMatrix& catalogue, absl::Span<const int> candidates,
                                 const std::vector<PairRow>& pairs, const Eigen::VectorXd& w) {
  std::vector<Ranked> ranked;
  ranked.reserve(candidates.size());
  for (const int j : candidates) {
    ranked.push_back({j, FixedOrderScore(catalogue.row(j), PairOf(pairs, j), w)});
  }
  return ranked;
}

// Whether a pass in whole numbers would save anything over scoring all in double.
bool WorthSelecting(const CandidateMatrix& catalogue, size_t eligible, int count) {
  return eligible > 128 && eligible > 8 * static_cast<size_t>(count) &&
         4 * eligible > static_cast<size_t>(catalogue.rows());
}

// The whole number that no score of at least `threshold` is below.
int32_t ToWholeThreshold(float threshold) {
  return threshold <= -0x1p31f ? std::numeric_limits<int32_t>::min() : static_cast<int32_t>(std::floor(threshold));
}

// Appends those eligible candidates without pair features that could be among the best `count`.
void SelectSuperset(const CandidateMatrix& catalogue, const CandidateSet& eligible, const std::vector<PairRow>& pairs,
                    const CoarsePanel::Weights& weights, int count, NextHit next_hit, std::vector<int>* superset) {
  constexpr double kToFloat = 64;  // rounding of a whole score of 31 bits to the shortlist's single precision
  const CandidateSet::Cover cover = eligible.CoverOf(catalogue.rows());
  const std::vector<uint64_t>& words = cover.mask->words();
  const bool all = pairs.empty() && cover.exact;
  const ScorePass pass = catalogue.coarse().PassOver(weights, words);
  Shortlist shortlist(count, 2 * (weights.bound + kToFloat) + 1);
  int32_t scores[kPanelRows];
  uint64_t hits = 0;
  const auto next = [&](int begin) {
    return next_hit(pass, begin, ToWholeThreshold(shortlist.threshold()), scores, &hits);
  };
  for (int block = next(0); block < pass.blocks; block = next(block + 1)) {
    for (; hits != 0; hits &= hits - 1) {
      const int lane = std::countr_zero(hits);
      const int candidate = block * kPanelRows + lane;
      if (!all && (!eligible.Contains(candidate) || HasPair(pairs, candidate))) continue;
      shortlist.Offer(candidate, static_cast<float>(scores[lane]));
    }
    shortlist.Settle();
  }
  shortlist.AppendTo(superset);
}

}  // namespace

void KeepBest(std::vector<Ranked>& ranked, int count) {
  const size_t kept = std::min<size_t>(count, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + kept, ranked.end(), Before);
  ranked.resize(kept);
}

std::vector<Ranked> SelectBest(const CandidateMatrix& catalogue, const CandidateSet& eligible,
                               const std::vector<PairRow>& pairs, const Eigen::VectorXd& w, int count,
                               KernelWidth width) {
  std::vector<int> finalists;
  CoarsePanel::Weights weights;
  if (WorthSelecting(catalogue, eligible.size(), count)) weights = catalogue.coarse().Quantise(w);
  if (weights.fours.empty()) {
    finalists = eligible.ToVector();
  } else {
    for (const PairRow& pair : pairs) {
      if (eligible.Contains(pair.candidate)) finalists.push_back(pair.candidate);
    }
    const NextHit next_hit = width == KernelWidth::kAuto ? WidestNextHit() : NextHitBaseline;
    SelectSuperset(catalogue, eligible, pairs, weights, count, next_hit, &finalists);
  }
  std::vector<Ranked> ranked = ScoreExactly(catalogue, finalists, pairs, w);
  KeepBest(ranked, count);
  return ranked;
}

}  // namespace suggest::bandit
