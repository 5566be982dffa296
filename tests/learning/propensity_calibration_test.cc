// Logged propensities against what is chosen, over many customers, with a posterior that has learnt from 6,000
// exposures.
//
// A decision's slate names a candidate and logs its p; whether another decision of the same customer chooses that
// candidate is then compared with p. Bins are by a second, independent estimate: by p itself they would prefer the
// estimates that came out too high or too low. Decisions of one customer share what their candidates have in common, so
// the variance of each bin's sum is taken between customers: it counts both the choice's and the estimate's part. It is
// at least sum p (1 - p), the choice's own, which a bin with few events would not show; bins that expect fewer than 20
// are left out, since their sums are not normal. Each bin is compared at 4.5 standard errors: with 2 x 6 bins, a false
// alarm in 1e-4 of seeds. Inverse weights are
// compared at 3 standard errors between customers: 3e-3 of seeds for each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "bandit/base/random.h"
#include "bandit/choose/scoring.h"
#include "bandit/propensity/propensity_estimator.h"

namespace suggest::bandit {
namespace {

constexpr int kBins = 6;  // by powers of two, the last from 1/2 on, the first all below 1/32

Eigen::VectorXd Normals(int n, CounterRng& rng) {
  Eigen::VectorXd v(n);
  for (int i = 0; i < n; ++i) v[i] = i == 0 ? 1.0 : rng.NextNormal();
  return v;
}

FoldedPosterior Learnt(const ContextLayout& layout, CounterRng& rng) {
  SufficientStatistics sums(layout.dim());
  const Eigen::VectorXd truth = 0.02 * Normals(layout.dim(), rng);
  for (int i = 0; i < 6000; ++i) {
    const FactoredContext context{Normals(layout.customer_dim, rng), Normals(layout.recommendation_dim, rng), {}};
    const Eigen::VectorXd b = AssembleContext(layout, context);
    const bool bought = rng.NextUniform() < std::clamp(0.08 + truth.dot(b), 0.0, 1.0);
    EXPECT_TRUE(sums.AddMature(b, bought ? 0.6 : 0.0).ok());
  }
  return FoldedPosterior(*Posterior::Solve(Prior{1.0, 0.01, 0.05}, sums, 0.03), layout);
}

// Sums of one bin by customer.
struct Bin {
  double sum = 0;
  double square_sum = 0;
  double pending = 0;  // of the customer at hand
  double expected = 0, choice_variance = 0;

  void Add(bool chosen, double p) {
    pending += chosen - p;
    expected += p;
    choice_variance += p * (1 - p);
  }

  void EndCustomer() {
    sum += pending;
    square_sum += pending * pending;
    pending = 0;
  }
};

int BinOf(double p) {
  return std::clamp(kBins - 1 + static_cast<int>(std::floor(std::log2(p) + 1)), 0, kBins - 1);
}

struct Outcome {
  std::array<Bin, kBins> bins;
  double weight_sum = 0, weight_square_sum = 0;
  int customers = 0;
  int zeros = 0;
};

// One customer's second estimates of P(in slate), each made when first asked for.
class SecondEstimates {
 public:
  SecondEstimates(const DecisionProblem& problem, const JointNormal& weights, const PolicySettings& settings, int slate)
      : question_{.catalogue = *problem.catalogue,
                  .eligible = problem.eligible,
                  .pairs = problem.pairs,
                  .weights = weights,
                  .scale = settings.scale,
                  .slate = slate},
        floor_(settings.floor) {}

  double InSlate(int candidate) {
    const auto [found, fresh] = known_.try_emplace(candidate, 0.0);
    if (fresh) {
      const auto answer = EstimatePropensities(question_, {PropensityTarget{candidate}}, CounterRng(Seed{7}, 1234));
      const double uniform = static_cast<double>(question_.slate) / static_cast<double>(question_.eligible.size());
      found->second = floor_ * uniform + (1 - floor_) * answer->estimates[0].in_slate.value;
    }
    return found->second;
  }

 private:
  PropensityQuestion question_;
  double floor_;
  std::map<int, double> known_;
};

Outcome Decide(int candidates, int customers, int decisions_each) {
  constexpr int kSlate = 3;
  CounterRng rng(Seed{4711}, 0);
  const ContextLayout layout{9, 9, 0, Interactions::kFull};
  const FoldedPosterior posterior = Learnt(layout, rng);
  std::vector<double> rows;
  for (int i = 0; i < candidates; ++i) {
    const Eigen::VectorXd row = Normals(9, rng);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  const CandidateMatrix catalogue = *CandidateMatrix::Create(std::move(rows), 9);
  DecisionProblem problem{&posterior, layout, &catalogue, {}, CandidateSet(CandidateMask::All(candidates)), {}};
  PolicySettings settings;
  settings.floor = 0.1;
  PolicySettings no_draws = settings;
  no_draws.propensity_draws = 0;
  Outcome outcome;
  for (int customer = 0; customer < customers; ++customer) {
    problem.customer = Normals(9, rng);
    const JointNormal weights = *posterior.Fold(problem.customer);
    SecondEstimates second(problem, weights, settings, kSlate);
    double inverse = 0;
    for (int i = 0; i < decisions_each; ++i) {
      const uint64_t seed = static_cast<uint64_t>(customer) * decisions_each + i;
      const Slate slate = *ChooseSlate(problem, settings, kSlate, seed);
      for (const ScoredCandidate& item : slate.items) outcome.zeros += !(item.propensity.at_rank.value > 0);
      inverse += 1.0 / candidates / slate.items[0].propensity.first.value;
      const ScoredCandidate& named = slate.items[seed % kSlate];
      const Slate other = *ChooseSlate(problem, no_draws, kSlate, seed + 1'000'000'007);
      bool chosen = false;
      for (const ScoredCandidate& item : other.items) chosen = chosen || item.candidate == named.candidate;
      outcome.bins[BinOf(second.InSlate(named.candidate))].Add(chosen, named.propensity.in_slate.value);
    }
    for (Bin& bin : outcome.bins) bin.EndCustomer();
    outcome.weight_sum += inverse / decisions_each;
    outcome.weight_square_sum += inverse * inverse / decisions_each / decisions_each;
  }
  outcome.customers = customers;
  return outcome;
}

void ExpectCalibrated(const Outcome& outcome) {
  EXPECT_EQ(outcome.zeros, 0);
  const double n = outcome.customers;
  for (int b = 0; b < kBins; ++b) {
    const Bin& bin = outcome.bins[b];
    if (bin.expected < 20) continue;
    const double se = std::sqrt(std::max(bin.choice_variance, bin.square_sum - bin.sum * bin.sum / n));
    EXPECT_LE(std::abs(bin.sum), 4.5 * se) << "bin " << b;
  }
  const double mean = outcome.weight_sum / n;
  const double se = std::sqrt((outcome.weight_square_sum / n - mean * mean) / n);
  EXPECT_NEAR(mean, 1.0, 3 * se);
}

TEST(PropensityCalibration, HoldsIn100000DecisionsOver1000CustomersAt30Candidates) {
  ExpectCalibrated(Decide(30, 1000, 100));
}

TEST(PropensityCalibration, HoldsIn100000DecisionsOver1000CustomersAt1000Candidates) {
  ExpectCalibrated(Decide(1000, 1000, 100));
}

}  // namespace
}  // namespace suggest::bandit
