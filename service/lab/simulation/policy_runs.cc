#include "service/lab/simulation/policy_runs.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/random.h"
#include "bandit/base/status_macros.h"
#include "service/common/config.h"
#include "service/lab/simulation/in_memory_service.h"
#include "service/lab/simulation/slate_values.h"
#include "service/lab/simulation/world.h"

namespace suggest::simulation {
namespace {

constexpr int kTopThreeSample = 120;  // customers

config::v1::Config ConfigOf(const PolicySpec& spec, config::v1::Config config) {
  if (!spec.window) *config.mutable_learning()->mutable_learning_window() = ToProtoDuration(absl::ZeroDuration());
  config.mutable_features()->set_interactions(spec.interactions ? config::v1::FeatureSchema::FULL
                                                                : config::v1::FeatureSchema::NONE);
  return config;
}

// One policy on its way through the year.
class Year {
 public:
  Year(const Company& company, const Truth& truth, const History& history, const PolicySpec& spec)
      : company_(company), truth_(truth), spec_(spec), world_(history.world) {
    settings_.kind = spec.kind;
    settings_.scale = spec.scale;
    settings_.floor = spec.floor;
    settings_.propensity_draws = 0;
    if (spec.chooser == Chooser::kPopular) settings_.kind = bandit::PolicyKind::kPopular;
  }

  absl::Status Start(const config::v1::Config& config, const History& history, absl::Duration tick) {
    if (spec_.chooser != Chooser::kModel && spec_.chooser != Chooser::kPopular) return absl::OkStatus();
    const config::v1::Config own = ConfigOf(spec_, config);
    auto made = spec_.warm_start ? InMemoryService::WarmStart(company_, own, history, tick)
                                 : InMemoryService::ColdStart(company_, own);
    ASSIGN_OR_RETURN(service_, std::move(made));
    return absl::OkStatus();
  }

  absl::Status Tick(absl::Time now) {
    if (service_ == nullptr) return absl::OkStatus();
    RETURN_IF_ERROR(service_->Tick(now));
    if (spec_.chooser == Chooser::kPopular) settings_.popularity = service_->Popularity();
    return absl::OkStatus();
  }

  absl::Status Decide(const Contact& contact, PolicyRun& run) {
    const int count = company_.options().slate_size;
    const std::vector<int> candidates = world_.Candidates(contact.customer, contact.at);
    if (candidates.empty()) return absl::OkStatus();
    const CustomerView view = world_.View(contact.customer, contact.at);
    const SlateValues values(truth_, view, candidates);
    const std::vector<int> best = values.Best(count);
    ASSIGN_OR_RETURN(const std::vector<int> slate, Slate(contact, view, candidates, best));

    const int quarter = std::min(3, view.day * 4 / company_.options().year_days);
    run.reward[quarter] += values.Sum(slate);
    run.suggestions[quarter] += static_cast<int64_t>(slate.size());
    run.regret += values.Sum(best) - values.Sum(slate);
    for (const int r : slate) {
      if (!truth_.Keeps(view, r)) continue;
      const Exposure& exposure = world_.Expose(view, r, contact.at);
      if (exposure.attributed()) ++run.purchases;
      if (service_ != nullptr) RETURN_IF_ERROR(service_->Expose(exposure));
    }
    return absl::OkStatus();
  }

  // Share of pairs of customers to whom greedy offers another top 3 in another order, all active items given.
  absl::StatusOr<double> DifferentTopThree(absl::Time now) {
    if (spec_.chooser != Chooser::kModel) return 0.0;
    const int day = company_.Day(now) - 1;
    std::vector<int> active;
    for (int r = 0; r < static_cast<int>(company_.recommendations().size()); ++r) {
      if (company_.Active(r, day)) active.push_back(r);
    }
    bandit::PolicySettings greedy;
    greedy.kind = bandit::PolicyKind::kGreedy;
    greedy.propensity_draws = 0;
    std::vector<std::vector<int>> tops;
    const int customers = company_.CustomersOn(day);
    for (int i = 0; i < std::min(kTopThreeSample, customers); ++i) {
      const int customer = static_cast<int>(static_cast<int64_t>(i) * customers / kTopThreeSample);
      ASSIGN_OR_RETURN(std::vector<int> top, service_->Choose(customer, company_.Midnight(day), active, greedy, 3, 0));
      tops.push_back(std::move(top));
    }
    int64_t different = 0;
    for (size_t i = 0; i < tops.size(); ++i) {
      for (size_t j = 0; j < i; ++j) different += tops[i] != tops[j];
    }
    return 2.0 * different / (tops.size() * (tops.size() - 1.0));
  }

