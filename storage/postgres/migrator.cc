#include "storage/postgres/migrator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

struct Applied {
  int version = 0;
  std::string name;
  std::string sha256;
};

// "suggest" and "mgr", as one number: any constant that nobody else takes.
constexpr char kLock[] = "SELECT pg_advisory_xact_lock(7309932, 1)";

std::vector<Applied> ReadApplied(pqxx::transaction_base& tx) {
  std::vector<Applied> applied;
  if (tx.exec("SELECT to_regclass('suggest.schema_migrations')")[0][0].is_null()) return applied;
  for (const pqxx::row& row : tx.exec("SELECT version, name, sha256 FROM suggest.schema_migrations ORDER BY version")) {
    applied.push_back({row[0].as<int>(), row[1].as<std::string>(), row[2].as<std::string>()});
  }
  return applied;
}

int HighestVersion(const std::vector<Applied>& applied) {
  return applied.empty() ? 0 : applied.back().version;
}

// The database is a prefix of `migrations`: neither newer nor edited.
absl::Status CheckKnown(const std::vector<Applied>& applied, absl::Span<const Migration> migrations) {
  const int newest = static_cast<int>(migrations.size());
  if (HighestVersion(applied) > newest) {
    return absl::FailedPreconditionError(absl::StrCat("the database is at schema version ", HighestVersion(applied),
                                                      ", this build knows only ", newest, ": use a newer build"));
  }
  for (size_t i = 0; i < applied.size(); ++i) {
    const Migration& known = migrations[i];
    if (applied[i].version != known.version) {
      return absl::FailedPreconditionError(absl::StrCat("suggest.schema_migrations lacks version ", known.version,
                                                        " but has version ", applied[i].version));
    }
    if (applied[i].sha256 != known.sha256) {
      return absl::FailedPreconditionError(
          absl::StrCat("migration ", known.name, " was edited after it was applied: the database has ", applied[i].name,
                       " with checksum ", applied[i].sha256, ", this build has ", std::string(known.sha256)));
    }
  }
  return absl::OkStatus();
}

void CreateLedger(pqxx::work& tx) {
  tx.exec(
      "CREATE SCHEMA IF NOT EXISTS suggest;"
      "CREATE TABLE IF NOT EXISTS suggest.schema_migrations ("
      "  version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL)");
}

void Apply(pqxx::work& tx, const Migration& migration, absl::Time now) {
  LiftStatementTimeout(tx);
  CreateLedger(tx);
  tx.exec(std::string(migration.sql));
  tx.exec_params("INSERT INTO suggest.schema_migrations VALUES ($1, $2, $3, $4::timestamptz)", migration.version,
                 std::string(migration.name), std::string(migration.sha256), ToSql(now));
}

// Applies the first missing migration up to `last`; an empty name when there is none.
absl::StatusOr<std::string> ApplyNext(Database& db, absl::Span<const Migration> migrations, absl::Time now, int last) {
  std::string name;
  const absl::Status status = InTransaction(db, [&](pqxx::work& tx) -> absl::Status {
    LiftStatementTimeout(tx);
    tx.exec(kLock);
    const std::vector<Applied> applied = ReadApplied(tx);
    RETURN_IF_ERROR(CheckKnown(applied, migrations));
    const int version = HighestVersion(applied) + 1;
    if (version > last) return absl::OkStatus();
    name = std::string(migrations[version - 1].name);
    Apply(tx, migrations[version - 1], now);
    return absl::OkStatus();
  });
  if (!status.ok() && !name.empty()) {
    return absl::Status(status.code(), absl::StrCat("migration ", name, ": ", status.message()));
  }
  if (!status.ok()) return status;
  return name;
}

absl::StatusOr<std::vector<Applied>> LoadApplied(Database& db) {
  std::vector<Applied> applied;
  RETURN_IF_ERROR(Autocommit(db, [&](pqxx::nontransaction& tx) {
    applied = ReadApplied(tx);
    return absl::OkStatus();
  }));
  return applied;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Migrate(Database& db, absl::Time now, int up_to) {
  return Migrate(db, EmbeddedMigrations(), now, up_to);
}

absl::StatusOr<std::vector<std::string>> Migrate(Database& db, absl::Span<const Migration> migrations, absl::Time now,
                                                 int up_to) {
  const int newest = static_cast<int>(migrations.size());
  if (up_to < 0 || up_to > newest) {
    return absl::InvalidArgumentError(absl::StrCat("version ", up_to, ": this build knows 1 to ", newest));
  }
  std::vector<std::string> names;
  while (true) {
    ASSIGN_OR_RETURN(const std::string name, ApplyNext(db, migrations, now, up_to == 0 ? newest : up_to));
    if (name.empty()) return names;
    names.push_back(name);
  }
}

absl::StatusOr<int> CurrentVersion(Database& db) {
  ASSIGN_OR_RETURN(const std::vector<Applied> applied, LoadApplied(db));
  return HighestVersion(applied);
}

absl::Status CheckVersion(Database& db) {
  return CheckVersion(db, EmbeddedMigrations());
}

absl::Status CheckVersion(Database& db, absl::Span<const Migration> migrations) {
  ASSIGN_OR_RETURN(const std::vector<Applied> applied, LoadApplied(db));
  RETURN_IF_ERROR(CheckKnown(applied, migrations));
  if (HighestVersion(applied) < static_cast<int>(migrations.size())) {
    return absl::FailedPreconditionError(absl::StrCat("the database is at schema version ", HighestVersion(applied),
                                                      ", this build needs ", migrations.size(),
                                                      ": run suggestctl migrate"));
  }
  return absl::OkStatus();
}

}  // namespace suggest::storage
