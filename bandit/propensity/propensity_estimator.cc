#include "bandit/propensity/propensity_estimator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bandit/base/check.h"
#include "bandit/propensity/contenders.h"
#include "bandit/propensity/propensity_kernel.h"
#include "bandit/propensity/score_draws.h"

namespace suggest::bandit {
namespace {

using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXd;

// Mean of the blocks and the standard error of that mean.
struct BlockMeans {
  double sum = 0;
  double square_sum = 0;

  void Add(const Lanes& mass) {
    double total = 0;
    for (const float lane : mass) total += lane;
    const double mean = total / kLanes;
    sum += mean;
    square_sum += mean * mean;
  }

  Probability Estimate(int blocks) const {
    const double mean = sum / blocks;
    const double variance = std::max(0.0, square_sum / blocks - mean * mean) / (blocks - 1);
    return {std::min(1.0, mean), std::sqrt(variance)};
  }
};

// Contenders that stand above a target on one side of a breakpoint, and how steeply the breakpoint moves: `count` from
// `begin` on in the estimator's lists.
struct Side {
  size_t begin = 0;
  int count = 0;
};

struct Target {
  int place = 0;  // among the contenders
  int rank = -1;
  float sd = 0;  // with v
  Side falls, rises;
  std::vector<int> level;  // contenders whose lead does not depend on the own score
  BlockMeans first, in_slate, at_rank;
};

class Estimator {
 public:
  Estimator(const PropensityQuestion& question, absl::Span<const PropensityTarget> targets, const Blocks& points,
            std::vector<int> contenders)
      : q_(question), contenders_(std::move(contenders)), dim_(question.weights.dim()), draws_(question, points) {
    rows_ = q_.RowsOf(contenders_);
    centre_ = rows_.colwise().mean();
    columns_ = Centred(q_, rows_, centre_);
    scores_.resize(contenders_.size() * kLanes);
    falls_.resize(q_.slate * kLanes);
    rises_.resize(q_.slate * kLanes);
    own_columns_.resize(dim_, targets.size());
    own_.resize(targets.size() * kLanes);
    gaps_.resize(contenders_.size());
    gains_.resize(contenders_.size());
    side_index_.resize(2 * targets.size() * contenders_.size());
    side_gain_.resize(side_index_.size());
    targets_.reserve(targets.size());
    for (const PropensityTarget& target : targets) {
      targets_.push_back(Prepare(target));
      own_columns_.col(targets_.size() - 1) = rows_.row(targets_.back().place).cast<float>();
    }
  }

  int contenders() const { return static_cast<int>(contenders_.size()); }

  // Counts one block.
  void Count(int block) {
    const float* const w = draws_.At(block);
    ScoreLanes(columns_.data(), contenders(), dim_ + 1, w, scores_.data());
    ScoreLanes(own_columns_.data(), static_cast<int>(targets_.size()), dim_, w + kLanes, own_.data());
    for (size_t t = 0; t < targets_.size(); ++t) Count(targets_[t], &own_[t * kLanes]);
  }

  std::vector<PropensityEstimate> Estimates(int blocks) const {
    std::vector<PropensityEstimate> estimates;
    for (const Target& t : targets_) {
      estimates.push_back({t.first.Estimate(blocks), t.in_slate.Estimate(blocks), t.at_rank.Estimate(blocks)});
    }
    return estimates;
  }

 private:
  // Of the next target.
  Target Prepare(const PropensityTarget& asked) {
    Target target;
    target.place =
        static_cast<int>(std::find(contenders_.begin(), contenders_.end(), asked.candidate) - contenders_.begin());
    target.rank = asked.rank;
    const VectorXd own = rows_.row(target.place);
    const VectorXd shared = TimesCovariance(q_.weights, own);
    const double variance = own.dot(shared);
    const double sd = variance > 0 ? q_.scale * std::sqrt(variance) : 0.0;
    target.sd = static_cast<float>(sd);
    const VectorXd covariances = Product(rows_, shared);
    if (sd > 0) {
      GapsAndGains(covariances.data(), contenders(), variance, sd, gaps_.data(), gains_.data());
    } else {
      std::fill(gaps_.begin(), gaps_.end(), 0.0);
    }
    target.falls.begin = 2 * targets_.size() * contenders_.size();
    target.rises.begin = target.falls.begin + contenders_.size();
    for (int k = 0; k < contenders(); ++k) {
      if (k == target.place) continue;
      const double gap = gaps_[k];
      if (std::abs(gap) < 1e-6 && (std::abs(gap) <= 1e-12 || rows_.row(k) == own.transpose())) {
        target.level.push_back(k);
        continue;
      }
      Add(k, gains_[k], gap > 0, &target.falls);
      Add(k, -gains_[k], !(gap > 0), &target.rises);
    }
    return target;
  }

