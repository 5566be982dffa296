#include "service/server/server.h"

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "service/common/config.h"
#include "service/server/commit/partition_keeper.h"
#include "service/server/commit/spool_keeper.h"
#include "service/server/follow/catalogue_updater.h"
#include "service/server/follow/change_follower.h"
#include "service/server/follow/model_updater.h"
#include "service/server/library_log.h"
#include "service/server/rpc/grpc_server.h"
#include "service/server/rpc/http_routes.h"
#include "service/server/rpc/http_server.h"
#include "service/server/stop_signal.h"
#include "storage/models/model_store.h"
#include "storage/spool/spool.h"

namespace suggest::server {
namespace {

constexpr absl::Duration kPartitionPeriod = absl::Seconds(5);
constexpr int kMostHttpThreads = 64;
constexpr int kBackgroundConnections = 6;  // one for each background thread
// How often the spool looks whether the database is back, or whether there is something to drain.
constexpr absl::Duration kSpoolPeriod = absl::Milliseconds(100);
// How long a commit waits for a request id that another session holds, before that request stands alone.
constexpr absl::Duration kLockTimeout = absl::Milliseconds(300);
// How often the whole catalogue is read where triggers tell of changes: a view may be replaced.
constexpr absl::Duration kCatalogueCheck = absl::Minutes(1);

storage::DatabaseOptions ToOptions(const config::v1::Database& config, int pool_size) {
  storage::DatabaseOptions options;
  options.connection = config.connection();
  options.pool_size = pool_size;
  options.statement_timeout = ToAbslDuration(config.statement_timeout());
  options.lock_timeout = kLockTimeout;
  options.application_name = "suggestd";
  return options;
}

class RunningServer final : public Server {
 public:
  // `background` is a pool of its own, so that load on `database` neither delays a model swap nor looks like an outage.
  // `spool` may be null.
  RunningServer(const ServerOptions& options, std::unique_ptr<storage::Database> database,
                std::unique_ptr<storage::Database> background, std::unique_ptr<storage::Spool> spool)
      : config_(options.config),
        clock_(options.clock),
        log_(options.clock, options.log_stream),
        library_log_(&log_),
        database_(std::move(database)),
        background_(std::move(background)),
        log_sink_(database_.get()),
        spool_(std::move(spool)),
        keeper_(MakeKeeper(options.decision_sink != nullptr ? options.decision_sink : &log_sink_)),
        readiness_(&serving_, keeper_.get()),
        customers_(options.config.database().customer_cache(), keeper_ != nullptr, &metrics_),
        committer_(options.config.database(), LogSink(options), keeper_ != nullptr ? keeper_->spool_sink() : nullptr,
                   &metrics_, &log_),
        announcer_(absl::StrCat(absl::Hex(random_.Next())), background_.get()),
        patience_(options.config.database(), &metrics_),
        workers_(options.config.server().max_concurrent_requests()),
        changes_(MakeSurroundings(background_.get()), &catalogue_stop_),
        endpoints_(MakeSurroundings(database_.get()), options.config.server()),
        routes_(&endpoints_, &readiness_, &metrics_, [this] { RefreshGauges(); }) {
    readiness_.Watch(&committer_);
  }

  ~RunningServer() override { Drain(); }

  absl::Status Begin() {
    const auto config = config_.Get();
    const int threads = std::min(config->server().max_concurrent_requests(), kMostHttpThreads);
    const std::vector<std::string> hosts(config->server().http_hosts().begin(), config->server().http_hosts().end());
    ASSIGN_OR_RETURN(http_, HttpServer::Start({.address = config->server().http_address(),
                                               .threads = threads,
                                               .max_request_bytes = config->server().max_request_bytes(),
                                               .hosts = hosts,
                                               .is_probe = &HttpRoutes::IsProbe},
                                              [this](const HttpRequest& request) { return routes_.Answer(request); }));
    if (!config->server().ops_address().empty()) {
      ASSIGN_OR_RETURN(
          ops_,
          HttpServer::Start(
              {.address = config->server().ops_address(), .field = "server.ops_address", .threads = 2, .hosts = hosts},
              [this](const HttpRequest& request) { return routes_.AnswerProbe(request); }));
    }
    ASSIGN_OR_RETURN(grpc_, GrpcServer::Start(config->server(), &endpoints_));
    StartBackgroundWork(*config);
    log_.Write(LogLevel::kInfo, "started", {{"grpc_port", grpc_->port()}, {"http_port", http_->port()}});
    return absl::OkStatus();
  }

