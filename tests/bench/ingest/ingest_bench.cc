// suggest_bench_ingest: one ingest run of a month's suggestions on a real PostgreSQL.
//
//   suggest_bench_ingest [--smoke] [--exposures N] [--purchases N] [--kills N] [--mode MODE]
//
// Prints one JSON line per measurement: {"bench":"ingest","name":...,"value":...,"unit":...}. The database is the one
// of SUGGEST_TEST_POSTGRES, or a private one without fsync. The run that is measured has a process of its own, so that
// its peak memory is the ingester's alone; the killed runs die by SIGKILL just before a commit.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/text_format.h"
#include "service/cli/flags.h"
#include "service/common/config.h"
#include "service/decision/catalogue.h"
#include "service/decision/model_codec.h"
#include "service/learning/ingester.h"
#include "service/learning/warm_start.h"
#include "storage/log/decision_id.h"
#include "storage/models/model_store.h"
#include "storage/postgres/migrator.h"
#include "tests/support/private_postgres.h"

namespace suggest::learning {
namespace {

constexpr int kSide = 16;  // passed-by features on each side: d = 17 x 17
constexpr int kSlate = 5;  // slots of a decision
constexpr int kRecommendations = 500;
constexpr absl::Duration kDay = absl::Hours(24);

struct Options {
  int64_t exposures = 1000000;
  int64_t purchases = 50000;
  int kills = 10;
  std::string mode;
};

absl::Time Start() {
  return absl::FromUnixSeconds(1772409600);
}
absl::Time Tick() {
  return Start() + 29 * kDay;
}

config::v1::Config MakeConfig(const Options& options) {
  config::v1::Config config;
  config.mutable_database()->set_connection("unused");
  for (int side = 0; side < 2; ++side) {
    for (int i = 0; i < kSide; ++i) {
      config::v1::Feature* const feature = config.mutable_features()->add_features();
      feature->set_name(absl::StrCat(side == 0 ? "c" : "r", i));
      feature->set_side(side == 0 ? config::v1::Feature::CUSTOMER : config::v1::Feature::RECOMMENDATION);
      feature->mutable_numeric()->set_column(feature->name());
      feature->mutable_scaling()->set_scale(1);
      feature->set_passes_by(true);
    }
  }
  config::v1::Learning* const learning = config.mutable_learning();
  learning->mutable_attribution_window()->set_seconds(30 * 86400);
  learning->mutable_grace()->set_seconds(86400);
  learning->mutable_learning_window()->set_seconds(365 * 86400);
  learning->set_base_rate(0.05);
  config.mutable_money()->set_currency("EUR");
  config.mutable_money()->set_reward_cap(100);
  if (!options.mode.empty()) {
    SUGGEST_CHECK(
        google::protobuf::TextFormat::MergeFromString("learning { delay_mode: " + options.mode + " }", &config));
  }
  config = WithDefaults(std::move(config));
  SUGGEST_CHECK(ValidateConfig(config).ok());
  return config;
}

// The same numbers for the same name, each a float.
float Value(uint64_t seed, int i) {
  uint64_t x = (seed + 1) * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(i) * 0xBF58476D1CE4E5B9ull;
  x ^= x >> 31;
  x *= 0x94D049BB133111EBull;
  x ^= x >> 29;
  return static_cast<float>(static_cast<double>(x >> 40) / (1 << 23) - 1);
}

struct Slot {
  int64_t decision;
  int rank;
  int64_t customer() const { return decision / 2; }
  int recommendation() const {
    return static_cast<int>((customer() * 7 + (decision % 2) * kSlate + rank * 1) % kRecommendations);
  }
};

absl::Time DecidedAt(int64_t decision, int64_t decisions) {
  // Spread over 28 days in an order that customers do not share.
  return Start() + absl::Milliseconds(28 * 86400000.0 * static_cast<double>(decision * 7919 % decisions) /
                                      static_cast<double>(decisions));
}

std::string Sql(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E6S+00", time, absl::UTCTimeZone());
}

std::shared_ptr<const decision::Catalogue> MakeCatalogue() {
  std::vector<storage::RecommendationRecord> records(kRecommendations);
  for (int r = 0; r < kRecommendations; ++r) {
    records[r].recommendation_id = absl::StrCat("r", r);
    std::vector<std::string> attributes;
    for (int i = 0; i < kSide; ++i) {
      attributes.push_back(absl::StrFormat("\"r%d\": %.9g", i, Value(1000000007ull + r, i)));
    }
    records[r].attributes_json = absl::StrCat("{", absl::StrJoin(attributes, ", "), "}");
  }
  auto catalogue = decision::Catalogue::FromRecords(records);
  SUGGEST_CHECK(catalogue.ok());
  return *std::move(catalogue);
}

std::string Inputs(const decision::Catalogue& catalogue, int64_t decision) {
  model::v1::DecisionInputs inputs;
  inputs.add_customer(1);
  for (int i = 0; i < kSide; ++i) inputs.add_customer(Value(decision, i));
  for (int rank = 0; rank < kSlate; ++rank) {
    inputs.add_slate(*catalogue.Find(absl::StrCat("r", Slot{decision, rank}.recommendation())));
  }
  return inputs.SerializeAsString();
}

std::string Hex(const std::string& bytes) {
  std::string text = "\\x";
  for (unsigned char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[c >> 4];
    text += kDigits[c & 15];
  }
  return text;
}

std::string DecisionId(int64_t decision, int64_t decisions) {
  return storage::MakeDecisionId(DecidedAt(decision, decisions), static_cast<uint64_t>(decision), 7);
}

void Load(const std::string& connection, const Options& options) {
  const int64_t decisions = options.exposures / kSlate;
  const std::shared_ptr<const decision::Catalogue> catalogue = MakeCatalogue();
  pqxx::connection session(connection + " options='-c search_path=suggest,builtin'");
  pqxx::work tx(session);
  tx.exec_params("INSERT INTO catalogue_versions (version, created_at, bytes) VALUES ($1, now(), $2)",
                 Hex(catalogue->version()), Hex(catalogue->bytes()));
  {
    pqxx::stream_to rows(
        tx, "decisions_default",
        std::vector<std::string>{"decided_at", "model_version", "seed", "decision_id", "policy", "propensity_status",
                                 "explore", "delivered", "customer_id", "request_id", "fallback_reason",
                                 "catalogue_version", "recommendation_ids", "inputs"});
    for (int64_t i = 0; i < decisions; ++i) {
      std::string ids = "{";
      for (int rank = 0; rank < kSlate; ++rank) {
        absl::StrAppend(&ids, rank == 0 ? "r" : ",r", Slot{i, rank}.recommendation());
      }
      rows << std::make_tuple(Sql(DecidedAt(i, decisions)), 1, i, DecisionId(i, decisions), 1, 0, std::string("f"),
                              std::string("t"), absl::StrCat("c", i / 2), absl::StrCat("q", i), std::string(),
                              Hex(catalogue->version()), ids + "}", Hex(Inputs(*catalogue, i)));
    }
    rows.complete();
  }
  {
    pqxx::stream_to rows(
        tx, "feedback", std::vector<std::string>{"customer_id", "suggestion_id", "kind", "occurred_at", "recorded_at"});
    for (int64_t i = 0; i < decisions; ++i) {
      const std::string at = Sql(DecidedAt(i, decisions)), id = DecisionId(i, decisions);
      for (int rank = 1; rank <= kSlate; ++rank) {
        rows << std::make_tuple(absl::StrCat("c", i / 2), storage::MakeSuggestionId(id, rank), 1, at, at);
      }
    }
    rows.complete();
  }
  {
    pqxx::stream_to rows(
        tx, "purchases",
        std::vector<std::string>{"customer_id", "purchase_id", "recommendation_id", "purchased_at", "amount"});
    for (int64_t p = 0; p < options.purchases; ++p) {
      const int64_t decision = p * 31 % decisions;
      const Slot slot{decision, static_cast<int>(p % kSlate)};
      const absl::Time bought = DecidedAt(decision, decisions) + absl::Hours(1 + p % 300);
      rows << std::make_tuple(absl::StrCat("c", slot.customer()), absl::StrCat("p", p),
                              absl::StrCat("r", slot.recommendation()), Sql(std::min(bought, Tick())),
                              20.0 + static_cast<double>(p % 100));
    }
    rows.complete();
  }
  tx.commit();
  pqxx::nontransaction(session).exec("ANALYZE");
}

struct Measured {
  double seconds = 0;
  double statement_seconds = 0;
  int64_t booked = 0;
  int64_t attributed = 0;
  int64_t pending = 0;
  int commits = 0;
  bool ok = false;
  double peak_megabytes = 0;
};

// Runs the ingester in a process of its own. kill_at >= 0: it dies before its commit of that number.
Measured RunApart(const std::string& connection, const config::v1::Config& config, absl::Time tick, int kill_at) {
  int pipe_ends[2];
  SUGGEST_CHECK(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  SUGGEST_CHECK(child >= 0);
  if (child == 0) {
    const auto database = storage::Database::Open({.connection = connection});
    SUGGEST_CHECK(database.ok());
    Ingester ingester(database->get(), config);
    Measured measured;
    ingester.set_commit_hook([&](absl::string_view) {
      if (measured.commits++ == kill_at) std::raise(SIGKILL);
      return absl::OkStatus();
    });
    const double before = storage::StatementSeconds();
    const auto response = ingester.Run(tick, false, [](absl::string_view phase, int64_t done, int64_t) {
      std::fprintf(stderr, "\r%s %lld    ", std::string(phase).c_str(), static_cast<long long>(done));
    });
    std::fprintf(stderr, "\n");
    if (!response.ok()) std::fprintf(stderr, "%s\n", response.status().ToString().c_str());
    measured.ok = response.ok();
    if (response.ok()) {
      measured.seconds = response->seconds();
      measured.statement_seconds = storage::StatementSeconds() - before;
      measured.booked = response->counts().exposures_booked();
      measured.attributed = response->counts().purchases_attributed();
      measured.pending = response->counts().exposures_pending();
    }
    SUGGEST_CHECK(write(pipe_ends[1], &measured, sizeof(measured)) == sizeof(measured));
    std::_Exit(0);
  }
  close(pipe_ends[1]);
  Measured measured;
  const bool whole = read(pipe_ends[0], &measured, sizeof(measured)) == sizeof(measured);
  close(pipe_ends[0]);
  rusage usage{};
  int status = 0;
  SUGGEST_CHECK(wait4(child, &status, 0, &usage) == child);
  if (!whole) measured = Measured();
  measured.peak_megabytes = static_cast<double>(usage.ru_maxrss) / 1024;
  return measured;
}

void Print(absl::string_view name, double value, absl::string_view unit, absl::string_view detail = "") {
  std::printf("{\"bench\":\"ingest\",\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"%s%s%s}\n",
              std::string(name).c_str(), value, std::string(unit).c_str(), detail.empty() ? "" : ",\"detail\":{",
              std::string(detail).c_str(), detail.empty() ? "" : "}");
  std::fflush(stdout);
}

void PrintRun(absl::string_view run, const Measured& m, int64_t rows) {
  const std::string detail = absl::StrCat("\"d\":289,\"pending\":", m.pending, ",\"purchases\":", m.attributed);
  Print(absl::StrCat(run, "_seconds"), m.seconds, "s", detail);
  Print(absl::StrCat(run, "_exposures_per_second"), static_cast<double>(rows) / m.seconds, "1/s");
  Print(absl::StrCat(run, "_statement_share"), m.statement_seconds / m.seconds, "ratio");
  Print(absl::StrCat(run, "_peak_memory"), m.peak_megabytes, "MB");
}

void Admin(const std::string& server, const std::string& sql) {
  pqxx::connection session(server);
  pqxx::nontransaction(session).exec(sql);
}

model::v1::PosteriorState StoredPosterior(const std::string& connection) {
  const auto database = storage::Database::Open({.connection = connection});
  SUGGEST_CHECK(database.ok());
  storage::ModelStore store(database->get());
  const auto version = store.Current();
  SUGGEST_CHECK(version.ok());
  const auto row = store.Load(*version);
  SUGGEST_CHECK(row.ok());
  const auto model = decision::DecodeModel(row->bytes, row->sha256);
  SUGGEST_CHECK(model.ok());
  return model->posterior();
}

double Difference(const model::v1::PosteriorState& a, const model::v1::PosteriorState& b) {
  SUGGEST_CHECK(a.precision_size() == b.precision_size() && a.moment_size() == b.moment_size());
  double norm = 0, worst = 0;
  for (int i = 0; i < a.precision_size(); ++i) {
    norm += a.precision(i) * a.precision(i);
    worst = std::max(worst, std::abs(a.precision(i) - b.precision(i)));
  }
  for (int i = 0; i < a.moment_size(); ++i) worst = std::max(worst, std::abs(a.moment(i) - b.moment(i)));
  return worst / std::sqrt(norm);
}

int Main(const Options& options) {
  const config::v1::Config config = MakeConfig(options);
  std::unique_ptr<testing::PrivatePostgres> own;
  std::string server;
  if (const char* const given = std::getenv("SUGGEST_TEST_POSTGRES"); given != nullptr && *given != '\0') {
    server = given;
  } else {
    own = std::make_unique<testing::PrivatePostgres>();
    server = own->connection();
  }
  const std::string name = absl::StrCat("bench_ingest_", getpid()), killed_name = name + "_killed";
  const std::string connection = absl::StrCat(server, " dbname=", name);
  const std::string killed = absl::StrCat(server, " dbname=", killed_name);
  Admin(server, absl::StrCat("CREATE DATABASE ", name, " TEMPLATE template0"));
  {
    const auto database = storage::Database::Open({.connection = connection});
    SUGGEST_CHECK(database.ok());
    SUGGEST_CHECK(storage::Migrate(**database, Start()).ok());
    WarmStartOptions empty;
    empty.empty = true;
    SUGGEST_CHECK(RunWarmStart(**database, config, empty, Start(), nullptr).ok());
    std::fprintf(stderr, "loading %lld exposures\n", static_cast<long long>(options.exposures));
    Load(connection, options);
  }
  Admin(server, absl::StrCat("CREATE DATABASE ", killed_name, " TEMPLATE ", name));

  const Measured first = RunApart(connection, config, Tick(), -1);
  SUGGEST_CHECK(first.ok);
  PrintRun("first_run", first, first.booked);
  // Nothing new an hour later: what the comparison and the pending rescan cost by themselves.
  const Measured again = RunApart(connection, config, Tick() + absl::Hours(8), -1);
  SUGGEST_CHECK(again.ok);
  PrintRun("rescan", again, again.pending);

  int died = 0;
  for (int i = 0; i < options.kills; ++i) {
    // Each kill a little further into what is left, so that every phase is met.
    died += RunApart(killed, config, Tick(), i % 2 == 0 ? 3 : 1 + first.commits / (options.kills + 1)).ok ? 0 : 1;
  }
  SUGGEST_CHECK(RunApart(killed, config, Tick(), -1).ok);
  SUGGEST_CHECK(RunApart(killed, config, Tick() + absl::Hours(8), -1).ok);
  Print("killed_runs", died, "count", absl::StrCat("\"commits\":", first.commits));
  Print("killed_posterior_difference", Difference(StoredPosterior(connection), StoredPosterior(killed)), "of norm");
  const Measured mature = RunApart(connection, config, Tick() + 31 * kDay, -1);
  SUGGEST_CHECK(mature.ok);
  PrintRun("mature", mature, first.booked);
  Admin(server, absl::StrCat("DROP DATABASE ", name));
  Admin(server, absl::StrCat("DROP DATABASE ", killed_name));
  return 0;
}

}  // namespace
}  // namespace suggest::learning