  // Without a branch, since which side a contender is on cannot be foretold: what does not count is written over.
  void Add(int k, float gain, bool counts, Side* side) {
    side_index_[side->begin + side->count] = k;
    side_gain_[side->begin + side->count] = gain;
    side->count += counts;
  }

  const float* ScoresOf(int place) const { return &scores_[static_cast<size_t>(place) * kLanes]; }

  // Those of `level` that are above whatever the own score is: falls at infinity.
  void OfferLevel(const Target& target) {
    const float* own = ScoresOf(target.place);
    for (const int k : target.level) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const float lead = ScoresOf(k)[lane] - own[lane];
        if (lead < 0 || (lead == 0 && contenders_[k] > contenders_[target.place])) continue;
        for (int i = q_.slate - 1; i > 0; --i) falls_[i * kLanes + lane] = falls_[(i - 1) * kLanes + lane];
        falls_[lane] = -kNeverReached;
      }
    }
  }

  void Offer(const Side& side, const float* own, const Lanes& x, float* largest) const {
    OfferBreakpoints(scores_.data(), &side_index_[side.begin], &side_gain_[side.begin], side.count, own, x, q_.slate,
                     largest);
  }

  // `deviation`: of the own score from its mean.
  void Count(Target& target, const float* deviation) {
    const float* own = ScoresOf(target.place);
    Lanes x, minus_x;
    for (int lane = 0; lane < kLanes; ++lane) {
      x[lane] = target.sd > 0 ? deviation[lane] / target.sd : 0.0f;
      minus_x[lane] = -x[lane];
    }
    std::fill(falls_.begin(), falls_.end(), kNeverReached);
    std::fill(rises_.begin(), rises_.end(), kNeverReached);
    Offer(target.falls, own, x, falls_.data());
    Offer(target.rises, own, minus_x, rises_.data());
    OfferLevel(target);
    const int places = q_.slate * kLanes;
    Survivals(falls_.data(), places, false, falls_.data());
    Survivals(rises_.data(), places, true, rises_.data());
    Lanes first = {}, at_rank = {}, in_slate = {};
    AddRankMass(falls_.data(), rises_.data(), 0, first);
    target.first.Add(first);
    if (target.rank > 0) AddRankMass(falls_.data(), rises_.data(), target.rank, at_rank);
    if (target.rank >= 0) target.at_rank.Add(target.rank == 0 ? first : at_rank);
    AddSlateMass(falls_.data(), rises_.data(), q_.slate, in_slate);
    target.in_slate.Add(in_slate);
  }

  const PropensityQuestion& q_;
  const std::vector<int> contenders_;  // highest mean first, then further targets
  const int dim_;
  MatrixXd rows_;         // one per contender
  VectorXd centre_;       // mean of the rows
  MatrixXf columns_;      // one per contender, as in Centred
  MatrixXf own_columns_;  // the row of each target
  WeightDraws draws_;
  std::vector<float> own_;            // [target][lane]
  std::vector<float> scores_;         // [contender][lane]
  std::vector<float> falls_, rises_;  // [place][lane] of the target at hand; rises negated; then their survivals
  std::vector<double> gaps_;          // of the target at hand, one per contender
  std::vector<float> gains_;
  std::vector<int> side_index_;  // [target][side][contender], as far as the sides' counts
  std::vector<float> side_gain_;
  std::vector<Target> targets_;
};

}  // namespace

std::optional<PropensityAnswer> EstimatePropensities(const PropensityQuestion& question,
                                                     absl::Span<const PropensityTarget> targets, CounterRng rng) {
  SUGGEST_CHECK(question.scale > 0 && question.slate >= 1 && question.draws <= kMaxPropensityDraws);
  const auto late = [&] { return question.time_left && !question.time_left(); };
  const int blocks = std::max(2, (question.draws + kLanes - 1) / kLanes);
  const Blocks points(question.weights.dim(), rng);
  Estimator estimator(question, targets, points, Contenders(question, targets));
  for (int b = 0; b < blocks; ++b) {
    if (late()) return std::nullopt;
    estimator.Count(b);
  }
  return PropensityAnswer{estimator.Estimates(blocks), estimator.contenders()};
}

}  // namespace suggest::bandit