  int dimension() const { return spec_.chooser == Chooser::kModel ? service_->dim() : 0; }

 private:
  absl::StatusOr<std::vector<int>> Slate(const Contact& contact, const CustomerView& view,
                                         const std::vector<int>& candidates, const std::vector<int>& best) {
    const int count = company_.options().slate_size;
    const uint64_t seed = company_.draws().Bits(Purpose::kPolicySeed, view.customer, view.day);
    switch (spec_.chooser) {
      case Chooser::kOracle:
        return best;
      case Chooser::kExpert:
        return truth_.ExpertChoice(view, candidates, count);
      case Chooser::kUniform:
        return Uniform(candidates, count, seed);
      case Chooser::kModel:
      case Chooser::kPopular:
        return service_->Choose(contact.customer, contact.at, candidates, settings_, count, seed);
    }
    return absl::InternalError("unknown chooser");
  }

  std::vector<int> Uniform(std::vector<int> candidates, int count, uint64_t seed) const {
    bandit::CounterRng rng(bandit::Seed{seed}, 0);
    const size_t slots = std::min(candidates.size(), static_cast<size_t>(count));
    for (size_t i = 0; i < slots; ++i) {
      std::swap(candidates[i], candidates[i + rng.Below(static_cast<uint32_t>(candidates.size() - i))]);
    }
    candidates.resize(slots);
    return candidates;
  }

  const Company& company_;
  const Truth& truth_;
  const PolicySpec& spec_;
  World world_;
  bandit::PolicySettings settings_;
  std::unique_ptr<InMemoryService> service_;
};

}  // namespace

std::vector<PolicySpec> StandardPolicies(const config::v1::Config& config) {
  using bandit::PolicyKind;
  const double scale = config.choice().exploration_scale();
  const double floor = config.choice().exploration_floor();
  PolicySpec reference = {"Thompson", Chooser::kModel, PolicyKind::kThompson, scale, floor};
  std::vector<PolicySpec> policies = {reference};
  const auto variant = [&](const std::string& name, auto change) {
    PolicySpec spec = reference;
    spec.name = name;
    change(spec);
    policies.push_back(spec);
  };
  variant("Thompson, no warm start", [](PolicySpec& s) { s.warm_start = false; });
  variant("Thompson, no window", [](PolicySpec& s) { s.window = false; });
  variant("Thompson, no interactions", [](PolicySpec& s) { s.interactions = false; });
  for (const double v : {0.1, 0.25, 0.5, 1.0}) {
    if (v != scale) variant(absl::StrCat("Thompson, v = ", v), [v](PolicySpec& s) { s.scale = v; });
  }
  variant("LinUCB", [](PolicySpec& s) { s.kind = PolicyKind::kLinUcb; });
  variant("greedy", [](PolicySpec& s) { s.kind = PolicyKind::kGreedy, s.scale = 0, s.floor = 0; });
  variant("epsilon-greedy, 0.1",
          [](PolicySpec& s) { s.kind = PolicyKind::kEpsilonGreedy, s.scale = 0, s.floor = 0.1; });
  policies.push_back({"popular", Chooser::kPopular, PolicyKind::kPopular});
  policies.push_back({"expert", Chooser::kExpert});
  policies.push_back({"uniform", Chooser::kUniform});
  policies.push_back({"oracle", Chooser::kOracle});
  return policies;
}

absl::StatusOr<PolicyRun> RunPolicy(const Company& company, const Truth& truth, const History& history,
                                    const PolicySpec& spec, const config::v1::Config& config, int tick_days) {
  PolicyRun run;
  Year year(company, truth, history, spec);
  RETURN_IF_ERROR(year.Start(config, history, tick_days * absl::Hours(24)));
  const int days = company.options().year_days;
  for (int day = 0; day < days; ++day) {
    if (day % tick_days == 0) RETURN_IF_ERROR(year.Tick(company.Midnight(day)));
    for (const Contact& contact : company.ContactsOn(day)) RETURN_IF_ERROR(year.Decide(contact, run));
  }
  RETURN_IF_ERROR(year.Tick(company.Midnight(days)));
  run.dimension = year.dimension();
  ASSIGN_OR_RETURN(run.different_top_three, year.DifferentTopThree(company.Midnight(days)));
  return run;
}

}  // namespace suggest::simulation
