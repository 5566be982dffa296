// suggestctl migrate: brings the database's schema to this build's version.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/ctl/commands.h"
#include "storage/postgres/migrator.h"
#include "storage/postgres/partition_store.h"

namespace suggest::ctl {
namespace {

constexpr int kMonthsAhead = 3;

struct Migrated {
  int before = 0;
  int after = 0;
  std::vector<std::string> names;
  int partitions_made = 0;
};

int LatestVersion() {
  return storage::EmbeddedMigrations().back().version;
}

absl::StatusOr<Migrated> Preview(storage::Database& database, int up_to) {
  Migrated migrated;
  ASSIGN_OR_RETURN(migrated.before, storage::CurrentVersion(database));
  migrated.after = migrated.before;
  for (const storage::Migration& migration : storage::EmbeddedMigrations()) {
    if (migration.version <= migrated.before || migration.version > up_to) continue;
    migrated.names.emplace_back(migration.name);
    migrated.after = migration.version;
  }
  return migrated;
}

// Once the schema is whole, the months of the decision log that come next get their tables too.
absl::StatusOr<Migrated> Apply(storage::Database& database, int up_to, absl::Time now) {
  Migrated migrated;
  ASSIGN_OR_RETURN(migrated.before, storage::CurrentVersion(database));
  ASSIGN_OR_RETURN(migrated.names, storage::Migrate(database, now, up_to));
  ASSIGN_OR_RETURN(migrated.after, storage::CurrentVersion(database));
  if (migrated.after == LatestVersion()) {
    ASSIGN_OR_RETURN(migrated.partitions_made, storage::PartitionStore(&database).EnsureAhead(now, kMonthsAhead));
  }
  return migrated;
}

Outcome Describe(const Migrated& migrated, bool dry_run) {
  Outcome outcome;
  Json names = Json::array();
  for (const std::string& name : migrated.names) {
    names.push_back(name);
    absl::StrAppend(&outcome.text, dry_run ? "would apply " : "applied ", name, "\n");
  }
  if (migrated.partitions_made > 0) {
    absl::StrAppend(&outcome.text, "made ", migrated.partitions_made, " monthly partitions of the decision log\n");
  }
  const bool nothing = migrated.names.empty() && migrated.partitions_made == 0;
  absl::StrAppend(&outcome.text, "schema version ", migrated.after, nothing ? ": nothing to do\n" : "\n");
  outcome.document = Json::object({{"dry_run", dry_run},
                                   {"version_before", migrated.before},
                                   {"version", migrated.after},
                                   {"applied", std::move(names)},
                                   {"partitions_made", migrated.partitions_made},
                                   {"nothing_to_do", nothing}});
  if (nothing) outcome.exit = ExitCode::kNothingToDo;
  return outcome;
}

absl::StatusOr<Outcome> RunMigrate(const Invocation& invocation) {
  const int up_to = static_cast<int>(invocation.flags.Integer("to", LatestVersion()));
  if (up_to > LatestVersion()) {
    return UsageError(absl::StrCat("--to: ", up_to, " is beyond this build's last version ", LatestVersion()));
  }
  ASSIGN_OR_RETURN(const config::v1::Config config, ReadConfig(invocation));
  ASSIGN_OR_RETURN(const std::unique_ptr<storage::Database> database, OpenDatabase(invocation, config));
  const bool dry_run = invocation.flags.Switch("dry-run");
  ASSIGN_OR_RETURN(const Migrated migrated,
                   dry_run ? Preview(*database, up_to) : Apply(*database, up_to, invocation.clock.Now()));
  return Describe(migrated, dry_run);
}

}  // namespace

Command MigrateCommand() {
  return {
      .name = "migrate",
      .summary = "Brings the database's schema to this build's version.",
      .details =
          "Each migration is one transaction. Nothing is ever dropped, so older replicas keep running.\n"
          "Exit code 3: the schema was up to date.",
      .flags = {{.name = "dry-run", .kind = FlagKind::kSwitch, .help = "List what would be applied; change nothing."},
                {.name = "to",
                 .kind = FlagKind::kInteger,
                 .value_name = "N",
                 .help = "Stop after this version; the last one by default.",
                 .minimum = 1,
                 .maximum = 1e9}},
      .run = RunMigrate};
}

}  // namespace suggest::ctl
