#include "bandit/choose/scoring.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/random.h"
#include "bandit/base/status_macros.h"
#include "bandit/choose/problem_check.h"
#include "bandit/choose/selector.h"
#include "bandit/model/weight_space.h"
#include "bandit/propensity/propensity_estimator.h"

namespace suggest::bandit {
namespace {

// Streams of a decision's seed. Never renumbered: logged decisions are recomputed from them.
enum Stream : uint64_t { kCoinStream = 0, kShuffleStream = 1, kDrawStream = 2, kPropensityStream = 3 };

absl::StatusOr<std::shared_ptr<const JointNormal>> WeightsOf(const DecisionProblem& problem) {
  std::shared_ptr<const JointNormal> kept;
  if (problem.memo != nullptr) kept = problem.memo->Weights(problem.customer);
  if (kept != nullptr) return kept;
  ASSIGN_OR_RETURN(JointNormal weights, problem.posterior->Fold(problem.customer));
  auto shared = std::make_shared<const JointNormal>(std::move(weights));
  if (problem.memo != nullptr) problem.memo->KeepWeights(problem.customer, shared);
  return shared;
}

// One decision: the problem, folded into the customer's weights and drawn.
class Scorer {
 public:
  static absl::StatusOr<Scorer> Create(const DecisionProblem& problem, const PolicySettings& settings, uint64_t seed) {
    RETURN_IF_ERROR(CheckProblem(problem, settings));
    Scorer scorer(problem, settings);
    if (!HasModel(problem)) return scorer;
    ASSIGN_OR_RETURN(scorer.weights_, WeightsOf(problem));
    scorer.drawn_ = scorer.weights_->mean;
    if (settings.kind == PolicyKind::kThompson) {
      CounterRng rng(Seed{seed}, kDrawStream);
      scorer.drawn_ = Draw(*scorer.weights_, settings.scale, rng);
    }
    return scorer;
  }

  // Without propensities.
  ScoredCandidate Score(int candidate) const {
    ScoredCandidate scored;
    scored.candidate = candidate;
    if (HasModel(problem_)) {
      const auto row = problem_.catalogue->row(candidate);
      const auto pair = PairOf(problem_.pairs, candidate);
      scored.mean = FixedOrderScore(row, pair, weights_->mean);
      scored.sd = StandardDeviation(*weights_, row, pair);
      scored.score = FixedOrderScore(row, pair, drawn_);
    }
    if (settings_.kind == PolicyKind::kLinUcb) scored.score = scored.mean + settings_.scale * scored.sd;
    if (settings_.kind == PolicyKind::kPopular) scored.score = settings_.popularity[candidate];
    return scored;
  }

  // The policy's own slate, best first. Not for kUniform.
  std::vector<Ranked> Best(int count, KernelWidth width) const {
    if (settings_.kind != PolicyKind::kLinUcb && settings_.kind != PolicyKind::kPopular) {
      return SelectBest(*problem_.catalogue, problem_.eligible, problem_.pairs, drawn_, count, width);
    }
    std::vector<Ranked> ranked;
    problem_.eligible.ForEach([&](int candidate) {
      const double score =
          settings_.kind == PolicyKind::kPopular ? settings_.popularity[candidate] : Score(candidate).score;
      ranked.push_back({candidate, score});
    });
    KeepBest(ranked, count);
    return ranked;
  }

  const JointNormal& weights() const { return *weights_; }

 private:
  Scorer(const DecisionProblem& problem, const PolicySettings& settings) : problem_(problem), settings_(settings) {}

