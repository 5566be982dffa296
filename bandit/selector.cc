#include "bandit/selector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bandit/score_kernel.h"
#include "bandit/weight_space.h"

namespace suggest::bandit {
namespace {

constexpr int kChunkBlocks = 32;  // 512 candidates scored at a time, on the stack
constexpr int kChunkRows = kChunkBlocks * kPanelRows;

// Keeps those offered whose single-precision score is within `margin` of the count-th best seen.
class Shortlist {
 public:
  Shortlist(int count, double margin) : count_(count), margin_(margin), limit_(std::max(256, 4 * count)) {}

  void Offer(int candidate, float score) {
    if (score < threshold_) return;
    kept_.push_back({candidate, score});
    if (kept_.size() >= limit_) Compact();
  }

  const std::vector<Ranked>& Finish() {
    Compact();
    return kept_;
  }

 private:
  void Compact() {
    if (kept_.size() <= static_cast<size_t>(count_)) return;
    std::nth_element(kept_.begin(), kept_.begin() + count_ - 1, kept_.end(), Before);
    threshold_ = kept_[count_ - 1].score - margin_;
    kept_.erase(std::remove_if(kept_.begin(), kept_.end(), [this](const Ranked& r) { return r.score < threshold_; }),
                kept_.end());
    limit_ = std::max(limit_, 2 * kept_.size());
  }

  int count_;
  double margin_;
  size_t limit_;
  double threshold_ = -std::numeric_limits<double>::infinity();
  std::vector<Ranked> kept_;
};

// Calls visit(candidate, has pair features) for every eligible candidate, ascending.
template <typename Visit>
void ForEachEligible(absl::Span<const int> eligible, const std::vector<PairRow>& pairs, Visit visit) {
  auto pair = pairs.begin();
  for (const int candidate : eligible) {
    while (pair != pairs.end() && pair->candidate < candidate) ++pair;
    visit(candidate, pair != pairs.end() && pair->candidate == candidate);
  }
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

// Single-precision scores of one chunk at a time, computed when first asked for. Ask in ascending order.
class ChunkScores {
 public:
  ChunkScores(const CandidateMatrix& catalogue, const Eigen::VectorXd& w, ScoreBlocks kernel)
      : catalogue_(catalogue), weights_(catalogue.cols()), kernel_(kernel) {
    for (int c = 0; c < catalogue.cols(); ++c) weights_[c] = static_cast<float>(w[c]);
  }

  float Score(int candidate) {
    if (candidate >= first_ + kChunkRows) Load(candidate / kChunkRows);
    return scores_[candidate - first_];
  }

 private:
  void Load(int chunk) {
    first_ = chunk * kChunkRows;
    const int blocks = (std::min(catalogue_.rows() - first_, kChunkRows) + kPanelRows - 1) / kPanelRows;
    const float* panel = catalogue_.panel().data() + static_cast<size_t>(first_) * catalogue_.cols();
    kernel_(panel, catalogue_.cols(), weights_.data(), blocks, scores_);
  }

  const CandidateMatrix& catalogue_;
  std::vector<float> weights_;
  ScoreBlocks kernel_;
  int first_ = -kChunkRows;
  float scores_[kChunkRows];
};

// Whether a pass in single precision would save anything over scoring all in double.
bool WorthSelecting(const CandidateMatrix& catalogue, size_t eligible, int count) {
  return eligible > 128 && eligible > 8 * static_cast<size_t>(count) &&
         4 * eligible > static_cast<size_t>(catalogue.rows());
}

}  // namespace

void KeepBest(std::vector<Ranked>& ranked, int count) {
  const size_t kept = std::min<size_t>(count, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + kept, ranked.end(), Before);
  ranked.resize(kept);
}

absl::Span<const double> PairOf(const std::vector<PairRow>& pairs, int candidate) {
  const auto it = std::lower_bound(pairs.begin(), pairs.end(), candidate,
                                   [](const PairRow& row, int value) { return row.candidate < value; });
  if (it == pairs.end() || it->candidate != candidate) return {};
  return absl::MakeConstSpan(it->values.data(), it->values.size());
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

std::vector<Ranked> SelectBest(const CandidateMatrix& catalogue, absl::Span<const int> eligible,
                               const std::vector<PairRow>& pairs, const Eigen::VectorXd& w, int count,
                               KernelWidth width) {
  const double bound = SinglePrecisionErrorBound(catalogue, w);
  std::vector<int> finalists;
  if (!std::isfinite(bound) || !WorthSelecting(catalogue, eligible.size(), count)) {
    finalists.assign(eligible.begin(), eligible.end());
  } else {
    ChunkScores scores(catalogue, w, width == KernelWidth::kAuto ? WidestScoreBlocks() : ScoreBlocksBaseline);
    Shortlist shortlist(count, 2 * bound);
    ForEachEligible(eligible, pairs, [&](int candidate, bool has_pair) {
      if (has_pair) {
        finalists.push_back(candidate);
      } else {
        shortlist.Offer(candidate, scores.Score(candidate));
      }
    });
    for (const Ranked& kept : shortlist.Finish()) finalists.push_back(kept.candidate);
  }
  std::vector<Ranked> ranked = ScoreExactly(catalogue, finalists, pairs, w);
  KeepBest(ranked, count);
  return ranked;
}

}  // namespace suggest::bandit
