// Every metric of suggestd, declared here and nowhere else (tests/service/server/metrics_golden.txt lists the names).
//
// Names are suggest_<noun>_<unit>[_total] in base units. Labels take values of fixed enumerations only (strata of
// delay: of the configuration), never ids, so that every series exists from the start at 0 and memory is bounded.
// Series are resolved in the constructor; recording is an atomic addition.
//
// Threads: every recording member may be called from any thread.
#ifndef SERVICE_SERVER_METRICS_H_
#define SERVICE_SERVER_METRICS_H_

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "service/learning/delay_report.h"
#include "service/server/rpc/methods.h"
#include "suggest/v1/learning_service.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::server {

// Parts of a Suggest.
enum class Phase { kLoad, kScore, kCommit };
inline constexpr int kPhases = 3;

// Why a model version was not taken into service.
enum class Refusal { kCorrupt, kNewerFormat, kUnusable };
inline constexpr int kRefusals = 3;

// What became of a spooled entry when it was drained: it is in the database, or it was superseded by another decision
// for the same request, or it was feedback to a suggestion that does not exist, or the database refused it and it
// stays.
enum class Drained { kCommitted, kSuperseded, kUnknownSuggestion, kRefused };
inline constexpr int kDrainedOutcomes = 4;

// What the model updater knows about the version in service.
struct ModelFigures {
  int64_t version = 0;
  int64_t exposures = 0;
  int64_t pending_exposures = 0;
  double noise_variance = 0;
  double condition_number = 0;
  int dimension = 0;
  double late_value_share = 0;
  double delay_tail_share = 0;
  std::vector<learning::DelayQuantiles> delays = {};  // by stratum, "all" among them
};

