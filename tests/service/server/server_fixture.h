// One replica without transports: handlers and updaters on a database of the test's own, with a clock that stands still
// until it is moved and random numbers that count.
#ifndef TESTS_SERVICE_SERVER_SERVER_FIXTURE_H_
#define TESTS_SERVICE_SERVER_SERVER_FIXTURE_H_

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/mutex.h"
#include "service/decision/model_codec.h"
#include "service/server/follow/catalogue_updater.h"
#include "service/server/follow/change_follower.h"
#include "service/server/follow/model_updater.h"
#include "service/server/rpc/learning_handlers.h"
#include "service/server/suggest/suggestion_handlers.h"
#include "storage/models/model_store.h"
#include "tests/service/decision/decision_fixture.h"
#include "tests/support/test_database.h"

namespace suggest::server {

class ManualClock : public Clock {
 public:
  explicit ManualClock(absl::Time now) : now_(now) {}
  absl::Time Now() const override {
    ReaderLock lock(mutex_);
    return now_;
  }
  void Set(absl::Time now) {
    MutexLock lock(mutex_);
    now_ = now;
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
};

// 1000, 1001, ... ; replicas of one test start far apart.
class CountingRandom : public RandomSource {
 public:
  explicit CountingRandom(uint64_t start) : next_(start) {}
  uint64_t Next() override { return next_ += 0x9e3779b97f4a7c15; }

 private:
  uint64_t next_;
};

// A log stream that is read back.
class LogBuffer {
 public:
  LogBuffer() : stream_(open_memstream(&text_, &size_)) { SUGGEST_CHECK(stream_ != nullptr); }
  ~LogBuffer() {
    std::fclose(stream_);
    std::free(text_);
  }
  LogBuffer(const LogBuffer&) = delete;
  LogBuffer& operator=(const LogBuffer&) = delete;

  std::FILE* stream() { return stream_; }
  // REQUIRES: nobody writes meanwhile.
  std::string Text() {
    std::fflush(stream_);
    return std::string(text_, size_);
  }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* stream_;
};

class Replica {
 public:
  // With a spool, it stands in for the database.
  Replica(storage::Database* database, const config::v1::Config& config, const Clock* clock, uint64_t random_start = 1,
          storage::Spool* spool = nullptr)
      : config_(config),
        random_(random_start),
        log_(clock, log_buffer_.stream()),
        sink_(database),
        keeper_(spool == nullptr ? nullptr
                                 : std::make_unique<SpoolKeeper>(spool, &sink_, database, clock, &metrics_, &log_)),
        readiness_(&serving_, keeper_.get()),
        customers_(config.database().customer_cache(), keeper_ != nullptr, &metrics_),
        committer_(config.database(), keeper_ == nullptr ? static_cast<DecisionSink*>(&sink_) : keeper_->log_sink(),
                   keeper_ == nullptr ? nullptr : keeper_->spool_sink(), &metrics_, &log_),
        announcer_(absl::StrCat("replica", random_start), database),
        patience_(config.database(), &metrics_),
        surroundings_{database,    &serving_,   &config_,    clock,      &random_,      &metrics_, &log_,
                      &customers_, &committer_, &announcer_, &patience_, keeper_.get(), &workers_},
        changes_(surroundings_, &catalogue_changed_),
        models_(surroundings_, &readiness_),
        catalogues_(surroundings_, &readiness_),
        suggestions_(surroundings_),
        learning_(surroundings_) {
    readiness_.Watch(&committer_);
  }

  const Surroundings& surroundings() const { return surroundings_; }
  SuggestionHandlers& suggestions() { return suggestions_; }
  LearningHandlers& learning() { return learning_; }
  ModelUpdater& models() { return models_; }
  CatalogueUpdater& catalogues() { return catalogues_; }
  ServingState& serving() { return serving_; }
  Readiness& readiness() { return readiness_; }
  SpoolKeeper& keeper() { return *keeper_; }
  DecisionCommitter& committer() { return committer_; }
  DecisionAnnouncer& announcer() { return announcer_; }
  CustomerCache& customers() { return customers_; }
  ChangeFollower& changes() { return changes_; }
  Metrics& metrics() { return metrics_; }
  LiveConfig& config() { return config_; }
  std::string LogText() { return log_buffer_.Text(); }

