#include "service/learning/replay.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/common/config.h"
#include "service/learning/attribution.h"
#include "service/learning/posterior_sums.h"
#include "service/learning/strata.h"

namespace suggest::learning {
namespace {

using storage::LedgerKey;

constexpr int64_t kReportEvery = 1024;

// Everything that a booked purchase does to one exposure, in visibility time.
struct ValueChange {
  absl::Time visible_at;
  std::string purchase_id;
  double change = 0;
};

class TimelineBuilder {
 public:
  TimelineBuilder(const History& history, const config::v1::Config& config, absl::Time now)
      : history_(history),
        config_(config),
        now_(now),
        settings_(LearnerSettingsOf(config)),
        money_(MoneyRulesOf(config)),
        rules_{settings_.window, ToAbslDuration(config.learning().clock_skew_tolerance())},
        lag_(ToAbslDuration(config.learning().visibility_lag())),
        period_(ToAbslDuration(config.learning().ingest_period())),
        strata_(Strata(config.learning().delay_strata()), history.recommendations) {}

  absl::StatusOr<Timeline> Build() {
    RETURN_IF_ERROR(AddExposures());
    for (const storage::PurchaseRecord& purchase : history_.purchases) AddPurchase(purchase);
    FoldRewards();
    return std::move(timeline_);
  }

 private:
  absl::Status AddExposures() {
    absl::flat_hash_map<std::string, bool> catalogue;
    for (const storage::RecommendationRecord& record : history_.recommendations) catalogue[record.recommendation_id];
    std::vector<const storage::HistoricalSuggestion*> sorted;
    for (const storage::HistoricalSuggestion& suggestion : history_.suggestions) {
      ASSIGN_OR_RETURN(const bool exposed, IsExposure(suggestion.status, config_.learning().exposure_event()));
      if (!catalogue.contains(suggestion.recommendation_id)) {
        return absl::InvalidArgumentError(absl::StrCat("suggestion ", suggestion.suggestion_id, ": recommendation ",
                                                       suggestion.recommendation_id, " is not in the catalogue"));
      }
      timeline_.counts.has_propensities |= suggestion.propensity.has_value();
      if (exposed) sorted.push_back(&suggestion);
      timeline_.counts.not_exposed += exposed ? 0 : 1;
    }
    const auto key = [](const storage::HistoricalSuggestion* s) {
      return std::tie(s->decided_at, s->customer_id, s->suggestion_id);
    };
    std::sort(sorted.begin(), sorted.end(), [&](const auto* a, const auto* b) { return key(a) < key(b); });
    for (const storage::HistoricalSuggestion* suggestion : sorted) AddExposure(*suggestion);
    return absl::OkStatus();
  }

  void AddExposure(const storage::HistoricalSuggestion& suggestion) {
    const LedgerKey name{suggestion.customer_id, suggestion.suggestion_id};
    std::vector<KnownExposure>& of_customer = known_[suggestion.customer_id];
    std::vector<KnownExposure> same_pair;
    for (const KnownExposure& exposure : of_customer) {
      if (exposure.recommendation_id == suggestion.recommendation_id) same_pair.push_back(exposure);
    }
    if (const KnownExposure* open = Continues(suggestion.decided_at, same_pair, settings_.window); open != nullptr) {
      timeline_.repeats.push_back({suggestion.suggestion_id, suggestion.customer_id, suggestion.recommendation_id,
                                   suggestion.decided_at, open->suggestion_id});
      continued_[name] = open->suggestion_id;
      return;
    }
    of_customer.push_back({suggestion.suggestion_id, suggestion.recommendation_id, suggestion.decided_at});
    index_[name] = timeline_.exposures.size();
    timeline_.exposures.push_back({.suggestion_id = suggestion.suggestion_id,
                                   .customer_id = suggestion.customer_id,
                                   .recommendation_id = suggestion.recommendation_id,
                                   .exposed_at = suggestion.decided_at,
                                   .tick = TickOf(suggestion.decided_at, period_),
                                   .rewards = {},
                                   .stratum = strata_.Of(suggestion.recommendation_id)});
    AddEvent(HistoryEvent::Kind::kExposure, suggestion.decided_at, suggestion.customer_id, suggestion.recommendation_id,
             suggestion.decided_at, 1);
    SawEventAt(suggestion.decided_at);
  }

