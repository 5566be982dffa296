#include "service/decision/explain.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "bandit/model/context.h"
#include "service/common/config.h"
#include "service/decision/policy_run.h"
#include "service/decision/response.h"

namespace suggest::decision {
namespace {

v1::Propensity ToPropensity(const bandit::PropensityEstimate& estimate) {
  v1::Propensity propensity;
  propensity.set_first(estimate.first.value);
  propensity.set_in_slate(estimate.in_slate.value);
  propensity.set_at_rank(estimate.at_rank.value);
  propensity.set_first_standard_error(estimate.first.standard_error);
  propensity.set_in_slate_standard_error(estimate.in_slate.standard_error);
  propensity.set_at_rank_standard_error(estimate.at_rank.standard_error);
  return propensity;
}

// b of one candidate, in its parts.
bandit::FactoredContext ContextOf(const bandit::DecisionProblem& problem, int candidate) {
  const auto row = problem.catalogue->row(candidate);
  bandit::FactoredContext context{problem.customer, Eigen::Map<const Eigen::VectorXd>(row.data(), row.size()), {}};
  const auto pair = std::lower_bound(problem.pairs.begin(), problem.pairs.end(), candidate,
                                     [](const bandit::PairRow& p, int c) { return p.candidate < c; });
  if (pair != problem.pairs.end() && pair->candidate == candidate) context.pair = pair->values;
  return context;
}

using ContributionList = google::protobuf::RepeatedPtrField<v1::Contribution>;

void AddContribution(const std::string& feature, double value, ContributionList* list) {
  v1::Contribution* contribution = list->Add();
  contribution->set_feature(feature);
  contribution->set_value(value);
}

// The largest of `terms`, one for each term of the context, and the sum of the others.
void AddContributions(const Snapshot& snapshot, const Eigen::VectorXd& terms, ContributionList* list) {
  std::vector<int> order(terms.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return std::abs(terms[a]) > std::abs(terms[b]); });
  const auto named = std::min(order.begin() + kContributions, order.end());
  double rest = 0;
  for (auto i = order.begin(); i != order.end(); ++i) {
    if (i < named) {
      if (terms[*i] != 0) AddContribution(snapshot.term_names()[*i], terms[*i], list);
    } else {
      rest += terms[*i];
    }
  }
  if (rest != 0) AddContribution("(all other terms)", rest, list);
}

v1::ExplainResponse Header(const storage::DecisionRecord& record, const Snapshot& snapshot) {
  v1::ExplainResponse response;
  response.set_decision_id(record.decision_id);
  response.set_policy(static_cast<v1::Policy>(record.policy));
  response.set_model_version(record.model_version);
  response.set_seed(record.seed);
  response.set_explore(record.explore);
  *response.mutable_decided_at() = ToTimestamp(record.decided_at);
  *response.mutable_model_age() = ToProtoDuration(record.decided_at - snapshot.data_cut());
  return response;
}

class Explainer {
 public:
  Explainer(const storage::DecisionRecord& record, const Serving& serving, bandit::DecisionProblem problem)
      : record_(record),
        serving_(serving),
        problem_(std::move(problem)),
        response_(Header(record, serving.snapshot())) {}

  absl::StatusOr<v1::ExplainResponse> Run(bool all_candidates) {
    RETURN_IF_ERROR(record_.policy == v1::EXPERT ? ExplainExpert() : ExplainPolicy());
    if (all_candidates && record_.policy != v1::EXPERT) RETURN_IF_ERROR(AddOthers());
    AddContrasts();
    return std::move(response_);
  }

 private:
  v1::Policy policy() const { return static_cast<v1::Policy>(record_.policy); }

  v1::ExplainedCandidate* Add(const bandit::ScoredCandidate& scored, int rank) {
    v1::ExplainedCandidate* candidate = response_.add_candidates();
    candidate->set_recommendation_id(serving_.catalogue().item(scored.candidate).recommendation_id);
    candidate->set_score(scored.score);
    candidate->set_expected_reward(scored.mean);
    candidate->set_expected_reward_sd(scored.sd);
    candidate->set_rank(rank);
    AddContributions(serving_.snapshot(), TermsOf(scored.candidate), candidate->mutable_contributions());
    explained_.push_back(scored.candidate);
    slate_size_ += rank > 0 ? 1 : 0;
    return candidate;
  }

  Eigen::VectorXd TermsOf(int candidate) const {
    const Snapshot& snapshot = serving_.snapshot();
    return bandit::Contributions(snapshot.layout(), ContextOf(problem_, candidate), snapshot.posterior().mean());
  }

  // The best-scored candidate that is not in the slate; without one the last of the slate. -1: nobody can be scored.
  int RunnerUp() const {
    const v1::Policy by = policy() == v1::EXPERT ? v1::GREEDY : policy();
    const auto scored = ScoreEligible(serving_, by, record_.inputs, record_.decided_at, record_.seed);
    if (!scored.ok() || slate_size_ == 0) return -1;
    const auto slate_end = explained_.begin() + slate_size_;
    const bandit::ScoredCandidate* best = nullptr;
    for (const bandit::ScoredCandidate& candidate : *scored) {
      if (std::find(explained_.begin(), slate_end, candidate.candidate) != slate_end) continue;
      if (best == nullptr || std::tie(candidate.score, candidate.mean) > std::tie(best->score, best->mean)) {
        best = &candidate;
      }
    }
    return best != nullptr ? best->candidate : explained_[slate_size_ - 1];
  }