  // The cache may be used for the rest of the test, however slow the machine.
  void HearForever() { customers_.Heard(std::chrono::steady_clock::now() + std::chrono::hours(24), true); }

  // What the background threads do once a second.
  void Poll() {
    catalogues_.Poll().IgnoreError();
    models_.Poll().IgnoreError();
  }

 private:
  LogBuffer log_buffer_;
  LiveConfig config_;
  CountingRandom random_;
  Log log_;
  Metrics metrics_;
  ServingState serving_;
  DecisionLogSink sink_;
  std::unique_ptr<SpoolKeeper> keeper_;
  Readiness readiness_;
  CustomerCache customers_;
  DecisionCommitter committer_;
  DecisionAnnouncer announcer_;
  Patience patience_;
  WorkerPool workers_{8};
  Surroundings surroundings_;
  StopSignal catalogue_changed_;
  ChangeFollower changes_;
  ModelUpdater models_;
  CatalogueUpdater catalogues_;
  SuggestionHandlers suggestions_;
  LearningHandlers learning_;
};

inline storage::ModelRow RowOf(const model::v1::ModelVersion& model) {
  const decision::EncodedModel encoded = decision::EncodeModel(model);
  storage::ModelRow row;
  row.version = model.version();
  row.basis_id = model.lineage().basis_id();
  row.format = encoded.format;
  row.created_at = decision::TestCut();
  row.data_cut = decision::TestCut();
  row.origin = "test";
  row.dimension = model.posterior().dimension();
  row.exposures = model.lineage().exposures();
  row.noise_variance = model.posterior().noise_variance();
  row.condition_number = 1;
  row.sha256 = encoded.sha256;
  row.bytes = encoded.bytes;
  return row;
}

inline void Publish(storage::Database& database, const storage::ModelRow& row) {
  SUGGEST_CHECK(storage::ModelStore(&database).Import(row, true).ok());
}

// Customers c1 (a shop) and c2 (a blog), recommendations r1 to r6.
inline void FillSource(const testing::TestDatabase& database) {
  database.Execute(
      R"(INSERT INTO builtin.customers (customer_id, attributes) VALUES
           ('c1', '{"pages": 8, "trade": "shop"}'), ('c2', '{"pages": 1, "trade": "blog"}');
         INSERT INTO builtin.recommendations (recommendation_id, title, repeatable, attributes)
           SELECT 'r' || i, 'Title of r' || i, i = 5, jsonb_build_object('cost', 10 * i) FROM generate_series(1, 6) i)");
}

// A company with data, model version 1 and one replica that serves it.
class ServingCompany {
 public:
  explicit ServingCompany(const std::string& more_config = "")
      : clock_(decision::TestNow()),
        config_(decision::TestConfig(more_config)),
        replica_(&database_.database(), config_, &clock_) {
    FillSource(database_);
    Publish(database_.database(), RowOf(decision::TestModel(1)));
    replica_.Poll();
    SUGGEST_CHECK(replica_.serving().Get().ok());
  }

  testing::TestDatabase& database() { return database_; }
  ManualClock& clock() { return clock_; }
  const config::v1::Config& config() const { return config_; }
  Replica& replica() { return replica_; }
  SuggestionHandlers& suggestions() { return replica_.suggestions(); }
  LearningHandlers& learning() { return replica_.learning(); }

  std::string CountDecisions() { return database_.QueryOne("SELECT count(*) FROM suggest.decisions"); }

 private:
  testing::TestDatabase database_;
  ManualClock clock_;
  const config::v1::Config config_;
  Replica replica_;
};

inline v1::SuggestRequest RequestOf(const std::string& customer_id, const std::string& request_id, int count = 3) {
  v1::SuggestRequest request;
  request.set_customer_id(customer_id);
  request.set_request_id(request_id);
  request.set_count(count);
  return request;
}

// The same, for a request that repeats no open decision.
inline v1::SuggestRequest Fresh(const std::string& customer_id, const std::string& request_id) {
  v1::SuggestRequest request = RequestOf(customer_id, request_id);
  request.set_fresh(true);
  return request;
}

// Says "gone" from the n-th question on.
inline CallContext GoneFrom(int question) {
  return {[asked = 0, question]() mutable { return ++asked >= question; }};
}

}  // namespace suggest::server

#endif  // TESTS_SERVICE_SERVER_SERVER_FIXTURE_H_