  void AddPurchase(const storage::PurchaseRecord& purchase) {
    const absl::StatusOr<double> value = DeclaredValue(purchase.amount, purchase.currency, money_);
    if (!value.ok() || purchase.purchased_at == absl::InfinitePast()) {
      ++timeline_.counts.refused;
      return;
    }
    if (purchase.purchased_at == absl::InfiniteFuture()) {  // it is of no day
      ++timeline_.counts.early;
      return;
    }
    const absl::Time visible_at = purchase.visible_at.value_or(purchase.purchased_at + lag_);
    SawEventAt(visible_at);
    AddEvent(HistoryEvent::Kind::kPurchase, visible_at, purchase.customer_id, purchase.recommendation_id,
             purchase.purchased_at, 1);
    std::optional<absl::Time> cancelled_at;
    if (purchase.cancelled_at.has_value()) {
      cancelled_at = std::max(visible_at, *purchase.cancelled_at + lag_);
      AddEvent(HistoryEvent::Kind::kPurchase, *cancelled_at, purchase.customer_id, purchase.recommendation_id,
               purchase.purchased_at, -1);
    }
    const auto repeat = continued_.find({purchase.customer_id, purchase.suggestion_id});
    const PurchaseFacts facts{purchase.recommendation_id,
                              repeat == continued_.end() ? purchase.suggestion_id : repeat->second,
                              purchase.purchased_at};
    const Attribution attribution = Attribute(facts, known_[purchase.customer_id], absl::InfiniteFuture(), rules_);
    Count(attribution.status, cancelled_at.has_value());
    if (attribution.status != storage::PurchaseStatus::kAttributed) return;
    const size_t exposure = index_.at({purchase.customer_id, attribution.suggestion_id});
    // Within the clock skew a purchase may be visible before its exposure.
    const absl::Time from = std::max(visible_at, timeline_.exposures[exposure].exposed_at);
    values_[exposure].push_back({from, purchase.purchase_id, *value});
    if (!cancelled_at.has_value()) return;
    values_[exposure].push_back({std::max(from, *cancelled_at), purchase.purchase_id, -*value});
  }

  void SawEventAt(absl::Time at) {
    if (at <= now_ && at < absl::InfiniteFuture()) timeline_.last = std::max(timeline_.last, at);
  }

  void Count(storage::PurchaseStatus status, bool cancelled) {
    switch (status) {
      case storage::PurchaseStatus::kAttributed:
        timeline_.counts.attributed += cancelled ? 0 : 1;
        return;
      case storage::PurchaseStatus::kOrphan:
        ++timeline_.counts.orphaned;
        return;
      case storage::PurchaseStatus::kLate:
        ++timeline_.counts.late;
        return;
      default:
        ++timeline_.counts.early;
    }
  }

  void FoldRewards() {
    for (auto& [index, changes] : values_) {
      // Stable: a purchase stands before its refund of the same instant.
      std::stable_sort(changes.begin(), changes.end(), [](const ValueChange& a, const ValueChange& b) {
        return std::tie(a.visible_at, a.purchase_id) < std::tie(b.visible_at, b.purchase_id);
      });
      ReplayedExposure& exposure = timeline_.exposures[index];
      absl::btree_map<std::string, double> standing;  // by purchase: summed anew each time, so a refund is exact
      for (const ValueChange& change : changes) {
        if (change.change < 0) {
          standing.erase(change.purchase_id);
        } else {
          standing[change.purchase_id] = change.change;
        }
        double net = 0;
        for (const auto& [id, value] : standing) net += value;
        SetReward(exposure, change.visible_at, RewardOf(net, money_.reward_cap));
      }
    }
  }

  void SetReward(ReplayedExposure& exposure, absl::Time visible_at, double reward) {
    const double before = exposure.FinalReward();
    if (reward == before) return;
    exposure.rewards.push_back({visible_at, reward});
    if ((before > 0) == (reward > 0)) return;
    AddEvent(HistoryEvent::Kind::kConversion, visible_at, exposure.customer_id, exposure.recommendation_id,
             exposure.exposed_at, reward > 0 ? 1 : -1);
  }

  void AddEvent(HistoryEvent::Kind kind, absl::Time visible_at, const std::string& customer_id,
                const std::string& recommendation_id, absl::Time at, int change) {
    timeline_.events.push_back({visible_at, kind, customer_id, recommendation_id, at, change});
  }

