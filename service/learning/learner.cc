#include "service/learning/learner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "features/counters.h"

namespace suggest::learning {
namespace {

// From here on one matrix of an instant is cheaper than its contexts one by one at each Step.
constexpr size_t kCrowd = 16;

}  // namespace

Learner::Learner(const LearnerSettings& settings, const bandit::ContextLayout& layout, const bandit::Prior& prior,
                 const bandit::NoiseModel& noise)
    : settings_(settings),
      layout_(layout),
      prior_(prior),
      noise_(noise),
      prior_law_(PriorDelayLaw(settings)),
      rule_{.mode = settings.delay_mode, .laws = bandit::DelayLaws(prior_law_), .label_mean = {}, .nuisance = {}},
      mature_(layout.dim()) {}

absl::Status Learner::BookExposure(int64_t id, absl::Time exposed_at, bandit::FactoredContext context,
                                   absl::string_view stratum) {
  RETURN_IF_ERROR(bandit::ValidateContext(layout_, context));
  const int64_t day = features::UtcDay(exposed_at);
  const auto [place, inserted] = places_.try_emplace(id, Place{day, 0});
  if (!inserted) return absl::AlreadyExistsError(absl::StrCat("exposure ", id, " is booked already"));
  if (day < first_live_day_) return absl::OkStatus();
  std::vector<Entry>& entries = days_[day];
  place->second.index = entries.size();
  Entry& entry = entries.emplace_back();
  entry.exposed_at = exposed_at;
  entry.context = std::move(context);
  entry.stratum = std::string(stratum);
  first_pending_day_ = std::min(first_pending_day_, day);
  ++pending_count_;
  return absl::OkStatus();
}

absl::Status Learner::SetReward(int64_t id, double reward, absl::Time visible_at) {
  if (!(reward >= 0 && reward <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("exposure ", id, ": reward ", reward, " is outside [0, 1]"));
  }
  const auto place = places_.find(id);
  if (place == places_.end()) return absl::NotFoundError(absl::StrCat("exposure ", id, " was never booked"));
  if (place->second.day < first_live_day_) return absl::OkStatus();
  const auto day = days_.find(place->second.day);
  Entry& entry = day->second[place->second.index];
  if (entry.mature) {
    RETURN_IF_ERROR(
        mature_.At(day->first).AdjustMature(bandit::AssembleContext(layout_, entry.context), entry.reward, reward));
  }
  entry.changes.emplace_back(visible_at, reward - entry.reward);
  if (!entry.bought_at.has_value()) entry.bought_at = visible_at;
  entry.reward = reward;
  return absl::OkStatus();
}

absl::StatusOr<bandit::Posterior> Learner::Step(absl::Time tick) {
  Forget(FirstLiveDay(tick, settings_.forgetting));
  RETURN_IF_ERROR(Mature(tick));
  EstimateDelayLaws(tick);
  RETURN_IF_ERROR(Train(tick));
  const int64_t today = features::UtcDay(tick);
  const bandit::SufficientStatistics mature = mature_.Total(today, settings_.forgetting);
  ASSIGN_OR_RETURN(ridge_, NextRidge(settings_, prior_, noise_, mature, ridge_));
  bandit::Prior prior = prior_;
  prior.ridge = ridge_.ridge;
  return SolveWithPending(
      prior, noise_, mature, [&](const DelayRule& rule) { return SumPending(rule, tick); }, &rule_);
}

void Learner::Forget(int64_t first_live_day) {
  first_live_day_ = std::max(first_live_day_, first_live_day);
  while (!days_.empty() && days_.begin()->first < first_live_day) {
    for (const Entry& entry : days_.begin()->second) {
      --(entry.mature ? mature_count_ : pending_count_);
      grams_.erase({entry.exposed_at, entry.stratum});
    }
    days_.erase(days_.begin());
  }
  mature_.DropBefore(first_live_day);
}

absl::Status Learner::Mature(absl::Time tick) {
  const absl::Time due = tick - settings_.maturity();
  int64_t first_pending = INT64_MAX;
  for (auto day = days_.lower_bound(first_pending_day_); day != days_.end(); ++day) {
    for (Entry& entry : day->second) {
      if (entry.mature) continue;
      if (entry.exposed_at > due) {
        first_pending = std::min(first_pending, day->first);
        continue;
      }
      RETURN_IF_ERROR(mature_.At(day->first).AddMature(bandit::AssembleContext(layout_, entry.context), entry.reward));
      entry.mature = true;
      grams_.erase({entry.exposed_at, entry.stratum});
      ++mature_count_;
      --pending_count_;
    }
  }
  first_pending_day_ = first_pending;
  return absl::OkStatus();
}

ExposureView Learner::ViewOf(const Entry& entry) {
  return {.exposed_at = entry.exposed_at,
          .reward = entry.reward,
          .bought_at = entry.bought_at,
          .stratum = entry.stratum,
          .context = entry.context};
}

void Learner::EstimateDelayLaws(absl::Time tick) {
  bandit::DelayLawsEstimator estimator(settings_.window);
  double rewards = 0;
  int64_t bought = 0;
  for (const auto& [day, entries] : days_) {
    const double factor = settings_.forgetting.Factor(day, features::UtcDay(tick));
    for (const Entry& entry : entries) {
      estimator.AddExposure(entry.stratum, entry.exposed_at, tick, factor);
      for (const auto& [visible_at, change] : entry.changes) {
        estimator.AddReward(entry.stratum, entry.exposed_at, visible_at, factor * change);
      }
      rewards += entry.reward;
      bought += entry.reward > 0 ? 1 : 0;
    }
  }
  rule_.laws = estimator.Estimate(prior_law_, settings_.prior_delay_strength, prior_.base_rate);
  rule_.mean_purchase_reward = bought == 0 ? 1 : rewards / static_cast<double>(bought);
}

absl::Status Learner::Train(absl::Time tick) {
  return TrainIfDue(
      settings_, layout_, tick,
      [&](absl::FunctionRef<absl::Status(const ExposureView&)> row) -> absl::Status {
        for (const auto& [day, entries] : days_) {
          for (const Entry& entry : entries) {
            if (entry.mature) RETURN_IF_ERROR(row(ViewOf(entry)));
          }
        }
        return absl::OkStatus();
      },
      &rule_);
}

absl::StatusOr<bandit::SufficientStatistics> Learner::SumPending(const DelayRule& rule, absl::Time tick) {
  PendingSums pending(settings_, layout_, rule, tick);
  absl::btree_map<Crowd, std::vector<const Entry*>> instants;
  for (auto day = days_.lower_bound(first_pending_day_); day != days_.end(); ++day) {
    for (const Entry& entry : day->second) {
      if (!entry.mature) instants[{entry.exposed_at, entry.stratum}].push_back(&entry);
    }
  }
  for (const auto& [instant, entries] : instants) {
    if (entries.size() >= kCrowd) {
      RETURN_IF_ERROR(AddCrowd(instant, entries, pending));
      continue;
    }
    for (const Entry* entry : entries) RETURN_IF_ERROR(pending.Add(ViewOf(*entry)));
  }
  return pending.Finish();
}

absl::Status Learner::AddCrowd(const Crowd& instant, const std::vector<const Entry*>& crowd, PendingSums& pending) {
  const auto [gram, inserted] = grams_.try_emplace(instant, Gram{0, bandit::SufficientStatistics(layout_.dim())});
  if (gram->second.rows > crowd.size()) gram->second = {0, bandit::SufficientStatistics(layout_.dim())};
  if (gram->second.rows < crowd.size()) {
    bandit::FactoredSums added(layout_);
    for (size_t i = gram->second.rows; i < crowd.size(); ++i) RETURN_IF_ERROR(added.Add(crowd[i]->context, 1, 0));
    gram->second.sums.AddScaled(added.Sums(), 1);
    gram->second.rows = crowd.size();
  }
  bandit::FactoredSums moments(layout_);
  for (const Entry* entry : crowd) {
    const double target = pending.TargetOf(ViewOf(*entry)).target;
    if (target != 0) RETURN_IF_ERROR(moments.Add(entry->context, 0, target));
  }
  pending.AddInstant(instant.first, instant.second, gram->second.sums, moments.Sums());
  return absl::OkStatus();
}

}  // namespace suggest::learning
