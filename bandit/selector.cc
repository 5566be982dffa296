#include "bandit/selector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bandit/score_kernel.h"
#include "bandit/shortlist.h"
#include "bandit/weight_space.h"

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

// Whether a pass in single precision would save anything over scoring all in double.
bool WorthSelecting(const CandidateMatrix& catalogue, size_t eligible, int count) {
  return eligible > 128 && eligible > 8 * static_cast<size_t>(count) &&
         4 * eligible > static_cast<size_t>(catalogue.rows());
}

// Appends those eligible candidates without pair features that could be among the best `count`.
void SelectSuperset(const CandidateMatrix& catalogue, const CandidateSet& eligible, const std::vector<PairRow>& pairs,
                    const Eigen::VectorXd& w, int count, double margin, NextHit next_hit, std::vector<int>* superset) {
  std::vector<float> weights(catalogue.cols());
  for (int c = 0; c < catalogue.cols(); ++c) weights[c] = static_cast<float>(w[c]);
  const CandidateSet::Cover cover = eligible.CoverOf(catalogue.rows());
  const std::vector<uint64_t>& words = cover.mask->words();
  const bool all = pairs.empty() && cover.exact;
  const ScorePass pass{catalogue.panel(), catalogue.cols(), static_cast<int>(words.size()), weights.data(),
                       words.data()};
  Shortlist shortlist(count, margin);
  float scores[kPanelRows];
  uint64_t hits = 0;
  for (int block = next_hit(pass, 0, shortlist.threshold(), scores, &hits); block < pass.blocks;
       block = next_hit(pass, block + 1, shortlist.threshold(), scores, &hits)) {
    for (; hits != 0; hits &= hits - 1) {
      const int lane = std::countr_zero(hits);
      const int candidate = block * kPanelRows + lane;
      if (!all && (!eligible.Contains(candidate) || HasPair(pairs, candidate))) continue;
      shortlist.Offer(candidate, scores[lane]);
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

double SinglePrecisionErrorBound(const CandidateMatrix& catalogue, const Eigen::VectorXd& w) {
  double sum = 0;
  double largest = 1;
  for (int c = 0; c < catalogue.cols(); ++c) {
    const double weight = std::abs(w[c]);
    largest = std::max({largest, weight, catalogue.column_maxima()[c]});
    sum += catalogue.column_maxima()[c] * weight;
  }
  if (!(sum < 1e30) || !(largest < 1e30)) return std::numeric_limits<double>::infinity();
  const double n = (catalogue.cols() + 4) * 0x1p-24;
  const double underflow = 4.0 * catalogue.cols() * 0x1p-149 * largest;
  return (1.0 + 1e-6) * (n / (1.0 - n) * sum + underflow);
}

std::vector<Ranked> SelectBest(const CandidateMatrix& catalogue, const CandidateSet& eligible,
                               const std::vector<PairRow>& pairs, const Eigen::VectorXd& w, int count,
                               KernelWidth width) {
  const double bound = SinglePrecisionErrorBound(catalogue, w);
  std::vector<int> finalists;
  if (!std::isfinite(bound) || !WorthSelecting(catalogue, eligible.size(), count)) {
    finalists = eligible.ToVector();
  } else {
    for (const PairRow& pair : pairs) {
      if (eligible.Contains(pair.candidate)) finalists.push_back(pair.candidate);
    }
    const NextHit next_hit = width == KernelWidth::kAuto ? WidestNextHit() : NextHitBaseline;
    SelectSuperset(catalogue, eligible, pairs, w, count, 2 * bound, next_hit, &finalists);
  }
  std::vector<Ranked> ranked = ScoreExactly(catalogue, finalists, pairs, w);
  KeepBest(ranked, count);
  return ranked;
}

}  // namespace suggest::bandit