  const History& history_;
  const config::v1::Config& config_;
  const absl::Time now_;
  const LearnerSettings settings_;
  const MoneyRules money_;
  const AttributionRules rules_;
  const absl::Duration lag_;
  const absl::Duration period_;
  const StratumOfRecommendation strata_;
  Timeline timeline_;
  absl::flat_hash_map<std::string, std::vector<KnownExposure>> known_;  // by customer
  absl::btree_map<LedgerKey, std::string> continued_;
  absl::btree_map<LedgerKey, size_t> index_;
  absl::btree_map<size_t, std::vector<ValueChange>> values_;
};

using CustomerRows = absl::flat_hash_map<std::string, std::vector<const storage::CustomerRecord*>>;

CustomerRows GroupCustomers(const History& history) {
  CustomerRows rows;
  for (const storage::CustomerRecord& record : history.customers) rows[record.customer_id].push_back(&record);
  for (auto& [id, records] : rows) {
    std::stable_sort(records.begin(), records.end(),
                     [](const auto* a, const auto* b) { return a->valid_from < b->valid_from; });
  }
  return rows;
}

// The row that was valid at an instant, or null.
const storage::CustomerRecord* ValidAt(const CustomerRows& rows, const std::string& customer_id, absl::Time at) {
  const auto found = rows.find(customer_id);
  if (found == rows.end()) return nullptr;
  const storage::CustomerRecord* valid = nullptr;
  for (const storage::CustomerRecord* record : found->second) {
    if (record->valid_from <= at) valid = record;
  }
  return valid;
}

// Mean over the exposures before `at` of what their rewards by then stand for, corrected for delay.
template <typename Meaning>
double MeanBefore(const Timeline& timeline, absl::Time at, const bandit::DelayLaw& law, Meaning meaning) {
  double sum = 0.5;
  double exposures = 1;
  for (const ReplayedExposure& exposure : timeline.exposures) {
    if (exposure.exposed_at >= at) continue;
    sum += meaning(exposure.RewardBefore(at));
    exposures += law.Share(at - exposure.exposed_at);
  }
  return std::min(sum / exposures, 1 - 1e-6);
}

}  // namespace

double ReplayedExposure::RewardBefore(absl::Time at) const {
  double reward = 0;
  for (const RewardChange& change : rewards) {
    if (change.visible_at < at) reward = change.reward;
  }
  return reward;
}

absl::StatusOr<History> LoadHistory(storage::HistorySource& source, const Progress& progress, SetAsideRows* set_aside) {
  ASSIGN_OR_RETURN(const storage::HistoryCounts counts, source.Counts());
  const int64_t total = counts.customers + counts.recommendations + counts.suggestions + counts.purchases;
  int64_t done = 0;
  const auto step = [&] {
    if (++done % kReportEvery == 0 || done == total) Report(progress, "read history", done, total);
  };
  const auto collect = [&](auto& into) {
    return [&into, &step](auto record) {
      into.push_back(std::move(record));
      step();
      return absl::OkStatus();
    };
  };
  const auto refuse = [&](absl::string_view view) -> storage::HistorySource::Refuse {
    if (set_aside == nullptr) return nullptr;
    return [set_aside, view, &step](const absl::Status& status) {
      set_aside->CountRow(view);
      set_aside->Add(view, "the row breaks the view's contract", status.message());
      step();
    };
  };
  History history;
  RETURN_IF_ERROR(source.ForEachCustomer(collect(history.customers), refuse("source.customers")));
  RETURN_IF_ERROR(source.ForEachRecommendation(collect(history.recommendations), refuse("source.recommendations")));
  RETURN_IF_ERROR(source.ForEachSuggestion(collect(history.suggestions), refuse("source.suggestions")));
  RETURN_IF_ERROR(source.ForEachPurchase(collect(history.purchases), refuse("source.purchases")));
  return history;
}

absl::StatusOr<bool> IsExposure(absl::string_view status, config::v1::Learning::ExposureEvent event) {
  struct Level {
    absl::string_view status;
    int level;
  };
  constexpr std::array<Level, 8> kLevels = {{{"", 9},
                                             {"DISCARDED", 0},
                                             {"SUGGESTED", 1},
                                             {"KEPT", 2},
                                             {"EDITED", 2},
                                             {"SENT", 3},
                                             {"VIEWED", 4},
                                             {"CLICKED", 5}}};
  const int wanted = event == config::v1::Learning::SUGGESTED ? 1 : event == config::v1::Learning::SENT ? 3 : 2;
  for (const Level& level : kLevels) {
    if (level.status == status) return level.level >= wanted;
  }
  return absl::InvalidArgumentError(absl::StrCat("suggestion status '", status,
                                                 "' is none of SUGGESTED, KEPT, EDITED, "
                                                 "DISCARDED, SENT, VIEWED, CLICKED"));
}

absl::StatusOr<Timeline> BuildTimeline(const History& history, const config::v1::Config& config, absl::Time now) {
  return TimelineBuilder(history, config, now).Build();
}

absl::Time TickOf(absl::Time time, absl::Duration period) {
  return absl::UnixEpoch() + absl::Floor(time - absl::UnixEpoch(), period);
}

absl::StatusOr<ReplayedRows> ReplayFeatures(const History& history, const Timeline& timeline,
                                            const features::FeatureExtractor& extractor, double purchase_rate,
                                            const Progress& progress) {
  const CustomerRows customers = GroupCustomers(history);
  absl::flat_hash_map<std::string, const features::Attributes*> catalogue;
  for (const storage::RecommendationRecord& record : history.recommendations) {
    catalogue[record.recommendation_id] = &record.attributes;
  }
  const features::RecommendationLookup lookup = [&](absl::string_view id) -> const features::Attributes* {
    const auto found = catalogue.find(id);
    return found == catalogue.end() ? nullptr : found->second;
  };
  HistoryBook book(timeline.events);
  ReplayedRows replayed;
  std::vector<std::string> unreadable;  // ReviewHistory has named and counted them
  // Within a tick a recommendation's features are constant.
  absl::Time cached_tick = absl::InfinitePast();
  absl::flat_hash_map<std::string, std::pair<features::RawSide, double>> cache;
  for (const ReplayedExposure& exposure : timeline.exposures) {
    book.AdvanceTo(exposure.tick);
    if (exposure.tick != cached_tick) cache.clear();
    cached_tick = exposure.tick;
    const features::Attributes& attributes = *catalogue.at(exposure.recommendation_id);
    const storage::CustomerRecord* const customer = ValidAt(customers, exposure.customer_id, exposure.exposed_at);
    if (customer == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat("suggestion ", exposure.suggestion_id, ": customer ",
                                                        exposure.customer_id, " has no attributes valid at ",
                                                        absl::FormatTime(exposure.exposed_at, absl::UTCTimeZone())));
    }
    if (const auto found = cache.find(exposure.recommendation_id); found == cache.end()) {
      const features::DayHistory& own = book.OfRecommendation(exposure.recommendation_id);
      ASSIGN_OR_RETURN(features::RawSide raw, extractor.Recommendation(attributes, own, exposure.tick, &unreadable));
      cache[exposure.recommendation_id] = {std::move(raw), features::Popularity(own, purchase_rate)};
    }
    const features::CustomerHistory& own = book.OfCustomer(exposure.customer_id);
    ASSIGN_OR_RETURN(features::RawSide raw,
                     extractor.Customer(customer->attributes, own, exposure.exposed_at, exposure.tick, &unreadable));
    const auto& [recommendation, popularity] = cache[exposure.recommendation_id];
    replayed.rows.customers.push_back(std::move(raw));
    replayed.rows.recommendations.push_back(recommendation);
    replayed.popularity.push_back(popularity);
    const features::PairExtractor pairs = extractor.ForCustomer(own, lookup, exposure.tick);
    replayed.rows.pairs.push_back(pairs.empty() ? std::nullopt
                                                : pairs.Candidate(exposure.recommendation_id, attributes));
    unreadable.clear();
    const int64_t done = static_cast<int64_t>(replayed.popularity.size());
    if (done % kReportEvery == 0) {
      Report(progress, "replay", done, static_cast<int64_t>(timeline.exposures.size()));
    }
  }
  return replayed;
}

bandit::DelayLaw EstimateDelayLaw(const Timeline& timeline, absl::Time at, const LearnerSettings& settings,
                                  double base_rate) {
  bandit::DelayLawEstimator estimator(settings.window);
  for (const ReplayedExposure& exposure : timeline.exposures) {
    if (exposure.exposed_at >= at) continue;
    estimator.AddExposure(at - exposure.exposed_at);
    double before = 0;
    for (const RewardChange& change : exposure.rewards) {
      if (change.visible_at >= at) break;
      estimator.AddReward(change.visible_at - exposure.exposed_at, change.reward - before);
      before = change.reward;
    }
  }
  return estimator.Estimate(PriorDelayLaw(settings), settings.prior_delay_strength, base_rate);
}

double EstimateBaseRate(const Timeline& timeline, absl::Time at, const bandit::DelayLaw& law) {
  return MeanBefore(timeline, at, law, [](double reward) { return reward; });
}

double EstimatePurchaseRate(const Timeline& timeline, absl::Time at, const bandit::DelayLaw& law) {
  return MeanBefore(timeline, at, law, [](double reward) { return reward > 0 ? 1.0 : 0.0; });
}

}  // namespace suggest::learning