  int grpc_port() const override { return grpc_->port(); }
  int http_port() const override { return http_->port(); }
  int ops_port() const override { return ops_ == nullptr ? 0 : ops_->port(); }
  absl::Status Ready() const override { return readiness_.Check(); }

  void Reload(const config::v1::Config& next) override {
    std::vector<std::string> ignored;
    config_.Set(ApplyLiveFields(*config_.Get(), next, &ignored));
    customers_.ForgetAllOpen();  // sticky_for may reach further back now
    metrics_.RecordReload(true);
    log_.Write(LogLevel::kInfo, "configuration reloaded", {{"needs_restart", absl::StrJoin(ignored, ", ")}});
  }

  void RefuseReload(const absl::Status& why) override {
    metrics_.RecordReload(false);
    log_.Write(LogLevel::kError, "configuration not reloaded", {{"message", why.message()}});
  }

  void Drain() override {
    if (drained_) return;
    drained_ = true;
    readiness_.Drain();
    metrics_.SetReady(false);
    if (grpc_ == nullptr) return;  // did not begin
    log_.Write(LogLevel::kInfo, "draining");
    grpc_->SetServing(false);
    const absl::Duration timeout = ToAbslDuration(config_.Get()->server().drain_timeout());
    const Stopwatch watch;
    const auto rest = [&] { return std::max(timeout - watch.Elapsed(), absl::ZeroDuration()); };
    grpc_->Shutdown(timeout);
    http_->Shutdown(rest());
    if (ops_ != nullptr) ops_->Shutdown(rest());
    committer_.Drain(rest());
    stop_.Stop();
    catalogue_stop_.Stop();
    for (std::thread& thread : threads_) thread.join();
    http_.reset();
    ops_.reset();
    log_.Write(LogLevel::kInfo, "stopped");
  }

 private:
  Surroundings MakeSurroundings(storage::Database* database) {
    return {database,    &serving_,   &config_,    clock_,     &random_,      &metrics_, &log_,
            &customers_, &committer_, &announcer_, &patience_, keeper_.get(), &workers_};
  }

  // Null without a spool.
  std::unique_ptr<SpoolKeeper> MakeKeeper(DecisionSink* log_sink) {
    if (spool_ == nullptr) return nullptr;
    return std::make_unique<SpoolKeeper>(spool_.get(), log_sink, background_.get(), clock_, &metrics_, &log_);
  }

  // Where the committer writes first.
  DecisionSink* LogSink(const ServerOptions& options) {
    if (keeper_ != nullptr) return keeper_->log_sink();
    return options.decision_sink != nullptr ? options.decision_sink : &log_sink_;
  }

  void StartBackgroundWork(const config::v1::Config& config) {
    const absl::Duration model_poll = ToAbslDuration(config.database().model_poll());
    const absl::Duration catalogue_poll = ToAbslDuration(config.database().catalogue_poll());
    threads_.emplace_back([this, model_poll] { FollowModels(model_poll); });
    threads_.emplace_back([this, catalogue_poll] { FollowCatalogue(catalogue_poll); });
    threads_.emplace_back([this] { changes_.Follow(stop_); });
    threads_.emplace_back([this] { announcer_.Run(stop_); });
    if (keeper_ != nullptr) threads_.emplace_back([this] { DrainSpool(); });
    threads_.emplace_back([this] {
      PartitionKeeper keeper(MakeSurroundings(background_.get()));
      RepeatEvery(kPartitionPeriod, [&] { return keeper.Poll(); });
    });
  }

  // Until stopped; after a failure it tries again within a second. What failed was reported by the poll itself.
  void RepeatEvery(absl::Duration period, const std::function<absl::Status()>& poll) {
    absl::Duration wait = absl::ZeroDuration();
    while (!stop_.WaitFor(wait)) {
      wait = poll().ok() ? period : std::min(period, absl::Seconds(1));
      ShowReadiness();
    }
  }