  void AddContrasts() {
    const int runner_up = RunnerUp();
    if (runner_up < 0) return;
    for (int i = 0; i < response_.candidates_size(); ++i) {
      const int other = i < slate_size_ ? runner_up : explained_[0];
      if (other == explained_[i]) continue;
      v1::ExplainedCandidate* const candidate = response_.mutable_candidates(i);
      candidate->set_contrast_with(serving_.catalogue().item(other).recommendation_id);
      AddContributions(serving_.snapshot(), TermsOf(explained_[i]) - TermsOf(other), candidate->mutable_contrast());
    }
  }

  absl::Status ExplainPolicy() {
    storage::DecisionRecord again = record_;
    const bool deferred = record_.propensity_status == v1::DEFERRED;
    if (!deferred) again.inputs.set_propensity_draws(0);
    ASSIGN_OR_RETURN(const bandit::Slate slate, RunPolicy(serving_, again, {}, bandit::KernelWidth::kNarrow));
    ASSIGN_OR_RETURN(const bool matches, MatchesLog(record_, slate));
    response_.set_matches_log(matches);
    for (int i = 0; i < static_cast<int>(slate.items.size()); ++i) {
      v1::ExplainedCandidate* candidate = Add(slate.items[i], i + 1);
      *candidate->mutable_propensity() = deferred || i >= record_.inputs.slate_size()
                                             ? ToPropensity(slate.items[i].propensity)
                                             : decision::ToPropensity(record_.inputs, i);
    }
    return absl::OkStatus();
  }

  // An expert's slate is not recomputed but scored again, in the order it was shown.
  absl::Status ExplainExpert() {
    ASSIGN_OR_RETURN(const std::vector<bandit::ScoredCandidate> scored,
                     ScoreEligible(serving_, v1::GREEDY, record_.inputs, record_.decided_at, record_.seed));
    bool matches = true;
    for (int i = 0; i < record_.inputs.slate_size(); ++i) {
      const int index = static_cast<int>(record_.inputs.slate(i));
      const auto place = std::lower_bound(scored.begin(), scored.end(), index,
                                          [](const auto& candidate, int c) { return candidate.candidate < c; });
      if (place == scored.end() || place->candidate != index) {
        return absl::DataLossError(
            absl::StrCat("decision ", record_.decision_id, ": candidate ", index, " of its slate was not eligible"));
      }
      matches = matches && SlotMatchesLog(record_.inputs, i, *place);
      Add(*place, i + 1);
    }
    response_.set_matches_log(matches);
    return absl::OkStatus();
  }

  absl::Status AddOthers() {
    ASSIGN_OR_RETURN(const std::vector<bandit::ScoredCandidate> scored,
                     ScoreEligible(serving_, policy(), record_.inputs, record_.decided_at, record_.seed));
    for (const bandit::ScoredCandidate& candidate : scored) {
      const auto& slate = record_.inputs.slate();
      if (std::find(slate.begin(), slate.end(), static_cast<uint32_t>(candidate.candidate)) == slate.end()) {
        Add(candidate, 0);
      }
    }
    return absl::OkStatus();
  }

  const storage::DecisionRecord& record_;
  const Serving& serving_;
  const bandit::DecisionProblem problem_;
  v1::ExplainResponse response_;
  std::vector<int> explained_;  // catalogue index of each candidate of the response; the slate's come first
  int slate_size_ = 0;
};

}  // namespace

absl::StatusOr<v1::ExplainResponse> ExplainDecision(const storage::DecisionRecord& record, const Serving& serving,
                                                    bool all_candidates) {
  SUGGEST_CHECK(record.model_version == serving.snapshot().version());
  SUGGEST_CHECK(record.catalogue_version == serving.catalogue().version());
  RETURN_IF_ERROR(CheckColumns(record));
  ASSIGN_OR_RETURN(bandit::DecisionProblem problem, MakeProblem(serving, record.inputs, record.decided_at));
  const int expected = serving.snapshot().layout().customer_dim;
  if (problem.customer.size() != expected) {
    return absl::DataLossError(absl::StrCat("decision ", record.decision_id, " logged ", problem.customer.size(),
                                            " customer features, model version ", record.model_version, " has ",
                                            expected));
  }
  return Explainer(record, serving, std::move(problem)).Run(all_candidates);
}

absl::StatusOr<v1::ExplainResponse> ExplainUnder(storage::DecisionRecord record, const Serving& own,
                                                 std::shared_ptr<const Snapshot> other, bool all_candidates) {
  const int64_t basis = own.snapshot().lineage().basis_id();
  if (other->lineage().basis_id() != basis) {
    return absl::FailedPreconditionError(absl::StrCat("model_version ", other->version(), " is of basis ",
                                                      other->lineage().basis_id(), ", decision ", record.decision_id,
                                                      " of basis ", basis));
  }
  record.model_version = other->version();
  ASSIGN_OR_RETURN(const std::shared_ptr<const Serving> serving,
                   Serving::Create(std::move(other), own.shared_catalogue()));
  return ExplainDecision(record, *serving, all_candidates);
}

}  // namespace suggest::decision
