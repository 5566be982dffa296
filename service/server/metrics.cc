#include "service/server/metrics.h"

#include <map>

#include "bandit/base/check.h"
#include "prometheus/text_serializer.h"

namespace suggest::server {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Histogram;
using prometheus::Registry;

constexpr std::array<const char*, kPhases> kPhaseNames = {"load", "score", "commit"};
constexpr std::array<const char*, kDrainedOutcomes> kDrainedNames = {"committed", "superseded", "unknown_suggestion",
                                                                     "refused"};
constexpr std::array<const char*, kRefusals> kRefusalNames = {"corrupt", "newer_format", "unusable"};

// A counted event of an ingest run: the label and the field of IngestCounts that feeds it.
struct IngestEvent {
  const char* label;
  int64_t (v1::IngestCounts::*count)() const;
};
constexpr IngestEvent kIngestEvents[] = {
    {"exposure_booked", &v1::IngestCounts::exposures_booked},
    {"exposure_repeated", &v1::IngestCounts::exposures_repeated},
    {"exposure_matured", &v1::IngestCounts::exposures_matured},
    {"purchase_attributed", &v1::IngestCounts::purchases_attributed},
    {"purchase_orphaned", &v1::IngestCounts::purchases_orphaned},
    {"purchase_late", &v1::IngestCounts::purchases_late},
    {"purchase_early", &v1::IngestCounts::purchases_early},
    {"purchase_refused", &v1::IngestCounts::purchases_refused},
    {"refund", &v1::IngestCounts::refunds},
    {"amount_changed", &v1::IngestCounts::amounts_changed},
    {"reattributed", &v1::IngestCounts::reattributed},
    {"exposure_discarded", &v1::IngestCounts::exposures_discarded},
    {"exposure_foreign_basis", &v1::IngestCounts::exposures_foreign_basis},
    {"purchase_skewed", &v1::IngestCounts::purchases_skewed},
    {"purchase_repeated", &v1::IngestCounts::purchases_repeated},
    {"purchase_duplicated", &v1::IngestCounts::purchases_duplicated},
    {"purchase_forgotten", &v1::IngestCounts::purchases_forgotten},
    {"reward_clipped", &v1::IngestCounts::rewards_clipped},
    {"outage", &v1::IngestCounts::outages},
    {"purchase_vanished", &v1::IngestCounts::purchases_vanished},
    {"exposure_set_aside", &v1::IngestCounts::exposures_set_aside},
};

Histogram::BucketBoundaries FastBuckets() {
  return {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
}
Histogram::BucketBoundaries SlowBuckets() {
  return {0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000};
}

prometheus::Gauge* OneGauge(Registry& registry, const char* name, const char* help) {
  return &BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter* OneCounter(Registry& registry, const char* name, const char* help) {
  return &BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

// One counter per value of the protobuf enumeration, in the order of its numbers; `none` (number 0) gets no series.
template <typename NameOf>
std::vector<prometheus::Counter*> CountersByEnum(Registry& registry, const char* name, const char* help,
                                                 const char* label, int values, NameOf name_of) {
  auto& family = BuildCounter().Name(name).Help(help).Register(registry);
  std::vector<prometheus::Counter*> counters = {nullptr};
  for (int i = 1; i < values; ++i) counters.push_back(&family.Add({{label, name_of(i)}}));
  return counters;
}

std::string CodeName(int code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

}  // namespace

absl::Duration Stopwatch::Lap() {
  const auto now = std::chrono::steady_clock::now();
  const absl::Duration lap = absl::FromChrono(now - lap_);
  lap_ = now;
  return lap;
}

Metrics::Metrics() : registry_(std::make_shared<Registry>()) {
  Registry& registry = *registry_;
  auto& requests = BuildCounter()
                       .Name("suggest_requests_total")
                       .Help("Requests answered, by method and status code.")
                       .Register(registry);
  auto& request_seconds = BuildHistogram()
                              .Name("suggest_request_duration_seconds")
                              .Help("Time from a request's arrival to its answer, by method.")
                              .Register(registry);
  for (int m = 0; m < kMethods; ++m) {
    for (int code = 0; code < static_cast<int>(requests_[m].size()); ++code) {
      requests_[m][code] = &requests.Add({{"method", kMethodTable[m].name}, {"code", CodeName(code)}});
    }
    request_seconds_[m] =
        &request_seconds.Add({{"method", kMethodTable[m].name}}, kMethodTable[m].slow ? SlowBuckets() : FastBuckets());
  }
  auto& phases = BuildHistogram()
                     .Name("suggest_phase_duration_seconds")
                     .Help("Time that the parts of a Suggest take.")
                     .Register(registry);
  for (int p = 0; p < kPhases; ++p) phase_seconds_[p] = &phases.Add({{"phase", kPhaseNames[p]}}, FastBuckets());
  requests_in_flight_ = OneGauge(registry, "suggest_requests_in_flight", "Requests being worked on.");

  decisions_ = CountersByEnum(registry, "suggest_decisions_total", "New decisions, by the policy that took them.",
                              "policy", v1::Policy_ARRAYSIZE, [](int i) { return v1::Policy_Name(i); });
  fallbacks_ = OneCounter(registry, "suggest_fallback_decisions_total", "New decisions by the fallback policy.");
  sticky_ = OneCounter(registry, "suggest_sticky_answers_total", "Answers that returned the customer's open decision.");
  replayed_ = OneCounter(registry, "suggest_replayed_answers_total", "Answers to a request id that was known.");
  explored_ = OneCounter(registry, "suggest_explored_decisions_total",
                         "New decisions whose slate the exploration floor made uniformly random.");
  deferred_ = OneCounter(registry, "suggest_deferred_propensities_total", "New decisions with deferred propensities.");
  undelivered_ =
      OneCounter(registry, "suggest_undelivered_decisions_total", "Decisions committed after their caller had gone.");
  feedback_ = CountersByEnum(
      registry, "suggest_feedback_events_total", "Feedback recorded for the first time.", "kind",
      v1::RecordFeedbackRequest::Kind_ARRAYSIZE,
      [](int i) { return v1::RecordFeedbackRequest::Kind_Name(static_cast<v1::RecordFeedbackRequest::Kind>(i)); });

  contenders_ = &BuildHistogram()
                     .Name("suggest_propensity_contenders")
                     .Help("Candidates that a decision's propensities were estimated among, after pruning.")
                     .Register(registry)
                     .Add({}, Histogram::BucketBoundaries{10, 30, 100, 300, 1000, 3000, 10000, 100000});
  commit_decisions_ = &BuildHistogram()
                           .Name("suggest_commit_decisions")
                           .Help("Decisions written in one commit.")
                           .Register(registry)
                           .Add({}, Histogram::BucketBoundaries{1, 2, 4, 8, 16, 32, 64, 128, 256, 512});
  commit_seconds_ = &BuildHistogram()
                         .Name("suggest_commit_duration_seconds")
                         .Help("Time that one commit of decisions takes.")
                         .Register(registry)
                         .Add({}, FastBuckets());
  commit_queue_ = OneGauge(registry, "suggest_commit_queue_decisions", "Decisions that wait to be written.");
  commit_retries_ = OneCounter(registry, "suggest_commit_retries_total", "Commits that failed and are tried again.");
  shed_ = OneCounter(registry, "suggest_shed_decisions_total", "Decisions refused because the commit queue was full.");
  superseded_ =
      OneCounter(registry, "suggest_superseded_decisions_total",
                 "Decisions answered before their commit, or from the spool, whose request another decision answers.");
  lost_ = OneCounter(registry, "suggest_lost_decisions_total", "Decisions answered and never written.");
  held_requests_ = OneGauge(registry, "suggest_held_requests", "Requests that wait for the database to come back.");
  cache_hits_ = OneCounter(registry, "suggest_customer_cache_hits_total", "Customers found in the cache.");
  cache_misses_ = OneCounter(registry, "suggest_customer_cache_misses_total", "Customers that had to be loaded.");
  cache_evictions_ =
      OneCounter(registry, "suggest_customer_cache_evictions_total", "Customers dropped to keep within the bounds.");
  cache_invalidations_ =
      OneCounter(registry, "suggest_customer_cache_invalidations_total", "Changes heard, of one customer or of all.");
  cache_entries_ = OneGauge(registry, "suggest_customer_cache_entries", "Customers in the cache.");
  cache_bytes_ = OneGauge(registry, "suggest_customer_cache_bytes", "Size of the cached customers, estimated.");
  changes_heard_ = OneGauge(registry, "suggest_changes_heard", "1 while changes in the database are heard.");

  auto& ingest = BuildCounter()
                     .Name("suggest_ingest_events_total")
                     .Help("What ingest runs of this process booked, matched, refused or retried.")
                     .Register(registry);
  for (const IngestEvent& event : kIngestEvents) ingest_events_.push_back(&ingest.Add({{"event", event.label}}));
  exposures_pending_ = OneGauge(registry, "suggest_exposures_pending", "Exposures not yet mature at the last run.");
  exposures_in_window_ =
      OneGauge(registry, "suggest_exposures_in_window", "Exposures within the learning window at the last run.");
  ingest_seconds_ = &BuildHistogram()
                         .Name("suggest_ingest_duration_seconds")
                         .Help("Time that an ingest run takes.")
                         .Register(registry)
                         .Add({}, SlowBuckets());
  ingest_failures_ = OneCounter(registry, "suggest_ingest_failures_total", "Ingest runs of this process that failed.");

  model_version_ = OneGauge(registry, "suggest_model_version", "Model version in service; 0 when none is.");
  model_age_ = OneGauge(registry, "suggest_model_age_seconds", "Time since the data cut of the model in service.");
  model_exposures_ = OneGauge(registry, "suggest_model_exposures", "Mature exposures behind the model in service.");
  model_pending_exposures_ =
      OneGauge(registry, "suggest_model_pending_exposures", "Pending exposures behind the model in service.");
  model_noise_ = OneGauge(registry, "suggest_model_noise_variance", "Noise variance of the model in service.");
  model_condition_ =
      OneGauge(registry, "suggest_model_condition_number", "Condition number of the served precision matrix.");
  model_dimension_ = OneGauge(registry, "suggest_model_dimensions", "Length of the context vector.");
  late_value_share_ = OneGauge(registry, "suggest_late_value_share",
                               "Value of purchases after their attribution window over all attributed or late value.");
  delay_tail_share_ = OneGauge(registry, "suggest_delay_tail_share",
                               "Share of the reward that is visible only in the last tenth of the attribution window.");
  delay_quantiles_ = &BuildGauge()
                          .Name("suggest_delay_quantile_seconds")
                          .Help("Age by which this share of an exposure's reward is visible, by stratum.")
                          .Register(registry);
  SetDelays({{"all", absl::ZeroDuration(), absl::ZeroDuration(), absl::ZeroDuration()}});
  model_swaps_ = OneCounter(registry, "suggest_model_swaps_total", "Model versions taken into service.");
  auto& refused = BuildCounter()
                      .Name("suggest_models_refused_total")
                      .Help("Model versions that were not taken into service; the last good one stayed.")
                      .Register(registry);
  for (int r = 0; r < kRefusals; ++r) models_refused_[r] = &refused.Add({{"reason", kRefusalNames[r]}});

  catalogue_size_ = OneGauge(registry, "suggest_catalogue_recommendations", "Recommendations in the catalogue served.");
  catalogue_withheld_ = OneGauge(registry, "suggest_catalogue_withheld_recommendations",
                                 "Rows of source.recommendations that cannot be served.");
  catalogue_unreadable_ =
      OneGauge(registry, "suggest_catalogue_unreadable_values",
               "Attribute values of the catalogue served that cannot be read and count as missing.");
  unreadable_customers_ = OneCounter(registry, "suggest_unreadable_customer_decisions_total",
                                     "New decisions for customers with a stored attribute that cannot be read.");
  catalogues_refused_ =
      OneCounter(registry, "suggest_catalogues_refused_total", "Catalogues that could not be read or encoded.");
  partitions_ahead_ = OneGauge(registry, "suggest_partitions_ahead_months",
                               "Months after the current one that have a partition; alarm when 0.");
  database_up_ = OneGauge(registry, "suggest_database_up", "1 when the last look at the database succeeded.");
  pool_size_ = OneGauge(registry, "suggest_pool_connections", "Most database connections kept.");
  pool_in_use_ = OneGauge(registry, "suggest_pool_connections_in_use", "Database connections lent out.");
  ready_ = OneGauge(registry, "suggest_ready", "1 when this server can answer Suggest.");
  auto& reloads = BuildCounter()
                      .Name("suggest_config_reloads_total")
                      .Help("Reloads of the configuration (SIGHUP), by result.")
                      .Register(registry);
  reloads_ = {&reloads.Add({{"result", "accepted"}}), &reloads.Add({{"result", "refused"}})};
  auto& batch_items = BuildCounter()
                          .Name("suggest_batch_items_total")
                          .Help("Customers of SuggestBatch streams whose item was written, by result.")
                          .Register(registry);
  batch_items_ = {&batch_items.Add({{"result", "decided"}}), &batch_items.Add({{"result", "failed"}})};
  spool_decisions_ = OneGauge(registry, "suggest_spool_decisions", "Decisions that wait in the local spool.");
  spool_bytes_ = OneGauge(registry, "suggest_spool_bytes", "Size of the local spool's file.");
  spool_age_ = OneGauge(registry, "suggest_spool_oldest_age_seconds",
                        "How long the oldest entry of the local spool has waited; 0 when it is empty.");
  auto& drained = BuildCounter()
                      .Name("suggest_spool_drained_total")
                      .Help("Entries of the local spool that were drained, by what became of them.")
                      .Register(registry);
  for (int d = 0; d < kDrainedOutcomes; ++d) drained_[d] = &drained.Add({{"result", kDrainedNames[d]}});
}

void Metrics::RecordRequest(Method method, absl::StatusCode code, absl::Duration duration) {
  const int m = static_cast<int>(method);
  const int c = static_cast<int>(code);
  SUGGEST_CHECK(c >= 0 && c < static_cast<int>(requests_[m].size()));
  requests_[m][c]->Increment();
  request_seconds_[m]->Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::RecordPhase(Phase phase, absl::Duration duration) {
  phase_seconds_[static_cast<int>(phase)]->Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::RecordDecision(const v1::SuggestResponse& response) {
  if (response.replayed()) return replayed_->Increment();
  if (response.sticky()) return sticky_->Increment();
  decisions_[response.policy()]->Increment();
  if (response.fallback()) fallbacks_->Increment();
  if (response.explore()) explored_->Increment();
  if (response.propensity_status() == v1::DEFERRED) deferred_->Increment();
}

void Metrics::RecordExpertDecision() {
  decisions_[v1::EXPERT]->Increment();
}

void Metrics::RecordCommit(int decisions, absl::Duration duration) {
  commit_decisions_->Observe(decisions);
  commit_seconds_->Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::AddCacheEntries(int64_t entries, int64_t bytes) {
  cache_entries_->Increment(static_cast<double>(entries));
  cache_bytes_->Increment(static_cast<double>(bytes));
}

void Metrics::RecordFeedback(v1::RecordFeedbackRequest::Kind kind) {
  feedback_[kind]->Increment();
}

void Metrics::RecordIngest(const v1::IngestRewardsResponse& response) {
  for (size_t i = 0; i < ingest_events_.size(); ++i) {
    ingest_events_[i]->Increment(static_cast<double>((response.counts().*kIngestEvents[i].count)()));
  }
  exposures_pending_->Set(static_cast<double>(response.counts().exposures_pending()));
  exposures_in_window_->Set(static_cast<double>(response.counts().exposures_in_window()));
  ingest_seconds_->Observe(response.seconds());
}

void Metrics::RecordModelSwap(const ModelFigures& figures) {
  model_swaps_->Increment();
  model_version_->Set(static_cast<double>(figures.version));
  model_exposures_->Set(static_cast<double>(figures.exposures));
  model_pending_exposures_->Set(static_cast<double>(figures.pending_exposures));
  model_noise_->Set(figures.noise_variance);
  model_condition_->Set(figures.condition_number);
  model_dimension_->Set(figures.dimension);
  late_value_share_->Set(figures.late_value_share);
  delay_tail_share_->Set(figures.delay_tail_share);
  SetDelays(figures.delays);
}

// Strata come and go with the configuration that a model was made with.
void Metrics::SetDelays(const std::vector<learning::DelayQuantiles>& delays) {
  for (prometheus::Gauge* const series : delay_series_) delay_quantiles_->Remove(series);
  delay_series_.clear();
  for (const learning::DelayQuantiles& delay : delays) {
    for (const auto& [share, age] :
         {std::pair("0.5", delay.median), std::pair("0.9", delay.p90), std::pair("0.99", delay.p99)}) {
      delay_series_.push_back(&delay_quantiles_->Add({{"stratum", delay.stratum}, {"share", share}}));
      delay_series_.back()->Set(absl::ToDoubleSeconds(age));
    }
  }
}

void Metrics::SetSpool(int64_t decisions, int64_t bytes, absl::Duration age) {
  spool_decisions_->Set(static_cast<double>(decisions));
  spool_bytes_->Set(static_cast<double>(bytes));
  spool_age_->Set(absl::ToDoubleSeconds(age));
}

void Metrics::RecordDrained(Drained outcome, int64_t entries) {
  drained_[static_cast<int>(outcome)]->Increment(static_cast<double>(entries));
}

void Metrics::SetPool(int size, int in_use) {
  pool_size_->Set(size);
  pool_in_use_->Set(in_use);
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace suggest::server