  void DrainSpool() {
    std::string failure;
    absl::Duration wait = absl::ZeroDuration();
    while (!stop_.WaitFor(wait)) {
      const absl::StatusOr<bool> more = keeper_->Drain();
      wait = more.ok() && *more ? absl::ZeroDuration() : kSpoolPeriod;
      const std::string message = more.ok() ? "" : std::string(more.status().message());
      if (!message.empty() && message != failure && !keeper_->away()) {
        log_.Write(LogLevel::kError, "the spool cannot be drained", {{"message", message}});
      }
      failure = message;
    }
  }

  // Each `period`, or when a change is told where changes are told.
  void FollowCatalogue(absl::Duration period) {
    CatalogueUpdater updater(MakeSurroundings(background_.get()), &readiness_);
    absl::Duration wait = absl::ZeroDuration();
    while (!catalogue_stop_.WaitFor(wait)) {
      const absl::Status status = updater.Poll();
      ShowReadiness();
      wait = status.ok() && changes_.HearsCatalogue() ? kCatalogueCheck : period;
    }
  }

  void FollowModels(absl::Duration period) {
    ModelUpdater updater(MakeSurroundings(background_.get()), &readiness_);
    storage::ModelWatcher notifications(background_.get());
    int64_t version = 0;
    while (!stop_.stopped()) {
      updater.Poll().IgnoreError();
      // An ingest changes the customers' counters, and then publishes.
      if (std::exchange(version, serving_.model_version()) != version) {
        customers_.InvalidateAll();
        catalogue_stop_.Wake();  // another schema reads other attributes
      }
      ShowReadiness();
      if (!notifications.Wait(period).ok()) stop_.WaitFor(period);
    }
  }

  void ShowReadiness() {
    const bool ready = readiness_.Check().ok();
    metrics_.SetReady(ready);
    grpc_->SetServing(ready);
  }

  void RefreshGauges() {
    if (const auto serving = serving_.Get(); serving.ok()) {
      metrics_.SetModelAge(clock_->Now() - (*serving)->snapshot().data_cut());
      metrics_.SetCatalogueSize((*serving)->catalogue().size());
    }
    if (keeper_ != nullptr) keeper_->ShowFigures();
    metrics_.SetRequestsInFlight(endpoints_.in_flight());
    metrics_.SetPool(database_->options().pool_size, database_->pool_status().lent);
  }

  LiveConfig config_;
  const Clock* const clock_;
  Log log_;
  LibraryLog library_log_;
  Metrics metrics_;
  KernelRandom random_;
  ServingState serving_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::Database> background_;
  DecisionLogSink log_sink_;
  std::unique_ptr<storage::Spool> spool_;
  std::unique_ptr<SpoolKeeper> keeper_;
  Readiness readiness_;
  CustomerCache customers_;
  DecisionCommitter committer_;
  DecisionAnnouncer announcer_;
  Patience patience_;
  WorkerPool workers_;
  StopSignal catalogue_stop_;
  ChangeFollower changes_;
  Endpoints endpoints_;
  HttpRoutes routes_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<HttpServer> ops_;  // null: no listener of its own for probes
  std::unique_ptr<GrpcServer> grpc_;
  StopSignal stop_;
  std::vector<std::thread> threads_;
  bool drained_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  const config::v1::Database& config = options.config.database();
  ASSIGN_OR_RETURN(std::unique_ptr<storage::Database> database,
                   storage::Database::Open(ToOptions(config, config.pool_size())));
  ASSIGN_OR_RETURN(std::unique_ptr<storage::Database> background,
                   storage::Database::Open(ToOptions(config, kBackgroundConnections)));
  std::unique_ptr<storage::Spool> spool;
  if (!config.spool().empty()) {
    ASSIGN_OR_RETURN(spool, storage::Spool::Open({config.spool(), config.spool_max_bytes()}));
  }
  auto server = std::make_unique<RunningServer>(options, std::move(database), std::move(background), std::move(spool));
  RETURN_IF_ERROR(server->Begin());
  return server;
}

}  // namespace suggest::server
