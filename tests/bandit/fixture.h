// Small worlds for the bandit's tests: seeded contexts, posteriors and catalogues, and plain oracles.
#ifndef TESTS_BANDIT_FIXTURE_H_
#define TESTS_BANDIT_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "bandit/base/random.h"
#include "bandit/choose/scoring.h"
#include "bandit/propensity/propensity_question.h"

namespace suggest::bandit {

inline constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

MATCHER_P2(IsError, code, part, "") {
  *result_listener << arg.ToString();
  return arg.code() == code && std::string(arg.message()).find(part) != std::string::npos;
}

inline Eigen::VectorXd RandomVector(int n, CounterRng& rng, bool leading_one = false) {
  Eigen::VectorXd v(n);
  for (int i = 0; i < n; ++i) v[i] = rng.NextNormal();
  if (leading_one) v[0] = 1.0;
  return v;
}

// A posterior after `n` random exposures of this layout, with correlated weights.
inline Posterior RandomPosterior(const ContextLayout& layout, int n, CounterRng& rng, double noise_variance = 0.09) {
  SufficientStatistics sums(layout.dim());
  for (int i = 0; i < n; ++i) {
    const FactoredContext context{RandomVector(layout.customer_dim, rng, true),
                                  RandomVector(layout.recommendation_dim, rng, true),
                                  RandomVector(layout.pair_dim, rng)};
    EXPECT_TRUE(sums.AddMature(AssembleContext(layout, context), rng.NextUniform() < 0.1 ? 1.0 : 0.0).ok());
  }
  return *Posterior::Solve(Prior{1.0, 0.01, 0.1}, sums, noise_variance);
}

inline CandidateMatrix RandomCatalogue(int rows, int cols, CounterRng& rng) {
  std::vector<double> values(static_cast<size_t>(rows) * cols);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i % cols == 0 ? 1.0 : rng.NextNormal();
  return *CandidateMatrix::Create(std::move(values), cols);
}

// A whole decision problem that owns its parts.
struct World {
  World(ContextLayout layout_in, int candidates, uint64_t seed, int exposures = 50, int pairs = 0)
      : World(layout_in, candidates, CounterRng(Seed{seed}, 1000), exposures, pairs) {}

  DecisionProblem problem;
  ContextLayout layout;
  Posterior posterior;
  FoldedPosterior folded;
  CandidateMatrix catalogue;

  World(const World&) = delete;
  World& operator=(const World&) = delete;

 private:
  World(ContextLayout layout_in, int candidates, CounterRng rng, int exposures, int pairs)
      : layout(layout_in),
        posterior(RandomPosterior(layout, exposures, rng)),
        folded(posterior, layout),
        catalogue(RandomCatalogue(candidates, layout.recommendation_dim, rng)) {
    problem.posterior = &folded;
    problem.layout = layout;
    problem.catalogue = &catalogue;
    problem.customer = RandomVector(layout.customer_dim, rng, true);
    problem.eligible = CandidateSet(CandidateMask::All(candidates));
    for (int i = 0; i < pairs; ++i) {
      problem.pairs.push_back({i * candidates / pairs, RandomVector(layout.pair_dim, rng)});
    }
  }
};

// Of the world's customer, whose `weights` and which itself must outlive the question.
inline PropensityQuestion QuestionOf(const World& world, const JointNormal& weights, double scale, int slate) {
  return {.catalogue = world.catalogue,
          .eligible = world.problem.eligible,
          .pairs = world.problem.pairs,
          .weights = weights,
          .scale = scale,
          .slate = slate};
}

// b of one candidate, put together without the code under test's shortcuts.
inline Eigen::VectorXd PlainContext(const DecisionProblem& problem, int candidate) {
  FactoredContext context;
  context.customer = problem.customer;
  const auto row = problem.catalogue->row(candidate);
  context.recommendation = Eigen::Map<const Eigen::VectorXd>(row.data(), row.size());
  for (const PairRow& pair : problem.pairs) {
    if (pair.candidate == candidate) context.pair = pair.values;
  }
  return AssembleContext(problem.layout, context);
}

inline std::vector<int> Order(const Slate& slate) {
  std::vector<int> order;
  for (const ScoredCandidate& item : slate.items) order.push_back(item.candidate);
  return order;
}

}  // namespace suggest::bandit

#endif  // TESTS_BANDIT_FIXTURE_H_