class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void RecordRequest(Method method, absl::StatusCode code, absl::Duration duration);
  void RecordPhase(Phase phase, absl::Duration duration);
  void SetRequestsInFlight(int requests) { requests_in_flight_->Set(requests); }

  // A decision that was answered: drawn anew, or the customer's open one (sticky), or the one of an earlier request id.
  void RecordDecision(const v1::SuggestResponse& response);
  void RecordExpertDecision();
  void RecordUndelivered() { undelivered_->Increment(); }
  // An item of a SuggestBatch that was written: a decision, or one customer's error.
  void RecordBatchItem(bool decided) { batch_items_[decided ? 0 : 1]->Increment(); }
  void RecordFeedback(v1::RecordFeedbackRequest::Kind kind);

  // Group commit: one batch that was written; one that has to be tried again; a decision refused by a full queue, one
  // that another decision of the same request id had come before unnoticed (ASYNC), one that could not be written.
  // Candidates that a decision's propensities were estimated among, after pruning.
  void RecordContenders(int contenders) { contenders_->Observe(contenders); }
  void RecordCommit(int decisions, absl::Duration duration);
  void SetCommitQueue(int decisions) { commit_queue_->Set(decisions); }
  void RecordCommitRetry() { commit_retries_->Increment(); }
  void RecordShed() { shed_->Increment(); }
  void RecordSuperseded() { superseded_->Increment(); }
  void RecordLost() { lost_->Increment(); }
  void SetHeldRequests(int requests) { held_requests_->Set(requests); }

  void RecordCacheHit() { cache_hits_->Increment(); }
  void RecordCacheMiss() { cache_misses_->Increment(); }
  void RecordCacheEviction() { cache_evictions_->Increment(); }
  void RecordCacheInvalidation() { cache_invalidations_->Increment(); }
  void AddCacheEntries(int64_t entries, int64_t bytes);
  void SetChangesHeard(bool heard) { changes_heard_->Set(heard ? 1 : 0); }

  void RecordIngest(const v1::IngestRewardsResponse& response);
  void RecordIngestFailure() { ingest_failures_->Increment(); }

  void RecordModelSwap(const ModelFigures& figures);
  void RecordModelRefused(Refusal why) { models_refused_[static_cast<int>(why)]->Increment(); }
  // How old the model in service is; to be set before each scrape.
  void SetModelAge(absl::Duration age) { model_age_->Set(absl::ToDoubleSeconds(age)); }

  void SetCatalogueSize(int recommendations) { catalogue_size_->Set(recommendations); }
  // Of the catalogue served: rows that cannot be, and attribute values that count as missing.
  void SetCatalogueProblems(int64_t withheld, int64_t unreadable) {
    catalogue_withheld_->Set(static_cast<double>(withheld));
    catalogue_unreadable_->Set(static_cast<double>(unreadable));
  }
  // A new decision for a customer of whom something stored counts as missing since it cannot be read.
  void RecordUnreadableCustomer() { unreadable_customers_->Increment(); }
  void RecordCatalogueRefused() { catalogues_refused_->Increment(); }
  void SetPartitionsAhead(int months) { partitions_ahead_->Set(months); }
  void SetDatabaseUp(bool up) { database_up_->Set(up ? 1 : 0); }
  void SetPool(int size, int in_use);
  void SetReady(bool ready) { ready_->Set(ready ? 1 : 0); }
  // The local spool: decisions and bytes in it, and how long the oldest entry has waited (0: empty).
  void SetSpool(int64_t decisions, int64_t bytes, absl::Duration age);
  void RecordDrained(Drained outcome, int64_t entries);
  void RecordReload(bool accepted) { reloads_[accepted ? 0 : 1]->Increment(); }

  // The whole registry in Prometheus' text format.
  std::string Text() const;

 private:
  void SetDelays(const std::vector<learning::DelayQuantiles>& delays);

  std::shared_ptr<prometheus::Registry> registry_;
  std::array<std::array<prometheus::Counter*, 17>, kMethods> requests_{};
  std::array<prometheus::Histogram*, kMethods> request_seconds_{};
  std::array<prometheus::Histogram*, kPhases> phase_seconds_{};
  prometheus::Gauge* requests_in_flight_;
  std::vector<prometheus::Counter*> decisions_;  // by policy
  prometheus::Counter* fallbacks_;
  prometheus::Counter* sticky_;
  prometheus::Counter* replayed_;
  prometheus::Counter* explored_;
  prometheus::Counter* deferred_;
  prometheus::Counter* undelivered_;
  std::vector<prometheus::Counter*> feedback_;  // by kind
  prometheus::Histogram* contenders_;
  prometheus::Histogram* commit_decisions_;
  prometheus::Histogram* commit_seconds_;
  prometheus::Gauge* commit_queue_;
  prometheus::Counter* commit_retries_;
  prometheus::Counter* shed_;
  prometheus::Counter* superseded_;
  prometheus::Counter* lost_;
  prometheus::Gauge* held_requests_;
  prometheus::Counter* cache_hits_;
  prometheus::Counter* cache_misses_;
  prometheus::Counter* cache_evictions_;
  prometheus::Counter* cache_invalidations_;
  prometheus::Gauge* cache_entries_;
  prometheus::Gauge* cache_bytes_;
  prometheus::Gauge* changes_heard_;
  std::vector<prometheus::Counter*> ingest_events_;  // in kIngestEvents' order
  prometheus::Gauge* exposures_pending_;
  prometheus::Gauge* exposures_in_window_;
  prometheus::Histogram* ingest_seconds_;
  prometheus::Counter* ingest_failures_;
  prometheus::Gauge* model_version_;
  prometheus::Gauge* model_age_;
  prometheus::Gauge* model_exposures_;
  prometheus::Gauge* model_pending_exposures_;
  prometheus::Gauge* model_noise_;
  prometheus::Gauge* model_condition_;
  prometheus::Gauge* model_dimension_;
  prometheus::Gauge* late_value_share_;
  prometheus::Gauge* delay_tail_share_;
  prometheus::Family<prometheus::Gauge>* delay_quantiles_;
  std::vector<prometheus::Gauge*> delay_series_;  // of the model in service
  prometheus::Counter* model_swaps_;
  std::array<prometheus::Counter*, kRefusals> models_refused_{};
  prometheus::Gauge* catalogue_size_;
  prometheus::Gauge* catalogue_withheld_;
  prometheus::Gauge* catalogue_unreadable_;
  prometheus::Counter* unreadable_customers_;
  prometheus::Counter* catalogues_refused_;
  prometheus::Gauge* partitions_ahead_;
  prometheus::Gauge* database_up_;
  prometheus::Gauge* pool_size_;
  prometheus::Gauge* pool_in_use_;
  prometheus::Gauge* ready_;
  std::array<prometheus::Counter*, 2> reloads_{};
  std::array<prometheus::Counter*, 2> batch_items_{};
  prometheus::Gauge* spool_decisions_;
  prometheus::Gauge* spool_bytes_;
  prometheus::Gauge* spool_age_;
  std::array<prometheus::Counter*, kDrainedOutcomes> drained_{};
};

// Measures from its making, on the machine's monotonic clock: durations are never simulated.
class Stopwatch {
 public:
  absl::Duration Elapsed() const { return absl::FromChrono(std::chrono::steady_clock::now() - start_); }
  // Time since the last Lap(), or since the making.
  absl::Duration Lap();

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point lap_ = start_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_METRICS_H_