int main(int argc, char** argv) {
  using suggest::cli::FlagKind;
  const auto number = [](const char* name) {
    return suggest::cli::FlagSpec{.name = name, .kind = FlagKind::kInteger, .value_name = "N", .minimum = 0};
  };
  const auto flags =
      suggest::cli::Flags::Parse(std::vector<suggest::cli::FlagSpec>{{.name = "smoke", .kind = FlagKind::kSwitch},
                                                                     number("exposures"),
                                                                     number("purchases"),
                                                                     number("kills"),
                                                                     {.name = "mode", .value_name = "MODE"}},
                                 std::vector<std::string>(argv + 1, argv + argc));
  if (!flags.ok() || !flags->positionals().empty()) {
    std::fprintf(stderr,
                 "%s\nsuggest_bench_ingest [--smoke] [--exposures N] [--purchases N] [--kills N] [--mode MODE]\n",
                 flags.ok() ? "only flags are taken" : std::string(flags.status().message()).c_str());
    return 2;
  }
  suggest::learning::Options options;
  if (flags->Switch("smoke")) options = {.exposures = 2000, .purchases = 100, .kills = 2, .mode = options.mode};
  options.exposures = flags->Integer("exposures", options.exposures);
  options.purchases = flags->Integer("purchases", options.purchases);
  options.kills = static_cast<int>(flags->Integer("kills", options.kills));
  options.mode = flags->Text("mode", options.mode);
  return suggest::learning::Main(options);
}
