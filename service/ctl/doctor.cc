// suggestctl doctor: looks at everything that a running service depends on, and says what is wrong.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/util/message_differencer.h"
#include "service/common/config.h"
#include "service/ctl/checks.h"
#include "service/ctl/commands.h"
#include "service/ctl/data_checks.h"
#include "service/ctl/stored_model.h"
#include "storage/postgres/change_store.h"
#include "storage/postgres/diagnostics.h"
#include "storage/postgres/migrator.h"
#include "storage/postgres/partition_store.h"

namespace suggest::ctl {
namespace {

constexpr absl::Duration kClockWarning = absl::Seconds(5);
constexpr absl::Duration kClockFailure = absl::Minutes(1);
constexpr int kMonthsAheadWanted = 1;

std::string Words(const absl::Status& status) {
  return std::string(status.message());
}

std::string Span(absl::Duration duration) {
  const double hours = absl::ToDoubleHours(duration);
  if (hours < 1) return absl::StrFormat("%.0f minutes", 60 * hours);
  if (hours < 48) return absl::StrFormat("%.1f hours", hours);
  return absl::StrFormat("%.1f days", hours / 24);
}

// False when nothing else can be asked of it.
bool CheckDatabase(storage::Database& database, absl::Time wall, Checks& checks) {
  const absl::StatusOr<storage::ServerInfo> server = storage::QueryServer(database);
  if (!server.ok()) {
    checks.Failed("database", Words(server.status()));
    return false;
  }
  const std::string name = absl::StrCat("PostgreSQL ", server->version, ", database ", server->database);
  if (server->in_recovery) {
    checks.Failed("database", absl::StrCat(name, " is a standby: nothing can be written"));
  } else {
    checks.Ok("database", name);
  }
  const absl::Duration apart = absl::AbsDuration(server->server_time - wall);
  const std::string difference =
      absl::StrCat(Significant(absl::ToDoubleSeconds(apart)), " s between this clock and the database's");
  if (apart > kClockFailure) {
    checks.Failed("clock", difference);
  } else if (apart > kClockWarning) {
    checks.Warning("clock", difference);
  } else {
    checks.Ok("clock", difference);
  }
  return true;
}

bool CheckSchema(storage::Database& database, Checks& checks) {
  const absl::Status status = storage::CheckVersion(database);
  if (status.ok()) {
    checks.Ok("schema", absl::StrCat("version ", storage::EmbeddedMigrations().back().version));
  } else {
    checks.Failed("schema", Words(status));
  }
  return status.ok();
}

bool CheckViews(storage::Database& database, Checks& checks) {
  const absl::Status status = storage::CheckSourceViews(database);
  if (status.ok()) {
    checks.Ok("views", "source.customers, recommendations, suggestions and purchases have the contract's columns");
  } else {
    checks.Failed("views", Words(status));
  }
  return status.ok();
}

void CheckPartitions(storage::Database& database, absl::Time now, Checks& checks) {
  const absl::StatusOr<storage::PartitionStatus> status = storage::PartitionStore(&database).Status(now);
  if (!status.ok()) return checks.Failed("partitions", Words(status.status()));
  if (status->months_ahead < 0) {
    return checks.Failed("partitions", "the decision log has no partition for this month: run suggestctl migrate");
  }
  if (status->default_has_rows) {
    return checks.Warning("partitions", "decisions lie in the default partition: run suggestctl migrate");
  }
  const std::string ahead = absl::StrCat(status->months_ahead, " months ahead, ", status->partitions, " in all");
  if (status->months_ahead < kMonthsAheadWanted) {
    return checks.Warning("partitions", absl::StrCat(ahead, ": run suggestctl migrate"));
  }
  checks.Ok("partitions", ahead);
}

// Clocks of two machines may differ by so much.
constexpr absl::Duration kClockTolerance = absl::Minutes(5);

void CheckModel(storage::Database& database, const config::v1::Config& config, absl::Time now, Checks& checks) {
  const storage::ModelStore store(&database);
  const absl::StatusOr<int64_t> version = store.Current();
  if (!version.ok()) {
    return checks.Failed("model", absl::IsNotFound(version.status()) ? "there is none: run suggestctl warm-start"
                                                                     : Words(version.status()));
  }
  const absl::StatusOr<StoredModel> stored = LoadModel(store, *version);
  if (!stored.ok()) return checks.Failed("model", Words(stored.status()));
  const std::string name = absl::StrCat("version ", *version);
  if (!google::protobuf::util::MessageDifferencer::Equals(stored->model.pipeline().schema(), config.features())) {
    checks.Warning("model", absl::StrCat(name,
                                         " was fitted with another feature schema than the configuration's: run "
                                         "suggestctl warm-start --replace"));
  }
  const absl::Duration age = now - stored->snapshot->data_cut();
  const absl::Duration limit = ToAbslDuration(config.choice().model_max_age());
  const std::string message =
      absl::StrCat(name, " of basis ", stored->head.row.basis_id, ", data cut ", Span(age), " ago");
  if (age < -kClockTolerance) {
    return checks.Failed("model age", absl::StrCat(name, " has its data cut ", Span(-age),
                                                   " ahead of the clock, so no ingest can run: correct the clock, or, "
                                                   "if it was ahead when that version was made, run suggestctl "
                                                   "ingest-rewards --rebuild"));
  }
  if (limit > absl::ZeroDuration() && age > limit) {
    return checks.Failed("model age", absl::StrCat(message, ", more than choice.model_max_age ", Span(limit),
                                                   ": the fallback policy answers; is ingest-rewards running?"));
  }
  checks.Ok("model age", message);
}

void CheckServerSettings(storage::Database& database, const config::v1::Config& config, Checks& checks) {
  // The pool, the writers, and one connection each that listens and that follows the catalogue.
  const int connections = config.database().pool_size() + config.database().commit().writers() + 2;
  const auto findings = storage::CheckSettings(database, connections);
  if (!findings.ok()) return checks.Failed("settings", Words(findings.status()));
  for (const storage::SettingFinding& finding : *findings) {
    if (finding.failed) {
      checks.Failed("settings", finding.message);
    } else {
      checks.Warning("settings", finding.message);
    }
  }
  if (findings->empty()) checks.Ok("settings", "the server's, the database's and the role's settings change no result");
}

void CheckLearner(storage::Database& database, Checks& checks) {
  const absl::StatusOr<std::vector<std::string>> problems = storage::CheckLearnerRows(database);
  if (!problems.ok()) return checks.Failed("learner", Words(problems.status()));
  for (const std::string& problem : *problems) checks.Failed("learner", problem);
  if (problems->empty()) checks.Ok("learner", "its row and the buckets of the current model are whole");
}

void CheckWatches(storage::Database& database, const config::v1::Config& config, Checks& checks) {
  const absl::StatusOr<std::vector<storage::WatchedTable>> tables = storage::ListWatched(database);
  if (!tables.ok()) return checks.Failed("watched", Words(tables.status()));
  std::vector<std::string> working;
  for (const storage::WatchedTable& table : *tables) {
    if (table.problem.empty()) {
      working.push_back(absl::StrCat(table.table, " (", table.kind, ")"));
    } else {
      checks.Warning("watched", absl::StrCat(table.table, ": ", table.problem));
    }
  }
  const absl::StatusOr<storage::Coverage> coverage = storage::ChangeStore(&database).Triggers();
  if (!coverage.ok()) return checks.Failed("watched", Words(coverage.status()));
  const std::string told = absl::StrCat("changes are told by ", absl::StrJoin(working, ", "));
  if (coverage->unwatched.empty()) return checks.Ok("watched", told);
  const std::string untold = absl::StrCat(
      told, "; not by ", absl::StrJoin(coverage->unwatched, ", "),
      ": put suggest.watch_customers or suggest.watch_recommendations on it where that is a table; meanwhile "
      "changes are noticed by age");
  using config::v1::CustomerCache;
  if (config.database().customer_cache().change_detection() == CustomerCache::NOTIFY && !coverage->customers) {
    return checks.Failed("watched", absl::StrCat(untold, ", which change_detection: NOTIFY rules out"));
  }
  checks.Ok("watched", untold);
}

absl::StatusOr<Outcome> RunDoctor(const Invocation& invocation) {
  Checks checks;
  const absl::StatusOr<config::v1::Config> config = ReadConfig(invocation);
  if (!config.ok()) {
    checks.Failed("configuration", Words(config.status()));
    return checks.ToOutcome();
  }
  checks.Ok("configuration",
            absl::StrCat(config->features().features_size(), " features, currency ", config->money().currency(),
                         ", window ", Span(ToAbslDuration(config->learning().attribution_window()))));
  const absl::StatusOr<std::unique_ptr<storage::Database>> database = OpenDatabase(invocation, *config);
  if (!database.ok()) {
    checks.Failed("database", Words(database.status()));
    return checks.ToOutcome();
  }
  if (!CheckDatabase(**database, invocation.environment.wall.Now(), checks)) return checks.ToOutcome();
  CheckServerSettings(**database, *config, checks);
  const absl::Time now = invocation.clock.Now();
  if (CheckSchema(**database, checks)) {
    CheckPartitions(**database, now, checks);
    CheckModel(**database, *config, now, checks);
    CheckLearner(**database, checks);
    CheckWatches(**database, *config, checks);
  } else {
    checks.Skipped("model", "the schema is not this build's");
  }
  if (CheckViews(**database, checks)) {
    CheckData(**database, *config, now, invocation.progress, checks);
  } else {
    checks.Skipped("data", "the views are not the contract's");
  }
  return checks.ToOutcome();
}

}  // namespace

Command DoctorCommand() {
  return {
      .name = "doctor",
      .summary = "Checks everything the service depends on and says in one line each what is wrong.",
      .details =
          "Configuration, database, clock, settings, schema, partitions, model, learner, watched tables, source\n"
          "views, and the company's rows: the columns that the feature schema reads, keys, ids, times, amounts, and\n"
          "whether cap, window and base rate fit them. Writes nothing. Exit code 1: something failed.",
      .run = RunDoctor};
}

}  // namespace suggest::ctl
