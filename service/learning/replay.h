// History played in the order of time, with the features that each decision would have had.
//
// Point-in-time in visibility time (design 3.2): with ingest period P, the tick of a decision at t is the last multiple
// of P (from 1970-01-01T00:00Z) at or before t. A counter at a tick holds the events that were visible strictly before
// it: an exposure from exposed_at, a purchase from its visible_at (else purchased_at + lag), a cancellation from
// cancelled_at + lag. Customer attributes are those of the latest valid_from <= t. So nothing that happens after a
// decision can change its raw features, whatever it is; held by a test.
//
// Cost: O((exposures + purchases) log) and one reading of features per exposure.
#ifndef SERVICE_LEARNING_REPLAY_H_
#define SERVICE_LEARNING_REPLAY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/delay/delay_law.h"
#include "features/extractor.h"
#include "features/pipeline.h"
#include "service/learning/history_book.h"
#include "service/learning/progress.h"
#include "service/learning/set_aside.h"
#include "service/learning/settings.h"
#include "storage/ledger/learning_records.h"
#include "storage/records.h"
#include "storage/source/history_source.h"

namespace suggest::learning {

// All of a company's past, in memory.
struct History {
  std::vector<storage::CustomerRecord> customers;
  std::vector<storage::RecommendationRecord> recommendations;
  std::vector<storage::HistoricalSuggestion> suggestions;
  std::vector<storage::PurchaseRecord> purchases;
};

// `set_aside`: when given, rows that break the views' contract are added to it instead of ending the reading.
absl::StatusOr<History> LoadHistory(storage::HistorySource& source, const Progress& progress,
                                    SetAsideRows* set_aside = nullptr);

// A change of one exposure's reward: its whole value from `visible_at` on.
struct RewardChange {
  absl::Time visible_at;
  double reward = 0;
};

struct ReplayedExposure {
  std::string suggestion_id;
  std::string customer_id;
  std::string recommendation_id;
  absl::Time exposed_at;
  absl::Time tick;
  std::vector<RewardChange> rewards;  // by visible_at; empty = nothing bought
  std::string stratum = "";           // of the delay laws

  // The reward as it was visible strictly before `at`.
  double RewardBefore(absl::Time at) const;
  // As it is in the end.
  double FinalReward() const { return rewards.empty() ? 0 : rewards.back().reward; }
};

struct Repeat {
  std::string suggestion_id;
  std::string customer_id;
  std::string recommendation_id;
  absl::Time exposed_at;
  std::string continues;
};

struct ReplayCounts {
  int64_t not_exposed = 0;  // suggestions whose status falls short of the exposure event
  int64_t attributed = 0;   // purchases that count in the end
  int64_t orphaned = 0;
  int64_t late = 0;
  int64_t early = 0;
  int64_t refused = 0;
  bool has_propensities = false;
};

// Which suggestions were exposures and what they earned: no features yet. Ordered by (exposed_at, customer,
// suggestion).
struct Timeline {
  std::vector<ReplayedExposure> exposures;
  std::vector<Repeat> repeats;
  std::vector<HistoryEvent> events;  // for the counters, in no order
  ReplayCounts counts;
  absl::Time last = absl::InfinitePast();  // exposed_at or visible_at of the last event that is not after `now`
};

// True when a suggestion of this status was an exposure. Statuses in order: SUGGESTED, KEPT or EDITED, SENT, VIEWED,
// CLICKED; one is an exposure from the configured event on. An empty status is one; DISCARDED never is.
// Errors: INVALID_ARGUMENT for another status.
absl::StatusOr<bool> IsExposure(absl::string_view status, config::v1::Learning::ExposureEvent event);

// `now`: what is dated after it takes no part in Timeline::last, and nothing infinite ever does.
// Errors: INVALID_ARGUMENT naming the suggestion for an unknown status or recommendation.
absl::StatusOr<Timeline> BuildTimeline(const History& history, const config::v1::Config& config,
                                       absl::Time now = absl::InfiniteFuture());

// The last multiple of `period` at or before `time`. REQUIRES: period > 0.
absl::Time TickOf(absl::Time time, absl::Duration period);

// Raw features of each exposure of the timeline, in its order, and each recommendation's history at its tick.
struct ReplayedRows {
  features::TrainingRows rows;
  std::vector<double> popularity;  // features::Popularity of what was visible at the tick
};

// `purchase_rate`: prior of the popularity. A value that a feature cannot read counts as missing.
// Errors: FAILED_PRECONDITION for an exposure of a customer without attributes at its time.
absl::StatusOr<ReplayedRows> ReplayFeatures(const History& history, const Timeline& timeline,
                                            const features::FeatureExtractor& extractor, double purchase_rate,
                                            const Progress& progress);

// Delay law from what was visible strictly before `at`, over exposures before it.
bandit::DelayLaw EstimateDelayLaw(const Timeline& timeline, absl::Time at, const LearnerSettings& settings,
                                  double base_rate);

// Mean reward of exposures before `at` as visible by then, corrected for delay: sum of rewards / sum of F(age).
// Counts one half of a reward and two halves of an exposure beforehand, so it is never 0 or 1.
double EstimateBaseRate(const Timeline& timeline, absl::Time at, const bandit::DelayLaw& law);

// The same of the share that was bought, whatever it was worth.
double EstimatePurchaseRate(const Timeline& timeline, absl::Time at, const bandit::DelayLaw& law);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_REPLAY_H_
