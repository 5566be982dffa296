#include "storage/postgres/partition_store.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

std::string TableName(absl::CivilMonth month) {
  return absl::StrFormat("decisions_y%04dm%02d", month.year(), month.month());
}

std::string MonthStart(absl::CivilMonth month) {
  return ToSql(absl::FromCivil(absl::CivilSecond(month), absl::UTCTimeZone()));
}

std::set<std::string> ExistingTables(pqxx::transaction_base& tx) {
  std::set<std::string> names;
  const pqxx::result rows = tx.exec(
      "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
      "WHERE i.inhparent = 'suggest.decisions'::regclass AND c.relname <> 'decisions_default'");
  for (const pqxx::row& row : rows) names.insert(row[0].as<std::string>());
  return names;
}

// Attaching locks the parent lightly, so decisions are appended meanwhile, and the default partition fully, which is
// taken first: rows of the month move out of it before. Names and bounds are made of numbers only.
void CreatePartition(pqxx::work& tx, absl::CivilMonth month) {
  const std::string table = absl::StrCat("suggest.", TableName(month));
  const std::string from = MonthStart(month);
  const std::string to = MonthStart(month + 1);
  tx.exec("LOCK TABLE suggest.decisions_default IN ACCESS EXCLUSIVE MODE");
  tx.exec(
      absl::StrCat("CREATE TABLE ", table, " (LIKE suggest.decisions INCLUDING ALL) WITH (toast_tuple_target = 8128)"));
  tx.exec(absl::StrCat("WITH moved AS (DELETE FROM suggest.decisions_default WHERE decided_at >= '", from,
                       "' AND decided_at < '", to, "' RETURNING *) INSERT INTO ", table, " SELECT * FROM moved"));
  tx.exec(absl::StrCat("ALTER TABLE suggest.decisions ATTACH PARTITION ", table, " FOR VALUES FROM ('", from,
                       "') TO ('", to, "')"));
}

}  // namespace

absl::StatusOr<int> PartitionStore::EnsureAhead(absl::Time now, int months) {
  const absl::CivilMonth first = absl::ToCivilMonth(now, absl::UTCTimeZone());
  int made = 0;
  RETURN_IF_ERROR(InTransaction(*db_, [&](pqxx::work& tx) {
    tx.exec("SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_xact_lock(7309932, 2)");
    const std::set<std::string> existing = ExistingTables(tx);
    for (absl::CivilMonth month = first; month <= first + months; ++month) {
      if (existing.count(TableName(month)) > 0) continue;
      CreatePartition(tx, month);
      ++made;
    }
    return absl::OkStatus();
  }));
  return made;
}

absl::StatusOr<PartitionStatus> PartitionStore::Status(absl::Time now) const {
  PartitionStatus status;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    const std::set<std::string> existing = ExistingTables(tx);
    status.partitions = static_cast<int>(existing.size());
    absl::CivilMonth month = absl::ToCivilMonth(now, absl::UTCTimeZone());
    for (status.months_ahead = -1; existing.count(TableName(month)) > 0; ++month) ++status.months_ahead;
    status.default_has_rows = tx.exec("SELECT EXISTS (SELECT FROM suggest.decisions_default)")[0][0].as<bool>();
    return absl::OkStatus();
  }));
  return status;
}

}  // namespace suggest::storage