  const DecisionProblem& problem_;
  const PolicySettings& settings_;
  std::shared_ptr<const JointNormal> weights_;
  Eigen::VectorXd drawn_;
};

// Whether the floor's coin says explore.
bool Explores(const PolicySettings& settings, uint64_t seed) {
  if (settings.kind == PolicyKind::kUniform) return false;
  return CounterRng(Seed{seed}, kCoinStream).NextUniform() < settings.floor;
}

// A uniformly random ordered subset: Fisher-Yates on ranks, stopped after `count`, of which only the places that have
// moved are kept.
std::vector<int> RandomSubset(const CandidateSet& candidates, int count, uint64_t seed) {
  CounterRng rng(Seed{seed}, kShuffleStream);
  absl::flat_hash_map<int, int> moved;  // place -> the rank that stands there
  const auto at = [&moved](int place) {
    const auto found = moved.find(place);
    return found == moved.end() ? place : found->second;
  };
  std::vector<int> subset;
  const int kept = std::min(count, candidates.size());
  for (int i = 0; i < kept; ++i) {
    const int place = i + static_cast<int>(rng.Below(candidates.size() - i));
    subset.push_back(candidates.Nth(at(place)));
    moved[place] = at(i);
  }
  return subset;
}

std::vector<int> Candidates(const std::vector<Ranked>& ranked) {
  std::vector<int> candidates;
  candidates.reserve(ranked.size());
  for (const Ranked& item : ranked) candidates.push_back(item.candidate);
  return candidates;
}

// epsilon * uniform + (1 - epsilon) * p.
PropensityEstimate MixWithFloor(const PropensityEstimate& policy, double floor, int slate, size_t eligible) {
  const auto mix = [floor](const Probability& p, double uniform) {
    return Probability{floor * uniform + (1 - floor) * p.value, (1 - floor) * p.standard_error};
  };
  const double one = 1.0 / static_cast<double>(eligible);
  return {mix(policy.first, one), mix(policy.in_slate, slate * one), mix(policy.at_rank, one)};
}

// Of a policy that would serve `best` with certainty, for a candidate served at `rank` (-1: at no particular one).
PropensityEstimate Certain(const std::vector<int>& best, int candidate, int rank) {
  PropensityEstimate p;
  p.first.value = best.front() == candidate;
  p.in_slate.value = std::count(best.begin(), best.end(), candidate);
  p.at_rank.value = rank >= 0 && best[rank] == candidate;
  return p;
}

// nullopt when the time was not enough.
std::optional<PropensityAnswer> EstimateThompson(const DecisionProblem& problem, const PolicySettings& settings,
                                                 const JointNormal& weights, const std::vector<PropensityTarget>& asked,
                                                 int slate, uint64_t seed) {
  return EstimatePropensities({.catalogue = *problem.catalogue,
                               .eligible = problem.eligible,
                               .pairs = problem.pairs,
                               .weights = weights,
                               .scale = settings.scale,
                               .slate = slate,
                               .draws = settings.propensity_draws,
                               .time_left = settings.time_left,
                               .memo = problem.memo},
                              asked, CounterRng(Seed{seed}, kPropensityStream));
}

// What the propensities are before any time is spent on them.
PropensityStatus StatusOf(const PolicySettings& settings) {
  if (settings.kind == PolicyKind::kUniform || settings.floor == 1) return PropensityStatus::kExact;
  if (settings.kind != PolicyKind::kThompson || settings.scale == 0) {
    return settings.floor > 0 ? PropensityStatus::kExact : PropensityStatus::kNoOverlap;
  }
  return settings.propensity_draws == 0 ? PropensityStatus::kDeferred : PropensityStatus::kEstimated;
}

// What was served has a positive probability, even where no draw found any.
void NeverZero(Probability& p, double ceiling, int draws) {
  if (p.value > 0) return;
  p.value = std::min(ceiling, 1.0 / (draws + 1));
  p.standard_error = p.value;
}

void NeverZero(PropensityEstimate& p, int rank, int draws) {
  NeverZero(p.in_slate, 1.0, draws);
  NeverZero(p.at_rank, p.in_slate.value, draws);
  if (rank == 0) NeverZero(p.first, p.in_slate.value, draws);
}

// Of a slate of `slate` slots, floor and all. `best`: the policy's own slate; empty for kUniform. nullopt when
// deferred.
std::optional<PropensityAnswer> Propensities(const DecisionProblem& problem, const PolicySettings& settings,
                                             const Scorer& scorer, const std::vector<int>& best,
                                             const std::vector<PropensityTarget>& asked, int slate, uint64_t seed) {
  const PropensityStatus status = StatusOf(settings);
  std::optional<PropensityAnswer> answer(PropensityAnswer{std::vector<PropensityEstimate>(asked.size()), 0});
  if (status == PropensityStatus::kDeferred) return std::nullopt;
  if (status == PropensityStatus::kEstimated) {
    if (settings.time_left && !settings.time_left()) return std::nullopt;  // before anything is gathered
    answer = EstimateThompson(problem, settings, scorer.weights(), asked, slate, seed);
    if (!answer.has_value()) return answer;
  } else if (!best.empty()) {
    for (size_t i = 0; i < asked.size(); ++i) answer->estimates[i] = Certain(best, asked[i].candidate, asked[i].rank);
  }
  const double floor = settings.kind == PolicyKind::kUniform ? 1.0 : settings.floor;
  for (PropensityEstimate& estimate : answer->estimates) {
    estimate = MixWithFloor(estimate, floor, slate, problem.eligible.size());
  }
  return answer;
}

// Fills in the slate's propensities.
void FillPropensities(const DecisionProblem& problem, const PolicySettings& settings, const Scorer& scorer,
                      const std::vector<int>& best, uint64_t seed, Slate& slate) {
  if (StatusOf(settings) == PropensityStatus::kDeferred) return;
  const int length = static_cast<int>(slate.items.size());
  std::vector<PropensityTarget> asked;
  asked.reserve(length);
  for (int i = 0; i < length; ++i) asked.push_back({slate.items[i].candidate, i});
  const auto answer = Propensities(problem, settings, scorer, best, asked, length, seed);
  slate.propensity_status = answer.has_value() ? StatusOf(settings) : PropensityStatus::kDeferred;
  if (!answer.has_value()) return;
  slate.contenders = answer->contenders;
  for (int i = 0; i < length; ++i) {
    slate.items[i].propensity = answer->estimates[i];
    if (slate.propensity_status == PropensityStatus::kEstimated) {
      NeverZero(slate.items[i].propensity, i, settings.propensity_draws);
    }
  }
}

}  // namespace

absl::StatusOr<Slate> ChooseSlate(const DecisionProblem& problem, const PolicySettings& settings, int count,
                                  uint64_t seed, KernelWidth width) {
  if (count < 1) return absl::InvalidArgumentError(absl::StrCat("count is ", count, ", it must be at least 1"));
  ASSIGN_OR_RETURN(const Scorer scorer, Scorer::Create(problem, settings, seed));
  Slate slate;
  slate.explore = Explores(settings, seed);
  std::vector<int> best;
  if (settings.kind != PolicyKind::kUniform) best = Candidates(scorer.Best(count, width));
  const bool random = slate.explore || settings.kind == PolicyKind::kUniform;
  slate.items.reserve(std::min(count, problem.eligible.size()));
  for (const int candidate : random ? RandomSubset(problem.eligible, count, seed) : best) {
    slate.items.push_back(scorer.Score(candidate));
    if (!std::isfinite(slate.items.back().score)) {
      return absl::InternalError(absl::StrCat("score of candidate ", candidate, " is ", slate.items.back().score));
    }
  }
  FillPropensities(problem, settings, scorer, best, seed, slate);
  return slate;
}

absl::StatusOr<std::vector<ScoredCandidate>> ScoreAll(const DecisionProblem& problem, const PolicySettings& settings,
                                                      uint64_t seed) {
  ASSIGN_OR_RETURN(const Scorer scorer, Scorer::Create(problem, settings, seed));
  std::vector<ScoredCandidate> all;
  all.reserve(problem.eligible.size());
  problem.eligible.ForEach([&](int candidate) { all.push_back(scorer.Score(candidate)); });
  return all;
}

absl::StatusOr<std::optional<std::vector<PropensityEstimate>>> EstimateAll(const DecisionProblem& problem,
                                                                           const PolicySettings& settings, int count,
                                                                           uint64_t seed) {
  if (count < 1) return absl::InvalidArgumentError(absl::StrCat("count is ", count, ", it must be at least 1"));
  ASSIGN_OR_RETURN(const Scorer scorer, Scorer::Create(problem, settings, seed));
  std::vector<int> best;
  if (settings.kind != PolicyKind::kUniform) best = Candidates(scorer.Best(count, KernelWidth::kAuto));
  std::vector<PropensityTarget> asked;
  problem.eligible.ForEach([&](int candidate) { asked.push_back({candidate}); });
  const int slate = std::min(count, problem.eligible.size());
  std::optional<PropensityAnswer> answer = Propensities(problem, settings, scorer, best, asked, slate, seed);
  if (!answer.has_value()) return std::optional<std::vector<PropensityEstimate>>();
  return std::optional<std::vector<PropensityEstimate>>(std::move(answer->estimates));
}

}  // namespace suggest::bandit
